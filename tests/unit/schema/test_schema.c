/* What the public suite has no word of: sentences, bounds, what is refused.
 * tests/unit/schema/compare_suite.py plays the suite. */
#include "heap.h"

#include "base/arena.h"
#include "schema/schema.h"

typedef struct row {
    const char *schema, *document, *why; /* NULL: it is valid */
} row;

static void each(const row *rows, size_t count) {
    for (size_t i = 0; i < count; i++) {
        buf why = BUF_EMPTY;
        schema *s = schema_new(span_cstr(rows[i].schema), &why);
        if (!s) fail_msg("%s: %s", rows[i].schema, buf_cstr(&why));
        bool ok = schema_check(s, span_cstr(rows[i].document), &why);
        if (ok != !rows[i].why) fail_msg("row %zu: %s: %s", i, rows[i].schema, buf_cstr(&why));
        if (rows[i].why) assert_string_equal(buf_cstr(&why), rows[i].why);
        schema_free(s);
        buf_done(&why);
    }
}

#define CITY                                                                                       \
    "{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"},\"days\":{\"type\":"      \
    "\"integer\",\"minimum\":1,\"maximum\":7},\"unit\":{\"enum\":[\"C\",\"F\"]},\"stops\":{"       \
    "\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"name\"]}}},\"required\":["  \
    "\"city\"],\"additionalProperties\":false}"

static void tells_what_is_wrong_and_where(void **state) {
    (void)state;
    static const row rows[] = {
        {CITY, "{\"city\":\"Ulm\",\"days\":3.0,\"unit\":\"F\",\"stops\":[{\"name\":1}]}", NULL},
        {CITY, "{}", "'city' is missing"},
        {CITY, "[]", "expected an object, got an array"},
        {CITY, "{\"city\":5}", "city: expected a string, got 5"},
        {CITY, "{\"city\":\"Ulm\",\"days\":1.5}", "days: expected a whole number, got 1.5"},
        {CITY, "{\"city\":\"Ulm\",\"days\":\"2\"}", "days: expected a whole number, got \"2\""},
        {CITY, "{\"city\":\"Ulm\",\"days\":0}", "days: expected at least 1, got 0"},
        {CITY, "{\"city\":\"Ulm\",\"days\":1e999}", "days: expected at most 7, got 1e999"},
        {CITY, "{\"city\":\"Ulm\",\"unit\":\"K\"}",
         "unit: expected one of \"C\", \"F\", got \"K\""},
        {CITY, "{\"city\":\"Ulm\",\"stops\":[{\"name\":1},{}]}", "stops[1]: 'name' is missing"},
        {CITY, "{\"city\":\"Ulm\",\"town\":1}",
         "there is no member 'town'; known here: city, days, stops, unit"},
        {CITY, "{\"city\":null,\"days\":9,\"town\":1}",
         "city: expected a string, got null\ndays: expected at most 7, got 9\nthere is no member "
         "'town'; known here: city, days, stops, unit"},
        {CITY, "{\"city\":\"Ulm\"",
         "this is no JSON: expected ',' or '}' after a member, at byte 13 (line 1, column 14)"},
        {CITY, "",
         "this is no JSON: the document ends before a value, at byte 0 (line 1, column 1)"},
        {"{\"properties\":{\"a b\":{\"const\":[1]}}}", "{\"a b\":2}",
         "[\"a b\"]: expected [1], got 2"},
        {"{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"object\",\"properties\":{\"x\":{\"type\":"
         "\"null\"}}}]}",
         "{\"x\":1}",
         "none of 2 alternatives fits: (1) expected a string, got an object; (2) x: expected null, "
         "got 1"},
        {"{\"oneOf\":[{\"type\":\"string\"},{\"minLength\":1}]}", "\"a\"",
         "more than one of 2 alternatives fits, and exactly one may"},
        {"{\"pattern\":\"^a+$\"}", "\"b\"", "expected a match of the pattern ^a+$, got \"b\""},
        {"{\"propertyNames\":{\"maxLength\":2}}", "{\"abc\":1}",
         "'abc' is no name that a member may have: expected at most 2 characters, got 3"},
        {"{\"type\":[\"string\",\"null\"]}", "1", "expected a string or null, got 1"},
        {"false", "1", "nothing is allowed here"},
        {"{\"not\":{\"type\":\"string\"}}", "\"a\"", "\"a\" is just what is not allowed"},
        {"{\"dependentRequired\":{\"card\":[\"name\"]}}", "{\"card\":1}",
         "'name' is missing, which goes with 'card'"},
        {"{\"uniqueItems\":true}", "[1,2,1.0]",
         "the elements 0 and 2 are equal; each may be there once"},
        {"{\"items\":{\"type\":\"string\"}}", "[1,2,3,4,5,6,7]",
         "[0]: expected a string, got 1\n[1]: expected a string, got 2\n[2]: expected a string, "
         "got 3\n[3]: expected a string, got 4\n[4]: expected a string, got 5"},
    };
    each(rows, ARRAY_LEN(rows));
}

static void numbers_are_exact(void **state) {
    (void)state;
    static const row rows[] = {
        {"{\"const\":9007199254740993}", "9007199254740992",
         "expected 9007199254740993, got 9007199254740992"},
        {"{\"const\":9007199254740993}", "9007199254740993.0", NULL},
        {"{\"multipleOf\":0.01}", "4.02", NULL},
        {"{\"multipleOf\":0.01}", "4.021", "expected a multiple of 0.01, got 4.021"},
        {"{\"multipleOf\":7}", "700e300", NULL},
        {"{\"type\":\"integer\"}", "1e400", NULL},
        {"{\"type\":\"integer\"}", "1e-1", "expected a whole number, got 1e-1"},
        {"{\"enum\":[100]}", "1e2", NULL},
        {"{\"enum\":[-0]}", "0.0e5", NULL},
        {"{\"minimum\":-5}", "-5.0000000000000000000001",
         "expected at least -5, got -5.0000000000000000000001"},
    };
    each(rows, ARRAY_LEN(rows));
}

typedef struct refusal {
    const char *schema, *why;
} refusal;

static void refuses_what_it_cannot_hold_to(void **state) {
    (void)state;
    static const refusal rows[] = {
        {"{\"properties\":{\"a\":{\"$ref\":\"https://example.com/x.json\"}}}",
         "/properties/a/$ref: 'https://example.com/x.json' is not in this schema, and nothing is "
         "fetched"},
        {"{\"$ref\":\"#/$defs/none\"}", "/$ref: '#/$defs/none' leads nowhere"},
        {"{\"$ref\":\"#here\"}", "/$ref: '#here' leads nowhere"},
        {"{\"$recursiveRef\":\"#\"}",
         "/$recursiveRef: this word of draft 2019-09 is not supported"},
        {"{\"type\":\"text\"}", "/type: \"text\" is no type"},
        {"{\"properties\":{\"a\":{\"minimum\":1,\"exclusiveMinimum\":true}}}",
         "/properties/a/exclusiveMinimum: expected a number"},
        {"{\"properties\":{\"a\":{\"required\":true}}}",
         "/properties/a/required: expected an array of strings"},
        {"{\"properties\":{\"a\":7}}",
         "/properties/a: expected a schema: an object, true or false"},
        {"{\"maxLength\":-1}", "/maxLength: expected a whole number from 0 on"},
        {"{\"multipleOf\":0}", "/multipleOf: expected a number above 0"},
        {"{\"allOf\":[]}", "/allOf: expected an array of schemas"},
        {"{\"pattern\":\"(\"}", "/pattern: no pattern: missing closing parenthesis"},
        {"{\"patternProperties\":{\"[\":{}}}",
         "/patternProperties/[: no pattern: missing terminating ] for character class"},
        {"7", "expected a schema: an object, true or false"},
        {"{\"a\":1,\"a\":2}", "it is no JSON: the object already has a member of this name, at "
                              "byte 7 (line 1, column 8)"},
        {"{\"$defs\":{\"a\":{\"$id\":\"x\"},\"b\":{\"$id\":\"x\"}}}",
         "/$defs/b: $id: another part has the same"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf why = BUF_EMPTY;
        assert_null(schema_new(span_cstr(rows[i].schema), &why));
        assert_string_equal(buf_cstr(&why), rows[i].why);
        buf_done(&why);
    }
}

static void passes_over_what_describes(void **state) {
    (void)state;
    static const row rows[] = {
        {"{\"$schema\":\"http://example.com/"
         "other\",\"title\":1,\"default\":{\"type\":7},\"format\":"
         "\"uuid\",\"x-mcp-header\":\"A\",\"examples\":[1],\"const\":1}",
         "1", NULL},
        /* Draft-07's list of items, in a schema that does not say what it is. */
        {"{\"items\":[{\"type\":\"string\"}],\"additionalItems\":false}", "[\"a\",1]",
         "expected at most 1 elements, got 2"},
        {"{\"$schema\":\"http://json-schema.org/draft-07/"
         "schema#\",\"definitions\":{\"n\":{\"type\":"
         "\"number\"}},\"properties\":{\"a\":{\"$ref\":\"#/definitions/n\",\"maximum\":1}}}",
         "{\"a\":2}", NULL},
        {"{\"$defs\":{\"n\":{\"type\":\"number\"}},\"properties\":{\"a\":{\"$ref\":\"#/$defs/n\","
         "\"maximum\":1}}}",
         "{\"a\":2}", "a: expected at most 1, got 2"},
    };
    each(rows, ARRAY_LEN(rows));
}

/* ---- bounds ---- */

static void check_is(const char *schema_text, span document, bool valid, const char *has) {
    buf why = BUF_EMPTY;
    schema *s = schema_new(span_cstr(schema_text), &why);
    assert_non_null(s);
    assert_int_equal(schema_check(s, document, &why), valid);
    if (has) assert_non_null(strstr(buf_cstr(&why), has));
    schema_free(s);
    buf_done(&why);
}

static void an_endless_schema_ends(void **state) {
    (void)state;
    static const char *const schemas[] = {
        "{\"$ref\":\"#\"}",
        "{\"allOf\":[{\"$ref\":\"#\"},{\"$ref\":\"#\"}]}",
        "{\"anyOf\":[{\"$ref\":\"#\"},{\"$ref\":\"#\"}]}",
        "{\"not\":{\"$ref\":\"#\"}}",
        "{\"oneOf\":[{\"not\":{\"$ref\":\"#\"}},{\"$ref\":\"#\"}]}",
        "{\"unevaluatedProperties\":false,\"allOf\":[{\"$ref\":\"#\"},{\"$ref\":\"#\"}]}",
    };
    for (size_t i = 0; i < ARRAY_LEN(schemas); i++)
        check_is(schemas[i], SPAN_OF("{\"a\":1}"), false, "too large or too deep");
}

static void a_schema_that_multiplies_ends(void **state) {
    (void)state;
    buf text = BUF_EMPTY;
    buf_add_cstr(&text, "{\"$ref\":\"#/$defs/l0\",\"$defs\":{");
    for (int i = 0; i < 40; i++)
        buf_addf(&text,
                 "\"l%d\":{\"allOf\":[{\"$ref\":\"#/$defs/l%d\"},{\"$ref\":\"#/$defs/l%d\"}]},", i,
                 i + 1, i + 1);
    buf_add_cstr(&text, "\"l40\":{}}}");
    check_is(buf_cstr(&text), SPAN_OF("1"), false, "too large or too deep");
    buf_done(&text);
}

static void a_costly_pattern_ends(void **state) {
    (void)state;
    buf document = BUF_EMPTY;
    buf_add_char(&document, '"');
    for (int i = 0; i < 50000; i++)
        buf_add_char(&document, 'a');
    buf_add_cstr(&document, "b\"");
    check_is("{\"pattern\":\"^(a+)+$\"}", buf_span(&document), false, "takes too long");
    check_is("{\"not\":{\"pattern\":\"^(a+)+$\"}}", buf_span(&document), false,
             "too large or too deep"); /* nobody knows */
    check_is("{\"pattern\":\"^(a|aa)+$\"}", buf_span(&document), false, NULL);
    check_is("{\"pattern\":\"^a+b$\"}", buf_span(&document), true, NULL);
    buf_done(&document);
}

/* Each by itself is within its bound, and is found; all together they are not. */
static void costly_patterns_are_bounded_together(void **state) {
    (void)state;
    static const char *const schemas[] = {
        "{\"items\":{\"pattern\":\"^(a+)+$|!$\"}}",
        "{\"items\":{\"not\":{\"pattern\":\"^(a+)+$|b$\"}}}",
    };
    buf few = BUF_EMPTY, many = BUF_EMPTY;
    for (int i = 0; i < 2000; i++)
        buf_addf(&many, "%s\"aaaaaaaaaaaaaaa!\"", i ? "," : "[");
    buf_add_char(&many, ']');
    buf_add_cstr(&few, "[\"aaaaaaaaaaaaaaa!\",\"aaaaaaaaaaaaaaa!\"]");
    for (size_t i = 0; i < ARRAY_LEN(schemas); i++) {
        check_is(schemas[i], buf_span(&few), true, NULL);
        check_is(schemas[i], buf_span(&many), false, "too large or too deep");
    }
    buf_clear(&many);
    buf_addf(&many, "{\"ids\":[");
    for (int i = 0; i < 20000; i++)
        buf_addf(&many, "%s\"a-%d\"", i ? "," : "", i);
    buf_add_cstr(&many, "]}");
    check_is("{\"properties\":{\"ids\":{\"items\":{\"pattern\":\"^[a-z]-[0-9]+$\"}}}}",
             buf_span(&many), true, NULL); /* as many as one likes of those that cost nothing */
    buf_done(&few);
    buf_done(&many);
}

static void deep_documents_are_bounded(void **state) {
    (void)state;
    static const char tree[] =
        "{\"$ref\":\"#/$defs/t\",\"$defs\":{\"t\":{\"anyOf\":[{\"type\":"
        "\"array\",\"items\":{\"$ref\":\"#/$defs/t\"}},{\"type\":\"null\"}]}}}";
    buf document = BUF_EMPTY;
    for (int i = 0; i < 120; i++)
        buf_add_char(&document, '[');
    for (int i = 0; i < 120; i++)
        buf_add_char(&document, ']');
    check_is(tree, buf_span(&document), true, NULL);
    buf_clear(&document);
    for (int i = 0; i < 100000; i++)
        buf_add_char(&document, '[');
    check_is(tree, buf_span(&document), false, "this is no JSON");
    buf_done(&document);
}

/* Many equal hashes would make it quadratic; a document of a megabyte is checked all the same. */
static void large_arrays_are_compared(void **state) {
    (void)state;
    buf document = BUF_EMPTY;
    buf_add_cstr(&document, "[0");
    for (int i = 1; i < 200000; i++)
        buf_addf(&document, ",%d", i);
    buf_add_cstr(&document, ",77.0]");
    check_is("{\"uniqueItems\":true}", buf_span(&document), false,
             "the elements 77 and 200000 are equal");
    buf_done(&document);
}

static void patterns_are_javascripts(void **state) {
    (void)state;
    static const row rows[] = {
        {"{\"pattern\":\"^\\\\d$\"}", "\"\u0665\"",
         "expected a match of the pattern ^\\d$, got \"\u0665\""},
        {"{\"pattern\":\"^a$\"}", "\"a\\n\"", "expected a match of the pattern ^a$, got \"a\\n\""},
        {"{\"pattern\":\"^\\\\u0041\\\\/$\"}", "\"A/\"", NULL},
        {"{\"pattern\":\"^\\\\p{Letter}+$\"}", "\"\u00e9\"", NULL},
        {"{\"pattern\":\"^[\\\\s]$\"}", "\"\u2003\"", NULL},
        {"{\"pattern\":\"^.$\"}", "\"\U0001f600\"", NULL},
        {"{\"pattern\":\"\"}", "\"\"", NULL},
        {"{\"pattern\":\"a\\u0000c\"}", "\"a\"", "expected a match of the pattern a, got \"a\""},
    };
    each(rows, ARRAY_LEN(rows) - 1);
    check_is(rows[ARRAY_LEN(rows) - 1].schema, SPAN_OF("\"a\""), false, NULL);
    check_is(rows[ARRAY_LEN(rows) - 1].schema, SPAN_OF("\"a\\u0000c\""), true, NULL);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_what_is_wrong_and_where),
        cmocka_unit_test(numbers_are_exact),
        cmocka_unit_test(refuses_what_it_cannot_hold_to),
        cmocka_unit_test(passes_over_what_describes),
        cmocka_unit_test(an_endless_schema_ends),
        cmocka_unit_test(a_schema_that_multiplies_ends),
        cmocka_unit_test(a_costly_pattern_ends),
        cmocka_unit_test(costly_patterns_are_bounded_together),
        cmocka_unit_test(deep_documents_are_bounded),
        cmocka_unit_test(large_arrays_are_compared),
        cmocka_unit_test(patterns_are_javascripts),
    };
    return run_watched(tests);
}
