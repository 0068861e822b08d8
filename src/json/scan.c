/* The scanner: a loop over two steps, "a value comes" and "a value has ended", with a stack of the
 * containers that are open. Each step looks at one token; nothing recurses, nothing is read twice.
 *
 * Source: RFC 8259; UTF-8 by RFC 3629.
 */
#include "json/json.h"

#include "base/mem.h"
#include "json/names.h"
#include "json/token.h"
#include "json/utf8.h"

#include <limits.h>
#include <stdlib.h>

enum { DEPTH_DEFAULT = 128, FRAMES_INLINE = 32 };

typedef struct frame {
    uint32_t names; /* number of the object's first name */
    bool object;
} frame;

typedef struct scanner {
    const char *doc;
    const char *end;
    unsigned depth; /* containers open */
    unsigned depth_max;
    bool repeats;
    frame top; /* the innermost container; those around it are in frames[1 .. depth - 1] */
    frame *frames;
    unsigned frames_cap;

    /* What json_scan_object records: members of the root, that is at depth record_depth. */
    unsigned record_depth; /* 1; UINT_MAX where nothing is recorded */
    json_member *members;
    size_t max;
    size_t count;
    span key;
    bool key_escaped;
    const char *value_from;
    size_t elements; /* of the value at value_from, should it be an array */
    size_t objects;

    json_fault fault;

    json_names names;
    frame frames_inline[FRAMES_INLINE];
} scanner;

typedef enum step {
    STEP_VALUE, /* a value must come */
    STEP_AFTER, /* a value has ended */
    STEP_DONE,
    STEP_FAULT,
} step;

/* The steps are inlined into their loop, so that the place they hand on to each other through *at
 * stays in a register. */
#define HOT static inline __attribute__((always_inline))

COLD static step fail(scanner *s, const char *at, json_fault_kind kind, const char *what) {
    s->fault = (json_fault){kind, (size_t)(at - s->doc), what};
    return STEP_FAULT;
}

/* The same for functions that return a place. */
COLD static const char *fail_token(scanner *s, const char *at, json_fault_kind kind,
                                   const char *what) {
    (void)fail(s, at, kind, what);
    return NULL;
}

HOT bool is_digit(const char *p, const char *end) {
    return p < end && *p >= '0' && *p <= '9';
}

/* ---- Scalars. Each takes the place of its first byte and returns the one behind it, or NULL. ----
 */

/* What may follow a backslash, `u` apart. */
static const bool brief_escape[256] = {
    ['"'] = true, ['\\'] = true, ['/'] = true, ['b'] = true,
    ['f'] = true, ['n'] = true,  ['r'] = true, ['t'] = true,
};

/* p is a backslash. */
static inline const char *scan_escape(scanner *s, const char *p) {
    if (s->end - p < 2)
        return fail_token(s, s->end, JSON_SYNTAX, "the document ends inside a string");
    if (brief_escape[(unsigned char)p[1]]) return p + 2;
    if (p[1] != 'u') return fail_token(s, p, JSON_SYNTAX, "unknown escape in a string");
    for (int i = 2; i < 6; i++) {
        char c = p + i < s->end ? p[i] : '\0';
        if ((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')) continue;
        return fail_token(s, p, JSON_SYNTAX, "expected four hexadecimal digits after \\u");
    }
    return p + 6;
}

/* p is a byte beyond ASCII. Passes over all text up to what json_skip_text stops at, so that the
 * two tasks, finding the end and checking UTF-8, each run at their own best pace. */
static const char *scan_beyond_ascii(scanner *s, const char *p) {
    const char *stop = json_skip_text(p, s->end);
    const char *bad = json_utf8_skip(p, stop);
    if (bad != stop) return fail_token(s, bad, JSON_UTF8, "invalid UTF-8 in a string");
    return stop;
}

/* The rest of a string, from a byte that json_skip_plain stopped at to the closing quote. */
static const char *scan_string_rest(scanner *s, const char *p, bool *ret_escaped) {
    *ret_escaped = false;
    while (p < s->end && *p != '"') {
        if (*p == '\\') {
            *ret_escaped = true;
            p = scan_escape(s, p);
        } else if ((unsigned char)*p >= 0x80) {
            p = scan_beyond_ascii(s, p);
        } else {
            return fail_token(s, p, JSON_SYNTAX, "a control character in a string must be escaped");
        }
        if (!p) return NULL;
        p = json_skip_plain(p, s->end);
    }
    if (p == s->end) return fail_token(s, p, JSON_SYNTAX, "the document ends inside a string");
    return p;
}

/* from is behind the opening quote; returns the closing one. */
HOT const char *scan_string(scanner *s, const char *from, bool *ret_escaped) {
    const char *p = json_skip_plain(from, s->end);
    if (p == s->end || *p != '"') return scan_string_rest(s, p, ret_escaped);
    *ret_escaped = false;
    return p;
}

const char *json_string_end(const char *from, const char *end) {
    scanner s; /* of which a string needs no more */
    s.doc = from;
    s.end = end;
    bool escaped;
    return scan_string(&s, from, &escaped);
}

static const char *scan_number(scanner *s, const char *p) {
    const char *end = s->end;
    if (*p == '-') p++;
    if (!is_digit(p, end)) return fail_token(s, p, JSON_SYNTAX, "expected a digit after '-'");
    if (*p == '0') {
        p++;
        if (is_digit(p, end))
            return fail_token(s, p, JSON_SYNTAX, "a number must not begin with 0");
    }
    while (is_digit(p, end))
        p++;
    if (p < end && *p == '.') {
        p++;
        if (!is_digit(p, end)) return fail_token(s, p, JSON_SYNTAX, "expected a digit after '.'");
        while (is_digit(p, end))
            p++;
    }
    if (p < end && (*p | 0x20) == 'e') {
        p++;
        if (p < end && (*p == '+' || *p == '-')) p++;
        if (!is_digit(p, end))
            return fail_token(s, p, JSON_SYNTAX, "expected a digit in the exponent");
        while (is_digit(p, end))
            p++;
    }
    return p;
}

static const span byte_order_mark = SPAN("\xEF\xBB\xBF");

span json_behind_mark(span doc) {
    return span_starts(doc, byte_order_mark) ? span_slice(doc, byte_order_mark.len, doc.len) : doc;
}

COLD static const char *fail_value(scanner *s, const char *p) {
    span rest = span_from(p, (size_t)(s->end - p));
    if (s->depth == 0 && span_starts(rest, byte_order_mark))
        return fail_token(s, p, JSON_SYNTAX, "a byte order mark is not allowed");
    return fail_token(s, p, JSON_SYNTAX, "expected a value");
}

HOT const char *scan_word(scanner *s, const char *p, span word) {
    if ((size_t)(s->end - p) < word.len || memcmp(p, word.ptr, word.len) != 0)
        return fail_value(s, p);
    return p + word.len;
}

/* ---- Containers. *at is the next byte to look at; the steps move it. ---- */

COLD static void grow_frames(scanner *s) {
    unsigned cap = s->frames_cap * 2;
    frame *old = s->frames == s->frames_inline ? NULL : s->frames;
    frame *grown = mem_realloc(old, cap * sizeof *grown);
    if (!old) memcpy(grown, s->frames_inline, sizeof s->frames_inline);
    s->frames = grown;
    s->frames_cap = cap;
}

COLD static step fail_name(scanner *s, const char *quote) {
    if (json_names_full(&s->names))
        return fail(s, quote, JSON_TOO_MANY, "the objects have too many members");
    return fail(s, quote, JSON_DUPLICATE, "the object already has a member of this name");
}

/* A member begins at *at, behind blanks. Leaves it behind the colon. */
HOT step scan_name(scanner *s, const char **at) {
    const char *quote = *at;
    if (json_next_byte(&quote, s->end) != '"')
        return fail(s, quote, JSON_SYNTAX, "expected a member's name in quotes");
    bool escaped;
    const char *p = scan_string(s, quote + 1, &escaped);
    if (!p) return STEP_FAULT;
    span inner = span_from(quote + 1, (size_t)(p - quote - 1));
    if (!s->repeats && !json_names_add(&s->names, s->top.names, inner, escaped, s->end))
        return fail_name(s, quote);
    if (s->depth == s->record_depth) {
        s->key = inner;
        s->key_escaped = escaped;
    }
    p++;
    if (json_next_byte(&p, s->end) != ':')
        return fail(s, p, JSON_SYNTAX, "expected ':' after a member's name");
    *at = p + 1;
    return STEP_VALUE;
}

/* *at is the closing bracket. */
HOT step close_container(scanner *s, const char **at) {
    *at += 1;
    if (s->top.object) json_names_drop(&s->names, s->top.names);
    s->depth--;
    s->top = s->frames[s->depth];
    return STEP_AFTER;
}

/* *at is the opening bracket. Leaves it at the first value, or behind an empty container. */
HOT step open_container(scanner *s, const char **at, bool object) {
    if (s->depth == s->depth_max)
        return fail(s, *at, JSON_TOO_DEEP, "arrays and objects are nested too deeply");
    if (s->depth == s->frames_cap) grow_frames(s);
    s->frames[s->depth] = s->top;
    s->depth++;
    s->top = (frame){.names = s->names.count, .object = object};
    *at += 1;
    if (json_next_byte(at, s->end) == (object ? '}' : ']')) return close_container(s, at);
    return object ? scan_name(s, at) : STEP_VALUE;
}

/* ---- The two steps ---- */

/* p is the first byte of a value. */
HOT void note_value(scanner *s, const char *p) {
    if (s->depth == s->record_depth) {
        s->value_from = p;
        s->elements = s->objects = 0;
    } else if (s->depth == s->record_depth + 1 && !s->top.object) {
        if (*p == '{' && s->objects == s->elements) s->objects++;
        s->elements++;
    }
}

HOT step scan_value(scanner *s, const char **at) {
    char first = json_next_byte(at, s->end);
    const char *p = *at;
    if (p == s->end) return fail(s, p, JSON_SYNTAX, "the document ends before a value");
    note_value(s, p);
    bool escaped;
    switch (first) {
    case '{': return open_container(s, at, true);
    case '[': return open_container(s, at, false);
    case '"':
        p = scan_string(s, p + 1, &escaped);
        if (p) p++;
        break;
    case 't': p = scan_word(s, p, SPAN_OF("true")); break;
    case 'f': p = scan_word(s, p, SPAN_OF("false")); break;
    case 'n': p = scan_word(s, p, SPAN_OF("null")); break;
    case '-':
    case '0' ... '9': p = scan_number(s, p); break;
    default: p = fail_value(s, p); break;
    }
    *at = p;
    return p ? STEP_AFTER : STEP_FAULT;
}

static void record_member(scanner *s, const char *value_end) {
    if (s->count < s->max) {
        span raw = span_from(s->value_from, (size_t)(value_end - s->value_from));
        s->members[s->count] = (json_member){
            .key = s->key,
            .value = {json_type_of(*raw.ptr), raw},
            .escaped = s->key_escaped,
            .elements = s->elements,
            .objects = s->objects,
        };
    }
    s->count++;
}

HOT step after_value(scanner *s, const char **at) {
    if (s->depth == 0) return STEP_DONE;
    if (s->depth == s->record_depth) record_member(s, *at);
    char c = json_next_byte(at, s->end);
    if (c == ',') {
        *at += 1;
        return s->top.object ? scan_name(s, at) : STEP_VALUE;
    }
    if (c == (s->top.object ? '}' : ']')) return close_container(s, at);
    return fail(s, *at, JSON_SYNTAX,
                s->top.object ? "expected ',' or '}' after a member"
                              : "expected ',' or ']' after an element");
}

/* ---- The document ---- */

/* root is the first byte of the value, behind blanks. Returns its end, or NULL. */
static const char *scan_document(scanner *s, const char *root) {
    const char *at = root;
    step next = STEP_VALUE;
    while (next <= STEP_AFTER)
        next = next == STEP_VALUE ? scan_value(s, &at) : after_value(s, &at);
    if (next == STEP_FAULT) return NULL;
    const char *rest = json_skip_blanks(at, s->end);
    if (rest != s->end)
        return fail_token(s, rest, JSON_TRAILING, "the document goes on after its value");
    return at;
}

/* Returns the first byte that is no blank. */
static const char *scanner_init(scanner *s, span doc, const json_limits *limits) {
    s->doc = doc.len ? doc.ptr : "";
    s->end = s->doc + doc.len;
    s->depth = 0;
    s->depth_max = limits && limits->depth ? limits->depth : DEPTH_DEFAULT;
    s->repeats = limits && limits->repeats;
    s->top = (frame){0, false};
    s->frames = s->frames_inline;
    s->frames_cap = FRAMES_INLINE;
    s->record_depth = UINT_MAX;
    s->count = 0;
    s->elements = s->objects = 0;
    json_names_init(&s->names, limits && limits->members ? limits->members : UINT32_MAX);
    return json_skip_blanks(s->doc, s->end);
}

static void scanner_done(scanner *s) {
    json_names_done(&s->names);
    if (s->frames != s->frames_inline) free(s->frames);
}

bool json_scan(span doc, const json_limits *limits, json_value *ret_root, json_fault *ret_fault) {
    scanner s;
    const char *root = scanner_init(&s, doc, limits);
    const char *end = scan_document(&s, root);
    if (end)
        *ret_root = (json_value){json_type_of(*root), span_from(root, (size_t)(end - root))};
    else
        *ret_fault = s.fault;
    scanner_done(&s);
    return end != NULL;
}

bool json_scan_object(span doc, const json_limits *limits, json_member *members, size_t max,
                      size_t *ret_count, json_fault *ret_fault) {
    scanner s;
    const char *root = scanner_init(&s, doc, limits);
    s.record_depth = 1;
    s.members = members;
    s.max = max;
    /* An absent value and a byte order mark have messages of their own. */
    bool other = root != s.end && *root != '{' && *root != '\xEF';
    const char *end =
        other ? fail_token(&s, root, JSON_SYNTAX, "expected an object") : scan_document(&s, root);
    if (end)
        *ret_count = s.count;
    else
        *ret_fault = s.fault;
    scanner_done(&s);
    return end != NULL;
}
