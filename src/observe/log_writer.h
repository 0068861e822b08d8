/* observe/log_writer.h: the thread that writes the log; not a door.
 *
 *   asleep ──lines handed over──▶ gathering ──a few ms, or many bytes──▶ writing ──▶ asleep
 *
 * Workers signal it only while it sleeps, or when it gathers and much has come together: at most
 * one system call for all the lines of some milliseconds.
 */
#ifndef WEIR_OBSERVE_LOG_WRITER_H
#define WEIR_OBSERVE_LOG_WRITER_H

#include "base/buf.h"
#include "observe/log.h"

#include <pthread.h>
#include <stdatomic.h>

typedef enum writer_state { WRITER_WRITING, WRITER_GATHERING, WRITER_ASLEEP } writer_state;

struct logger {
    int fd;
    bool colour;
    atomic_int level; /* config_log_level */
    atomic_bool json;
    atomic_size_t limit;   /* of waiting */
    atomic_size_t waiting; /* bytes of lines that are not written yet, wherever they are */
    atomic_uint_least64_t dropped;
    _Atomic(log_shard *) shards;

    pthread_t thread;
    atomic_bool work; /* something was handed over since the writer last looked */
    atomic_int state; /* writer_state; changed by the writer alone, under lock */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool ending; /* under lock, as the next */
    bool ended;
    /* The writer's own. */
    log_shard *own; /* for saying that lines were dropped */
    uint64_t noted; /* how many were, when that was last said */
    bool broken;    /* the last write failed */
    bool torn;      /* what was written last is the beginning of a line */
    buf lines;      /* being written */
};

void log_writer_start(logger *l);
/* Lines were handed over. Any thread. */
void log_writer_wake(logger *l);
/* Waits for at most wait_ms until all is written; the thread is gone afterwards in any case. */
void log_writer_end(logger *l, int64_t wait_ms);

/* Takes what the shard behind `after` (NULL: the first) has handed over, in exchange for the empty
 * *lines. Returns that shard; NULL, and *lines as it was, behind the last. */
log_shard *log_shard_take(logger *l, log_shard *after, buf *lines);

/* A line of the writer's own, whatever the limit: there is never more than one of them. */
void log_note_dropped(logger *l, uint64_t lines);

#endif
