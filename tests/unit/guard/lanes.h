/* What a lane lets go and finds of a text, whole or cut: for the tests of guard/ and the fuzzer. */
#ifndef WEIR_TEST_GUARD_LANES_H
#define WEIR_TEST_GUARD_LANES_H

#include "base/buf.h"
#include "guard/guard.h"

#include <stdio.h>

/* Text with placeholders, and a line for each find. */
typedef struct lane_result {
    buf text;
    buf finds;
    size_t late;   /* feeds after which something was held */
    size_t halves; /* pieces let go that are no UTF-8 */
    guard_names *names;
} lane_result;

static inline void lane_result_pass(void *ctx, span bytes) {
    lane_result *r = ctx;
    buf_add(&r->text, bytes);
    r->halves += !span_is_utf8(bytes);
}

static inline void lane_result_find(void *ctx, const guard_find *f) {
    lane_result *r = ctx;
    buf_addf(&r->finds, "%.*s %s %zu+%zu %.*s%s\n", SPAN_ARG(f->rule->name),
             guard_action_name(f->action), (size_t)f->at, (size_t)f->len,
             f->value.len < 200 ? (int)f->value.len : 200, f->value.ptr ? f->value.ptr : "",
             f->over ? " over" : "");
    if (f->hidden.len) buf_add(&r->text, guard_names_give(r->names, f->rule, f->value, f->hidden));
}

static inline void lane_result_done(lane_result *r) {
    buf_done(&r->text);
    buf_done(&r->finds);
    guard_names_free(r->names);
}

/* How long the piece is that begins at `at`. */
typedef size_t lane_cut(void *ctx, size_t at);

/* Cut as `cut` says; NULL: whole. */
static inline lane_result lane_run(const guard_policy *p, guard_scratch *scratch, guard_form form,
                                   span text, lane_cut *cut, void *ctx) {
    lane_result r = {.names = guard_names_new()};
    guard_sink sink = {&r, lane_result_pass, lane_result_find};
    guard_lane lane;
    guard_lane_init(&lane, p, scratch, form);
    for (size_t at = 0; cut && at < text.len;) {
        size_t len = cut(ctx, at);
        /* a copy of its own, so that a look beyond it is seen */
        buf piece = BUF_EMPTY;
        buf_add(&piece, span_slice(text, at, at + len));
        guard_lane_feed(&lane, buf_span(&piece), false, &sink);
        buf_done(&piece);
        r.late += guard_lane_held(&lane) > 0;
        at += len;
    }
    guard_lane_feed(&lane, cut ? SPAN_EMPTY : text, true, &sink);
    guard_lane_done(&lane);
    return r;
}

/* In two pieces: the first one's length. */
static inline size_t lane_cut_once(void *ctx, size_t at) {
    return at ? SIZE_MAX / 2 : *(size_t *)ctx;
}
static inline size_t lane_cut_evenly(void *ctx, size_t at) {
    (void)at;
    return *(size_t *)ctx;
}
/* By a seed: pieces of 1 to 24 bytes, now and then of many. */
static inline size_t lane_cut_randomly(void *ctx, size_t at) {
    (void)at;
    uint64_t *x = ctx;
    *x ^= *x << 13, *x ^= *x >> 7, *x ^= *x << 17;
    size_t draw = (size_t)(*x >> 20);
    return draw % 16 == 0 ? 1 + draw / 16 % 300 : 1 + draw / 16 % 24;
}

/* Whether both say the same. */
static inline bool lane_results_same(const lane_result *a, const lane_result *b) {
    return span_eq(buf_span(&a->text), buf_span(&b->text)) &&
           span_eq(buf_span(&a->finds), buf_span(&b->finds));
}

#endif
