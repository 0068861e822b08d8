/* Which keys have had their share: a given time, and nothing else. */
#include "heap.h"

#include "call/limits.h"

static const char *name(key_readiness r) {
    return r == KEY_FREE ? "free" : r == KEY_LAST ? "last" : "resting";
}

/* What is said of key 1 at 1,000 ms and then, and how it stands at that time. */
static void a_key_rests_as_it_was_told(void **state) {
    (void)state;
    enum { NONE = -2, UNTOLD = -1 };
    static const struct {
        int64_t said_ms, then_ms; /* hints; the second comes 100 ms later */
        int64_t at_ms;
        const char *is;
        int64_t wait_ms;
    } rows[] = {
        {NONE, NONE, 1000, "free", 0},
        {UNTOLD, NONE, 1000, "last", 0},
        {UNTOLD, NONE, 1999, "last", 0},
        {UNTOLD, NONE, 2000, "free", 0},
        {UNTOLD, UNTOLD, 2099, "last", 0},
        {UNTOLD, UNTOLD, 2100, "free", 0},
        {0, NONE, 1000, "free", 0},
        {500, NONE, 1000, "resting", 500},
        {500, NONE, 1499, "resting", 1},
        {500, NONE, 1500, "free", 0},
        {500, 50, 1149, "resting", 1}, /* the later word counts */
        {500, 50, 1150, "free", 0},
        {500, 0, 1100, "free", 0},
        {500, UNTOLD, 1499, "resting", 1}, /* but silence is no word */
        {500, UNTOLD, 1500, "free", 0},
        {50, UNTOLD, 1150, "last", 0}, /* unless what was said is over */
        {UNTOLD, 500, 1100, "resting", 500},
        {INT64_C(99999999999), NONE, 1000, "resting", LIMIT_MOST_MS},
        {INT64_C(99999999999), NONE, 1000 + LIMIT_MOST_MS, "free", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        limits l = {0};
        if (rows[i].said_ms != NONE) limits_add(&l, 1, rows[i].said_ms, 1000);
        if (rows[i].then_ms != NONE) limits_add(&l, 1, rows[i].then_ms, 1100);
        int64_t wait_ms = 77;
        const char *is = name(limits_look(&l, 1, rows[i].at_ms, &wait_ms));
        if (strcmp(is, rows[i].is)) print_error("in row %zu\n", i);
        assert_string_equal(is, rows[i].is);
        assert_int_equal(wait_ms, rows[i].wait_ms);
        assert_int_equal(limits_any(&l, rows[i].at_ms), strcmp(is, "free") != 0);
        assert_string_equal(name(limits_look(&l, 2, rows[i].at_ms, &wait_ms)), "free");
        limits_done(&l);
    }
}

/* What is over makes room: keys that come and go do not add up. */
static void few_are_kept(void **state) {
    (void)state;
    limits l = {0};
    for (uint64_t i = 0; i < 10000; i++)
        limits_add(&l, i, 10, (int64_t)i);
    assert_true(l.count <= 10 && l.cap <= 16);
    int64_t wait_ms;
    assert_int_equal(limits_look(&l, 9999, 9999, &wait_ms), KEY_RESTING);
    assert_int_equal(limits_look(&l, 9990, 9999, &wait_ms), KEY_RESTING);
    assert_int_equal(limits_look(&l, 9989, 9999, &wait_ms), KEY_FREE);
    limits_done(&l);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_rests_as_it_was_told),
        cmocka_unit_test(few_are_kept),
    };
    return run_watched(tests);
}
