/* What is in force, and what was, of each provider. */
#include "unit.h"

#include "call/secrets.h"

/* texts: between bars. */
static secret_set *in_force(secret_table *t, const char *provider, const char *texts) {
    secret_list l = {0};
    span rest = span_cstr(texts), one;
    while (span_cut(&rest, '|', &one)) {
        secret *s = secret_new(one);
        secret_list_add(&l, s);
        secret_unref(s);
    }
    secret_set *set = secret_table_get(t, span_cstr(provider), &l);
    secret_list_done(&l);
    return set;
}

static bool knows(const secret_set *s, const char *text) {
    return secret_set_found(s, span_cstr(text));
}

static void all_loops_have_the_same(void **state) {
    (void)state;
    secret_table *t = secret_table_new();
    secret_set *first = in_force(t, "a", "sk-one-0001|sk-two-0002");
    secret_set *second = in_force(t, "a", "sk-one-0001|sk-two-0002");
    secret_set *other = in_force(t, "b", "sk-one-0001");
    assert_ptr_equal(first, second);
    assert_ptr_not_equal(first, other);
    assert_true(knows(first, "sk-one-0001") && knows(first, "sk-two-0002"));
    assert_false(knows(other, "sk-two-0002"));
    secret_set *none = in_force(t, "c", "short");
    assert_null(none);
    secret_table_free(t);
    assert_true(knows(second, "sk-two-0002")); /* it lives on */
    secret_set_unref(first);
    secret_set_unref(second);
    secret_set_unref(other);
    secret_table_free(NULL);
}

static void what_was_in_force_is_remembered(void **state) {
    (void)state;
    secret_table *t = secret_table_new();
    secret_set *old = in_force(t, "a", "sk-old-0001|sk-stays-0001");
    secret_set *fresh = in_force(t, "a", "sk-new-0002|sk-stays-0001");
    assert_true(knows(fresh, "sk-old-0001") && knows(fresh, "sk-new-0002") &&
                knows(fresh, "sk-stays-0001"));
    assert_false(knows(old, "sk-new-0002"));
    secret_set *back = in_force(t, "a", "sk-old-0001");
    assert_ptr_equal(back, fresh);
    secret_set *none = in_force(t, "a", "");
    assert_true(knows(none, "sk-new-0002"));
    secret_set_unref(old);
    secret_set_unref(fresh);
    secret_set_unref(back);
    secret_set_unref(none);
    secret_table_free(t);
}

/* A command that renews a key every minute fills no memory. */
static void the_oldest_is_forgotten(void **state) {
    (void)state;
    secret_table *t = secret_table_new();
    secret_set *last = NULL;
    char text[32];
    for (unsigned i = 0; i <= SECRETS_FORMER_MAX + 1; i++) {
        (void)snprintf(text, sizeof text, "sk-stays-0001|sk-%08u", i);
        secret_set_unref(last);
        last = in_force(t, "a", text);
    }
    assert_true(knows(last, "sk-stays-0001"));
    assert_true(knows(last, "sk-00000065")); /* in force */
    assert_true(knows(last, "sk-00000001")); /* the oldest of those that were */
    assert_false(knows(last, "sk-00000000"));
    secret_set_unref(last);
    secret_table_free(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_loops_have_the_same),
                                       cmocka_unit_test(what_was_in_force_is_remembered),
                                       cmocka_unit_test(the_oldest_is_forgotten)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
