#include "guard/lane.h"

#include "base/mem.h"

#include <stdlib.h>

/* What a try came to. Places are of the window. */
typedef enum outcome { NOTHING, MAYBE, FOUND } outcome;

/* Where a rule may match. */
typedef struct place {
    size_t at;
    size_t known;        /* the byte that told */
    size_t floor;        /* what is before it is not hidden: it may be gone */
    guard_digits digits; /* guard_digits_from(); many_digits where it is not asked */
    bool forced;         /* it does, as it takes too many steps */
} place;

static const guard_digits many_digits = {SIZE_MAX, SIZE_MAX};

typedef struct match {
    size_t from, to;             /* of all of it */
    size_t value_from, value_to; /* of what is hidden */
    bool over;
} match;

/* ---- rules that are open or done ---- */

static lane_open *find_open(guard_lane *l, uint32_t rule) {
    for (uint32_t i = 0; i < l->open_count; i++)
        if (l->opens[i].rule == rule) return &l->opens[i];
    return NULL;
}

static lane_open *get_open(guard_lane *l, uint32_t rule) {
    lane_open *o = find_open(l, rule);
    if (o) return o;
    if (l->open_count == l->open_cap) {
        l->open_cap = l->open_cap ? 2 * l->open_cap : 4;
        l->opens = mem_realloc(l->opens, l->open_cap * sizeof *l->opens);
    }
    o = &l->opens[l->open_count++];
    *o = (lane_open){.rule = rule};
    return o;
}

uint64_t lane_open_hides(const work *w, const lane_open *o) {
    const rule_code *r = rule_of(w, o->rule);
    if (action_for(w, o->rule) == GUARD_FLAG) return o->known;
    if (w->l->form.whole) return o->at;
    if (r->shape <= SHAPE_FIRST || r->shape == SHAPE_AT || r->show < 0 || o->hides < o->floor)
        return o->hides;
    span seen = span_slice(w->norm, (size_t)(o->at - w->base), w->norm.len);
    uint64_t shown = o->at + guard_shape_shown(seen, (size_t)r->show);
    return shown > o->floor ? shown : o->floor;
}

void lane_sweep(work *w) {
    guard_lane *l = w->l;
    for (uint32_t i = 0; i < l->open_count;) {
        lane_open *o = &l->opens[i];
        /* a place may become known some bytes behind where it is */
        bool counts = o->costly && o->block + 1 >= l->seen / COSTLY_BLOCK;
        if (o->open || o->until + KEEP_BEFORE > l->seen || counts)
            i++;
        else
            *o = l->opens[--l->open_count];
    }
}

/* ---- a try ---- */

/* Whether another try that takes many steps is allowed here. It depends on the tries before this
 * one in the same block, and each of those was told before. */
static bool may_cost(work *w, uint32_t rule, uint64_t at) {
    lane_open *o = get_open(w->l, rule);
    if (o->costly_at == at + 1) return o->costly <= COSTLY_MAX;
    if (o->block != at / COSTLY_BLOCK) {
        o->block = at / COSTLY_BLOCK;
        o->costly = 0;
    }
    o->costly_at = at + 1;
    w->l->scratch->costly++;
    return ++o->costly <= COSTLY_MAX;
}

static bool is_limit(int result) {
    return result < PCRE2_ERROR_PARTIAL; /* or anything else that is wrong: it fails closed */
}

static int match_at(work *w, const rule_code *r, size_t at, size_t to, bool partial) {
    guard_scratch *s = w->l->scratch;
    size_t from = at > GUARD_NEAR_MAX ? at - GUARD_NEAR_MAX : 0;
    uint32_t options =
        PCRE2_ANCHORED | (partial ? PCRE2_PARTIAL_HARD : 0) | (w->base + from ? PCRE2_NOTBOL : 0);
    PCRE2_SPTR text = (PCRE2_SPTR)w->norm.ptr + from;
    const pcre2_code *code = rule_pattern_of(r);
    if (!code) return PCRE2_ERROR_NOMEMORY;
    s->tries++;
    s->bytes += to - at;
    int result = pcre2_match(code, text, to - from, at - from, options, s->data, s->few);
    if (is_limit(result) && may_cost(w, r->says.index, w->base + at))
        result = pcre2_match(code, text, to - from, at - from, options, s->data, s->most);
    return result;
}

static match match_of(const work *w, const rule_code *r, size_t at) {
    const size_t *ends = pcre2_get_ovector_pointer(w->l->scratch->data);
    size_t from = at > GUARD_NEAR_MAX ? at - GUARD_NEAR_MAX : 0;
    match m = {.from = at, .to = from + ends[1]};
    bool group = rule_has_group(r) && ends[2] != PCRE2_UNSET && ends[3] > ends[2];
    m.value_from = group ? from + ends[2] : at;
    m.value_to = group ? from + ends[3] : m.to;
    return m;
}

/* The result of a try depends on the bytes that it sees, and is none while more could change it:
 * as PCRE2_PARTIAL_HARD gives up at the first look behind the end, a try takes the same steps
 * whatever follows, up to there. */
static outcome try_at(work *w, const rule_code *r, size_t at, bool *ret_forced, match *ret) {
    size_t left = w->norm.len - at;
    bool full = left >= GUARD_SPAN_MAX;
    size_t to = full ? at + GUARD_SPAN_MAX : w->norm.len;
    int result = *ret_forced ? PCRE2_ERROR_MATCHLIMIT : match_at(w, r, at, to, full || !w->end);
    if (result == PCRE2_ERROR_NOMATCH) return NOTHING;
    if (result >= 0) {
        *ret = match_of(w, r, at);
        return FOUND;
    }
    *ret_forced = is_limit(result);
    if (!full && !w->end) return MAYBE;
    *ret = (match){at, to, at, to, true};
    return FOUND;
}

/* ---- what a match must pass ---- */

static bool is_letter(char c) {
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static bool is_near(const work *w, const rule_code *r, size_t at) {
    if (!r->near.count) return true;
    size_t from = at > GUARD_NEAR_MAX ? at - GUARD_NEAR_MAX : 0;
    return guard_words_near(&r->near, span_slice(w->norm, from, at));
}

/* floor: where what may be seen of it ends: the lead says nothing of how random the rest is. A
 * check may find that the match is shorter. */
static bool passes(const work *w, const rule_code *r, match *m, size_t floor) {
    if (m->over) return true;
    span value = span_slice(w->norm, m->value_from, m->value_to);
    size_t from = floor > m->value_from && floor < m->value_to ? floor : m->value_from;
    if (r->entropy > 0 && guard_entropy(span_slice(w->norm, from, m->value_to)) < r->entropy)
        return false;
    if (guard_words_within(&r->stop, value)) return false;
    if (!r->check) return true;
    size_t len = guard_check_length(r->check, value);
    if (len < value.len && m->to == m->value_to) m->to = m->value_from + len;
    m->value_to = m->value_from + len;
    return len;
}

/* Where hiding begins. */
static size_t hides_from(const work *w, const rule_code *r, const match *m, size_t floor) {
    if (w->l->form.whole) return m->value_from;
    size_t from = m->value_from;
    if (r->show > 0 && (rule_has_group(r) || r->shape > SHAPE_FIRST) && r->shape != SHAPE_AT)
        from += guard_shape_shown(span_slice(w->norm, from, m->value_to), (size_t)r->show);
    return from > floor ? from : floor;
}

static void add_match(work *w, const rule_code *r, const match *m, const place *p) {
    size_t hide = hides_from(w, r, m, p->floor);
    if (hide > m->value_to) hide = m->value_to;
    guard_action action = action_for(w, r->says.index);
    if (w->l->form.code && action == GUARD_FLAG && !lane_is_coded(w, m->value_from, m->value_to))
        return; /* the plain lane has told it, and hidden nothing */
    lane_wait wait = {.rule = r->says.index,
                      .action = (uint8_t)action,
                      .over = m->over,
                      .from = w->base + m->value_from,
                      .to = w->base + m->value_to};
    wait.raw_from = lane_raw_begin(w, wait.from);
    wait.raw_to = lane_raw_end(w, wait.to);
    wait.raw_hide = hide == m->value_to ? wait.raw_to : lane_raw_begin(w, w->base + hide);
    wait.key = action == GUARD_FLAG ? lane_raw_begin(w, w->base + p->known) : wait.raw_hide;
    lane_wait_add(w->l, wait);
}

/* ---- a place where a rule may match ---- */

/* Tries it there; what it comes to is noted with the rule. */
static void attempt(work *w, const rule_code *r, place p) {
    match m;
    uint32_t rule = r->says.index;
    outcome out = try_at(w, r, p.at, &p.forced, &m);
    if (out == FOUND && !passes(w, r, &m, p.floor))
        out = m.to - m.from <= LONG_MATCH || may_cost(w, rule, w->base + p.at) ? NOTHING : FOUND;
    lane_open *o = out == NOTHING ? find_open(w->l, rule) : get_open(w->l, rule);
    if (o) o->open = out == MAYBE;
    if (out == NOTHING) return;
    o->forced = p.forced;
    o->at = w->base + p.at;
    o->known = w->base + p.known;
    o->floor = w->base + p.floor;
    o->hides = o->floor;
    if (out == MAYBE) return;
    m.value_from = (size_t)(lane_letter_begin(w, w->base + m.value_from) - w->base);
    m.value_to = (size_t)(lane_letter_end(w, w->base + m.value_to) - w->base);
    o->until = w->base + m.value_to;
    add_match(w, r, &m, &p);
}

static bool is_word_before(const work *w, size_t at) {
    if (!at) return false;
    char c = w->norm.ptr[at - 1];
    return is_letter(c) || (c >= '0' && c <= '9');
}

/* While a rule is open its later places wait, and count where it comes to nothing. */
static void arm(work *w, uint32_t rule, place p) {
    if (action_for(w, rule) == GUARD_OFF) return;
    const rule_code *r = rule_of(w, rule);
    if (r->apart && is_word_before(w, p.at)) return;
    if (r->parted && p.at && is_letter(w->norm.ptr[p.at - 1])) return;
    if (p.digits.all < r->digits.all || p.digits.run < r->digits.run) return;
    lane_open *o = find_open(w->l, rule);
    if (o && o->open && w->base + p.floor < o->hides) o->hides = w->base + p.floor;
    if (o && (o->open || w->base + p.at < o->until)) return;
    if (is_near(w, r, p.at)) attempt(w, r, p);
}

/* ---- looking for places ---- */

/* Of a shape that the byte at `known` made known: what is before is not hidden, as it may be gone.
 */
static size_t shape_floor(const rule_code *r, size_t at, size_t known) {
    if (r->shape == SHAPE_IBAN || r->shape == SHAPE_USERINFO) return known + 1;
    if (r->shape != SHAPE_AT) return known;
    size_t shown = at + (r->show > 0 ? (size_t)r->show : 0);
    return shown < known ? shown : known;
}

/* Which places count: all, or those of one rule that became known after another of it. */
typedef struct search {
    const rule_code *only; /* NULL: all */
    size_t known, at;
} search;

static bool is_sought(const search *s, const rule_code *r, const place *p) {
    if (!s->only) return true;
    return s->only == r && (p->known > s->known || (p->known == s->known && p->at > s->at));
}

static void arm_shape(work *w, guard_shape shape, size_t known, const search *s) {
    size_t at;
    if (s->only && s->only->shape != shape) return;
    if (!guard_shape_at(shape, w->norm, known, &at)) return;
    const guard_digits digits =
        shape == SHAPE_DIGITS ? guard_digits_from(w->norm, at, w->end) : many_digits;
    if (digits.all < w->set->digits) return;
    for (size_t i = 0; i < w->set->shaped_count[shape]; i++) {
        uint32_t rule = w->set->shaped[shape][i];
        const rule_code *r = rule_of(w, rule);
        place p = {at, known, shape_floor(r, at, known), digits, false};
        if (is_sought(s, r, &p)) arm(w, rule, p);
    }
}

static void arm_hit(work *w, literal_hit hit, size_t end, const search *s) {
    if (hit.owner >= SHAPE_OWNER) {
        arm_shape(w, (guard_shape)(hit.owner - SHAPE_OWNER), end - 1, s);
        return;
    }
    place p = {end - hit.seen, end - 1, end - hit.seen + hit.len, many_digits, false};
    if (is_sought(s, rule_of(w, hit.owner), &p)) arm(w, hit.owner, p);
}

/* Of those that become known at one byte the longest lead's comes first. */
static void arm_hits(work *w, uint16_t state, size_t end, const search *s) {
    const automaton *a = &w->set->leads;
    uint32_t i = a->hits_at[state - a->first_hit], last = a->hits_at[state - a->first_hit + 1];
    for (; i < last; i++)
        arm_hit(w, a->hits[i], end, s);
}

/* The places that become known within [from, to) of the window. */
static void look(work *w, size_t from, size_t to, uint16_t *state, const search *s) {
    const automaton *a = &w->set->leads;
    span text = span_slice(w->norm, 0, to);
    for (size_t at = from; at < to;) {
        at = automaton_run(a, text, at, state);
        if (!automaton_hits(a, *state)) return;
        arm_hits(w, *state, at, s);
    }
}

/* The places that become known from w->fresh on. */
static void look_sifted(work *w, uint16_t *state) {
    const automaton *a = &w->set->leads;
    const search all = {0};
    sifting sifted = sifting_of(&w->set->sift, w->norm, w->end);
    size_t at = w->fresh;
    while (at < sifted.tail) {
        at = sift_run(&sifted, a, at, state);
        if (automaton_hits(a, *state)) arm_hits(w, *state, at, &all);
    }
    look(w, at, w->norm.len, state, &all);
}

/* What was open is tried with what has come. Where it is told, the places count that waited. */
static void resume(work *w, uint32_t i) {
    lane_open *o = &w->l->opens[i];
    const rule_code *r = rule_of(w, o->rule);
    place p = {(size_t)(o->at - w->base), (size_t)(o->known - w->base),
               (size_t)(o->floor - w->base), many_digits, o->forced};
    attempt(w, r, p);
    o = find_open(w->l, r->says.index);
    if (o && o->open) return;
    uint16_t state = 0;
    size_t from = p.known + 1 > LITERAL_MAX ? p.known + 1 - LITERAL_MAX : 0;
    look(w, from, w->fresh, &state, &(search){r, p.known, p.at});
}

void lane_match(work *w) {
    guard_lane *l = w->l;
    for (uint32_t i = 0, count = l->open_count; i < count; i++)
        if (l->opens[i].open) resume(w, i);
    if (w->set->sift.on && w->norm.len - w->fresh >= (w->end ? SIFT_LEAST_ENDED : SIFT_LEAST))
        look_sifted(w, &l->state);
    else
        look(w, w->fresh, w->norm.len, &l->state, &(search){0});
}
