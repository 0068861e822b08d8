#include "ledger/commit.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>

enum { RETRY_MS = 250 };

struct commit {
    journal_writer *writer;
    loop *loop;
    void (*ended)(void *user, int err);
    void *user;
    list waiting; /* for the flush */
    list written; /* for a sync to begin */
    list syncing; /* for that which is under way */
    list failed;  /* their records could not be written: they go on */
    timer release, retry;
    int error;
    bool busy; /* a sync is under way */
    bool closing;
    uv_work_t work;
    journal_sync *sync;
    int result; /* of the sync, while it ends */
};

static void move_all(list *from, list *to) {
    for (list *node; (node = list_pop_front(from));)
        list_push_back(to, node);
}

static void release(list *waits) {
    for (list *node; (node = list_pop_front(waits));) {
        commit_wait *wait = LIST_ENTRY(node, commit_wait, link);
        wait->done(wait);
    }
}

/* ---- a sync ---- */

static void run(uv_work_t *work) {
    commit *c = CONTAINER_OF(work, commit, work);
    c->result = journal_sync_run(c->sync);
}

static void on_synced(uv_work_t *work, int status);

static void begin(commit *c) {
    move_all(&c->written, &c->syncing);
    c->sync = journal_sync_prepare(c->writer);
    c->busy = true;
    int err = loop_work(c->loop, &c->work, run, on_synced);
    assert(err == 0); /* it fails for want of a function alone */
    (void)err;
}

/* Those who came while one was under way go with the next: one sync for all of them. */
static void begin_if_wanted(commit *c) {
    if (!c->busy && !list_empty(&c->written)) begin(c);
}

/* What the system has of a file is not known after a sync of it has failed, and another sync of it
 * may say nothing: what comes goes to a new one. */
static void note_result(commit *c) {
    c->error = c->result;
    if (c->error) {
        journal_writer_yield(c->writer);
        loop_timer_start(c->loop, &c->retry, RETRY_MS);
    } else {
        loop_timer_stop(c->loop, &c->retry);
    }
    c->ended(c->user, c->error);
}

static void on_synced(uv_work_t *work, int status) {
    commit *c = CONTAINER_OF(work, commit, work);
    (void)status; /* it is never cancelled */
    loop_enter(c->loop);
    c->busy = false;
    if (c->closing) {
        free(c);
        return;
    }
    note_result(c);
    release(&c->syncing);
    begin_if_wanted(c);
}

static void on_retry(timer *t) {
    commit *c = CONTAINER_OF(t, commit, retry);
    if (!c->busy) begin(c);
}

/* ---- who waits ---- */

static void on_release(timer *t) {
    release(&CONTAINER_OF(t, commit, release)->failed);
}

void commit_add(commit *c, commit_wait *wait) {
    list_push_back(&c->waiting, &wait->link);
}

/* The end of a turn, and whoever is to be told may be on the stack: they hear of it in the next. */
void commit_flushed(commit *c, int err) {
    move_all(&c->waiting, err ? &c->failed : &c->written);
    if (!list_empty(&c->failed)) loop_timer_start(c->loop, &c->release, 0);
    begin_if_wanted(c);
}

int commit_error(const commit *c) {
    return c->error;
}

/* ---- life ---- */

commit *commit_new(journal_writer *writer, loop *on, void (*ended)(void *user, int err),
                   void *user) {
    commit *c = mem_zalloc(sizeof *c);
    c->writer = writer;
    c->loop = on;
    c->ended = ended;
    c->user = user;
    list_init(&c->waiting);
    list_init(&c->written);
    list_init(&c->syncing);
    list_init(&c->failed);
    timer_init(&c->release, on_release);
    timer_init(&c->retry, on_retry);
    return c;
}

void commit_free(commit *c) {
    if (!c) return;
    loop_timer_stop(c->loop, &c->release);
    loop_timer_stop(c->loop, &c->retry);
    c->closing = true;
    if (!c->busy) free(c);
}
