#include "guard/lane.h"

#include "base/hash.h"

enum { UNDONE_MAX = 64 * 1024 };

/* Whether a rule would be tried for this hit. Near words are the lane's to look for. */
static bool may_arm(const guard_policy *p, span text, literal_hit hit, size_t end) {
    const guard_set *s = p->set;
    size_t at = end - hit.seen;
    if (hit.owner >= SHAPE_OWNER) {
        const guard_shape shape = (guard_shape)(hit.owner - SHAPE_OWNER);
        if (!s->shaped_count[shape] || !guard_shape_at(shape, text, end - 1, &at)) return false;
        return shape != SHAPE_DIGITS || guard_digits_from(text, at, true).all >= s->digits;
    }
    const bool behind_letter =
        at && (text.ptr[at - 1] | 0x20) >= 'a' && (text.ptr[at - 1] | 0x20) <= 'z';
    return p->actions[hit.owner] != GUARD_OFF && !(s->rules[hit.owner].parted && behind_letter);
}

static bool any_may_arm(const guard_policy *p, span text, uint16_t state, size_t end) {
    const automaton *a = &p->set->leads;
    const uint32_t *at = a->hits_at + (state - a->first_hit);
    for (uint32_t i = at[0]; i < at[1]; i++)
        if (may_arm(p, text, a->hits[i], end)) return true;
    return false;
}

/* Nothing of it is written otherwise than it reads. */
static bool is_clean(const guard_policy *p, span text) {
    const guard_set *s = p->set;
    const bool sifts = text.len >= SIFT_LEAST_ENDED;
    uint16_t state = 0;
    sifting sifted = sifting_of(&s->sift, text, true);
    for (size_t at = 0; at < text.len;) {
        at = sifts ? sift_run(&sifted, &s->leads, at, &state)
                   : automaton_run(&s->leads, text, at, &state);
        if (automaton_hits(&s->leads, state) && any_may_arm(p, text, state, at)) return false;
    }
    return true;
}

/* Of an escape that is one byte and no backslash; 0: it is another. */
static char undone(char kind) {
    switch (kind) {
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case '"':
    case '/': return kind;
    default: return 0;
    }
}

/* From at on, where the first escape is. false: there are others than of one byte, or other bytes
 * than of ASCII. */
static bool undo(span text, size_t at, buf *out) {
    buf_clear(out);
    buf_add(out, span_slice(text, 0, at));
    while (at < text.len) {
        const char byte = at + 1 < text.len && text.ptr[at] == '\\' ? undone(text.ptr[at + 1]) : 0;
        if (!byte) return false;
        buf_add_char(out, byte);
        at += 2;
        const size_t plain = guard_plain_run(text, at, 1);
        buf_add(out, span_slice(text, at, at + plain));
        at += plain;
    }
    return true;
}

static bool has_no_lead(const guard_policy *p, guard_scratch *scratch, span text, bool json) {
    if (p->decodes || !p->set->sift.on) return false;
    const size_t plain = guard_plain_run(text, 0, json);
    if (plain == text.len) return is_clean(p, text);
    if (!json || text.len > UNDONE_MAX || !undo(text, plain, &scratch->norm)) return false;
    return is_clean(p, buf_span(&scratch->norm));
}

/* ---- what was looked at before ---- */

static bool is_remembered(span text, uint64_t owner) {
    return owner && text.len >= KNOWN_LEAST && text.len <= KNOWN_MOST;
}

static known_text known_of(const guard_policy *p, guard_scratch *scratch, span text, unsigned json,
                           uint64_t owner) {
    const uint64_t all[] = {p->number, json, owner};
    if (!scratch->known) scratch->known = guard_known_new();
    return guard_known_text(scratch->known, hash_span(span_from((const char *)all, sizeof all)),
                            text);
}

bool guard_text_is_clean(const guard_policy *p, guard_scratch *scratch, span text, unsigned json,
                         uint64_t owner) {
    if (!is_remembered(text, owner)) return has_no_lead(p, scratch, text, json);
    const known_text known = known_of(p, scratch, text, json, owner);
    if (guard_known_has(scratch->known, known)) return true;
    if (!has_no_lead(p, scratch, text, json)) return false;
    guard_known_add(scratch->known, known);
    return true;
}

void guard_text_was_clean(const guard_policy *p, guard_scratch *scratch, span text, unsigned json,
                          uint64_t owner) {
    if (is_remembered(text, owner))
        guard_known_add(scratch->known, known_of(p, scratch, text, json, owner));
}
