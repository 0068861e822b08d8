/* When the log hears of a shortage: once in a while, however many meet it. */
#include "unit.h"

#include "heap.h"

#include "call/shortages.h"

static void one_line_in_a_while(void **state) {
    (void)state;
    shortages *s = shortages_new();
    const span a = SPAN_OF("a"), b = SPAN_OF("b");
    assert_true(shortages_due(s, SHORTAGE_POOL, a, 1));
    assert_false(shortages_due(s, SHORTAGE_POOL, a, 1));
    assert_false(shortages_due(s, SHORTAGE_POOL, a, SHORTAGE_LINE_MS));
    assert_true(shortages_due(s, SHORTAGE_POOL, b, SHORTAGE_LINE_MS));
    assert_true(shortages_due(s, SHORTAGE_PROXY, a, SHORTAGE_LINE_MS));
    assert_true(shortages_due(s, SHORTAGE_POOL, a, SHORTAGE_LINE_MS + 1));
    assert_false(shortages_due(s, SHORTAGE_POOL, a, SHORTAGE_LINE_MS + 2));
    shortages_free(s);
}

/* What each target needs is short everywhere at once. */
static void one_line_for_all_providers(void **state) {
    (void)state;
    shortages *s = shortages_new();
    assert_true(shortages_due(s, SHORTAGE_DESCRIPTORS, SPAN_OF("a"), 1));
    assert_false(shortages_due(s, SHORTAGE_DESCRIPTORS, SPAN_OF("b"), 2));
    assert_true(shortages_due(s, SHORTAGE_MEMORY, SPAN_OF("b"), 2));
    shortages_free(s);
}

/* Each row's error is one of weir's own that tells the client to come again, except where the
 * answer would be as large again. */
static void each_is_weirs_own(void **state) {
    (void)state;
    for (int i = SHORTAGE_NONE + 1; i < SHORTAGE_COUNT; i++) {
        const error_row *e = error_get(shortage_get((shortage)i)->error);
        assert_int_equal(e->fault, FAULT_WEIR);
        assert_int_equal(e->status, 503);
        assert_int_equal(e->should_retry, i != SHORTAGE_ANSWER);
    }
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(one_line_in_a_while),
        cmocka_unit_test(one_line_for_all_providers),
        cmocka_unit_test(each_is_weirs_own),
    };
    return run_watched(tests);
}
