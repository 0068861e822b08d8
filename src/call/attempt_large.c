/* What of an answer is large: gathered on the loop, read on another thread, told on the loop.
 *
 * An event of a stream, a document, and a document that events are put together to. From where it
 * has grown large on its bytes are kept as they come; when its end has come, the reader is lent
 * with them, and comes back with the event (dialect/answer_large.h). The connection is not read
 * meanwhile; what comes of it all the same waits. What becomes very many events is told in turns.
 */
#include "call/attempt_internal.h"

#include "base/blocks.h"
#include "base/mem.h"
#include "dialect/answer_large.h"
#include "loop/aside.h"

#include <stdlib.h>

typedef struct answer_job answer_job;

/* Lives in the arena. */
typedef struct large_answer {
    bool gathers; /* what comes is kept in input */
    blocks input; /* what has come and was not read */
    memory_hold hold;
    sse_end end;
    bool due;           /* the end of an event has come */
    bool over;          /* the body is */
    bool is_cut;        /* before its end */
    http_fail cut;      /* so */
    answer_job *job;    /* NULL: the reader is at home */
    answer_large *told; /* the last event; NULL: none */
} large_answer;

typedef enum job_kind { JOB_READS, JOB_ENDS, JOB_TELLS } job_kind;

struct answer_job {
    aside aside;
    attempt *a;
    job_kind kind;
    bool clean; /* ENDS */
    memory_account *memory;
    secret_set *secrets; /* counted */
    reader reader;       /* lent */
    blocks input;
    memory_hold hold; /* of that */
    answer_large_spec spec;
    reader_result got;
    bool at_end; /* reader_end() has got that */
    answer_large *made;
};

/* ---- on the other thread ---- */

static void keep_event(answer_job *j, const answer_event *event) {
    if (j->got != READER_EVENT) return;
    j->made = answer_large_new(event, &j->spec);
    reader_forget_told(&j->reader);
}

static void read_input(answer_job *j) {
    answer_event event;
    reader_expect(&j->reader, j->input.len);
    while (j->got == READER_MORE && j->input.len) {
        span front = blocks_front(&j->input), rest = front;
        j->got = reader_next(&j->reader, &rest, &event);
        keep_event(j, &event);
        blocks_drop(&j->input, front.len - rest.len);
    }
}

static void run(aside *s) {
    answer_job *j = CONTAINER_OF(s, answer_job, aside);
    answer_event event;
    j->got = READER_MORE;
    if (j->kind == JOB_TELLS) {
        if (reader_tell_gathered(&j->reader, &event)) j->got = READER_EVENT;
        keep_event(j, &event);
        return;
    }
    read_input(j);
    if (j->got != READER_MORE || j->kind != JOB_ENDS) return;
    j->at_end = true;
    j->got = reader_end(&j->reader, j->clean, &event);
    keep_event(j, &event);
}

/* ---- there and back ---- */

static void free_job(answer_job *j) {
    memory_drop(j->memory, &j->hold);
    secret_set_unref(j->secrets);
    free(j);
}

static void on_dropped(aside *s) {
    answer_job *j = CONTAINER_OF(s, answer_job, aside);
    j->reader.spec.memory = j->memory;
    reader_done(&j->reader);
    blocks_done(&j->input);
    if (j->made) keeper_unref(&j->made->keeper);
    free_job(j);
}

static void on_read(aside *s);

/* Of the model that is asked. */
static token_family family_of(const attempt *a) {
    return tokens_family(a->spec.model.len ? a->spec.model : a->spec.facts->model_name);
}

static void start(attempt *a, job_kind kind) {
    large_answer *l = a->large;
    answer_job *j = mem_zalloc(sizeof *j);
    j->aside = (aside){.run = run, .done = on_read, .free = on_dropped};
    j->a = a;
    j->kind = kind;
    j->clean = !l->is_cut;
    j->memory = a->reader->spec.memory;
    j->secrets = secret_set_ref(a->secrets);
    j->spec = (answer_large_spec){a->spec.want, a->spec.facts->stream, family_of(a)};
    j->input = l->input;
    j->hold = l->hold;
    l->input = (blocks){0};
    l->hold.bytes = 0;
    l->due = false;
    reader_lend(a->reader, &j->reader);
    a->reading = false;
    l->job = j;
    if (a->http) http_call_pause(a->http);
    loop_aside(a->spec.loop, &j->aside);
}

static large_answer *large_of(attempt *a) {
    if (!a->large) {
        a->large = arena_zalloc(a->spec.arena, sizeof *a->large);
        a->large->hold.holder = a->spec.holder;
    }
    return a->large;
}

static void keep_told(large_answer *l, answer_large *made) {
    if (l->told) keeper_unref(&l->told->keeper);
    l->told = made;
}

/* The reader is at home again; false: there is no room for what it has become. */
static bool take_back(attempt *a, answer_job *j) {
    large_answer *l = a->large;
    bool room = reader_take_back(a->reader, &j->reader, j->memory);
    a->reading = true;
    l->job = NULL;
    blocks_append(&j->input, &l->input);
    l->input = j->input;
    if (j->made && !answer_large_arrives(j->made, a->spec.loop, a->spec.holder)) room = false;
    keep_told(l, j->made);
    if (!a->paused && a->http) http_call_resume(a->http);
    return room;
}

/* ---- what follows ---- */

static bool is_read(const attempt *a) {
    return a->state == ANSWER || a->state == WHOLE;
}

/* What has come behind an event is read as if it had come now: it may be large again. */
static void read_rest(attempt *a) {
    enum { AT_ONCE_BYTES = 64 * 1024 };
    large_answer *l = a->large;
    blocks rest = l->input;
    l->input = (blocks){0};
    l->gathers = false;
    span piece = SPAN_EMPTY;
    do {
        piece = span_slice(blocks_front(&rest), 0, AT_ONCE_BYTES);
        attempt_take_answer(a, piece);
        if (piece.len) blocks_drop(&rest, piece.len);
    } while (is_read(a) && rest.len);
    blocks_done(&rest);
    memory_set(&a->spec.loop->memory, &l->hold, l->input.len);
    if (is_read(a) && !l->job && l->over) attempt_end_answer(a, l->is_cut ? &l->cut : NULL);
}

static void tell_last(attempt *a, reader_result got, const answer_event *event) {
    a->state = WHOLE;
    if (got == READER_EVENT) attempt_take_event(a, event);
    if (a->state != OVER) attempt_end(a);
}

static void go_on(attempt *a, reader_result got, const answer_event *event) {
    if (got == READER_EVENT)
        attempt_take_event(a, event);
    else if (got != READER_MORE)
        attempt_took(a, got);
    if (is_read(a)) read_rest(a);
}

static void on_read(aside *s) {
    answer_job *j = CONTAINER_OF(s, answer_job, aside);
    attempt *a = j->a;
    const large_answer *l = a->large;
    reader_result got = take_back(a, j) ? j->got : READER_NO_ROOM;
    answer_event event = j->made ? j->made->event : (answer_event){0};
    job_kind kind = j->kind;
    bool at_end = j->at_end;
    free_job(j);
    if (kind == JOB_TELLS)
        tell_last(a, got, &event);
    else if (at_end)
        attempt_end_from(a, got, &event, l->is_cut ? &l->cut : NULL);
    else
        go_on(a, got, &event);
}

/* ---- what comes ---- */

/* Its last word: an answer that is too large is told so by the reader. */
static bool is_due(const attempt *a) {
    return a->large->due || reader_is_beyond(a->reader, a->large->input.len);
}

bool attempt_takes_large(attempt *a, span piece) {
    large_answer *l = a->large;
    if (!l || !(l->gathers || l->job)) return false;
    if (memory_grow(&a->spec.loop->memory, &l->hold, l->input.len + piece.len) != SHARE_TAKEN) {
        attempt_took(a, READER_NO_ROOM);
        return true;
    }
    blocks_add(&l->input, piece);
    if (l->job) return true;
    if (a->reader->comes == ANSWER_STREAM && sse_end_find(&l->end, piece)) l->due = true;
    if (is_due(a)) start(a, JOB_READS);
    return true;
}

void attempt_look_for_large(attempt *a) {
    if (!reader_grows_large(a->reader)) return;
    large_answer *l = large_of(a);
    l->gathers = true;
    l->due = false;
    l->end = sse_end_after(&a->reader->events);
}

static void note_over(attempt *a, const http_fail *cut) {
    large_answer *l = a->large;
    l->over = true;
    if (!cut || l->is_cut) return;
    l->is_cut = true;
    l->cut = *cut;
    l->cut.text = arena_dup(a->spec.arena, span_cstr(cut->text)).ptr;
}

bool attempt_ends_large(attempt *a, const http_fail *cut) {
    bool away = attempt_is_away(a), kept = a->large && a->large->input.len;
    bool dear = (!cut || a->state == WHOLE) && !away && reader_ends_large(a->reader);
    if (!away && !kept && !dear) return false;
    (void)large_of(a);
    note_over(a, cut);
    if (!away) start(a, JOB_ENDS);
    return true;
}

bool attempt_tells_large(attempt *a) {
    bool gathers = a->reader->kind == ANSWER_PLAIN && a->reader->comes == ANSWER_STREAM;
    if (!gathers || !reader_ends_large(a->reader)) return false;
    (void)large_of(a);
    attempt_drop_connection(a);
    loop_timer_stop(a->spec.loop, &a->watch);
    a->state = TELLING;
    start(a, JOB_TELLS);
    return true;
}

bool attempt_is_away(const attempt *a) {
    return a->large && a->large->job;
}

/* ---- telling its events ---- */

/* Before more events of a document are told. */
typedef struct attempt_rest {
    attempt *of;
    timer timer;
    bool due; /* there are more */
} attempt_rest;

static void on_rested(timer *t) {
    attempt_rest *r = CONTAINER_OF(t, attempt_rest, timer);
    attempt *a = r->of;
    if (a->paused) return;
    r->due = false;
    attempt_end_answer(a, NULL);
}

bool attempt_rests(attempt *a, unsigned told) {
    enum { TOLD_AT_ONCE = 256 };
    bool unfolded = a->reader->comes == ANSWER_PLAIN && a->reader->kind == ANSWER_STREAM;
    if (!unfolded || (told % TOLD_AT_ONCE && !a->paused)) return false;
    if (!a->rest) {
        a->rest = arena_alloc(a->spec.arena, sizeof *a->rest);
        *a->rest = (attempt_rest){.of = a};
        timer_init(&a->rest->timer, on_rested);
    }
    a->rest->due = true;
    if (!a->paused) loop_timer_start(a->spec.loop, &a->rest->timer, 0);
    return true;
}

void attempt_rested(attempt *a) {
    attempt_rest *r = a->rest;
    if (r && r->due && !timer_active(&r->timer)) loop_timer_start(a->spec.loop, &r->timer, 0);
}

/* ---- its end ---- */

static void free_reader(void *what) {
    reader_done(what);
    free(what);
}

void attempt_close_reader(attempt *a) {
    if (a->reader->hold.bytes <= AWAY_BYTES) {
        reader_done(a->reader);
        return;
    }
    reader *gone = mem_alloc(sizeof *gone);
    memory_drop(&a->spec.loop->memory, &a->reader->hold);
    reader_lend(a->reader, gone);
    aside_free(a->spec.loop, free_reader, gone);
}

void attempt_drop_large(attempt *a) {
    large_answer *l = a->large;
    if (a->rest && a->rest->due) loop_timer_stop(a->spec.loop, &a->rest->timer);
    if (a->rest) a->rest->due = false;
    if (!l) return;
    if (l->job) aside_drop(&l->job->aside);
    l->job = NULL;
    l->gathers = false;
    blocks_done(&l->input);
    memory_drop(&a->spec.loop->memory, &l->hold);
    if (!a->telling) keep_told(l, NULL);
}
