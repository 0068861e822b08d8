/* Vectors that are compared: the nearest of its bucket, never another's, and no more than the
 * bound. */
#include "heap.h"
#include "unit.h"

#include "base/random.h"
#include "cache/similar.h"

#include <math.h>

enum { DIMENSIONS = 100 };
static cache_room room;

static cache_key key_of(unsigned n) {
    cache_key k = {{0}};
    memcpy(k.bytes, &n, sizeof n);
    return k;
}

static float random_float(rng *r) {
    return (float)((double)(rng_u64(r) % 20001) / 10000 - 1);
}

static void fill(rng *r, float *of, size_t count) {
    for (size_t i = 0; i < count; i++)
        of[i] = random_float(r);
}

static double cosine(const float *a, const float *b, size_t count) {
    double ab = 0, aa = 0, bb = 0;
    for (size_t i = 0; i < count; i++) {
        ab += (double)a[i] * (double)b[i];
        aa += (double)a[i] * (double)a[i];
        bb += (double)b[i] * (double)b[i];
    }
    return ab / sqrt(aa * bb);
}

/* Also where every dimension is the same, and where one is all. */
static void cosines(void **state) {
    (void)state;
    static float a[SIMILAR_DIMENSIONS_MAX], b[SIMILAR_DIMENSIONS_MAX];
    static const size_t counts[] = {1, 2, 15, 16, 17, 100, 1536, 3072, SIMILAR_DIMENSIONS_MAX};
    const cache_key bucket = key_of(1);
    rng r;
    rng_seed(&r, 5);
    for (size_t i = 0; i < ARRAY_LEN(counts); i++)
        for (unsigned kind = 0; kind < 6; kind++) {
            const size_t n = counts[i];
            fill(&r, a, n);
            fill(&r, b, n);
            for (size_t k = 0; k < n; k++) {
                if (kind == 1) b[k] = a[k] * 1e-20f;
                if (kind == 2) b[k] = a[k] + b[k] * 0.1f;
                if (kind == 3) a[k] = b[k] = 1e18f;
                if (kind == 4) a[k] = k ? 0 : 7, b[k] = a[k];
                if (kind == 5) b[k] = -a[k];
            }
            similar *x = similar_new(&bucket, a, n, &room), *y = similar_new(&bucket, b, n, &room);
            assert_true(fabs(similar_cosine(x, y) - cosine(a, b, n)) < 0.002);
            assert_true(similar_cosine(x, x) > 0.998 && similar_cosine(x, x) <= 1);
            similar_unref(x);
            similar_unref(y);
        }
    assert_int_equal(atomic_load(&room.used), 0);
}

static void what_is_none(void **state) {
    (void)state;
    static float many[SIMILAR_DIMENSIONS_MAX + 1];
    const float zeros[] = {0, 0, 0}, odd[] = {1, NAN, 2}, endless[] = {1, INFINITY, 2}, one[] = {2},
                two[] = {1, 0};
    const cache_key k = key_of(1);
    for (size_t i = 0; i < ARRAY_LEN(many); i++)
        many[i] = 1;
    assert_null(similar_new(&k, one, 0, &room));
    assert_null(similar_new(&k, zeros, 3, &room));
    assert_null(similar_new(&k, odd, 3, &room));
    assert_null(similar_new(&k, endless, 3, &room));
    assert_null(similar_new(&k, many, ARRAY_LEN(many), &room));
    similar *x = similar_new(&k, one, 1, &room), *y = similar_new(&k, two, 2, &room);
    assert_true(similar_cosine(x, y) == 0); /* another model's */
    similar_unref(x);
    similar_unref(y);
    assert_int_equal(similar_bytes(NULL), 0);
}

/* As a plain search over all finds it, whatever comes and goes; and of its bucket alone. */
static void the_nearest_of_its_bucket(void **state) {
    (void)state;
    enum { COUNT = 1500, BUCKETS = 3 };
    static float of[COUNT][DIMENSIONS];
    static similar *all[COUNT];
    similar_index *x = similar_index_new();
    rng r;
    rng_seed(&r, 7);
    similar_index_bound(x, COUNT);
    for (unsigned i = 0; i < COUNT; i++) {
        const cache_key bucket = key_of(i % BUCKETS), key = key_of(i);
        fill(&r, of[i], DIMENSIONS);
        all[i] = similar_new(&bucket, of[i], DIMENSIONS, &room);
        similar_add(x, all[i], &key);
    }
    for (unsigned round = 0; round < 400; round++) {
        const unsigned goes = (unsigned)(rng_u64(&r) % COUNT), b = round % BUCKETS;
        if (all[goes]) {
            similar_remove(x, all[goes]);
            similar_remove(x, all[goes]);
            similar_unref(all[goes]);
            all[goes] = NULL;
        }
        float asked[DIMENSIONS];
        const unsigned like = (unsigned)(rng_u64(&r) % COUNT);
        for (size_t k = 0; k < DIMENSIONS; k++)
            asked[k] = of[like][k] + random_float(&r);
        const cache_key bucket = key_of(b);
        similar *to = similar_new(&bucket, asked, DIMENSIONS, &room);
        double best = 0.3, is = 0;
        unsigned nearest = COUNT;
        for (unsigned i = 0; i < COUNT; i++)
            if (all[i] && i % BUCKETS == b && similar_cosine(all[i], to) > best)
                best = similar_cosine(all[i], to), nearest = i;
        cache_key found;
        assert_int_equal(similar_find(x, to, 0.3, &found, &is), nearest < COUNT);
        const cache_key expected = key_of(nearest);
        if (nearest < COUNT) {
            assert_true(cache_key_eq(&found, &expected));
            assert_true(is == best);
        }
        similar_unref(to);
    }
    for (unsigned i = 0; i < COUNT; i++) {
        if (all[i]) similar_remove(x, all[i]);
        similar_unref(all[i]);
    }
    assert_int_equal(similar_index_count(x), 0);
    assert_int_equal(atomic_load(&room.used), 0);
    similar_index_free(x);
}

static void the_threshold_is_in_it(void **state) {
    (void)state;
    const float a[] = {3, 4}, b[] = {4, 3};
    const cache_key bucket = key_of(1), key = key_of(2);
    similar_index *x = similar_index_new();
    similar_index_bound(x, 1);
    similar *of = similar_new(&bucket, a, 2, &room), *to = similar_new(&bucket, b, 2, &room);
    cache_key found;
    double is;
    assert_false(similar_find(x, to, 0.5, &found, &is));
    similar_add(x, of, &key);
    assert_int_equal(similar_bucket_count(x, to), 1);
    const double exact = similar_cosine(of, to);
    assert_true(fabs(exact - 0.96) < 0.001);
    assert_true(similar_find(x, to, exact, &found, &is) && is == exact);
    assert_false(similar_find(x, to, exact + 0.0001, &found, &is));
    similar_remove(x, of);
    assert_int_equal(similar_bucket_count(x, to), 0);
    similar_unref(of);
    similar_unref(to);
    similar_index_free(x);
}

static void the_oldest_goes(void **state) {
    (void)state;
    enum { COUNT = 20, MOST = 8 };
    similar *all[COUNT];
    similar_index *x = similar_index_new();
    similar_index_bound(x, MOST);
    for (unsigned i = 0; i < COUNT; i++) {
        const float of[] = {(float)cos(i), (float)sin(i)};
        const cache_key bucket = key_of(i % 2), key = key_of(i);
        all[i] = similar_new(&bucket, of, 2, &room);
        similar_add(x, all[i], &key);
        assert_int_equal(similar_index_count(x), i < MOST ? i + 1 : MOST);
    }
    for (unsigned i = 0; i < COUNT; i++) {
        cache_key found;
        double is;
        const cache_key own = key_of(i);
        const bool there =
            similar_find(x, all[i], 0.9999, &found, &is) && cache_key_eq(&found, &own);
        assert_int_equal(there, i >= COUNT - MOST);
    }
    similar_index_bound(x, 2);
    assert_int_equal(similar_index_count(x), 2);
    similar_index_bound(x, 0);
    assert_int_equal(similar_index_count(x), 0);
    similar_add(x, all[0], &(cache_key){{9}}); /* there is no room at all */
    assert_int_equal(similar_index_count(x), 0);
    for (unsigned i = 0; i < COUNT; i++)
        similar_unref(all[i]);
    similar_index_free(x);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(cosines),
        cmocka_unit_test(what_is_none),
        cmocka_unit_test(the_nearest_of_its_bucket),
        cmocka_unit_test(the_threshold_is_in_it),
        cmocka_unit_test(the_oldest_goes),
    };
    return run_watched(tests);
}
