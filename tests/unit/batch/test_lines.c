/* Bytes to numbered lines, whatever the cuts. */
#include "unit.h"

#include "batch/lines.h"

enum { MAX = 10 };

static void tell(buf *out, const line *l) {
    buf_addf(out, "%llu@%llu[%.*s]%llu%s%s %llx\n", (unsigned long long)l->number,
             (unsigned long long)l->offset, SPAN_ARG(l->text), (unsigned long long)l->len,
             l->too_long ? " too long" : "", l->ended ? "" : " no end",
             (unsigned long long)l->mark);
}

/* Fed in pieces of step bytes, each gone before the next comes; the first one has first bytes. */
static void read_in(span doc, size_t first, size_t step, bool marks, buf *out) {
    lines l;
    line found;
    lines_init(&l, MAX, marks);
    for (size_t at = 0, next; at < doc.len; at = next) {
        next = at == 0 && first ? first : at + step;
        span piece = span_slice(doc, at, next);
        char *copy = malloc(piece.len + 1);
        memcpy(copy, piece.ptr, piece.len);
        for (span input = span_from(copy, piece.len); lines_next(&l, &input, &found);)
            tell(out, &found);
        free(copy);
    }
    while (lines_end(&l, &found))
        tell(out, &found);
    lines_done(&l);
}

/* The same for all cuts; without the marks it equals expected. */
static void check(span doc, const char *expected) {
    buf whole = BUF_EMPTY, cut = BUF_EMPTY, plain = BUF_EMPTY;
    read_in(doc, 0, doc.len + 1, true, &whole);
    for (size_t first = 0; first <= doc.len; first++) {
        buf_clear(&cut);
        read_in(doc, first, first ? doc.len : 1, true, &cut);
        assert_string_equal(buf_cstr(&cut), buf_cstr(&whole));
    }
    read_in(doc, 0, 1, false, &plain);
    assert_string_equal(buf_cstr(&plain), expected);
    buf_done(&whole);
    buf_done(&cut);
    buf_done(&plain);
}

static void ends_at_lf_and_crlf(void **state) {
    (void)state;
    check(SPAN_OF(""), "");
    check(SPAN_OF("\n"), "1@0[]0 0\n");
    check(SPAN_OF("a\nbc\r\n\r\nd\re\n"), "1@0[a]1 0\n2@2[bc]2 0\n3@6[]0 0\n4@8[d\re]3 0\n");
    check(SPAN_OF("a\nb"), "1@0[a]1 0\n2@2[b]1 no end 0\n");
    check(SPAN_OF("a\nb\r"), "1@0[a]1 0\n2@2[b]1 no end 0\n");
}

static void passes_over_the_byte_order_mark(void **state) {
    (void)state;
    check(SPAN_OF("\xEF\xBB\xBF"), "");
    check(SPAN_OF("\xEF\xBB\xBFx\n\xEF\xBB\xBFy"), "1@0[x]1 0\n2@5[\xEF\xBB\xBFy]4 no end 0\n");
    check(SPAN_OF("\xEF\xBBx\n"), "1@0[\xEF\xBBx]3 0\n");
    check(SPAN_OF("\xEF\n"), "1@0[\xEF]1 0\n");
    check(SPAN_OF("\xEF\xBB"), "1@0[\xEF\xBB]2 no end 0\n");
}

static void keeps_the_beginning_of_what_is_too_long(void **state) {
    (void)state;
    check(SPAN_OF("0123456789\r\nx"), "1@0[0123456789]10 0\n2@12[x]1 no end 0\n");
    check(SPAN_OF("0123456789a\nx\n"), "1@0[0123456789]11 too long 0\n2@12[x]1 0\n");
    check(SPAN_OF("0123456789a\r\n"), "1@0[0123456789]11 too long 0\n");
    check(SPAN_OF("0123456789abc\rdef\r\ny\n"), "1@0[0123456789]17 too long 0\n2@19[y]1 0\n");
    check(SPAN_OF("0123456789abc"), "1@0[0123456789]13 too long no end 0\n");
    check(SPAN_OF("0123456789\r\r"), "1@0[0123456789]11 too long no end 0\n");
}

static uint64_t mark_of(const char *text) {
    lines l;
    line found = {0};
    span input = span_cstr(text);
    lines_init(&l, MAX, true);
    assert_true(lines_next(&l, &input, &found) || lines_end(&l, &found));
    lines_done(&l);
    return found.mark;
}

/* The first 48 bits of the SHA-256 of the line alone: they go into files, so they may not change.
 */
static void marks_what_a_line_is(void **state) {
    (void)state;
    assert_int_equal(mark_of("abc\n"), 0xba7816bf8f01);
    assert_int_equal(mark_of("abc\r\n"), 0xba7816bf8f01);
    assert_int_equal(mark_of("\xEF\xBB\xBF"
                             "abc"),
                     0xba7816bf8f01);
    assert_true(mark_of("0123456789abcX\n") != mark_of("0123456789abcY\n"));
    assert_true(mark_of("0123456789abcX\r\n") == mark_of("0123456789abcX"));
    assert_true(mark_of("0123456789abc\rX\n") != mark_of("0123456789abcX\n"));
}

static void blank_lines(void **state) {
    (void)state;
    assert_true(line_is_blank(&(line){.text = SPAN(" \t ")}));
    assert_true(line_is_blank(&(line){.text = SPAN("")}));
    assert_false(line_is_blank(&(line){.text = SPAN(" x")}));
    assert_false(line_is_blank(&(line){.text = SPAN("  "), .too_long = true}));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ends_at_lf_and_crlf),
        cmocka_unit_test(passes_over_the_byte_order_mark),
        cmocka_unit_test(keeps_the_beginning_of_what_is_too_long),
        cmocka_unit_test(marks_what_a_line_is),
        cmocka_unit_test(blank_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
