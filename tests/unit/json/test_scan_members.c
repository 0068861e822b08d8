/* Members of objects: their names told apart, their number bounded, and the root's recorded. */
#include "unit.h"

#include "json/json.h"

/* {"m0":0,…,"m<count-1>":0,"m<again>":0}, the last name written with an escape if so asked. */
static void add_members(buf *doc, size_t count, size_t again, bool escaped) {
    buf_add_char(doc, '{');
    for (size_t i = 0; i < count; i++)
        buf_addf(doc, "\"m%zu\":0,", i);
    buf_addf(doc, escaped ? "\"\\u006d%zu\":0}" : "\"m%zu\":0}", again);
}

static void finds_duplicates_among_many(void **state) {
    (void)state;
    static const size_t counts[] = {1, 7, 14, 15, 16, 17, 18, 47, 48, 49, 255, 257, 1025, 100000};
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        size_t count = counts[i];
        const size_t again[] = {0, count / 2, count - 1};
        for (size_t j = 0; j < ARRAY_LEN(again); j++) {
            for (int escaped = 0; escaped < 2; escaped++) {
                buf doc = BUF_EMPTY;
                add_members(&doc, count, again[j], escaped);
                json_value root;
                json_fault fault;
                assert_false(json_scan(buf_span(&doc), NULL, &root, &fault));
                assert_int_equal(fault.kind, JSON_DUPLICATE);
                buf_clear(&doc);
                add_members(&doc, count, count, escaped);
                assert_true(json_scan(buf_span(&doc), NULL, &root, &fault));
                buf_done(&doc);
            }
        }
    }
}

/* "m0" … within "m0" …, so many in each of the objects, which stand within each other. */
static void add_within(buf *doc, size_t objects, size_t each) {
    for (size_t i = 0; i < objects; i++) {
        buf_add_cstr(doc, i ? ",\"in\":{" : "{");
        for (size_t j = 0; j < each; j++)
            buf_addf(doc, "%s\"m%zu\":0", j ? "," : "", j);
    }
    for (size_t i = 0; i < objects; i++)
        buf_add_char(doc, '}');
}

static void bounds_the_members(void **state) {
    (void)state;
    static const struct {
        unsigned most;
        size_t objects, each;
        bool fits;
    } rows[] = {
        {48, 1, 48, true},     {48, 1, 49, false},     {64, 1, 64, true},
        {64, 1, 65, false},    {100, 1, 100, true},    {100, 1, 101, false},
        {5000, 1, 5000, true}, {5000, 1, 5001, false}, {UINT32_MAX, 1, 5001, true},
        {0, 1, 5001, true},    {64, 8, 7, true},       {62, 8, 7, false},
        {4099, 2, 2049, true}, {4098, 2, 2049, false}, /* with the name of the inner one */
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const json_limits limits = {.members = rows[i].most};
        buf doc = BUF_EMPTY;
        json_value root;
        json_fault fault = {JSON_OK};
        add_within(&doc, rows[i].objects, rows[i].each);
        assert_int_equal(json_scan(buf_span(&doc), &limits, &root, &fault), rows[i].fits);
        if (!rows[i].fits) {
            assert_int_equal(fault.kind, JSON_TOO_MANY);
            assert_true(doc.ptr[fault.offset] == '"');
        }
        buf_done(&doc);
    }
}

/* What closes counts no more, and where names may repeat none are kept. */
static void counts_members_of_open_objects_alone(void **state) {
    (void)state;
    buf doc = BUF_EMPTY;
    json_value root;
    json_fault fault;
    buf_add_cstr(&doc, "{\"list\":[");
    for (int i = 0; i < 20; i++) {
        if (i) buf_add_char(&doc, ',');
        add_members(&doc, 60, 60, i % 2);
    }
    buf_add_cstr(&doc, "]}");
    assert_true(json_scan(buf_span(&doc), &(json_limits){.members = 62}, &root, &fault));
    assert_false(json_scan(buf_span(&doc), &(json_limits){.members = 61}, &root, &fault));
    assert_int_equal(fault.kind, JSON_TOO_MANY);
    const json_limits repeats = {.members = 48, .repeats = true};
    assert_true(json_scan(buf_span(&doc), &repeats, &root, &fault));
    buf_done(&doc);
}

/* An object of outer + 1 members, some of them objects of inner + 1. */
static void add_nested(buf *doc, size_t outer, size_t inner, bool duplicate) {
    buf_add_char(doc, '{');
    for (size_t i = 0; i < outer; i++) {
        buf_addf(doc, "\"m%zu\":", i);
        if (i % 7 == 0)
            add_members(doc, inner, inner, i % 2);
        else
            buf_add_char(doc, '0');
        buf_add_char(doc, ',');
    }
    buf_addf(doc, "\"m%zu\":0}", duplicate ? outer - 1 : outer);
}

/* Large objects in large objects, before, between and behind one another's members: names count
 * for their own object alone, and an object goes on where it was when an inner one closes. */
static void keeps_names_of_nested_objects_apart(void **state) {
    (void)state;
    static const size_t sizes[] = {1, 15, 16, 17, 40, 300};
    for (size_t a = 0; a < ARRAY_LEN(sizes); a++) {
        for (size_t b = 0; b < ARRAY_LEN(sizes); b++) {
            for (int duplicate = 0; duplicate < 2; duplicate++) {
                buf doc = BUF_EMPTY;
                buf_add_char(&doc, '[');
                add_nested(&doc, sizes[a], sizes[b], false);
                buf_add_char(&doc, ',');
                add_nested(&doc, sizes[b], sizes[a], false);
                buf_add_char(&doc, ',');
                add_nested(&doc, sizes[a], sizes[b], duplicate);
                buf_add_char(&doc, ']');
                json_value root;
                json_fault fault;
                assert_int_equal(json_scan(buf_span(&doc), NULL, &root, &fault), !duplicate);
                if (duplicate) assert_int_equal(fault.kind, JSON_DUPLICATE);
                buf_done(&doc);
            }
        }
    }
}

static void records_members_of_the_root(void **state) {
    (void)state;
    json_member m[4];
    size_t count = 9;
    json_fault fault;
    assert_true(json_scan_object(SPAN_OF(" { \"a\" : [ {\"x\":1} ] ,\"b\\n\":\"s\", \"c\":-1 } "),
                                 NULL, m, 4, &count, &fault));
    assert_int_equal(count, 3);
    assert_span(m[0].key, "a");
    assert_int_equal(m[0].value.type, JSON_ARRAY);
    assert_span(m[0].value.raw, "[ {\"x\":1} ]");
    assert_span(m[1].key, "b\\n");
    assert_int_equal(m[1].value.type, JSON_STRING);
    assert_span(m[1].value.raw, "\"s\"");
    assert_span(m[2].key, "c");
    assert_int_equal(m[2].value.type, JSON_NUMBER);
    assert_span(m[2].value.raw, "-1");

    assert_true(json_scan_object(SPAN_OF("{\"a\":null,\"b\":{\"q\":[1,{}]},\"c\":true}"), NULL, m,
                                 2, &count, &fault));
    assert_int_equal(count, 3);
    assert_int_equal(m[0].value.type, JSON_NULL);
    assert_span(m[1].value.raw, "{\"q\":[1,{}]}");
    static const struct {
        const char *value;
        size_t elements, objects;
    } arrays[] = {
        {"[]", 0, 0},
        {"[{}]", 1, 1},
        {"[{\"a\":[1,2,[3]]}, {\"b\":{}} ,{}]", 3, 3},
        {"[{},[{},{}],{}]", 3, 1},
        {"[1,{},{}]", 3, 0},
        {"{\"x\":[1,2],\"y\":{}}", 0, 0},
        {"7", 0, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(arrays); i++) {
        char doc[200];
        (void)snprintf(doc, sizeof doc, "{\"before\":[{},{}],\"it\":%s,\"after\":[{}]}",
                       arrays[i].value);
        json_member three[3];
        assert_true(json_scan_object(span_cstr(doc), NULL, three, 3, &count, &fault));
        assert_int_equal(three[0].elements, 2);
        assert_int_equal(three[1].elements, arrays[i].elements);
        assert_int_equal(three[1].objects, arrays[i].objects);
        assert_int_equal(three[2].objects, 1);
    }
    assert_true(json_scan_object(SPAN_OF("{}"), NULL, NULL, 0, &count, &fault));
    assert_int_equal(count, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bounds_the_members),
        cmocka_unit_test(counts_members_of_open_objects_alone),
        cmocka_unit_test(finds_duplicates_among_many),
        cmocka_unit_test(keeps_names_of_nested_objects_apart),
        cmocka_unit_test(records_members_of_the_root),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
