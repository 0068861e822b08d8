#include "guard/lane.h"

#include "base/mem.h"

#include <stdlib.h>

guard_scratch *guard_scratch_new(void) {
    guard_scratch *s = mem_zalloc(sizeof *s);
    s->data = pcre2_match_data_create(RULE_CAPTURES_MAX + 1, NULL);
    s->few = pcre2_match_context_create(NULL);
    s->most = pcre2_match_context_create(NULL);
    if (!s->data || !s->few || !s->most) abort(); /* as base/mem.h does */
    pcre2_set_match_limit(s->few, STEPS_FEW);
    pcre2_set_match_limit(s->most, STEPS_MAX);
    pcre2_set_depth_limit(s->few, DEPTH_MAX);
    pcre2_set_depth_limit(s->most, DEPTH_MAX);
    return s;
}

void guard_scratch_free(guard_scratch *s) {
    if (!s) return;
    if (s->norm.cap) mem_wipe(s->norm.ptr, s->norm.cap);
    buf_done(&s->norm);
    pcre2_match_data_free(s->data);
    pcre2_match_context_free(s->few);
    pcre2_match_context_free(s->most);
    guard_scratch_free(s->behind);
    guard_known_free(s->known);
    free(s);
}

void guard_lane_init(guard_lane *l, const guard_policy *policy, guard_scratch *scratch,
                     guard_form form) {
    *l = (guard_lane){.policy = policy, .scratch = scratch, .form = form};
}

static void wipe(buf *b) {
    if (!b->cap) return;
    mem_wipe(b->ptr, b->cap);
    buf_done(b);
}

/* Of a text that came whole and was clean there is nothing: four calls fewer a text. */
static void release(guard_lane *l) {
    wipe(&l->raw);
    wipe(&l->norm);
    if (l->units) free(l->units);
    if (l->opens) free(l->opens);
    if (l->waits) free(l->waits);
    if (l->scores) free(l->scores);
    if (l->recent) mem_wipe(l->last, sizeof l->last);
    l->units = NULL;
    l->opens = NULL;
    l->waits = NULL;
    l->scores = NULL;
    l->unit_count = l->unit_cap = l->open_count = l->open_cap = l->wait_count = l->wait_cap = 0;
    l->recent = 0;
    l->state = 0;
}

void guard_lane_done(guard_lane *l) {
    lane_coded_done(l);
    release(l);
    guard_lane_init(l, l->policy, l->scratch, l->form);
}

size_t guard_lane_held(const guard_lane *l) {
    return l->raw.len + lane_coded_held(l);
}

/* What is kept for the next feed: what is open or waits, and enough before it to look back. */
static void keep(work *w) {
    const guard_lane *l = w->l;
    uint64_t from = l->seen;
    for (uint32_t i = 0; i < l->open_count; i++)
        if (l->opens[i].open && l->opens[i].at < from) from = l->opens[i].at;
    for (uint32_t i = 0; i < l->wait_count; i++)
        if (l->waits[i].from < from) from = l->waits[i].from;
    from = from > KEEP_BEFORE ? from - KEEP_BEFORE : 0;
    lane_keep(w, from > w->base ? from : w->base);
}

/* Those of codes are ended by whoever feeds them. */
void lane_finish(guard_lane *l) {
    release(l);
    l->ended = true;
}

void lane_feed(guard_lane *l, span piece, bool end, const guard_sink *sink) {
    if (l->blocked || l->ended) return;
    work w = {.l = l, .set = l->policy->set, .sink = sink, .end = end};
    lane_take(&w, piece);
    lane_match(&w);
    lane_tell(&w);
    if (end || l->blocked) {
        lane_finish(l);
        return;
    }
    lane_sweep(&w);
    keep(&w);
}

void guard_lane_feed(guard_lane *l, span piece, bool end, const guard_sink *sink) {
    if (l->policy->decodes)
        lane_feed_coded(l, piece, end, sink);
    else
        lane_feed(l, piece, end, sink);
}
