#include "unit.h"

#include "base/errors.h"
#include "base/mem.h"
#include "base/secret.h"

static void is_told_to_who_asks_for_it(void **state) {
    (void)state;
    secret *key = secret_new(SPAN_OF("sk-12345678"));
    secret_unref(secret_ref(key));
    assert_span(secret_reveal(key), "sk-12345678");
    assert_span(secret_reveal_bearer(key), "Bearer sk-12345678");
    secret_unref(key);
    secret *empty = secret_new(SPAN_EMPTY);
    assert_span(secret_reveal(empty), "");
    secret_unref(empty);
    assert_null(secret_ref(NULL));
    secret_unref(NULL);
}

static void what_is_wiped_is_gone_and_nothing_does_no_harm(void **state) {
    (void)state;
    char text[] = "sk-12345678";
    mem_wipe(text, 3);
    assert_memory_equal(text,
                        "\0\0\0"
                        "12345678",
                        sizeof text);
    mem_wipe(text, sizeof text);
    assert_memory_equal(text, (char[sizeof text]){0}, sizeof text);
    mem_wipe(NULL, 0); /* a body that never came */
}

static void every_error_is_complete(void **state) {
    (void)state;
    for (int id = ERR_NONE + 1; id < ERR_COUNT; id++) {
        const error_row *row = error_get((error_id)id);
        assert_in_range(row->status, 400, 599);
        assert_true(row->type[0] != '\0');
        size_t n = strlen(row->sentence);
        assert_true(n > 0 && row->sentence[n - 1] == '.');
    }
    weir_error e = error_of(ERR_UNKNOWN_MODEL);
    assert_span(error_message(&e), "The model does not exist here.");
    e.message = SPAN_OF("closer");
    assert_span(error_message(&e), "closer");
}

static void secrets_of_the_same_bytes(void **state) {
    (void)state;
    secret *a = secret_new(SPAN_OF("sk-1")), *same = secret_new(SPAN_OF("sk-1")),
           *other = secret_new(SPAN_OF("sk-12"));
    assert_true(secret_eq(a, a));
    assert_true(secret_eq(a, same));
    assert_false(secret_eq(a, other));
    assert_false(secret_eq(a, NULL));
    assert_false(secret_eq(NULL, a));
    assert_true(secret_eq(NULL, NULL));
    secret_unref(a);
    secret_unref(same);
    secret_unref(other);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_told_to_who_asks_for_it),
        cmocka_unit_test(what_is_wiped_is_gone_and_nothing_does_no_harm),
        cmocka_unit_test(every_error_is_complete),
        cmocka_unit_test(secrets_of_the_same_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
