/* A filter that takes a word out of whatever an answer says, however it is cut into events: what a
 * guard does. A text is told apart by (kind, choice, item); of each, the end that may be the
 * beginning of the word is held back and put before its next piece.
 */
#ifndef WEIR_TEST_MASK_H
#define WEIR_TEST_MASK_H

#include "unit.h"

#include "exchange/internal.h"

#define MASK_WORD "secret"
#define MASK_BY   "[gone]"

enum { MASK_LANES = 8 };

typedef struct mask_lane {
    part_kind kind;
    unsigned choice, item;
    char tail[sizeof MASK_WORD];
    size_t tail_len;
    answer_event
        *last; /* a copy of the last event with a piece of this text: its form is used again */
    size_t last_part;
} mask_lane;

typedef struct mask {
    filter filter;
    mask_lane lanes[MASK_LANES];
    size_t count;
} mask;

static inline mask_lane *mask_lane_of(mask *m, const answer_part *p) {
    for (size_t i = 0; i < m->count; i++)
        if (m->lanes[i].kind == p->kind && m->lanes[i].choice == p->choice &&
            m->lanes[i].item == p->item)
            return &m->lanes[i];
    assert_true(m->count < MASK_LANES);
    m->lanes[m->count] = (mask_lane){.kind = p->kind, .choice = p->choice, .item = p->item};
    return &m->lanes[m->count++];
}

/* What is certain of a text, with the word taken out; the rest, shorter than the word, is the tail.
 */
static inline span mask_text(span text, bool whole, arena *a, span *ret_tail) {
    static const span word = SPAN(MASK_WORD);
    buf out = BUF_EMPTY;
    size_t at = 0, found;
    while ((found = at + span_find_span(span_slice(text, at, text.len), 0, word)) + word.len <=
           text.len) {
        buf_add(&out, span_slice(text, at, found));
        buf_add_cstr(&out, MASK_BY);
        at = found + word.len;
    }
    size_t keep = whole ? 0 : word.len - 1;
    while (keep && (keep > text.len - at || !span_ends(text, span_slice(word, 0, keep))))
        keep--;
    buf_add(&out, span_slice(text, at, text.len - keep));
    *ret_tail = span_slice(text, text.len - keep, text.len);
    span result = arena_dup(a, buf_span(&out));
    buf_done(&out);
    return result;
}

static inline bool mask_looks_at(const answer_part *p) {
    return p->kind == PART_TEXT || p->kind == PART_TOOL_ARGS;
}

/* What a lane has held back goes out, as a piece of its text. */
static inline void mask_flush(mask *m, mask_lane *l) {
    if (!l->tail_len) return;
    answer_event e;
    answer_say_like(l->last, l->last_part, span_from(l->tail, l->tail_len),
                    &m->filter.x->env->event_arena, &e);
    l->tail_len = 0;
    filter_pass_event(&m->filter, &e);
}

/* Of a choice, or of all. */
static inline void mask_flush_all(mask *m, unsigned choice, bool all) {
    for (size_t k = 0; k < m->count; k++)
        if (all || m->lanes[k].choice == choice) mask_flush(m, &m->lanes[k]);
}

static inline span mask_piece(mask *m, const answer_event *e, size_t i, arena *a) {
    const answer_part *p = &e->parts[i];
    mask_lane *l = mask_lane_of(m, p);
    const span pieces[] = {span_from(l->tail, l->tail_len), json_string(p->value, a)};
    span tail, certain = mask_text(arena_join(a, pieces, 2), false, a, &tail);
    memcpy(l->tail, tail.ptr, tail.len);
    l->tail_len = tail.len;
    answer_free(l->last);
    l->last = answer_copy(e);
    l->last_part = i;
    return certain;
}

static inline void mask_event(filter *f, const answer_event *event) {
    mask *m = CONTAINER_OF(f, mask, filter);
    arena *a = filter_arena(f, event);
    answer_edit edits[8];
    size_t count = 0;
    bool whole = event->sorts & EVENT_FULL;
    for (size_t i = 0; i < event->part_count; i++) {
        const answer_part *p = &event->parts[i];
        span tail;
        if (p->kind == PART_FINISH) mask_flush_all(m, p->choice, event->sorts & EVENT_CLOSE);
        if (!mask_looks_at(p)) continue;
        if (whole) mask_flush(m, mask_lane_of(m, p));
        span text = whole ? mask_text(json_string(p->value, a), true, a, &tail)
                          : mask_piece(m, event, i, a);
        edits[count++] = (answer_edit){i, text};
    }
    answer_event changed;
    answer_rewrite(event, edits, count, a, &changed);
    filter_pass_event(f, &changed);
}

/* A stream may end without a word. */
static inline void mask_end(filter *f) {
    mask_flush_all(CONTAINER_OF(f, mask, filter), 0, true);
    filter_pass_end(f);
}

static inline void mask_done(filter *f) {
    mask *m = CONTAINER_OF(f, mask, filter);
    for (size_t i = 0; i < m->count; i++)
        answer_free(m->lanes[i].last);
    filter_pass_done(f);
}

static inline void mask_add(exchange *x) {
    static const filter_ops ops = {.name = "mask",
                                   .place = PLACE_GUARD,
                                   .holds = HOLDS_ANY,
                                   .want = WANT_PARTS,
                                   .begin = filter_pass_begin,
                                   .head = filter_pass_head,
                                   .event = mask_event,
                                   .end = mask_end,
                                   .fail = filter_pass_fail,
                                   .done = mask_done};
    mask *m = arena_zalloc(&x->arena, sizeof *m);
    filter_add(x, &m->filter, &ops);
}

#endif
