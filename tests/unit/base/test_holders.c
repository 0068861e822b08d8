#include "unit.h"

#include "base/holders.h"

typedef struct row {
    uint64_t holder;
    int value[3];
} row;

enum { MOST = 7 };

static row *find(const holders *h, uint64_t holder) {
    return holders_find(h, sizeof(row), holder);
}

static void fill(holders *h) {
    for (uint64_t i = 1; i <= MOST; i++) {
        row *r = holders_add(h, sizeof *r, MOST);
        assert_non_null(r);
        *r = (row){i * 1000, {(int)i, 0, -(int)i}};
    }
}

static void each_finds_its_own(void **state) {
    (void)state;
    holders h = {0};
    assert_null(find(&h, 1000));
    fill(&h);
    assert_int_equal(h.count, MOST);
    for (uint64_t i = 1; i <= MOST; i++) {
        const row *r = find(&h, i * 1000);
        assert_non_null(r);
        assert_int_equal(r->value[0], i);
        assert_int_equal(r->value[2], -(int)i);
    }
    assert_null(find(&h, 1));
    assert_null(find(&h, 0));
    holders_done(&h);
    assert_null(find(&h, 1000));
}

/* A bound that has become smaller takes nothing away. */
static void the_bound_is_told(void **state) {
    (void)state;
    holders h = {0};
    assert_null(holders_add(&h, sizeof(row), 0));
    fill(&h);
    assert_null(holders_add(&h, sizeof(row), MOST));
    assert_null(holders_add(&h, sizeof(row), MOST - 3));
    assert_int_equal(h.count, MOST);
    assert_non_null(find(&h, MOST * 1000));
    holders_done(&h);
}

static void its_room_serves_again(void **state) {
    (void)state;
    holders h = {0};
    fill(&h);
    const void *rows = h.rows;
    h.count = 0;
    assert_null(find(&h, 1000));
    fill(&h);
    assert_ptr_equal(h.rows, rows);
    assert_non_null(find(&h, 1000));
    holders_done(&h);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_finds_its_own),
        cmocka_unit_test(the_bound_is_told),
        cmocka_unit_test(its_room_serves_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
