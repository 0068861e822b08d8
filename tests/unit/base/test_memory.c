#include "heap.h"

#include "base/memory.h"
#include "base/random.h"

enum { MB = 1024 * 1024, ME = 1, YOU = 2 };

static void all_hold_no_more_than_the_bound(void **state) {
    (void)state;
    memory_bound b;
    memory_bound_init(&b, 10 * MB, 10 * MB);
    memory_account a = {.bound = &b}, other = {.bound = &b};
    memory_hold one = {.holder = ME}, two = {.holder = YOU}, three = {.holder = YOU};
    assert_int_equal(memory_grow(&a, &one, 6 * MB), SHARE_TAKEN);
    assert_int_equal(memory_grow(&other, &two, 5 * MB), SHARE_ALL_GONE);
    assert_int_equal(two.bytes, 0);
    assert_int_equal(memory_grow(&other, &two, 3 * MB), SHARE_TAKEN);
    /* To so many, not by so many; and it keeps what it has where there is no more. */
    assert_int_equal(memory_grow(&a, &one, 8 * MB), SHARE_ALL_GONE);
    assert_int_equal(memory_grow(&a, &one, 5 * MB), SHARE_TAKEN);
    assert_int_equal(one.bytes, 6 * MB);
    memory_drop(&a, &one);
    assert_int_equal(memory_grow(&other, &three, 6 * MB), SHARE_TAKEN);
    assert_int_equal(other.used, 9 * MB);
    memory_drop(&other, &two);
    memory_drop(&other, &three);
    memory_drop(&other, &three);
    memory_account_done(&a);
    memory_account_done(&other);
    assert_int_equal(b.lent, 0);
    memory_bound_done(&b);
}

/* The last byte can be had, though credit is lent in blocks. */
static void blocks_round_nothing_away(void **state) {
    (void)state;
    const size_t bounds[] = {1, MEMORY_SMALL, MEMORY_BLOCK - 1, MEMORY_BLOCK, 3 * MEMORY_BLOCK + 7};
    for (size_t i = 0; i < ARRAY_LEN(bounds); i++) {
        memory_bound b;
        memory_bound_init(&b, bounds[i], bounds[i]);
        memory_account a = {.bound = &b};
        memory_hold h = {.holder = ME}, more = {0};
        assert_int_equal(memory_grow(&a, &h, bounds[i] + 1), SHARE_ALL_GONE);
        assert_int_equal(memory_grow(&a, &h, bounds[i]), SHARE_TAKEN);
        assert_int_equal(memory_grow(&a, &more, 1), SHARE_ALL_GONE);
        memory_drop(&a, &h);
        assert_int_equal(memory_grow(&a, &more, 1), SHARE_TAKEN);
        memory_drop(&a, &more);
        memory_account_done(&a);
        memory_bound_done(&b);
    }
}

static void one_holder_leaves_room_for_others(void **state) {
    (void)state;
    memory_bound b;
    memory_bound_init(&b, 10 * MB, 5 * MB);
    memory_account a = {.bound = &b}, other = {.bound = &b};
    memory_hold first = {.holder = ME}, second = {.holder = ME}, yours = {.holder = YOU};
    /* The share is of all threads together. */
    assert_int_equal(memory_grow(&a, &first, 3 * MB), SHARE_TAKEN);
    assert_int_equal(memory_grow(&other, &second, 3 * MB), SHARE_OWN_GONE);
    assert_int_equal(memory_grow(&other, &second, 2 * MB), SHARE_TAKEN);
    assert_int_equal(memory_grow(&a, &first, 3 * MB + 1), SHARE_OWN_GONE);
    assert_int_equal(memory_grow(&a, &yours, 4 * MB), SHARE_TAKEN);
    memory_drop(&other, &second);
    /* Whoever holds nothing else may have one thing of any size. */
    assert_int_equal(memory_grow(&a, &first, 5 * MB + MB / 2), SHARE_TAKEN);
    assert_int_equal(memory_grow(&a, &second, MB / 8), SHARE_OWN_GONE);
    memory_drop(&a, &first);
    memory_drop(&a, &yours);
    assert_int_equal(b.holders.count, 0);
    memory_account_done(&a);
    memory_account_done(&other);
    assert_int_equal(b.lent, 0);
    memory_bound_done(&b);
}

static void what_is_held_may_change_hands(void **state) {
    (void)state;
    memory_bound b;
    memory_bound_init(&b, 10 * MB, 4 * MB);
    memory_account a = {.bound = &b};
    memory_hold first = {0}, second = {0}, yours = {.holder = YOU};
    assert_int_equal(memory_grow(&a, &first, 3 * MB), SHARE_TAKEN);
    assert_int_equal(memory_grow(&a, &second, 3 * MB), SHARE_TAKEN);
    assert_int_equal(memory_grow(&a, &yours, 4 * MB - MB / 2), SHARE_TAKEN);
    /* It has its room, where there is none for more. */
    assert_int_equal(memory_move(&a, &first, ME), SHARE_TAKEN);
    assert_int_equal(shares_held(&b.holders, ME), 3 * MB);
    assert_int_equal(memory_move(&a, &second, ME), SHARE_OWN_GONE);
    assert_int_equal(second.holder, 0);
    assert_int_equal(second.bytes, 3 * MB);
    assert_int_equal(memory_move(&a, &first, ME), SHARE_TAKEN);
    assert_int_equal(memory_move(&a, &yours, 3), SHARE_TAKEN);
    assert_int_equal(shares_held(&b.holders, YOU), 0);
    assert_int_equal(memory_move(&a, &first, YOU), SHARE_TAKEN);
    assert_int_equal(memory_move(&a, &second, ME), SHARE_TAKEN);
    assert_int_equal(memory_move(&a, &second, 0), SHARE_TAKEN);
    assert_int_equal(b.holders.count, 2);
    assert_int_equal(a.used, 9 * MB + MB / 2);
    memory_drop(&a, &first);
    memory_drop(&a, &second);
    memory_drop(&a, &yours);
    /* What is small counts for nobody, until it grows. */
    assert_int_equal(memory_grow(&a, &first, MEMORY_SMALL), SHARE_TAKEN);
    assert_int_equal(memory_move(&a, &first, ME), SHARE_TAKEN);
    assert_int_equal(b.holders.held, 0);
    assert_int_equal(memory_grow(&a, &first, MB), SHARE_TAKEN);
    assert_int_equal(shares_held(&b.holders, ME), MB);
    memory_drop(&a, &first);
    assert_int_equal(b.holders.count, 0);
    memory_account_done(&a);
    assert_int_equal(b.lent, 0);
    memory_bound_done(&b);
    memory_account unbound = {0};
    assert_int_equal(memory_grow(&unbound, &first, MB), SHARE_TAKEN);
    assert_int_equal(memory_move(&unbound, &first, YOU), SHARE_TAKEN);
    assert_int_equal(first.holder, YOU);
    memory_drop(&unbound, &first);
}

/* What is small is bounded, and counts for nobody; growing out of that it counts whole. */
static void small_holds_count_for_all_alone(void **state) {
    (void)state;
    memory_bound b;
    memory_bound_init(&b, MB, 2 * MEMORY_SMALL);
    memory_account a = {.bound = &b};
    memory_hold holds[MB / MEMORY_SMALL] = {0};
    for (size_t i = 0; i < ARRAY_LEN(holds); i++) {
        holds[i].holder = ME;
        assert_int_equal(memory_grow(&a, &holds[i], MEMORY_SMALL), SHARE_TAKEN);
    }
    assert_int_equal(b.holders.held, 0);
    memory_hold more = {.holder = YOU};
    assert_int_equal(memory_grow(&a, &more, 1), SHARE_ALL_GONE);
    memory_set(&a, &holds[1], 0);
    assert_int_equal(memory_grow(&a, &holds[0], MEMORY_SMALL + 1), SHARE_TAKEN);
    assert_int_equal(b.holders.held, MEMORY_SMALL + 1);
    memory_set(&a, &holds[0], MEMORY_SMALL);
    assert_int_equal(b.holders.held, 0);
    for (size_t i = 0; i < ARRAY_LEN(holds); i++)
        memory_drop(&a, &holds[i]);
    memory_account_done(&a);
    assert_int_equal(b.lent, 0);
    memory_bound_done(&b);
}

/* What is there already is counted, beyond the bound too; then there is no room for more. */
static void what_is_there_is_counted(void **state) {
    (void)state;
    memory_bound b;
    memory_bound_init(&b, 4 * MB, 2 * MB);
    memory_account a = {.bound = &b};
    memory_hold out = {.holder = ME}, in = {.holder = YOU};
    memory_set(&a, &out, 6 * MB);
    assert_int_equal(a.used, 6 * MB);
    assert_int_equal(b.lent, 6 * MB);
    assert_int_equal(memory_grow(&a, &in, 1), SHARE_ALL_GONE);
    memory_set(&a, &out, 3 * MB);
    assert_int_equal(memory_grow(&a, &in, MB / 2), SHARE_TAKEN);
    memory_drop(&a, &in);
    memory_drop(&a, &out);
    memory_account_done(&a);
    assert_int_equal(b.lent, 0);
    memory_bound_done(&b);
}

static void bounds_may_change(void **state) {
    (void)state;
    memory_bound b;
    memory_bound_init(&b, 4 * MB, 4 * MB);
    memory_account a = {.bound = &b};
    memory_hold one = {.holder = ME}, two = {.holder = ME};
    assert_int_equal(memory_grow(&a, &one, 3 * MB), SHARE_TAKEN);
    memory_bound_set(&b, 2 * MB, MB);
    assert_int_equal(memory_grow(&a, &two, 2 * MB), SHARE_ALL_GONE);
    memory_bound_set(&b, 8 * MB, MB);
    assert_int_equal(memory_grow(&a, &two, MB), SHARE_OWN_GONE);
    memory_bound_set(&b, 8 * MB, 8 * MB);
    assert_int_equal(memory_grow(&a, &two, MB), SHARE_TAKEN);
    memory_drop(&a, &one);
    memory_drop(&a, &two);
    memory_account_done(&a);
    memory_bound_done(&b);
}

static void without_a_bound_it_is_counted(void **state) {
    (void)state;
    memory_account a = {0};
    memory_hold h = {.holder = ME};
    assert_int_equal(memory_grow(&a, &h, SIZE_MAX / 2), SHARE_TAKEN);
    assert_int_equal(a.used, SIZE_MAX / 2);
    memory_drop(&a, &h);
    assert_int_equal(a.used, 0);
    memory_account_done(&a);
}

/* Small work that comes and goes on a thread asks the bound a few times and not each time. */
static void small_work_takes_no_lock(void **state) {
    (void)state;
    memory_bound b;
    memory_bound_init(&b, 64 * MB, 64 * MB);
    memory_account a = {.bound = &b};
    memory_hold held = {0}, h = {0};
    assert_int_equal(memory_grow(&a, &held, 1), SHARE_TAKEN);
    pthread_mutex_lock(&b.lock); /* whoever asks now never returns */
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(memory_grow(&a, &h, MEMORY_SMALL), SHARE_TAKEN);
        memory_drop(&a, &h);
    }
    pthread_mutex_unlock(&b.lock);
    memory_drop(&a, &held);
    memory_account_done(&a);
    memory_bound_done(&b);
}

/* Whatever is held and dropped in whatever order: what is lent covers what is used, the bound is
 * kept, and nothing is left. */
static void any_order_comes_out_even(void **state) {
    (void)state;
    enum { HOLDS = 40, MOST = 20 * MB };
    memory_bound b;
    memory_bound_init(&b, MOST, MOST / 4);
    memory_account a[3] = {{.bound = &b}, {.bound = &b}, {.bound = &b}};
    memory_hold holds[HOLDS] = {0};
    rng r;
    rng_seed(&r, 7);
    for (unsigned i = 0; i < HOLDS; i++)
        holds[i].holder = i % 5;
    for (int step = 0; step < 200000; step++) {
        unsigned i = (unsigned)(rng_u64(&r) % HOLDS);
        size_t bytes = (size_t)(rng_u64(&r) % (rng_u64(&r) % 4 ? 2 * MEMORY_SMALL : 2 * MB));
        size_t before = holds[i].bytes;
        if (rng_u64(&r) % 2) {
            bool fits = memory_grow(&a[i % 3], &holds[i], bytes) == SHARE_TAKEN;
            assert_int_equal(holds[i].bytes, fits && bytes > before ? bytes : before);
        } else {
            memory_set(&a[i % 3], &holds[i], bytes < before ? bytes : 0);
        }
        uint64_t lent = 0;
        for (int k = 0; k < 3; k++) {
            assert_true(a[k].used <= a[k].lent);
            lent += a[k].lent;
        }
        assert_int_equal(b.lent, lent);
        assert_true(lent <= MOST);
    }
    for (unsigned i = 0; i < HOLDS; i++)
        memory_drop(&a[i % 3], &holds[i]);
    assert_int_equal(b.holders.held, 0);
    for (int k = 0; k < 3; k++) {
        assert_int_equal(a[k].used, 0);
        memory_account_done(&a[k]);
    }
    assert_int_equal(b.lent, 0);
    memory_bound_done(&b);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(all_hold_no_more_than_the_bound),
        cmocka_unit_test(blocks_round_nothing_away),
        cmocka_unit_test(one_holder_leaves_room_for_others),
        cmocka_unit_test(what_is_held_may_change_hands),
        cmocka_unit_test(small_holds_count_for_all_alone),
        cmocka_unit_test(what_is_there_is_counted),
        cmocka_unit_test(bounds_may_change),
        cmocka_unit_test(without_a_bound_it_is_counted),
        cmocka_unit_test(small_work_takes_no_lock),
        cmocka_unit_test(any_order_comes_out_even),
    };
    return run_watched(tests);
}
