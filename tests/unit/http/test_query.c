/* Parameters of queries, whose names readers forgive different things. */
#include "unit.h"

#include "http/query.h"

static void goes_through_parameters(void **state) {
    (void)state;
    span rest = SPAN_OF("a=b&&model=x&c"), p;
    static const char *const wanted[] = {"a=b", "", "model=x", "c"};
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        assert_true(http_query_next(&rest, &p));
        assert_span(p, wanted[i]);
    }
    assert_false(http_query_next(&rest, &p));
}

static void a_name_is_known_however_it_is_written(void **state) {
    (void)state;
    static const char *const are[] = {
        "model=x",    "model",          "MODEL=x",     "mo%64el=x",        "%20model+=x",
        "model[]=x",  "model%5B0%5D=x", "model%00y=x", "%EF%BB%BFmodel=x", "?model=x",
        "%2Fmodel=x", "a=b;model=x",    ";Model"};
    static const char *const are_not[] = {"",          "models=x",   "model_id=x",
                                          "mode=l",    "my_model=x", "x=model=y",
                                          "model-x=y", "model.x=y",  "%7B%22model=x"};
    for (size_t i = 0; i < ARRAY_LEN(are); i++)
        if (!http_query_is_named(span_cstr(are[i]), SPAN_OF("model"))) fail_msg("%s", are[i]);
    for (size_t i = 0; i < ARRAY_LEN(are_not); i++)
        if (http_query_is_named(span_cstr(are_not[i]), SPAN_OF("model")))
            fail_msg("%s", are_not[i]);
    assert_true(http_query_has(SPAN_OF("a=b&model=x"), SPAN_OF("model")));
    assert_false(http_query_has(SPAN_OF("a=model&models"), SPAN_OF("model")));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(goes_through_parameters),
                                       cmocka_unit_test(a_name_is_known_however_it_is_written)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
