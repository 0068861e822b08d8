/* Rows of attempts: what a provider says, by script, and what is heard of it. A clock that is moved
 * by hand (origin.h).
 */
#ifndef WEIR_TEST_ATTEMPT_ROWS_H
#define WEIR_TEST_ATTEMPT_ROWS_H

#include "origin.h"

typedef struct row {
    const char *name;
    const char *options;
    const char *script;
    const char *heard;
    bool plain; /* no stream is asked for */
    bool background;
    endpoint endpoint;
    int64_t took_ms;   /* until the last word; 0: whatever */
    int64_t cancel_ms; /* 0: not */
    const char *text;  /* of the failure; NULL: whatever */
} row;

typedef struct owner {
    world w;
    buf heard;
    attempt *attempt;
    bool over;
    int64_t ended_ms;
    span plain;  /* the body of a plain event, which lives until the end */
    bool leaves; /* it cancels when it hears an event, and reads it then */
    failure last;
} owner;

static inline void on_head(void *user, const answer_head *head) {
    owner *o = user;
    assert_false(o->over);
    heard_head(&o->heard, head);
}

static inline void on_event(void *user, const answer_event *event) {
    owner *o = user;
    assert_false(o->over);
    if (o->leaves) {
        attempt_cancel(o->attempt);
        o->over = true;
    }
    heard_event(&o->heard, event);
    if (event->kind == ANSWER_PLAIN) o->plain = event->data;
}

static inline void note_end(owner *o) {
    assert_false(o->over);
    o->over = true;
    o->ended_ms = world_ms(&o->w);
}

static inline void on_end(void *user) {
    owner *o = user;
    heard_add(&o->heard, "end");
    if (o->plain.len)
        buf_addf(&o->heard, " %.*s", SPAN_ARG(o->plain)); /* under ASan: still there */
    note_end(o);
}

static inline void on_fail(void *user, const failure *f) {
    owner *o = user;
    assert_false(f->committed || f->client_may_retry);
    assert_int_equal(f->client_after_ms, -1);
    assert_true(span_is_utf8(f->text));
    assert_true(f->text.len > 0 || f->error == ERR_PROVIDER_ERROR);
    heard_fail(&o->heard, f);
    if (f->body.len) buf_addf(&o->heard, " %.*s", SPAN_ARG(f->body));
    o->last = *f;
    note_end(o);
}

static const attempt_ops ops = {
    .on_head = on_head, .on_event = on_event, .on_end = on_end, .on_fail = on_fail};

static inline request_facts facts_for(const row *r) {
    return (request_facts){.endpoint = r->endpoint,
                           .method = SPAN("POST"),
                           .path = SPAN("/x"),
                           .body = SPAN("{}"),
                           .prompts = 1,
                           .choices = 1,
                           .stream = !r->plain,
                           .background = r->background};
}

static inline void owner_ask(owner *o, const request_facts *facts, const attempt_ops *told) {
    const attempt_spec spec = {.loop = &o->w.loop,
                               .snapshot = o->w.snapshot,
                               .upstream = &o->w.snapshot->items[0],
                               .target = target_get(o->w.targets, SPAN_OF("a")),
                               .credential = o->w.snapshot->items[0].keys[0].credential,
                               .entry = &o->w.config->models[0].targets[0],
                               .facts = facts,
                               .want = WANT_PARTS,
                               .asking = &o->w.arena,
                               .arena = &o->w.arena};
    failure unused;
    o->attempt = attempt_start(&spec, told, o, &unused);
    assert_non_null(o->attempt);
    assert_int_equal(o->heard.len, 0);
}

static inline void owner_start_with(owner *o, const row *r, const request_facts *facts,
                                    const attempt_ops *told) {
    *o = (owner){.w = {.scripts = {{r->script}}}};
    world_init(&o->w, r->options);
    owner_ask(o, facts, told);
}

static inline void owner_ask_again(owner *o, const request_facts *facts) {
    o->over = false;
    o->plain = SPAN_EMPTY;
    buf_clear(&o->heard);
    owner_ask(o, facts, &ops);
}

static inline void owner_start(owner *o, const row *r, const request_facts *facts) {
    owner_start_with(o, r, facts, &ops);
}

static inline void owner_done(owner *o) {
    buf_done(&o->heard);
    world_done(&o->w);
}

static inline void plays(const row *r) {
    owner o;
    const request_facts facts = facts_for(r);
    owner_start(&o, r, &facts);
    if (r->cancel_ms) {
        world_run_until(&o.w, o.w.began_ms + r->cancel_ms);
        attempt_cancel(o.attempt);
        attempt_cancel(o.attempt); /* once more is nothing */
        o.over = true;
    }
    world_run_until(&o.w, o.w.began_ms + 120 * 1000);
    const char *heard = o.heard.len ? buf_cstr(&o.heard) : "";
    if (strcmp(heard, r->heard)) print_error("in the row: %s\n", r->name);
    assert_string_equal(heard, r->heard);
    assert_true(o.over);
    if (r->took_ms) assert_int_equal(o.ended_ms, r->took_ms);
    if (r->text) assert_span(o.last.text, r->text);
    owner_done(&o);
}

/* 1100 bytes */
#define TEN     "0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
#define TOO_MUCH                                                                                   \
    HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED

#define HI "{\"choices\":[{\"message\":{\"content\":\"Hi\"}}]}"

#endif
