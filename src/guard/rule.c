#include "guard/rule.h"

#include "base/mem.h"
#include "guard/lead.h"

#include <stdlib.h>

/* The same bytes always: nothing is told from what a text lacks, as that would depend on how much
 * of it there is; and a dollar is the end and nothing else. */
#define RULE_OPTIONS                                                                               \
    (PCRE2_DOLLAR_ENDONLY | PCRE2_NO_START_OPTIMIZE | PCRE2_NEVER_UTF | PCRE2_NEVER_UCP |          \
     PCRE2_NEVER_BACKSLASH_C)

enum { LEAD_MIN = 2 };

void rule_complain(rule_complaints *c, const char *member, const char *fmt, ...) {
    buf message = BUF_EMPTY;
    va_list args;
    va_start(args, fmt);
    buf_vaddf(&message, fmt, args);
    va_end(args);
    c->bad = true;
    if (c->tell) c->tell(c->ctx, c->index, member, buf_cstr(&message));
    buf_done(&message);
}

/* ---- the pattern ---- */

static pcre2_code *compile(span pattern, uint32_t options, rule_complaints *c) {
    int error;
    size_t at;
    pcre2_code *code =
        pcre2_compile((PCRE2_SPTR)pattern.ptr, pattern.len, options, &error, &at, NULL);
    if (code || !c) return code;
    char message[256] = "";
    pcre2_get_error_message(error, (PCRE2_UCHAR *)message, sizeof message);
    rule_complain(c, "pattern", "is not a regular expression: %s, at its byte %zu", message,
                  at + 1);
    return NULL;
}

static uint32_t info(const pcre2_code *code, uint32_t what) {
    uint32_t value = 0;
    pcre2_pattern_info(code, what, &value);
    return value;
}

static bool pattern_is_fit(const pcre2_code *code, rule_complaints *c) {
    if (info(code, PCRE2_INFO_MATCHEMPTY)) {
        rule_complain(c, "pattern", "matches where nothing is");
        return false;
    }
    if (info(code, PCRE2_INFO_CAPTURECOUNT) > RULE_CAPTURES_MAX) {
        rule_complain(c, "pattern", "has more than %d groups; write (?:…) for those but the first",
                      RULE_CAPTURES_MAX);
        return false;
    }
    if (info(code, PCRE2_INFO_MAXLOOKBEHIND) > GUARD_NEAR_MAX) {
        rule_complain(c, "pattern", "looks back further than %d bytes", GUARD_NEAR_MAX);
        return false;
    }
    return true;
}

static bool compile_pattern(span pattern, rule_code *r, rule_complaints *c) {
    const char *why = pattern_refused(pattern);
    if (why) {
        rule_complain(c, "pattern", "%s", why);
        return false;
    }
    pcre2_code *code = compile(pattern, RULE_OPTIONS, c);
    atomic_store_explicit(&r->pattern->code, code, memory_order_relaxed);
    return code && pattern_is_fit(code, c);
}

/* Of several threads whose first use it is one wins. */
COLD static const pcre2_code *compile_late(const rule_code *r) {
    pcre2_code *own = compile(r->says.pattern, RULE_OPTIONS, NULL), *there = NULL;
    if (own && atomic_compare_exchange_strong(&r->pattern->code, &there, own)) return own;
    pcre2_code_free(own);
    return there;
}

const pcre2_code *rule_pattern_of(const rule_code *r) {
    const pcre2_code *code = atomic_load_explicit(&r->pattern->code, memory_order_acquire);
    return code ? code : compile_late(r);
}

bool rule_has_group(const rule_code *r) {
    const pcre2_code *code = rule_pattern_of(r);
    return code && info(code, PCRE2_INFO_CAPTURECOUNT) > 0;
}

void rule_done(rule_code *r) {
    if (r->pattern) pcre2_code_free(atomic_load_explicit(&r->pattern->code, memory_order_relaxed));
}

/* ---- where it begins ---- */

static void add_literal(rule_literals *l, span text, uint32_t owner, size_t len) {
    if (l->count == l->cap) {
        l->cap = l->cap ? 2 * l->cap : 64;
        l->items = mem_realloc(l->items, l->cap * sizeof *l->items);
    }
    l->items[l->count++] = (literal){text, owner, (uint32_t)len, false};
}

/* What of a match may be seen: its lead, or as much as the rule says. */
static size_t shown_of_lead(const rule_code *r, size_t len) {
    return r->show >= 0 ? (size_t)r->show : len;
}

static void add_lead(rule_code *r, rule_literals *l, span lead) {
    add_literal(l, lead, r->says.index, shown_of_lead(r, lead.len));
}

/* One byte of which a match may be made, or NULL of all that it may begin with. */
static const uint8_t *first_bytes(const pcre2_code *code, uint8_t own[32]) {
    const uint8_t *bitmap = NULL;
    uint32_t type = info(code, PCRE2_INFO_FIRSTCODETYPE);
    if (type == 1) {
        unsigned byte = info(code, PCRE2_INFO_FIRSTCODEUNIT) & 0xFF;
        memset(own, 0, 32);
        own[byte / 8] = (uint8_t)(1u << byte % 8);
        unsigned other = byte ^ 0x20;
        if ((other | 0x20) >= 'a' && (other | 0x20) <= 'z')
            own[other / 8] |= (uint8_t)(1u << other % 8);
        return own;
    }
    if (type == 0) pcre2_pattern_info(code, PCRE2_INFO_FIRSTBITMAP, &bitmap);
    return bitmap;
}

static bool begin_with_bytes(guard_set *s, span pattern, rule_code *r, rule_literals *l,
                             rule_complaints *c) {
    pcre2_code *code = compile(pattern, RULE_OPTIONS & ~(uint32_t)PCRE2_NO_START_OPTIMIZE, NULL);
    uint8_t own[32];
    const uint8_t *bytes = code ? first_bytes(code, own) : NULL;
    if (!bytes)
        rule_complain(c, "pattern",
                      "may begin with anything: name a literal of two bytes or more that its "
                      "matches begin with (lead)");
    r->shape = SHAPE_FIRST;
    if (r->show < 0) r->show = 0;
    for (unsigned byte = 0; bytes && byte < 256; byte++) {
        if (!(bytes[byte / 8] >> byte % 8 & 1)) continue;
        if (byte >= 'A' && byte <= 'Z' && (bytes[(byte | 0x20) / 8] >> (byte | 0x20) % 8 & 1))
            continue; /* cases count as one */
        char *text = arena_alloc(&s->memory, 1);
        *text = (char)byte;
        add_literal(l, span_from(text, 1), r->says.index, 0);
    }
    pcre2_code_free(code);
    return bytes;
}

/* ---- leads that are named ---- */

static bool is_begun(const guard_rule_text *text, span begin) {
    for (size_t i = 0; i < text->lead_count; i++)
        if (span_istarts(text->leads[i], begin)) return true;
    return false;
}

static int try(const pcre2_code *code, span text, pcre2_match_data *data) {
    return pcre2_match(code, (PCRE2_SPTR)text.ptr, text.len, 0, PCRE2_ANCHORED | PCRE2_PARTIAL_HARD,
                       data, NULL);
}

/* What no lead begins, and a match may: begin and one byte more. Empty: nothing. */
static span find_stray(const guard_rule_text *text, const pcre2_code *code, span begin,
                       pcre2_match_data *data, char at[LITERAL_MAX + 1]) {
    memcpy(at, begin.ptr, begin.len);
    for (unsigned byte = 0; byte < 256; byte++) {
        at[begin.len] = (char)byte;
        span longer = span_from(at, begin.len + 1);
        if (!is_begun(text, longer) && try(code, longer, data) != PCRE2_ERROR_NOMATCH)
            return longer;
    }
    return SPAN_EMPTY;
}

static void complain_of_stray(span lead, span stray, rule_complaints *c) {
    buf shown = BUF_EMPTY;
    for (size_t i = 0; i < stray.len; i++) {
        const unsigned char byte = (unsigned char)stray.ptr[i];
        if (byte >= ' ' && byte < 0x7F)
            buf_add_char(&shown, (char)byte);
        else
            buf_addf(&shown, "\\x%02X", byte);
    }
    rule_complain(c, "lead",
                  "is \"%.*s\", but the pattern's matches may begin otherwise: with \"%.*s\"",
                  SPAN_ARG(lead), SPAN_ARG(buf_span(&shown)));
    buf_done(&shown);
}

/* Whatever stands before them: so by the pattern without what looks at that. */
static bool leads_are_true(const guard_rule_text *text, rule_complaints *c) {
    buf loose = BUF_EMPTY;
    pattern_loosen(text->pattern, &loose);
    pcre2_code *code = compile(buf_span(&loose), RULE_OPTIONS, c);
    buf_done(&loose);
    if (!code) return false;
    pcre2_match_data *data = pcre2_match_data_create_from_pattern(code, NULL);
    char at[LITERAL_MAX + 1];
    bool good = true;
    for (size_t i = 0; good && i < text->lead_count; i++) {
        span lead = span_slice(text->leads[i], 0, LITERAL_MAX);
        if (try(code, lead, data) == PCRE2_ERROR_NOMATCH) {
            rule_complain(c, "lead", "is \"%.*s\", which no match of the pattern begins with",
                          SPAN_ARG(lead));
            good = false;
        }
        for (size_t k = 0; good && k < lead.len; k++) {
            const span stray = find_stray(text, code, span_slice(lead, 0, k), data, at);
            if (!stray.len) continue;
            complain_of_stray(lead, stray, c);
            good = false;
        }
    }
    pcre2_match_data_free(data);
    pcre2_code_free(code);
    return good;
}

static bool begin_with_leads(guard_set *s, const guard_rule_text *text, rule_code *r,
                             rule_literals *l, rule_complaints *c, bool check) {
    for (size_t i = 0; i < text->lead_count; i++) {
        if (text->leads[i].len >= LEAD_MIN) continue;
        rule_complain(c, "lead", "is shorter than %d bytes", LEAD_MIN);
        return false;
    }
    if (check && !leads_are_true(text, c)) return false;
    for (size_t i = 0; i < text->lead_count; i++)
        add_lead(r, l, arena_dup(&s->memory, text->leads[i]));
    return true;
}

/* Behind \b only what begins a word has no word before it: a sign has one. */
static bool all_begin_words(const guard_rule_text *text) {
    bool all = text->lead_count > 0;
    for (size_t i = 0; i < text->lead_count; i++)
        all = all && lead_begins_word(text->leads[i]);
    return all;
}

static bool begin_with_head(guard_set *s, const guard_rule_text *text, rule_code *r,
                            rule_literals *l, rule_complaints *c) {
    buf head_text = BUF_EMPTY;
    pattern_head head = pattern_head_of(text->pattern, &head_text);
    r->apart = head.apart;
    r->parted = head.parted;
    bool good = true;
    if (text->lead_count) {
        bool told =
            head.len && text->lead_count == 1 && span_istarts(buf_span(&head_text), text->leads[0]);
        good = begin_with_leads(s, text, r, l, c, !told && !c->shipped);
        if (head.edge && !head.len) r->apart = r->apart || all_begin_words(text);
    } else if (head.len >= LEAD_MIN) {
        if (head.whole && r->show < 0) r->show = 0; /* else nothing of it would be hidden */
        add_lead(r, l, arena_dup(&s->memory, buf_span(&head_text)));
    } else {
        good = begin_with_bytes(s, text->pattern, r, l, c);
    }
    buf_done(&head_text);
    return good;
}

static bool begin_with_shape(const guard_rule_text *text, rule_code *r, rule_complaints *c) {
    if (!guard_shape_read(text->start, &r->shape)) {
        rule_complain(c, "start", "is \"%.*s\", which is no shape", SPAN_ARG(text->start));
        return false;
    }
    if (r->shape == SHAPE_DIGITS) r->digits = pattern_digits_of(text->pattern);
    bool mark = r->shape >= SHAPE_INVISIBLE;
    if (mark == !text->pattern.len) return true;
    rule_complain(c, "pattern", mark ? "is one too many: the shape is all" : "is missing");
    return false;
}

/* ---- the rest ---- */

static bool is_name(span name, bool label) {
    if (!name.len || name.len > GUARD_NAME_MAX) return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool good = ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c >= '0' && c <= '9') ||
                    c == '_' || (!label && (c == '-' || c == '.'));
        if (!good) return false;
    }
    return true;
}

static span label_of(guard_set *s, const guard_rule_text *text) {
    if (text->label.len) return arena_dup(&s->memory, text->label);
    span label = arena_dup(&s->memory, text->name);
    char *p = (char *)label.ptr; /* ours */
    for (size_t i = 0; i < label.len; i++) {
        if (p[i] >= 'a' && p[i] <= 'z') p[i] = (char)(p[i] - 'a' + 'A');
        if (p[i] == '-' || p[i] == '.') p[i] = '_';
    }
    return label;
}

static unsigned kind_of(guard_set *s, span kind) {
    for (size_t i = 0; i < s->kind_count; i++)
        if (span_eq(s->kinds[i], kind)) return (unsigned)i;
    s->kinds[s->kind_count] = arena_dup(&s->memory, kind);
    return (unsigned)s->kind_count++;
}

static void check_members(const guard_rule_text *text, rule_code *r, rule_complaints *c) {
    if (!is_name(text->name, false))
        rule_complain(
            c, "name", "is \"%.*s\"; a name is up to %d letters, digits, \"-\", \"_\", \".\"",
            (int)(text->name.len < 80 ? text->name.len : 80), text->name.ptr, GUARD_NAME_MAX);
    if (text->label.len && !is_name(text->label, true))
        rule_complain(c, "label", "is \"%.*s\"; a label is letters, digits and \"_\"",
                      (int)(text->label.len < 80 ? text->label.len : 80), text->label.ptr);
    if (text->check.len && !(r->check = guard_check_find(text->check)))
        rule_complain(c, "check", "is \"%.*s\", which is no check", SPAN_ARG(text->check));
    if (text->near_count > RULE_WORDS_MAX || text->stop_count > RULE_WORDS_MAX)
        rule_complain(c, "near", "has more than %d words", RULE_WORDS_MAX);
    if (!text->pattern.len && !text->start.len) rule_complain(c, "pattern", "is missing");
    if (text->show > GUARD_SHOW_MAX)
        rule_complain(c, "show", "is %d; allowed 0 to %d", text->show, GUARD_SHOW_MAX);
    if (text->score > 100) rule_complain(c, "score", "is %u; allowed 0 to 100", text->score);
    if (text->entropy < 0 || text->entropy > 8)
        rule_complain(c, "entropy", "is %g; allowed 0 to 8 bits a byte", text->entropy);
    if (text->score && text->has_action && text->action == GUARD_REDACT)
        rule_complain(c, "score",
                      "goes with block and flag alone: of many words none is the one "
                      "to hide");
}

bool rule_compile(guard_set *s, const guard_rule_text *text, rule_code *r, rule_literals *l,
                  rule_complaints *c) {
    check_members(text, r, c);
    if (c->bad) return false;
    span kind = text->kind.len ? text->kind : SPAN_OF("own");
    r->kind = kind_of(s, kind);
    r->says = (guard_rule){.name = arena_dup(&s->memory, text->name),
                           .label = label_of(s, text),
                           .kind = s->kinds[r->kind],
                           .source = arena_dup(&s->memory, text->source),
                           .pattern = arena_dup(&s->memory, text->pattern),
                           .index = r->says.index,
                           .action = text->action,
                           .has_action = text->has_action,
                           .where = text->where ? text->where : GUARD_BOTH,
                           .score = text->score};
    r->entropy = text->entropy;
    r->show = text->show;
    r->near = guard_words_of(text->near, text->near_count, &s->memory);
    r->stop = guard_words_of(text->stop, text->stop_count, &s->memory);
    r->pattern = arena_alloc(&s->memory, sizeof *r->pattern);
    atomic_init(&r->pattern->code, NULL);
    if (text->pattern.len && !c->shipped && !compile_pattern(text->pattern, r, c)) return false;
    return text->start.len ? begin_with_shape(text, r, c) : begin_with_head(s, text, r, l, c);
}
