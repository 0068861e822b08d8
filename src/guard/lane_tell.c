#include "guard/lane.h"

#include "base/mem.h"

#include <stdlib.h>

/* What is told comes in the order of the text: of a match where hiding begins, of a flag where it
 * became known that there may be one. A match is told when nothing that is open can come before it.
 */

/* ---- matches that wait ---- */

static bool comes_before(uint64_t key, uint32_t rule, uint64_t other, uint32_t other_rule) {
    return key < other || (key == other && rule < other_rule);
}

void lane_wait_add(guard_lane *l, lane_wait wait) {
    if (l->wait_count == l->wait_cap) {
        l->wait_cap = l->wait_cap ? 2 * l->wait_cap : 4;
        l->waits = mem_realloc(l->waits, l->wait_cap * sizeof *l->waits);
    }
    uint32_t i = l->wait_count++;
    for (; i > 0; i--) { /* they come nearly in order */
        const lane_wait *other = &l->waits[i - 1];
        if (!comes_before(wait.key, wait.rule, other->key, other->rule)) break;
        l->waits[i] = *other;
    }
    l->waits[i] = wait;
}

/* ---- what must be waited for ---- */

static uint64_t raw_of(const work *w, uint64_t at) {
    return lane_raw_begin(w, at < w->l->seen ? at : w->l->seen);
}

/* What may begin at the window's end, as raw places. */
typedef struct ends {
    uint64_t mailbox, lead; /* UINT64_MAX: nothing */
} ends;

static ends ends_of(const work *w) {
    const guard_lane *l = w->l;
    ends e = {UINT64_MAX, UINT64_MAX};
    if (w->end) return e;
    unsigned strict = w->set->strict[l->state];
    if (strict) e.lead = raw_of(w, l->seen - strict);
    if (l->policy->mailbox_show < 0) return e;
    size_t begun = guard_mailbox_begun(w->norm);
    if (begun == w->norm.len) return e;
    size_t show = l->form.whole ? 0 : (size_t)l->policy->mailbox_show;
    if (begun + show < w->norm.len) e.mailbox = raw_of(w, w->base + begun + show);
    return e;
}

/* Whether what is not told yet may come before it. */
static bool must_wait(const work *w, const ends *e, const lane_wait *wait) {
    const guard_lane *l = w->l;
    if (comes_before(e->lead, 0, wait->key, wait->rule)) return true;
    if (comes_before(e->mailbox, l->policy->mailbox_rule, wait->key, wait->rule)) return true;
    for (uint32_t i = 0; i < l->open_count; i++) {
        const lane_open *o = &l->opens[i];
        if (o->open &&
            comes_before(raw_of(w, lane_open_hides(w, o)), o->rule, wait->key, wait->rule))
            return true;
    }
    return false;
}

/* How far may be passed, as far as what is open goes. */
static uint64_t may_pass(const work *w, const ends *e) {
    const guard_lane *l = w->l;
    uint64_t most = l->read < e->lead ? l->read : e->lead;
    if (e->mailbox < most) most = e->mailbox;
    for (uint32_t i = 0; i < l->open_count; i++) {
        const lane_open *o = &l->opens[i];
        if (!o->open || action_for(w, o->rule) == GUARD_FLAG) continue;
        uint64_t hides = raw_of(w, lane_open_hides(w, o));
        if (hides < most) most = hides;
    }
    return most;
}

/* ---- telling ---- */

static span raw_slice(const work *w, uint64_t from, uint64_t to) {
    return span_slice(w->raw, (size_t)(from - w->raw_base), (size_t)(to - w->raw_base));
}

static bool goes_on(char c) {
    return (unsigned char)c > ' ' || c == '\n' || c == '\r';
}

/* What was too long is hidden up to the next blank. */
static void swallow(work *w) {
    guard_lane *l = w->l;
    size_t at = (size_t)(l->told - w->raw_base);
    while (at < w->raw.len && goes_on(w->raw.ptr[at]))
        at++;
    l->swallow = at == w->raw.len && !w->end;
    l->told = w->raw_base + at;
}

static void pass_to(work *w, uint64_t to) {
    guard_lane *l = w->l;
    if (l->swallow) swallow(w);
    if (to <= l->told) return;
    span bytes = raw_slice(w, l->told, to);
    l->told = to;
    w->sink->pass(w->sink->ctx, bytes);
}

/* Rules with a score speak when those that have matched in this text come to what their kind
 * needs, each counted once. */
static bool is_enough(work *w, const rule_code *r) {
    guard_lane *l = w->l;
    if (!r->says.score) return true;
    size_t n = 0;
    unsigned before = 0;
    for (; l->scores && l->scores[n].rule != UINT32_MAX; n++) {
        if (l->scores[n].rule == r->says.index) return false;
        if (l->scores[n].kind == r->kind) before += rule_of(w, l->scores[n].rule)->says.score;
    }
    l->scores = mem_realloc(l->scores, (n + 2) * sizeof *l->scores);
    l->scores[n] = (lane_score){r->kind, r->says.index};
    l->scores[n + 1].rule = UINT32_MAX;
    return before < SCORE_FULL && before + r->says.score >= SCORE_FULL;
}

/* Of a match whose beginning another one hides, the value is the rest. */
static span value_of(const work *w, const lane_wait *wait, bool trimmed) {
    uint64_t from = wait->from;
    while (trimmed && from < wait->to && lane_raw_begin(w, from) < w->l->told)
        from++;
    return span_slice(w->norm, (size_t)(from - w->base), (size_t)(wait->to - w->base));
}

static void tell_one(work *w, const lane_wait *wait) {
    guard_lane *l = w->l;
    const rule_code *r = rule_of(w, wait->rule);
    if (!is_enough(w, r)) return;
    if (wait->action != GUARD_FLAG) pass_to(w, wait->raw_hide);
    guard_find find = {.rule = &r->says,
                       .action = (guard_action)wait->action,
                       .at = wait->raw_from,
                       .len = wait->raw_to - wait->raw_from,
                       .over = wait->over};
    bool trimmed = l->told > wait->raw_hide && wait->action == GUARD_REDACT;
    find.value = value_of(w, wait, trimmed && l->told < wait->raw_to);
    if (wait->action == GUARD_REDACT && wait->raw_to > l->told) {
        find.hidden = raw_slice(w, l->told, wait->raw_to);
        l->told = wait->raw_to;
        l->swallow = wait->over;
    }
    if (!find.value.len && find.hidden.len) find.value = find.hidden; /* a mark */
    l->blocked = wait->action == GUARD_BLOCK;
    w->sink->find(w->sink->ctx, &find);
}

void lane_tell(work *w) {
    guard_lane *l = w->l;
    ends e = ends_of(w);
    uint64_t most = may_pass(w, &e);
    uint32_t told = 0;
    for (; told < l->wait_count && !must_wait(w, &e, &l->waits[told]); told++) {
        tell_one(w, &l->waits[told]);
        if (l->blocked) return;
    }
    l->wait_count -= told;
    if (told) memmove(l->waits, l->waits + told, l->wait_count * sizeof *l->waits);
    for (uint32_t i = 0; i < l->wait_count; i++)
        if (l->waits[i].action != GUARD_FLAG && l->waits[i].raw_hide < most)
            most = l->waits[i].raw_hide;
    pass_to(w, most);
}
