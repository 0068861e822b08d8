#include "unit.h"
#include "secrets.h"

#include "gateway/model_list.h"

/* The ids that are read, each with a blank behind it; "none": it is no list. */
static span ids_of(const char *body, const secret_set *secrets) {
    static buf said;
    buf_clear(&said);
    model_list l;
    if (!model_list_read(span_cstr(body), secrets, &l)) return SPAN_OF("none");
    for (size_t i = 0; i < l.count; i++)
        buf_addf(&said, "%.*s ", SPAN_ARG(l.items[i].id));
    model_list_done(&l);
    return buf_span(&said);
}

static void which_models_are_read(void **state) {
    (void)state;
    static const struct {
        const char *body, *ids;
    } rows[] = {
        {"{\"object\":\"list\",\"data\":[{\"id\":\"a\"},{\"id\":\"b\",\"x\":1}]}", "a b "},
        {"{\"models\":[{\"name\":\"z\"}],\"data\":[{\"id\":\"a\"}]}", "a "}, /* llama.cpp */
        {"[{\"id\":\"a\"},{\"id\":\"b\"}]", "a b "},                         /* Together */
        {"\xEF\xBB\xBF[{\"id\":\"a\"}]", "a "},
        {"{\"data\":[]}", ""},
        {"[]", ""},
        {"{\"data\":[{\"id\":\"m\\u00e9ta\\/x\"}]}", "m\xC3\xA9ta/x "},
        /* not all that stands there is a model with a name that a request could have */
        {"{\"data\":[7,\"a\",null,[],{},{\"id\":7},{\"id\":\"\"},{\"id\":null},{\"id\":\"a\"}]}",
         "a "},
        {"{\"data\":[{\"id\":\"a\\nb\"},{\"id\":\"\\u0000\"},{\"id\":\"\\u007f\"},{\"id\":\"a\"}]}",
         "a "},
        {"{\"data\":{\"id\":\"a\"}}", "none"},
        {"{\"data\":null}", "none"},
        {"{\"error\":{\"message\":\"No.\"}}", "none"},
        {"{}", "none"},
        {"\"a\"", "none"},
        {"", "none"},
        {"<html>", "none"},
        {"{\"data\":[{\"id\":\"a\"}]", "none"},
        {"{\"data\":[{\"id\":\"\xff\"}]}", "none"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_span(ids_of(rows[i].body, NULL), rows[i].ids);
}

static void the_key_is_not_repeated(void **state) {
    (void)state;
    secret_set *secrets = secret_set_of("sk-provider-secret");
    assert_span(ids_of("[{\"id\":\"a\",\"x\":\"Bearer sk-provider-secret\"},{\"id\":\"b\"},"
                       "{\"id\":\"sk-provider-secret\"},{\"id\":\"sk-provider\"}]",
                       secrets),
                "b sk-provider ");
    secret_set_unref(secrets);
}

static void ids_and_lists_are_bounded(void **state) {
    (void)state;
    for (size_t len = 256; len <= 257; len++) {
        buf body = BUF_EMPTY;
        buf_add_cstr(&body, "[{\"id\":\"");
        for (size_t i = 0; i < len; i++)
            buf_add_char(&body, 'i');
        buf_add_cstr(&body, "\"}]");
        model_list l;
        assert_true(model_list_read(buf_span(&body), NULL, &l));
        assert_int_equal(l.count, len == 256);
        model_list_done(&l);
        buf_done(&body);
    }
    buf body = BUF_EMPTY;
    for (int i = 0; i < 6000; i++)
        buf_addf(&body, "%s{\"id\":\"m%d\"}", i ? "," : "[", i);
    buf_add_char(&body, ']');
    model_list l;
    assert_true(model_list_read(buf_span(&body), NULL, &l));
    assert_int_equal(l.count, 5000);
    buf_done(&body); /* the list has its own */
    assert_span(model_list_find(&l, SPAN_OF("m4999"))->object.raw, "{\"id\":\"m4999\"}");
    assert_null(model_list_find(&l, SPAN_OF("m5000")));
    model_list_done(&l);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(which_models_are_read),
        cmocka_unit_test(the_key_is_not_repeated),
        cmocka_unit_test(ids_and_lists_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
