/* What is remembered of texts tells each from every other. */
#include "unit.h"

#include "base/buf.h"
#include "guard/known.h"

static guard_known *known;

static int set_up(void **state) {
    (void)state;
    known = guard_known_new();
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    guard_known_free(known);
    return 0;
}

static buf text_of(size_t len) {
    buf text = BUF_EMPTY;
    for (size_t i = 0; i < len; i++)
        buf_add_char(&text, "the water is measured, "[i % 23]);
    return text;
}

static bool is_known(uint64_t owner, span text) {
    return guard_known_has(known, guard_known_text(known, owner, text));
}

static const size_t lengths[] = {KNOWN_LEAST, 263, 1023, 1024, 1025, 4096, 10000, KNOWN_MOST};

static void knows_a_text_and_no_other(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        buf text = text_of(lengths[i]);
        const span all = buf_span(&text);
        assert_false(is_known(7, all));
        guard_known_add(known, guard_known_text(known, 7, all));
        assert_true(is_known(7, all));
        assert_false(is_known(8, all));
        const size_t step = lengths[i] > 20000 ? 1021 : 1;
        for (size_t at = 0; at < text.len; at += step)
            for (unsigned bit = 1; bit < 256; bit *= 16) {
                text.ptr[at] = (char)(text.ptr[at] ^ (char)bit);
                if (is_known(7, all)) fail_msg("of %zu: byte %zu, bit %u", text.len, at, bit);
                text.ptr[at] = (char)(text.ptr[at] ^ (char)bit);
            }
        assert_true(is_known(7, all));
        buf_done(&text);
    }
}

/* What is filled up with zeros is not the same as what ends with them, and blocks in another order
 * are another text. */
static void knows_where_a_text_ends_and_what_stands_where(void **state) {
    (void)state;
    buf text = text_of(3 * 1024);
    memset(text.ptr + 2048 - 300, 0, 300);
    guard_known_add(known, guard_known_text(known, 9, span_from(text.ptr, 2048 - 200)));
    for (size_t len = 2048 - 300; len <= 2048 + 16; len++)
        assert_true(is_known(9, span_from(text.ptr, len)) == (len == 2048 - 200));
    buf turned = BUF_EMPTY;
    buf_add(&turned, span_from(text.ptr + 1024, 1024));
    buf_add(&turned, span_from(text.ptr, 1024));
    guard_known_add(known, guard_known_text(known, 9, span_from(text.ptr, 2048)));
    assert_false(is_known(9, buf_span(&turned)));
    buf_done(&turned);
    buf_done(&text);
}

static void has_a_secret_of_its_own(void **state) {
    (void)state;
    guard_known *other = guard_known_new();
    buf text = text_of(5000);
    const known_text here = guard_known_text(known, 1, buf_span(&text)),
                     there = guard_known_text(other, 1, buf_span(&text));
    assert_true(here.hash.high != there.hash.high && here.hash.low != there.hash.low);
    buf_done(&text);
    guard_known_free(other);
}

/* It has places for so many, and a text that comes takes another's. */
static void forgets_what_is_driven_out(void **state) {
    (void)state;
    buf text = text_of(KNOWN_LEAST);
    size_t still = 0;
    for (uint32_t i = 0; i < 4 * KNOWN_PLACES; i++) {
        memcpy(text.ptr, &i, sizeof i);
        guard_known_add(known, guard_known_text(known, 3, buf_span(&text)));
        assert_true(is_known(3, buf_span(&text)));
    }
    for (uint32_t i = 0; i < 4 * KNOWN_PLACES; i++) {
        memcpy(text.ptr, &i, sizeof i);
        still += is_known(3, buf_span(&text));
    }
    assert_true(still <= KNOWN_PLACES && still > KNOWN_PLACES / 2);
    buf_done(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_a_text_and_no_other),
        cmocka_unit_test(knows_where_a_text_ends_and_what_stands_where),
        cmocka_unit_test(has_a_secret_of_its_own),
        cmocka_unit_test(forgets_what_is_driven_out),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
