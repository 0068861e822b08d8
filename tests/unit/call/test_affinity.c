/* What is remembered of who made what: how long, how much, and by whom it is asked. */
#include "heap.h"

#include "base/random.h"
#include "call/affinity.h"

#include <pthread.h>

static const config_affinity four = {.ids = 4, .keep_ms = 1000};

static void put(affinity *t, const config_affinity *p, const char *id, uint64_t provider,
                int64_t now_ms) {
    affinity_put(t, p, span_cstr(id), (affinity_place){provider, provider + 100}, false, now_ms);
}

/* 0: it is not known. */
static uint64_t find_with(affinity *t, const config_affinity *p, const char *id, int64_t now_ms) {
    affinity_place place = {0, 0};
    if (!affinity_find(t, p, span_cstr(id), now_ms, &place)) {
        assert_true(!place.provider && !place.key); /* untouched */
        return 0;
    }
    assert_int_equal(place.key, place.provider + 100);
    return place.provider;
}

static uint64_t find(affinity *t, const char *id, int64_t now_ms) {
    return find_with(t, &four, id, now_ms);
}

static void what_was_told_is_found(void **state) {
    (void)state;
    affinity *t = affinity_new();
    assert_true(affinity_is_empty(t));
    assert_int_equal(find(t, "resp_1", 0), 0);
    put(t, &four, "resp_1", 1, 0);
    put(t, &four, "resp_2", 2, 0);
    assert_false(affinity_is_empty(t));
    assert_int_equal(find(t, "resp_1", 0), 1);
    assert_int_equal(find(t, "resp_2", 0), 2);
    assert_int_equal(find(t, "resp_3", 0), 0);
    assert_false(affinity_has_objects(t));
    affinity_put(t, &four, SPAN_OF("file-1"), (affinity_place){4, 104}, true, 0);
    assert_true(affinity_has_objects(t));
    put(t, &four, "resp_1", 3, 0); /* the later word counts */
    assert_int_equal(find(t, "resp_1", 0), 3);
    affinity_free(t);
    affinity_free(NULL);
}

static void what_was_used_longest_ago_goes_first(void **state) {
    (void)state;
    affinity *t = affinity_new();
    put(t, &four, "a", 1, 0);
    put(t, &four, "b", 2, 0);
    put(t, &four, "c", 3, 0);
    put(t, &four, "d", 4, 0);
    assert_int_equal(find(t, "a", 0), 1); /* a use */
    put(t, &four, "b", 5, 0);             /* another */
    put(t, &four, "e", 6, 0);
    assert_int_equal(find(t, "c", 0), 0);
    put(t, &four, "f", 7, 0);
    assert_int_equal(find(t, "d", 0), 0);
    assert_int_equal(find(t, "a", 0), 1);
    assert_int_equal(find(t, "b", 0), 5);
    assert_int_equal(find(t, "e", 0), 6);
    assert_int_equal(find(t, "f", 0), 7);
    affinity_free(t);
}

static void it_is_kept_for_a_time_since_its_last_use(void **state) {
    (void)state;
    affinity *t = affinity_new();
    put(t, &four, "a", 1, 0);
    put(t, &four, "b", 2, 0);
    assert_int_equal(find(t, "a", 999), 1);
    assert_int_equal(find(t, "b", 1000), 0);
    assert_int_equal(find(t, "a", 1998), 1);
    assert_int_equal(find(t, "a", 2998), 0);
    put(t, &four, "a", 3, 5000);
    assert_int_equal(find(t, "a", 5999), 3);
    affinity_free(t);
}

/* A reload may want more; one that wants fewer takes nothing away, since calls of the configuration
 * before it go on. Off is not forgotten. */
static void it_grows(void **state) {
    (void)state;
    static const config_affinity off = {.ids = 0, .keep_ms = 1000},
                                 two = {.ids = 2, .keep_ms = 1000},
                                 many = {.ids = 1000, .keep_ms = 1000};
    affinity *t = affinity_new();
    put(t, &off, "a", 1, 0);
    assert_true(affinity_is_empty(t));
    put(t, &four, "a", 1, 0);
    put(t, &four, "b", 2, 0);
    put(t, &four, "c", 3, 0);
    assert_int_equal(find_with(t, &off, "a", 0), 0);
    assert_int_equal(find_with(t, &many, "a", 0), 1); /* now b is the oldest */
    put(t, &two, "d", 4, 0);
    assert_int_equal(find(t, "a", 0), 1);
    assert_int_equal(find(t, "b", 0), 2);
    assert_int_equal(find(t, "c", 0), 3);
    assert_int_equal(find(t, "d", 0), 4);
    for (int i = 0; i < 996; i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "resp_%d", i);
        put(t, &many, id, 7, 0);
    }
    assert_int_equal(find(t, "a", 0), 1);
    assert_int_equal(find(t, "resp_0", 0), 7);
    assert_int_equal(find(t, "resp_995", 0), 7);
    affinity_free(t);
}

static void any_id(void **state) {
    (void)state;
    affinity *t = affinity_new();
    char longest[AFFINITY_ID_MAX + 2];
    memset(longest, 'x', sizeof longest);
    const affinity_place place = {1, 101};
    affinity_place got;
    affinity_put(t, &four, span_from(longest, AFFINITY_ID_MAX + 1), place, false, 0);
    affinity_put(t, &four, SPAN_EMPTY, place, false, 0);
    assert_true(affinity_is_empty(t));
    affinity_put(t, &four, span_from(longest, AFFINITY_ID_MAX), place, false, 0);
    affinity_put(t, &four, SPAN_OF("\0\xFF\n"), place, false, 0);
    assert_true(affinity_find(t, &four, span_from(longest, AFFINITY_ID_MAX), 0, &got));
    assert_true(affinity_find(t, &four, SPAN_OF("\0\xFF\n"), 0, &got));
    assert_false(affinity_find(t, &four, SPAN_OF("\0\xFF"), 0, &got));
    assert_false(affinity_find(t, &four, span_from(longest, AFFINITY_ID_MAX + 1), 0, &got));
    affinity_free(t);
}

/* Beside a table that is nothing but a list. */
static void against_a_plain_list(void **state) {
    (void)state;
    enum { IDS = 40, MOST = 16 };
    static const config_affinity policy = {.ids = MOST, .keep_ms = 200};
    struct {
        uint64_t provider;
        int64_t used, until;
    } list[IDS] = {0};
    affinity *t = affinity_new();
    rng r;
    rng_seed(&r, 5);
    for (int64_t now = 0, use = 1; now < 20000; now++, use++) {
        size_t at = (size_t)(rng_unit(&r) * IDS);
        char id[16];
        (void)snprintf(id, sizeof id, "%zu", at);
        bool there = list[at].provider != 0;
        if (rng_unit(&r) < 0.5) {
            size_t count = 0, oldest = IDS;
            for (size_t i = 0; i < IDS; i++) {
                if (!list[i].provider) continue;
                count++;
                if (oldest == IDS || list[i].used < list[oldest].used) oldest = i;
            }
            if (!there && count == MOST) list[oldest].provider = 0;
            list[at].provider = (uint64_t)use;
            put(t, &policy, id, (uint64_t)use, now);
        } else {
            bool known = there && list[at].until > now;
            assert_int_equal(find_with(t, &policy, id, now), known ? list[at].provider : 0);
            if (!known) continue;
        }
        list[at].used = use;
        list[at].until = now + policy.keep_ms;
    }
    affinity_free(t);
}

static void *hammer(void *arg) {
    static const config_affinity policies[] = {{.ids = 64, .keep_ms = 1000},
                                               {.ids = 100, .keep_ms = 1000}};
    affinity *t = arg;
    rng r;
    rng_seed(&r, (uint64_t)(uintptr_t)&r);
    for (int i = 0; i < 20000; i++) {
        unsigned n = (unsigned)(rng_unit(&r) * 200);
        char id[16];
        (void)snprintf(id, sizeof id, "%u", n);
        affinity_place place;
        if (i % 2)
            affinity_put(t, &policies[i % 1000 == 1], span_cstr(id), (affinity_place){n, n}, false,
                         i);
        else if (affinity_find(t, &policies[0], span_cstr(id), i, &place) &&
                 (place.provider != n || place.key != n))
            return arg;
    }
    return NULL;
}

static void many_threads(void **state) {
    (void)state;
    affinity *t = affinity_new();
    pthread_t threads[4];
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hammer, t), 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        void *wrong;
        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
    affinity_free(t);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_told_is_found),
        cmocka_unit_test(what_was_used_longest_ago_goes_first),
        cmocka_unit_test(it_is_kept_for_a_time_since_its_last_use),
        cmocka_unit_test(it_grows),
        cmocka_unit_test(any_id),
        cmocka_unit_test(against_a_plain_list),
        cmocka_unit_test(many_threads),
    };
    return run_watched(tests);
}
