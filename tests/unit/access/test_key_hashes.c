/* Keyed hashes of keys that were used last: by the plain one, of which each byte counts; bounded.
 */
#include "unit.h"

#include "access/key_hashes.h"

#include <string.h>

typedef struct hashes {
    unsigned char plain[SHA256_LEN], keyed[SHA256_LEN];
} hashes;

static hashes of(unsigned number) {
    hashes h;
    sha256(span_from((const char *)&number, sizeof number), h.plain);
    sha256(span_from((const char *)h.plain, SHA256_LEN), h.keyed);
    return h;
}

static bool has(const key_hashes *t, const hashes *h) {
    const unsigned char *keyed = key_hashes_find(t, h->plain);
    if (keyed) assert_memory_equal(keyed, h->keyed, SHA256_LEN);
    return keyed != NULL;
}

static void what_was_put_is_found(void **state) {
    (void)state;
    key_hashes *t = key_hashes_new();
    hashes h = of(1);
    assert_false(has(t, &h));
    key_hashes_put(t, h.plain, h.keyed);
    assert_true(has(t, &h));
    h.keyed[0] ^= 1;
    key_hashes_put(t, h.plain, h.keyed); /* in its place */
    assert_true(has(t, &h));
    key_hashes_free(t);
}

/* Also those that share its place. */
static void one_that_differs_in_a_bit_is_another(void **state) {
    (void)state;
    key_hashes *t = key_hashes_new();
    hashes h = of(1);
    key_hashes_put(t, h.plain, h.keyed);
    for (size_t bit = 0; bit < 8 * SHA256_LEN; bit++) {
        hashes like = h;
        like.plain[bit / 8] ^= (unsigned char)(1u << bit % 8);
        assert_null(key_hashes_find(t, like.plain));
    }
    key_hashes_free(t);
}

/* Of many keys some are there, each with its own hash, and the last is. */
static void many_keys_drive_each_other_out(void **state) {
    (void)state;
    enum { MANY = 10000 };
    key_hashes *t = key_hashes_new();
    for (unsigned i = 0; i < MANY; i++) {
        const hashes h = of(i);
        key_hashes_put(t, h.plain, h.keyed);
        assert_true(has(t, &h));
    }
    unsigned there = 0;
    for (unsigned i = 0; i < MANY; i++) {
        const hashes h = of(i);
        there += has(t, &h);
    }
    assert_int_equal(there, 512);
    key_hashes_free(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_put_is_found),
        cmocka_unit_test(one_that_differs_in_a_bit_is_another),
        cmocka_unit_test(many_keys_drive_each_other_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
