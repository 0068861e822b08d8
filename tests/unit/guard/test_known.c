/* What is remembered of texts, and whose they are. */
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

/* That the hash tells texts apart is base/test_text_hash.c's. */
static void knows_a_text_of_its_owner(void **state) {
    (void)state;
    static const size_t lengths[] = {KNOWN_LEAST, 1025, KNOWN_MOST};
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        buf text = text_of(lengths[i]);
        const span all = buf_span(&text);
        assert_false(is_known(7, all));
        guard_known_add(known, guard_known_text(known, 7, all));
        assert_true(is_known(7, all));
        assert_false(is_known(8, all));
        assert_false(is_known(7, span_slice(all, 1, all.len)));
        assert_true(is_known(7, all));
        buf_done(&text);
    }
}

/* Also of those who share its place. */
static void knows_it_of_nobody_else(void **state) {
    (void)state;
    buf text = text_of(KNOWN_LEAST);
    guard_known_add(known, guard_known_text(known, 7, buf_span(&text)));
    for (uint64_t owner = 8; owner < 16 * KNOWN_PLACES; owner++)
        assert_false(is_known(owner, buf_span(&text)));
    buf_done(&text);
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
        cmocka_unit_test(knows_a_text_of_its_owner),
        cmocka_unit_test(knows_it_of_nobody_else),
        cmocka_unit_test(forgets_what_is_driven_out),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
