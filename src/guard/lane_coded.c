#include "guard/lane.h"

#include "base/mem.h"

#include <stdlib.h>

/* Codes are undone one after the other: what the plain lane lets go is looked at as if percent
 * escapes were undone, and what that lets go as base64. Each of these is a lane like any other, so
 * that what comes out depends on the text alone: it gets the same bytes in the same order, whatever
 * the pieces. What a lane hides ends the text of those behind it there, as no code goes on over a
 * placeholder. */

enum { CODES = 2 };
static const guard_code codes[CODES] = {GUARD_CODE_PERCENT, GUARD_CODE_BASE64};

typedef struct step {
    guard_lane *all;        /* the plain lane */
    unsigned behind;        /* lanes of codes from here on get what is let go */
    const guard_sink *sink; /* and what the last of them lets go */
} step;

static void feed_from(step s, span bytes, bool end);

static void on_pass(void *ctx, span bytes) {
    const step *s = ctx;
    feed_from(*s, bytes, false);
}

/* The lane that lets go. */
static guard_lane *lane_of(const step *s) {
    return s->behind ? &s->all->coded[s->behind - 1] : s->all;
}

/* The text of the lanes behind ends here, and another begins. */
static void restart(const step *s) {
    const guard_lane *l = lane_of(s);
    feed_from(*s, SPAN_EMPTY, true);
    for (unsigned i = s->behind; i < CODES && !s->all->stopped; i++) {
        guard_lane_done(&s->all->coded[i]);
        s->all->coded[i].begins = l->begins + l->told;
    }
}

static void on_find(void *ctx, const guard_find *f) {
    const step *s = ctx;
    guard_find told = *f;
    told.at += lane_of(s)->begins;
    if (f->hidden.len || f->action == GUARD_BLOCK) restart(s);
    if (s->all->stopped) return; /* by what stood before it */
    if (s->behind && f->hidden.len) told.value = f->hidden;
    s->all->stopped = f->action == GUARD_BLOCK;
    s->sink->find(s->sink->ctx, &told);
}

static void feed_from(step s, span bytes, bool end) {
    if (s.all->stopped) return;
    if (s.behind == CODES) {
        if (bytes.len) s.sink->pass(s.sink->ctx, bytes);
        return;
    }
    guard_lane *l = &s.all->coded[s.behind];
    step next = {s.all, s.behind + 1, s.sink};
    const guard_sink sink = {&next, on_pass, on_find};
    lane_feed(l, bytes, end, &sink);
    if (end) feed_from(next, SPAN_EMPTY, true);
}

static void begin(guard_lane *l) {
    guard_scratch *scratch = l->scratch;
    l->coded = mem_alloc(CODES * sizeof *l->coded);
    for (unsigned i = 0; i < CODES; i++) {
        guard_form form = l->form;
        form.code = codes[i];
        if (!scratch->behind) scratch->behind = guard_scratch_new();
        scratch = scratch->behind;
        guard_lane_init(&l->coded[i], l->policy, scratch, form);
    }
}

void lane_feed_coded(guard_lane *l, span piece, bool end, const guard_sink *sink) {
    step first = {l, 0, sink};
    const guard_sink own = {&first, on_pass, on_find};
    if (l->blocked || l->ended) return;
    if (!l->coded) begin(l);
    lane_feed(l, piece, end, &own);
    if (end) feed_from(first, SPAN_EMPTY, true);
    if (!end && !l->stopped) return;
    l->blocked = l->stopped;
    if (!l->ended) lane_finish(l);
    lane_coded_done(l);
}

size_t lane_coded_held(const guard_lane *l) {
    size_t held = 0;
    for (unsigned i = 0; l->coded && i < CODES; i++)
        held += l->coded[i].raw.len;
    return held;
}

void lane_coded_done(guard_lane *l) {
    for (unsigned i = 0; l->coded && i < CODES; i++)
        guard_lane_done(&l->coded[i]);
    free(l->coded);
    l->coded = NULL;
}
