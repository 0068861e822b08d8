#include "unit.h"

#include "gateway/door.h"

#define PAGE SPAN_OF("https://evil.example")

static void test_json_is_taken(void **state) {
    (void)state;
    static const char *const types[] = {"application/json", "Application/JSON",
                                        "application/json; charset=utf-8", "application/json;x",
                                        " application/json ;"};
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        assert_true(door_takes_json(span_cstr(types[i]), SPAN_EMPTY));
        assert_true(door_takes_json(span_cstr(types[i]), PAGE)); /* a browser asks first */
    }
}

static void test_nothing_else_is(void **state) {
    (void)state;
    static const char *const types[] = {"text/plain",
                                        "application/x-www-form-urlencoded",
                                        "multipart/form-data; boundary=application/json",
                                        "text/plain; application/json",
                                        "application/jsonp",
                                        "application/json, text/plain",
                                        "json",
                                        ";"};
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        assert_false(door_takes_json(span_cstr(types[i]), SPAN_EMPTY));
}

/* A program may leave the type out; a page that does is one that avoids being asked about. */
static void test_no_type(void **state) {
    (void)state;
    assert_true(door_takes_json(SPAN_EMPTY, SPAN_EMPTY));
    assert_false(door_takes_json(SPAN_EMPTY, PAGE));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_is_taken),
        cmocka_unit_test(test_nothing_else_is),
        cmocka_unit_test(test_no_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
