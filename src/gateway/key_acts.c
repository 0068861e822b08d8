#include "gateway/key_acts.h"

#include "gateway/acts.h"

void key_acts_init(key_acts *a) {
    *a = (key_acts){.lines = BUF_EMPTY};
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->turned, NULL);
}

void key_acts_tell(key_acts *a, loop *on, ledger_writer *writer) {
    a->on = on;
    a->writer = writer;
}

void key_acts_end(key_acts *a) {
    pthread_mutex_lock(&a->lock);
    a->ending = true;
    pthread_cond_signal(&a->turned);
    pthread_mutex_unlock(&a->lock);
}

void key_acts_done(key_acts *a) {
    buf_done(&a->lines);
    pthread_cond_destroy(&a->turned);
    pthread_mutex_destroy(&a->lock);
}

/* ---- on the loop ---- */

/* In the next turn: what was noted in the one before is in the journal. */
static void tell_kept(loop *l, void *arg) {
    key_acts *a = arg;
    (void)l;
    pthread_mutex_lock(&a->lock);
    a->stand = ACTS_KEPT;
    pthread_cond_signal(&a->turned);
    pthread_mutex_unlock(&a->lock);
}

static void note_all(loop *l, void *arg) {
    key_acts *a = arg;
    pthread_mutex_lock(&a->lock);
    span rest = buf_span(&a->lines), line;
    while (rest.len && span_cut(&rest, '\n', &line))
        ledger_act(a->writer, line, false);
    a->stand = ACTS_NOTED;
    pthread_mutex_unlock(&a->lock);
    loop_post(l, tell_kept, a);
}

/* ---- on the store's thread ---- */

static void add_line(void *user, const key_act *told) {
    key_acts *a = user;
    act_write(&(act){.who = told->who,
                     .what = told->what,
                     .subject = told->name,
                     .outcome = "ok",
                     .from = told->from,
                     .when_us = told->at_us},
              &a->lines);
    buf_add_char(&a->lines, '\n');
}

/* What the loop has noted last, its writer brings into the journal when it is freed. */
static bool are_kept(void *user) {
    key_acts *a = user;
    loop_post(a->on, note_all, a);
    pthread_mutex_lock(&a->lock);
    while (a->stand != ACTS_KEPT && !a->ending)
        pthread_cond_wait(&a->turned, &a->lock);
    const bool kept = a->stand >= ACTS_NOTED;
    pthread_mutex_unlock(&a->lock);
    return kept;
}

bool key_acts_take(key_acts *a, key_store *from) {
    pthread_mutex_lock(&a->lock);
    a->stand = ACTS_READ;
    buf_clear(&a->lines);
    pthread_mutex_unlock(&a->lock);
    return key_store_take_acts(from, add_line, are_kept, a);
}
