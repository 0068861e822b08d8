#include "schema/pattern.h"

#include "base/mem.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>

enum {
    PATTERN_BYTES_MAX = 8192,
    NESTED_MAX = 100,
    DEPTH_MAX = 20000,
    HEAP_MAX_KB = 4096,
};

/* A search is tried within few steps first, and with more where those do not do: PCRE2 does not
 * tell how many it took. work: of each, so that a million of it takes half a second at most. */
static const struct {
    uint32_t steps;
    size_t work;
} tries[] = {{100, 4}, {2000, 100}, {200000, 20000}};
enum { BYTES_A_WORK = 64 }; /* of a text that is gone through */

struct schema_pattern {
    pcre2_code *code;
    pcre2_match_context *bounds[ARRAY_LEN(tries)]; /* read alone once they are made */
};

/* ---- from JavaScript's words to PCRE2's ---- */

/* Unicode's general categories by the names that PCRE2 does not know. */
static const struct {
    span name, is;
} categories[] = {
    {SPAN("Letter"), SPAN("L")},
    {SPAN("Lowercase_Letter"), SPAN("Ll")},
    {SPAN("Uppercase_Letter"), SPAN("Lu")},
    {SPAN("Titlecase_Letter"), SPAN("Lt")},
    {SPAN("Modifier_Letter"), SPAN("Lm")},
    {SPAN("Other_Letter"), SPAN("Lo")},
    {SPAN("Alphabetic"), SPAN("L")},
    {SPAN("Mark"), SPAN("M")},
    {SPAN("Number"), SPAN("N")},
    {SPAN("Decimal_Number"), SPAN("Nd")},
    {SPAN("digit"), SPAN("Nd")},
    {SPAN("Letter_Number"), SPAN("Nl")},
    {SPAN("Other_Number"), SPAN("No")},
    {SPAN("Punctuation"), SPAN("P")},
    {SPAN("punct"), SPAN("P")},
    {SPAN("Symbol"), SPAN("S")},
    {SPAN("Separator"), SPAN("Z")},
    {SPAN("Space_Separator"), SPAN("Zs")},
    {SPAN("Other"), SPAN("C")},
    {SPAN("Control"), SPAN("Cc")},
};

/* "\\p{Letter}" at the beginning of rest. Returns how much of it was translated; 0: nothing. */
static size_t add_property(span rest, buf *out) {
    size_t end = span_find(rest, 3, '}');
    if (rest.len < 4 || rest.ptr[2] != '{' || end == rest.len) return 0;
    span name = span_slice(rest, 3, end);
    size_t equals = span_find(name, 0, '=');
    if (equals < name.len) name = span_slice(name, equals + 1, name.len); /* Script=Greek */
    for (size_t i = 0; i < ARRAY_LEN(categories); i++)
        if (span_eq(categories[i].name, name)) name = categories[i].is;
    buf_addf(out, "\\%c{%.*s}", rest.ptr[1], SPAN_ARG(name));
    return end + 1;
}

/* Blanks are also those beyond ASCII. \S within a class stays PCRE2's. */
static size_t add_blank(span rest, bool in_class, buf *out) {
    static const char more[] = "\\s\u00A0\uFEFF\u2028\u2029\\p{Zs}";
    if (rest.ptr[1] == 'S' && in_class) return 0;
    if (in_class)
        buf_add_cstr(out, more);
    else
        buf_addf(out, "[%s%s]", rest.ptr[1] == 'S' ? "^" : "", more);
    return 2;
}

static void translate(span text, buf *out) {
    bool in_class = false;
    for (size_t at = 0; at < text.len;) {
        span rest = span_slice(text, at, text.len);
        size_t took = 0;
        if (rest.ptr[0] == '\\' && rest.len > 1) {
            char c = rest.ptr[1];
            if (c == 'p' || c == 'P') took = add_property(rest, out);
            if (c == 's' || c == 'S') took = add_blank(rest, in_class, out);
            if (!took) buf_add(out, span_slice(rest, 0, took = 2));
        } else {
            if (rest.ptr[0] == '[') in_class = true;
            if (rest.ptr[0] == ']') in_class = false;
            buf_add(out, span_slice(rest, 0, took = 1));
        }
        at += took;
    }
}

static pcre2_code *compile(span text, int *ret_error) {
    size_t at;
    const uint32_t options = PCRE2_UTF | PCRE2_ALT_BSUX | PCRE2_DOLLAR_ENDONLY |
                             PCRE2_MATCH_UNSET_BACKREF | PCRE2_ALLOW_EMPTY_CLASS |
                             PCRE2_NEVER_BACKSLASH_C;
    pcre2_compile_context *how = pcre2_compile_context_create(NULL);
    if (!how) abort();
    pcre2_set_compile_extra_options(how, PCRE2_EXTRA_ALT_BSUX);
    pcre2_set_parens_nest_limit(how, NESTED_MAX);
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)text.ptr, text.len, options, ret_error, &at, how);
    pcre2_compile_context_free(how);
    return code;
}

static pcre2_match_context *bounds_of(uint32_t steps) {
    pcre2_match_context *c = pcre2_match_context_create(NULL);
    if (!c) abort();
    pcre2_set_match_limit(c, steps);
    pcre2_set_depth_limit(c, DEPTH_MAX);
    pcre2_set_heap_limit(c, HEAP_MAX_KB);
    return c;
}

schema_pattern *schema_pattern_new(span text, buf *ret_why) {
    buf translated = BUF_EMPTY;
    int error = 0;
    if (text.len > PATTERN_BYTES_MAX) {
        buf_addf(ret_why, "the pattern has more than %d bytes", PATTERN_BYTES_MAX);
        return NULL;
    }
    translate(text, &translated);
    (void)buf_cstr(&translated); /* which is somewhere, if empty too */
    pcre2_code *code = compile(buf_span(&translated), &error);
    buf_done(&translated);
    if (!code) {
        PCRE2_UCHAR why[128] = "";
        pcre2_get_error_message(error, why, sizeof why);
        buf_addf(ret_why, "no pattern: %s", (const char *)why);
        return NULL;
    }
    schema_pattern *p = mem_zalloc(sizeof *p);
    p->code = code;
    for (size_t i = 0; i < ARRAY_LEN(tries); i++)
        p->bounds[i] = bounds_of(tries[i].steps);
    return p;
}

void schema_pattern_free(schema_pattern *p) {
    if (!p) return;
    for (size_t i = 0; i < ARRAY_LEN(tries); i++)
        pcre2_match_context_free(p->bounds[i]);
    pcre2_code_free(p->code);
    free(p);
}

schema_found schema_pattern_find(const schema_pattern *p, span text, size_t *ret_work) {
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    if (!data) abort();
    if (!text.len) text.ptr = "";
    int n = PCRE2_ERROR_MATCHLIMIT;
    *ret_work = text.len / BYTES_A_WORK;
    for (size_t i = 0; i < ARRAY_LEN(tries) && n == PCRE2_ERROR_MATCHLIMIT; i++) {
        n = pcre2_match(p->code, (PCRE2_SPTR)text.ptr, text.len, 0, 0, data, p->bounds[i]);
        *ret_work += tries[i].work;
    }
    pcre2_match_data_free(data);
    if (n >= 0) return SCHEMA_FOUND;
    return n == PCRE2_ERROR_NOMATCH ? SCHEMA_NOT_FOUND : SCHEMA_TOO_LONG;
}
