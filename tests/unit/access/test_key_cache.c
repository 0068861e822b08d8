/* What is known of keys: found, replaced, forgotten, and bounded. */
#include "unit.h"

#include "access/key_cache.h"

#include <pthread.h>

static void hash_of(unsigned number, unsigned char ret[SHA256_LEN]) {
    sha256(span_from((const char *)&number, sizeof number), ret);
}

static void put(key_cache *t, unsigned number, key_standing standing) {
    unsigned char hash[SHA256_LEN];
    hash_of(number, hash);
    key_entry e = {.standing = standing};
    if (standing == KEY_GOOD) {
        e.key = access_key_new();
        e.key->client.holder = number;
    }
    key_cache_put(t, hash, e, key_cache_season(t));
}

static bool find(key_cache *t, unsigned number, key_entry *ret) {
    unsigned char hash[SHA256_LEN];
    hash_of(number, hash);
    *ret = (key_entry){.standing = KEY_UNKNOWN};
    return key_cache_find(t, hash, ret);
}

static bool has(key_cache *t, unsigned number) {
    key_entry e;
    bool found = find(t, number, &e);
    access_key_unref(e.key);
    return found;
}

static void drop(key_cache *t, unsigned number) {
    unsigned char hash[SHA256_LEN];
    hash_of(number, hash);
    key_cache_drop(t, hash);
}

static void what_was_put_is_found_until_it_is_dropped(void **state) {
    (void)state;
    key_cache *t = key_cache_new(1000, 1000);
    key_entry e;
    for (unsigned i = 0; i < 500; i++)
        put(t, i, i % 2 ? KEY_GOOD : KEY_UNKNOWN);
    for (unsigned i = 0; i < 500; i++) {
        assert_true(find(t, i, &e));
        assert_int_equal(e.standing, i % 2 ? KEY_GOOD : KEY_UNKNOWN);
        if (e.key) assert_int_equal(e.key->client.holder, i);
        access_key_unref(e.key);
    }
    assert_false(has(t, 500));
    drop(t, 7);
    drop(t, 7);
    assert_false(has(t, 7));
    assert_true(has(t, 8));
    put(t, 8, KEY_GONE); /* a stranger no more */
    assert_true(find(t, 8, &e));
    assert_int_equal(e.standing, KEY_GONE);
    assert_int_equal(key_cache_count(t), 499);
    key_cache_clear(t);
    assert_int_equal(key_cache_count(t), 0);
    assert_false(has(t, 9));
    key_cache_free(t);
}

/* Who has one goes on with it, whatever becomes of the entry. */
static void a_key_outlives_its_entry(void **state) {
    (void)state;
    key_cache *t = key_cache_new(4, 4);
    key_entry e;
    put(t, 1, KEY_GOOD);
    assert_true(find(t, 1, &e));
    key_cache_free(t);
    assert_int_equal(e.key->client.holder, 1);
    access_key_unref(e.key);
}

static void what_is_used_stays_and_strangers_drive_out_nobody(void **state) {
    (void)state;
    enum { MOST = 64 };
    key_cache *t = key_cache_new(MOST, 8);
    for (unsigned i = 0; i < MOST; i++)
        put(t, i, KEY_GOOD);
    for (unsigned i = 10000; i < 11000; i++)
        put(t, i, KEY_UNKNOWN);
    assert_int_equal(key_cache_count(t), MOST + 8);
    for (unsigned i = 0; i < MOST; i++)
        assert_true(has(t, i));
    for (unsigned i = 100; i < 1100; i++) {
        assert_true(has(t, 5)); /* which is used again and again */
        put(t, i, KEY_GOOD);
    }
    assert_true(has(t, 5));
    assert_false(has(t, 1));
    assert_int_equal(key_cache_count(t), MOST + 8);
    key_cache_free(t);
}

/* What is looked up while the key is changed, or all are, may be what it was before. */
static void what_was_looked_up_before_a_change_is_not_kept(void **state) {
    (void)state;
    key_cache *t = key_cache_new(4, 4);
    unsigned char hash[SHA256_LEN];
    hash_of(1, hash);
    for (int i = 0; i < 2; i++) {
        const uint64_t season = key_cache_season(t);
        if (i)
            key_cache_clear(t);
        else
            drop(t, 1);
        key_cache_put(t, hash, (key_entry){.standing = KEY_GOOD, .key = access_key_new()}, season);
        assert_false(has(t, 1));
        put(t, 1, KEY_GOOD);
        assert_true(has(t, 1));
    }
    key_cache_put(t, hash, (key_entry){.standing = KEY_GOOD, .key = access_key_new()}, 0);
    assert_true(has(t, 1)); /* nor does it take the place of what is there */
    key_cache_free(t);
}

static void *use(void *arg) {
    key_cache *t = arg;
    key_entry e;
    for (unsigned i = 0; i < 20000; i++) {
        if (i % 7 == 0) put(t, i % 100, KEY_GOOD);
        if (i % 11 == 0) drop(t, i % 100);
        if (find(t, i % 100, &e) && e.key) assert_int_equal(e.key->client.holder, i % 100);
        access_key_unref(e.key);
    }
    return NULL;
}

static void many_threads_use_it(void **state) {
    (void)state;
    key_cache *t = key_cache_new(50, 50);
    pthread_t threads[4];
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use, t), 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        pthread_join(threads[i], NULL);
    assert_true(key_cache_count(t) <= 50);
    key_cache_free(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_put_is_found_until_it_is_dropped),
        cmocka_unit_test(a_key_outlives_its_entry),
        cmocka_unit_test(what_is_used_stays_and_strangers_drive_out_nobody),
        cmocka_unit_test(what_was_looked_up_before_a_change_is_not_kept),
        cmocka_unit_test(many_threads_use_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
