/* What a reader tells of a body, its events' bytes as they stand: a line each, `name: data` of a
 * stream and `= data` of a document, and at the end the word of how it ended. */
#ifndef WEIR_TEST_TOLD_H
#define WEIR_TEST_TOLD_H

#include "said.h"

static inline void told_add(buf *out, const answer_event *e) {
    if (e->name.len) buf_addf(out, "%.*s: ", SPAN_ARG(e->name));
    buf_addf(out, "%s%.*s\n", e->kind == ANSWER_PLAIN ? "= " : "", SPAN_ARG(e->data));
}

/* In pieces of so many bytes, each on the heap and gone before the next comes. */
static inline buf told_in(const reader_spec *spec, const char *type, const char *body,
                          size_t step) {
    buf out = BUF_EMPTY;
    reader r;
    answer_event e;
    reader_result got = READER_MORE;
    span all = span_cstr(body);
    reader_init(&r, spec, span_cstr(type), -1);
    for (size_t at = 0; at < all.len && got == READER_MORE; at += step) {
        span piece = span_slice(all, at, at + step);
        char *copy = malloc(piece.len);
        memcpy(copy, piece.ptr, piece.len);
        span rest = span_from(copy, piece.len);
        while ((got = reader_next(&r, &rest, &e)) == READER_EVENT)
            told_add(&out, &e);
        free(copy);
    }
    if (got == READER_MORE)
        while ((got = reader_end(&r, true, &e)) == READER_EVENT)
            told_add(&out, &e);
    buf_addf(&out, "%s", said_results[got]);
    reader_done(&r);
    (void)buf_cstr(&out);
    return out;
}

static inline reader_spec told_spec(dialect d, reader_asked asked) {
    reader_spec spec = said_spec(d, 0);
    spec.asked = asked;
    return spec;
}

/* Whole, byte by byte and in pieces between. */
static inline void assert_told_by(const reader_spec *spec, const char *type, const char *body,
                                  const char *expected) {
    static const size_t steps[] = {SIZE_MAX / 2, 1, 2, 7, 64};
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        buf told = told_in(spec, type, body, steps[i]);
        assert_string_equal(buf_cstr(&told), expected);
        buf_done(&told);
    }
}

static inline void assert_told(dialect d, reader_asked asked, const char *type, const char *body,
                               const char *expected) {
    const reader_spec spec = told_spec(d, asked);
    assert_told_by(&spec, type, body, expected);
}

#endif
