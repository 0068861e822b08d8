/* The scanner: a loop over two steps, "a value comes" and "a value has ended", with a stack of the
 * containers that are open. Each step looks at one token; nothing recurses, nothing is read twice.
 *
 * Source: RFC 8259; UTF-8 by RFC 3629.
 */
#include "json/json.h"

#include "base/mem.h"
#include "json/names.h"
#include "json/lex.h"

#include <limits.h>
#include <stdlib.h>

enum { DEPTH_DEFAULT = 128, FRAMES_INLINE = 32 };

typedef struct frame {
    uint32_t names; /* number of the object's first name */
    bool object;
} frame;

typedef struct scanner {
    const char *doc;
    const char *at; /* next byte to look at; where the fault is, once there is one */
    const char *end;
    unsigned depth; /* containers open */
    unsigned depth_max;
    frame top; /* the innermost container; those around it are in frames[1 .. depth - 1] */
    frame *frames;
    unsigned frames_cap;

    /* What json_scan_object records: members of the root, that is at depth record_depth. */
    unsigned record_depth; /* 1; UINT_MAX where nothing is recorded */
    json_member *members;
    size_t max;
    size_t count;
    span key;
    const char *value_from;

    json_fault_kind fault;
    const char *fault_what;

    json_names names;
    frame frames_inline[FRAMES_INLINE];
} scanner;

typedef enum step {
    STEP_VALUE, /* a value must come */
    STEP_AFTER, /* a value has ended */
    STEP_DONE,
    STEP_FAULT,
} step;

#define HOT static inline __attribute__((always_inline))

static __attribute__((cold, noinline)) step fail(scanner *s, const char *at, json_fault_kind kind,
                                                 const char *what) {
    s->at = at;
    s->fault = kind;
    s->fault_what = what;
    return STEP_FAULT;
}

HOT void skip_blanks(scanner *s) {
    s->at = json_skip_blanks(s->at, s->end);
}

HOT bool is_digit(const char *p, const char *end) {
    return p < end && *p >= '0' && *p <= '9';
}

/* ---- Scalars. Each begins at s->at and returns STEP_AFTER with s->at behind the value. ---- */

/* p points at a backslash. Returns the byte behind the escape, or NULL. */
static const char *scan_escape(scanner *s, const char *p) {
    const char *end = s->end;
    if (end - p < 2) {
        (void)fail(s, end, JSON_SYNTAX, "the document ends inside a string");
        return NULL;
    }
    switch (p[1]) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't': return p + 2;
    case 'u': break;
    default: (void)fail(s, p, JSON_SYNTAX, "unknown escape in a string"); return NULL;
    }
    for (int i = 2; i < 6; i++) {
        char c = p + i < end ? p[i] : '\0';
        if ((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')) continue;
        (void)fail(s, p, JSON_SYNTAX, "expected four hexadecimal digits after \\u");
        return NULL;
    }
    return p + 6;
}

/* Passes over characters beyond ASCII. Returns the first byte that is ASCII, or end, or NULL. */
static const char *scan_beyond_ascii(scanner *s, const char *p) {
    while (p < s->end && (unsigned char)*p >= 0x80) {
        size_t n = json_utf8_len(p, s->end);
        if (n == 0) {
            (void)fail(s, p, JSON_UTF8, "invalid UTF-8 in a string");
            return NULL;
        }
        p += n;
    }
    return p;
}

/* The rest of a string from a byte that json_skip_plain stopped at. Returns the closing quote, or
 * NULL. */
static const char *scan_string_rest(scanner *s, const char *p, bool *ret_escaped) {
    for (; p; p = p ? json_skip_plain(p, s->end) : NULL) {
        if (p == s->end) {
            (void)fail(s, p, JSON_SYNTAX, "the document ends inside a string");
            return NULL;
        }
        if (*p == '"') return p;
        if (*p == '\\') {
            *ret_escaped = true;
            p = scan_escape(s, p);
        } else if ((unsigned char)*p >= 0x80) {
            p = scan_beyond_ascii(s, p);
        } else {
            (void)fail(s, p, JSON_SYNTAX, "a control character in a string must be escaped");
            return NULL;
        }
    }
    return NULL;
}

/* s->at is the opening quote. Gives what stands between the quotes. */
HOT step scan_string(scanner *s, span *ret_inner, bool *ret_escaped) {
    const char *from = s->at + 1;
    const char *p = json_skip_plain(from, s->end);
    bool escaped = false;
    if (p == s->end || *p != '"') {
        p = scan_string_rest(s, p, &escaped);
        if (!p) return STEP_FAULT;
    }
    s->at = p + 1;
    *ret_inner = span_from(from, (size_t)(p - from));
    *ret_escaped = escaped;
    return STEP_AFTER;
}

static step scan_number(scanner *s) {
    const char *p = s->at, *end = s->end;
    if (*p == '-') p++;
    if (!is_digit(p, end)) return fail(s, p, JSON_SYNTAX, "expected a digit after '-'");
    if (*p == '0') {
        p++;
        if (is_digit(p, end)) return fail(s, p, JSON_SYNTAX, "a number must not begin with 0");
    }
    while (is_digit(p, end))
        p++;
    if (p < end && *p == '.') {
        p++;
        if (!is_digit(p, end)) return fail(s, p, JSON_SYNTAX, "expected a digit after '.'");
        while (is_digit(p, end))
            p++;
    }
    if (p < end && (*p | 0x20) == 'e') {
        p++;
        if (p < end && (*p == '+' || *p == '-')) p++;
        if (!is_digit(p, end)) return fail(s, p, JSON_SYNTAX, "expected a digit in the exponent");
        while (is_digit(p, end))
            p++;
    }
    s->at = p;
    return STEP_AFTER;
}

static step scan_word(scanner *s, span word) {
    span rest = span_from(s->at, (size_t)(s->end - s->at));
    if (!span_starts(rest, word)) return fail(s, s->at, JSON_SYNTAX, "expected a value");
    s->at += word.len;
    return STEP_AFTER;
}

/* ---- Containers ---- */

static void grow_frames(scanner *s) {
    unsigned cap = s->frames_cap * 2;
    frame *old = s->frames == s->frames_inline ? NULL : s->frames;
    frame *grown = mem_realloc(old, cap * sizeof *grown);
    if (!old) memcpy(grown, s->frames_inline, sizeof s->frames_inline);
    s->frames = grown;
    s->frames_cap = cap;
}

/* s->at is the first byte of a name. Leaves it behind the colon. */
HOT step scan_name(scanner *s) {
    if (s->at == s->end || *s->at != '"')
        return fail(s, s->at, JSON_SYNTAX, "expected a member's name in quotes");
    const char *from = s->at;
    span inner;
    bool escaped;
    if (scan_string(s, &inner, &escaped) == STEP_FAULT) return STEP_FAULT;
    if (!json_names_add(&s->names, s->top.names, inner, escaped, s->end))
        return fail(s, from, JSON_DUPLICATE, "the object already has a member of this name");
    if (s->depth == s->record_depth) s->key = inner;
    skip_blanks(s);
    if (s->at == s->end || *s->at != ':')
        return fail(s, s->at, JSON_SYNTAX, "expected ':' after a member's name");
    s->at++;
    return STEP_VALUE;
}

HOT step close_container(scanner *s) {
    s->at++;
    if (s->top.object) json_names_drop(&s->names, s->top.names);
    s->depth--;
    s->top = s->frames[s->depth];
    return STEP_AFTER;
}

/* s->at is the opening bracket. Leaves it at the first value, or behind an empty container. */
HOT step open_container(scanner *s, bool object) {
    if (s->depth == s->depth_max)
        return fail(s, s->at, JSON_TOO_DEEP, "arrays and objects are nested too deeply");
    if (s->depth == s->frames_cap) grow_frames(s);
    s->frames[s->depth] = s->top;
    s->depth++;
    s->top = (frame){.names = s->names.count, .object = object};
    s->at++;
    skip_blanks(s);
    if (s->at < s->end && *s->at == (object ? '}' : ']')) return close_container(s);
    return object ? scan_name(s) : STEP_VALUE;
}

/* ---- The two steps ---- */

HOT step scan_value(scanner *s) {
    skip_blanks(s);
    if (s->at == s->end) return fail(s, s->at, JSON_SYNTAX, "the document ends before a value");
    if (s->depth == s->record_depth) s->value_from = s->at;
    span inner;
    bool escaped;
    switch (*s->at) {
    case '"': return scan_string(s, &inner, &escaped);
    case '{': return open_container(s, true);
    case '[': return open_container(s, false);
    case 't': return scan_word(s, SPAN_OF("true"));
    case 'f': return scan_word(s, SPAN_OF("false"));
    case 'n': return scan_word(s, SPAN_OF("null"));
    case '-':
    case '0' ... '9': return scan_number(s);
    default: return fail(s, s->at, JSON_SYNTAX, "expected a value");
    }
}

static void record_member(scanner *s) {
    if (s->count < s->max) {
        span raw = span_from(s->value_from, (size_t)(s->at - s->value_from));
        s->members[s->count] = (json_member){s->key, {json_type_of(*raw.ptr), raw}};
    }
    s->count++;
}

HOT step after_value(scanner *s) {
    if (s->depth == 0) return STEP_DONE;
    if (s->depth == s->record_depth) record_member(s);
    skip_blanks(s);
    char c = s->at < s->end ? *s->at : '\0';
    if (c == ',') {
        s->at++;
        if (!s->top.object) return STEP_VALUE;
        skip_blanks(s);
        return scan_name(s);
    }
    if (c == (s->top.object ? '}' : ']')) return close_container(s);
    return fail(s, s->at, JSON_SYNTAX,
                s->top.object ? "expected ',' or '}' after a member"
                              : "expected ',' or ']' after an element");
}

/* ---- The document ---- */

static void scanner_init(scanner *s, span doc, const json_limits *limits) {
    s->doc = s->at = doc.len ? doc.ptr : "";
    s->end = s->doc + doc.len;
    s->depth = 0;
    s->depth_max = limits && limits->depth ? limits->depth : DEPTH_DEFAULT;
    s->top = (frame){0, false};
    s->frames = s->frames_inline;
    s->frames_cap = FRAMES_INLINE;
    s->record_depth = UINT_MAX;
    s->count = 0;
    json_names_init(&s->names);
}

static void scanner_done(scanner *s) {
    json_names_done(&s->names);
    if (s->frames != s->frames_inline) free(s->frames);
}

/* s->at is the first byte of the root, behind blanks. */
static bool scan_document(scanner *s) {
    span rest = span_from(s->at, (size_t)(s->end - s->at));
    if (span_starts(rest, SPAN_OF("\xEF\xBB\xBF"))) {
        (void)fail(s, s->at, JSON_SYNTAX, "a byte order mark is not allowed");
        return false;
    }
    step next = STEP_VALUE;
    while (next <= STEP_AFTER)
        next = next == STEP_VALUE ? scan_value(s) : after_value(s);
    if (next == STEP_FAULT) return false;
    const char *root_end = s->at;
    skip_blanks(s);
    if (s->at != s->end) {
        (void)fail(s, s->at, JSON_TRAILING, "the document goes on after its value");
        return false;
    }
    s->at = root_end;
    return true;
}

static void report(const scanner *s, json_fault *ret_fault) {
    *ret_fault = (json_fault){s->fault, (size_t)(s->at - s->doc), s->fault_what};
}

bool json_scan(span doc, const json_limits *limits, json_value *ret_root, json_fault *ret_fault) {
    scanner s;
    scanner_init(&s, doc, limits);
    skip_blanks(&s);
    const char *root = s.at;
    bool ok = scan_document(&s);
    if (ok)
        *ret_root = (json_value){json_type_of(*root), span_from(root, (size_t)(s.at - root))};
    else
        report(&s, ret_fault);
    scanner_done(&s);
    return ok;
}

bool json_scan_object(span doc, const json_limits *limits, json_member *members, size_t max,
                      size_t *ret_count, json_fault *ret_fault) {
    scanner s;
    scanner_init(&s, doc, limits);
    s.record_depth = 1;
    s.members = members;
    s.max = max;
    skip_blanks(&s);
    bool object = s.at == s.end || *s.at == '{' || (unsigned char)*s.at == 0xEF;
    if (!object) (void)fail(&s, s.at, JSON_SYNTAX, "expected an object");
    bool ok = object && scan_document(&s);
    if (ok)
        *ret_count = s.count;
    else
        report(&s, ret_fault);
    scanner_done(&s);
    return ok;
}
