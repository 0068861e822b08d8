/* JSON out of which numbers, or parts of them, are hidden is JSON still, wherever it is cut. In a
 * row what stands between < and > is hidden. */
#include "heap.h"
#include "unit.h"

#include "exchange/guard_numbers.h"
#include "json/json.h"

static void add(void *ctx, span bytes) {
    buf_add(ctx, bytes);
}

static void put(guard_numbers *n, span hidden, buf *out) {
    guard_numbers_put(n, hidden, false, SPAN_OF("[X_1]"), add, out);
}

/* As it stands in a string of JSON. */
static void write_escaped(span text, buf *out) {
    buf all = BUF_EMPTY;
    json_write_string(&all, text);
    buf_add(out, span_slice(buf_span(&all), 1, all.len - 1));
    buf_done(&all);
}

/* In pieces of so many bytes. */
static void run(guard_numbers n, const char *row, size_t step, buf *out) {
    span rest = span_cstr(row);
    bool hidden = false;
    while (rest.len) {
        const size_t to = span_find(rest, 0, hidden ? '>' : '<');
        buf text = BUF_EMPTY;
        if (n.escaped)
            write_escaped(span_slice(rest, 0, to), &text);
        else
            buf_add(&text, span_slice(rest, 0, to));
        if (hidden) put(&n, buf_span(&text), out);
        for (size_t at = 0; !hidden && at < text.len; at += step)
            guard_numbers_pass(&n, span_slice(buf_span(&text), at, at + step), add, out);
        buf_done(&text);
        rest = span_slice(rest, to + 1, rest.len);
        hidden = !hidden;
    }
    guard_numbers_end(&n, add, out);
    assert_false(guard_numbers_hold(&n));
}

static void check(guard_numbers n, const char *row, const char *expected) {
    buf wanted = BUF_EMPTY;
    if (n.escaped)
        write_escaped(span_cstr(expected), &wanted);
    else
        buf_add_cstr(&wanted, expected);
    for (size_t step = 1; step < 100; step++) {
        buf out = BUF_EMPTY;
        run(n, row, step, &out);
        assert_string_equal(buf_cstr(&out), buf_cstr(&wanted));
        buf_done(&out);
    }
    buf_done(&wanted);
}

static void what_is_json_stays_it(void **state) {
    (void)state;
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"{\"card\": 4111<111111111111>, \"n\": 1}", "{\"card\": \"4111[X_1]\", \"n\": 1}"},
        {"{\"card\":<4111111111111111>}", "{\"card\":\"[X_1]\"}"},
        {"[4111<111111111111>,-4111<111111111111>]", "[\"4111[X_1]\",\"-4111[X_1]\"]"},
        {"[4111<111111111111>.5e3 ,7]", "[\"4111[X_1].5e3\" ,7]"},
        {"[12<34>56<78>9]", "[\"12[X_1]56[X_1]9\"]"},
        {"4111<111111111111>", "\"4111[X_1]\""},
        {"{\"a\": \"4111<1111>\", \"b\": 12}", "{\"a\": \"4111[X_1]\", \"b\": 12}"},
        {"{\"a\": \"x\\\"4111<1111>\"}", "{\"a\": \"x\\\"4111[X_1]\"}"},
        {"{\"a\\\\\": 4111<1111>}", "{\"a\\\\\": \"4111[X_1]\"}"},
        {"{\"\\u0022\": 4111<1111>}", "{\"\\u0022\": \"4111[X_1]\"}"},
        {"{\"<k@x.org>\": 1}", "{\"[X_1]\": 1}"},
        {"[true, <k@x.org>, 1e5]", "[true, [X_1], 1e5]"},
        {"{\"a\": -0.5E+10, \"b\": [1,2,3], \"c\": null}",
         "{\"a\": -0.5E+10, \"b\": [1,2,3], \"c\": null}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        check(guard_numbers_of(false, false), rows[i].in, rows[i].out);
        check(guard_numbers_of(true, false), rows[i].in, rows[i].out);
    }
    check(guard_numbers_of(false, true), "\": 4111<1111>, \"", "\": \"4111[X_1]\", \"");
    check((guard_numbers){.on = false}, "n: 4111<1111>, 1", "n: 4111[X_1], 1");
}

/* Quotes of the outer string may be written as any escape. */
static void other_escapes_are_read(void **state) {
    (void)state;
    static const char in[] = "{\\u0022k\\u0022:4111";
    for (size_t step = 1; step < sizeof in; step++) {
        buf out = BUF_EMPTY;
        guard_numbers n = guard_numbers_of(true, false);
        for (size_t at = 0; at < sizeof in - 1; at += step)
            guard_numbers_pass(&n, span_slice(span_cstr(in), at, at + step), add, &out);
        put(&n, SPAN_OF("1111"), &out);
        guard_numbers_pass(&n, SPAN_OF("}"), add, &out);
        guard_numbers_end(&n, add, &out);
        assert_string_equal(buf_cstr(&out), "{\\u0022k\\u0022:\\\"4111[X_1]\\\"}");
        buf_done(&out);
    }
}

/* Longer than any is of which something is hidden: it is not kept. And behind what is so long that
 * nobody knows where it ends nothing is known any more. */
static void has_bounds(void **state) {
    (void)state;
    buf out = BUF_EMPTY, row = BUF_EMPTY;
    buf_add_cstr(&row, "[");
    for (size_t i = 0; i < 3 * GUARD_NUMBER_HELD; i++)
        buf_add_char(&row, '7');
    const size_t len = row.len;
    for (size_t step = 1; step < len; step += 7) {
        guard_numbers n = guard_numbers_of(false, false);
        buf_clear(&out);
        for (size_t at = 0; at < len; at += step)
            guard_numbers_pass(&n, span_slice(buf_span(&row), at, at + step), add, &out);
        put(&n, SPAN_OF("88"), &out);
        guard_numbers_pass(&n, SPAN_OF(",1]"), add, &out);
        guard_numbers_end(&n, add, &out);
        assert_int_equal(out.len, len + strlen("[X_1],1]"));
    }
    guard_numbers n = guard_numbers_of(false, false);
    buf_clear(&out);
    guard_numbers_pass(&n, SPAN_OF("[12"), add, &out);
    guard_numbers_put(&n, SPAN_OF("34"), true, SPAN_OF("[X]"), add, &out);
    guard_numbers_pass(&n, SPAN_OF(" \"5"), add, &out);
    put(&n, SPAN_OF("6"), &out);
    guard_numbers_end(&n, add, &out);
    assert_string_equal(buf_cstr(&out), "[\"12[X]\" \"5[X_1]");
    buf_done(&out);
    buf_done(&row);
}

int main(void) {
    struct CMUnitTest tests[] = {cmocka_unit_test(what_is_json_stays_it),
                                 cmocka_unit_test(other_escapes_are_read),
                                 cmocka_unit_test(has_bounds)};
    return run_watched(tests);
}
