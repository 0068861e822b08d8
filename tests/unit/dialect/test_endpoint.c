/* The table of endpoints and the members of their requests. */
#include "unit.h"

#include "dialect/dialect_ops.h"
#include "dialect/endpoint.h"
#include "dialect/field.h"

static void finds_endpoints_by_their_paths(void **state) {
    (void)state;
    static const struct {
        const char *path;
        endpoint endpoint;
        const char *name;
        dialect dialect;
    } rows[] = {
        {"/chat/completions", EP_CHAT_COMPLETIONS, "chat.completions", DIALECT_OPENAI_CHAT},
        {"/completions", EP_COMPLETIONS, "completions", DIALECT_OPENAI_COMPLETIONS},
        {"/embeddings", EP_EMBEDDINGS, "embeddings", DIALECT_OPENAI_EMBEDDINGS},
        {"/responses", EP_RESPONSES, "responses", DIALECT_OPENAI_RESPONSES},
        {"/moderations", EP_MODERATIONS, "moderations", DIALECT_OPENAI_MODERATIONS},
    };
    assert_int_equal(ARRAY_LEN(rows), EP_OTHER);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        endpoint e = endpoint_of_path(span_cstr(rows[i].path));
        assert_int_equal(e, rows[i].endpoint);
        assert_string_equal(endpoint_get(e)->path.ptr, rows[i].path);
        assert_string_equal(endpoint_get(e)->name, rows[i].name);
        assert_int_equal(endpoint_get(e)->dialect, rows[i].dialect);
    }
}

static void knows_no_other_path(void **state) {
    (void)state;
    static const char *const paths[] = {"",
                                        "/",
                                        "/models",
                                        "chat/completions",
                                        "/chat/completions/",
                                        "/chat/completion",
                                        "/Chat/completions",
                                        "/v1/chat/completions",
                                        "/responses?a=b"};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        assert_int_equal(endpoint_of_path(span_cstr(paths[i])), EP_OTHER);
    const endpoint_row *other = endpoint_get(EP_OTHER);
    assert_string_equal(other->name, "other");
    assert_int_equal(other->dialect, DIALECT_RAW);
    assert_false(other->streams || other->needs_model);
}

static void says_what_streams_hold(void **state) {
    (void)state;
    static const struct {
        endpoint endpoint;
        bool streams, needs_model, usage_chunk, writes_marker;
    } rows[] = {
        {EP_CHAT_COMPLETIONS, true, true, true, true}, {EP_COMPLETIONS, true, true, true, true},
        {EP_EMBEDDINGS, false, true, false, false},    {EP_RESPONSES, true, true, false, false},
        {EP_MODERATIONS, false, false, false, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const endpoint_row *row = endpoint_get(rows[i].endpoint);
        assert_int_equal(row->streams, rows[i].streams);
        assert_int_equal(row->needs_model, rows[i].needs_model);
        const dialect_ops *d = dialect_get(row->dialect);
        assert_int_equal(d->usage_chunk, rows[i].usage_chunk);
        assert_int_equal(d->writes_marker, rows[i].writes_marker);
    }
}

static void lists_its_paths_for_people(void **state) {
    (void)state;
    buf out = BUF_EMPTY;
    endpoint_add_paths(&out, "", "");
    assert_span(buf_span(&out),
                "/chat/completions, /completions, /embeddings, /responses or /moderations");
    buf_clear(&out);
    endpoint_add_paths(&out, "<", ">");
    assert_true(span_starts(buf_span(&out), SPAN_OF("</chat/completions>, </completions>, ")));
    buf_done(&out);
}

static const field *field_of(dialect d, const char *quoted) {
    return field_find(d, (json_value){JSON_STRING, span_cstr(quoted)});
}

static void knows_fields_by_dialect(void **state) {
    (void)state;
    const field *n = field_of(DIALECT_OPENAI_CHAT, "\"\\u006e\"");
    assert_non_null(n);
    assert_int_equal(n->param, PARAM_N);
    assert_true(field_may_be(n, JSON_NUMBER) && field_may_be(n, JSON_NULL));
    assert_false(field_may_be(n, JSON_STRING) || field_may_be(n, JSON_NONE));
    assert_null(field_of(DIALECT_OPENAI_RESPONSES, "\"n\""));
    assert_null(field_of(DIALECT_OPENAI_CHAT, "\"input\""));
    assert_null(field_of(DIALECT_RAW, "\"model\""));
    const field *stream = field_of(DIALECT_OPENAI_RESPONSES, "\"stream\"");
    assert_true(field_may_be(stream, JSON_TRUE) && field_may_be(stream, JSON_FALSE));
    assert_false(field_may_be(stream, JSON_NUMBER));
    assert_false(field_may_be(field_of(DIALECT_OPENAI_MODERATIONS, "\"model\""), JSON_NULL));
    const field *stop = field_of(DIALECT_OPENAI_CHAT, "\"stop\"");
    assert_true(field_may_be(stop, JSON_STRING) && field_may_be(stop, JSON_ARRAY));
    /* One word, two meanings. */
    assert_int_equal(field_of(DIALECT_OPENAI_COMPLETIONS, "\"prompt\"")->param, PARAM_CONTENT);
    assert_int_equal(field_of(DIALECT_OPENAI_RESPONSES, "\"prompt\"")->param, PARAM_TEMPLATE);
}

/* No dialect has two rows of one name: the second would never be seen. */
static void says_all_of_a_field_in_one_row(void **state) {
    (void)state;
    static const struct {
        const char *name;
        unsigned dialects;
    } rows[] = {
#define TYPED(param, name, dialects, types, expected) {name, dialects},
#define KNOWN(param, name, dialects)                  {name, dialects},
#define CHAT                                          1
#define COMPLETIONS                                   2
#define EMBEDDINGS                                    4
#define RESPONSES                                     8
#define MODERATIONS                                   16
#define SIMPLE                                        32
#include "dialect/fields.def"
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        for (size_t j = 0; j < i; j++)
            if (strcmp(rows[i].name, rows[j].name) == 0 && rows[i].dialects & rows[j].dialects)
                fail_msg("%s has two rows for one dialect", rows[i].name);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_endpoints_by_their_paths),
        cmocka_unit_test(knows_no_other_path),
        cmocka_unit_test(says_what_streams_hold),
        cmocka_unit_test(lists_its_paths_for_people),
        cmocka_unit_test(knows_fields_by_dialect),
        cmocka_unit_test(says_all_of_a_field_in_one_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
