/* A large document as an answer: read on another thread, and what becomes very many events of it is
 * told in turns. */
#include "call/attempt_internal.h"

#include "base/mem.h"
#include "loop/aside.h"

#include <stdlib.h>

/* ---- reading it ---- */

typedef struct answer_job {
    aside aside;
    attempt *a;
    memory_account *memory;
    secret_set *secrets; /* counted */
    reader reader;       /* lent */
    reader_result got;
    answer_event event;
} answer_job;

static void run(aside *s) {
    answer_job *j = CONTAINER_OF(s, answer_job, aside);
    j->got = reader_end(&j->reader, true, &j->event);
}

static void free_job(answer_job *j) {
    secret_set_unref(j->secrets);
    free(j);
}

static void on_dropped(aside *s) {
    answer_job *j = CONTAINER_OF(s, answer_job, aside);
    j->reader.spec.memory = j->memory;
    reader_done(&j->reader);
    free_job(j);
}

static void on_read(aside *s) {
    answer_job *j = CONTAINER_OF(s, answer_job, aside);
    attempt *a = j->a;
    answer_event event = j->event;
    reader_result got = j->got;
    a->job = NULL;
    a->reading = true;
    if (!reader_take_back(&a->reader, &j->reader, j->memory, &event)) got = READER_NO_ROOM;
    free_job(j);
    attempt_end_from(a, got, &event, NULL);
}

bool attempt_read_aside(attempt *a) {
    if (!reader_is_large(&a->reader)) return false;
    answer_job *j = mem_zalloc(sizeof *j);
    j->aside = (aside){.run = run, .done = on_read, .free = on_dropped};
    j->a = a;
    j->memory = a->reader.spec.memory;
    j->secrets = secret_set_ref(a->secrets);
    reader_lend(&a->reader, &j->reader);
    a->reading = false;
    a->job = j;
    loop_aside(a->spec.loop, &j->aside);
    return true;
}

/* ---- telling its events ---- */

static void on_rested(timer *t) {
    attempt *a = CONTAINER_OF(t, attempt, rest);
    answer_event event;
    if (a->paused) return;
    a->resting = false;
    attempt_end_from(a, reader_end(&a->reader, true, &event), &event, NULL);
}

bool attempt_rests(attempt *a, unsigned told) {
    enum { TOLD_AT_ONCE = 256 };
    bool unfolded = a->reader.comes == ANSWER_PLAIN && a->reader.kind == ANSWER_STREAM;
    if (!unfolded || (told % TOLD_AT_ONCE && !a->paused)) return false;
    a->resting = true;
    timer_init(&a->rest, on_rested);
    if (!a->paused) loop_timer_start(a->spec.loop, &a->rest, 0);
    return true;
}

void attempt_rested(attempt *a) {
    if (a->resting && !timer_active(&a->rest)) loop_timer_start(a->spec.loop, &a->rest, 0);
}

void attempt_drop_large(attempt *a) {
    if (a->resting) loop_timer_stop(a->spec.loop, &a->rest);
    a->resting = false;
    if (!a->job) return;
    aside_drop(&a->job->aside);
    a->job = NULL;
}
