/* cache/recording.h: what an answer said, for others to hear: while it is still said, and later.
 *
 * One thread writes it, any number read it meanwhile, each on its own thread and at its own pace,
 * without a lock: events are appended to segments that never move, and counted with a release. A
 * reader begins with the first event, however late it comes.
 *
 * An event of a stream is kept as what differs from the one before it: the chunks of one answer are
 * nearly the same. The figures stand in docs/cache.md.
 *
 * Owns     its segments, by reference count, each: a recording that has outgrown its bound keeps no
 *          more than its readers have still to hear.
 * Threads  writing: its writer's alone. Reading, and the references: any.
 */
#ifndef WEIR_CACHE_RECORDING_H
#define WEIR_CACHE_RECORDING_H

#include "base/buf.h"

#include <stdatomic.h>
#include <stdint.h>

typedef struct recording recording;
typedef struct segment segment;

/* What all recordings together take. Any thread. */
typedef struct cache_room {
    atomic_size_t used;
    atomic_size_t most;
} cache_room;

/* With one reference. room: counted there, until the last segment goes; outlives it. */
MUST_USE recording *recording_new(cache_room *room);
/* Of a document, which is in it: in one piece of memory, which goes with the recording. */
MUST_USE recording *recording_of_whole(cache_room *room, span data);
recording *recording_ref(recording *r);
/* NULL is allowed. */
void recording_unref(recording *r);

/* ---- its writer's ---- */

/* An event of a stream. at_ms: since the first. */
void recording_add(recording *r, span name, span data, unsigned at_ms);
/* One that is all there is: a document. */
void recording_add_whole(recording *r, span data);
/* Nobody can begin to read it any more: what its readers have behind them is freed. */
void recording_let_go(recording *r);
/* Nothing follows. Where nobody reads it, its memory is brought down to what it takes. */
void recording_end(recording *r);

/* ---- anybody's ---- */

/* Of memory, all that were added. */
size_t recording_bytes(const recording *r);
size_t recording_events(const recording *r);
bool recording_ended(const recording *r);

/* Where somebody reads. Belongs to its thread. */
typedef struct recording_reader {
    recording *of; /* counted; NULL: done */
    segment *at;   /* counted; NULL: nothing was said yet */
    size_t offset; /* in it */
    size_t events; /* that it has read */
    size_t bytes;  /* of memory, likewise */
    span before;   /* the data of the last event, in its segment or in now */
    buf now;
    buf name;
} recording_reader;

typedef struct recorded_event {
    span name, data; /* until the next is asked for; of one that is all there is, until the reader
                        is done */
    unsigned at_ms;
} recorded_event;

/* false: nobody can begin any more. */
MUST_USE bool recording_read(recording *r, recording_reader *ret);
/* Zeroed is done. */
void recording_reader_done(recording_reader *at);
/* false: there is none yet, or no more. */
bool recording_next(recording_reader *at, recorded_event *ret);

#endif
