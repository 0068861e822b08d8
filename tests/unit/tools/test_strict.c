/* Schemas as a provider's strict mode takes them, and arguments that were written by those. */
#include "unit.h"

#include "tools/strict.h"

#define CLOSED ",\"additionalProperties\":false"

static json_value read(const char *text) {
    json_value root;
    json_fault fault;
    assert_true(json_scan(span_cstr(text), NULL, &root, &fault));
    return root;
}

static void a_schema_is_closed_and_all_is_required(void **state) {
    (void)state;
    static const struct {
        const char *schema, *strict;
    } rows[] = {
        {"{'type':'object','properties':{}}",
         "{'type':'object','properties':{},'required':[]" CLOSED "}"},
        {"{'type':'object'}",
         "{'type':'object','properties':{},'required':[],'additionalProperties':false}"},
        {"{'$schema':'x','type':'object','title':'T','properties':{'a':{'type':'string','default':'"
         "x','minLength':1}},"
         "'required':['a']}",
         "{'type':'object','title':'T','properties':{'a':{'type':'string'}},'required':['a']" CLOSED
         "}"},
        {"{'type':'object','properties':{'a':{'type':'integer','minimum':1,'description':'d'}}}",
         "{'type':'object','properties':{'a':{'type':['integer','null'],'description':'d','minimum'"
         ":1}},'required':['a']" CLOSED "}"},
        {"{'properties':{'a':{'type':['string','null']},'b':{'type':['string','integer']}}}",
         "{'type':'object','properties':{'a':{'type':['string','null']},'b':{'type':['string','"
         "integer','null']}},"
         "'required':['a','b']" CLOSED "}"},
        {"{'type':'object','properties':{'a':{'enum':['x','y']},'b':{'const':1}},'required':['b']}",
         "{'type':'object','properties':{'a':{'type':['string','null'],'enum':['x','y',null]},'b':{"
         "'type':'number','enum':[1]}},"
         "'required':['a','b']" CLOSED "}"},
        {"{'type':'object','properties':{'a':{'oneOf':[{'type':'string'},{'type':'array','items':{'"
         "type':'number'}}]}}}",
         "{'type':'object','properties':{'a':{'anyOf':[{'type':'string'},{'type':'array','items':{'"
         "type':'number'}},"
         "{'type':'null'}]}},'required':['a']" CLOSED "}"},
        {"{'type':'object','properties':{'a':{'anyOf':[{'type':'string','format':'uri'},{'type':'"
         "null'}]}}}",
         "{'type':'object','properties':{'a':{'anyOf':[{'type':'string'},{'type':'null'}]}},'"
         "required':['a']" CLOSED "}"},
        {"{'type':'object','properties':{'a':{'$ref':'#/$defs/"
         "p','description':'d'}},'$defs':{'p':{'type':'object',"
         "'properties':{'x':{'type':'number'}},'required':['x']}}}",
         "{'type':'object','properties':{'a':{'anyOf':[{'$ref':'#/$defs/"
         "p'},{'type':'null'}]}},'required':['a']" CLOSED
         ",'$defs':{'p':{'type':'object','properties':{'x':{'type':'number'}},'required':['x'"
         "]" CLOSED "}}}"},
        {"{'type':'object','properties':{'a':{'type':'array','items':{'type':'object','properties':"
         "{'b':{'type':'string',"
         "'format':'date'}},'required':['b']}}},'required':['a']}",
         "{'type':'object','properties':{'a':{'type':'array','items':{'type':'object','properties':"
         "{'b':{'type':'string',"
         "'format':'date'}},'required':['b']" CLOSED "}}},'required':['a']" CLOSED "}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf schema = BUF_EMPTY, strict = BUF_EMPTY, out = BUF_EMPTY;
        for (const char *c = rows[i].schema; *c; c++)
            buf_add_char(&schema, *c == '\'' ? '"' : *c);
        for (const char *c = rows[i].strict; *c; c++)
            buf_add_char(&strict, *c == '\'' ? '"' : *c);
        if (!strict_write(read(buf_cstr(&schema)), &out))
            fail_msg("%s cannot be", buf_cstr(&schema));
        assert_string_equal(buf_cstr(&out), buf_cstr(&strict));
        (void)read(buf_cstr(&out));
        buf_done(&schema);
        buf_done(&strict);
        buf_done(&out);
    }
}

static void what_strict_mode_cannot_say_stays(void **state) {
    (void)state;
    static const char *const rows[] = {
        "{\"type\":\"string\"}",
        "true",
        "{\"type\":\"object\",\"additionalProperties\":true}",
        "{\"type\":\"object\",\"properties\":{},\"additionalProperties\":{\"type\":\"string\"}}",
        "{\"type\":\"object\",\"properties\":{\"a\":{}}}",
        "{\"type\":\"object\",\"properties\":{\"a\":true}}",
        "{\"type\":\"object\",\"properties\":{\"a\":{\"description\":\"anything\"}}}",
        "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"object\"}}}",
        "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"object\",\"additionalProperties\":{"
        "}}}}",
        "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"array\"}}}",
        "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"array\",\"items\":[{\"type\":"
        "\"string\"}]}}}",
        "{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#/$defs/none\"}}}",
        "{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"other.json\"}}}",
        "{\"type\":\"object\",\"properties\":{\"a\":{\"allOf\":[{\"type\":\"string\"}]}}}",
        "{\"type\":\"object\",\"patternProperties\":{\"x\":{\"type\":\"string\"}}}",
        "{\"type\":\"object\",\"properties\":{\"a\":{\"enum\":[1,\"x\"]}}}",
        "{\"type\":\"object\",\"anyOf\":[{\"required\":[\"a\"]}],\"properties\":{\"a\":{\"type\":"
        "\"string\"}}}",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf out = BUF_EMPTY;
        if (strict_write(read(rows[i]), &out)) fail_msg("%s became %s", rows[i], buf_cstr(&out));
        assert_int_equal(out.len, 0);
        buf_done(&out);
    }
}

static void a_schema_without_end_comes_to_one(void **state) {
    (void)state;
    buf deep = BUF_EMPTY, out = BUF_EMPTY;
    for (unsigned i = 0; i < 40; i++)
        buf_add_cstr(&deep, "{\"type\":\"object\",\"properties\":{\"a\":");
    buf_add_cstr(&deep, "{\"type\":\"string\"}");
    for (unsigned i = 0; i < 40; i++)
        buf_add_cstr(&deep, "}}");
    assert_false(strict_write(read(buf_cstr(&deep)), &out));
    static const char *const loops[] = {
        "{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#\"}}}",
        "{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#/$defs/"
        "a\"}},\"$defs\":{\"a\":{\"$ref\":\"#/$defs/a\"}}}",
    };
    for (size_t i = 0; i < ARRAY_LEN(loops); i++) {
        arena a;
        arena_init(&a, 0);
        (void)!strict_write(read(loops[i]), &out);
        (void)strict_drop_nulls(read(loops[i]), SPAN_OF("{\"a\":{\"a\":{\"a\":null}}}"), &a);
        arena_done(&a);
    }
    buf_done(&deep);
    buf_done(&out);
}

#define SCHEMA                                                                                     \
    "{\"type\":\"object\",\"properties\":{\"must\":{\"type\":\"string\"},\"may\":{\"type\":"       \
    "\"string\"},\"null\":{"                                                                       \
    "\"type\":[\"string\",\"null\"]},\"any\":{},\"in\":{\"type\":\"object\",\"properties\":{"      \
    "\"may\":{\"type\":"                                                                           \
    "\"integer\"}}},\"list\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/"                   \
    "p\"}},\"one\":{\"anyOf\":[{\"type\":"                                                         \
    "\"string\"},{\"$ref\":\"#/$defs/"                                                             \
    "p\"}]}},\"required\":[\"must\"],\"$defs\":{\"p\":{\"type\":\"object\","                       \
    "\"properties\":{\"x\":{\"type\":\"number\"},\"y\":{\"enum\":[1,null]}}}}}"

static void nulls_that_were_not_allowed_go(void **state) {
    (void)state;
    static const struct {
        const char *arguments, *left;
    } rows[] = {
        {"{}", "{}"},
        {"{\"must\":\"null\"}", "{\"must\":\"null\"}"},
        {"{\"must\":null}", "{\"must\":null}"},
        {"{\"may\":null}", "{}"},
        {"{ \"may\" : null }", "{ }"},
        {"{\"may\":null,\"null\":null}", "{\"null\":null}"},
        {"{\"null\":null,\"may\":null}", "{\"null\":null}"},
        {"{\"must\":\"a\" , \"may\":null , \"any\":null}", "{\"must\":\"a\"  , \"any\":null}"},
        {"{\"may\":null,\"in\":null,\"must\":\"a\",\"list\":null}", "{\"must\":\"a\"}"},
        {"{\"may\":null,\"in\":null}", "{}"},
        {"{\"other\":null}", "{\"other\":null}"},
        {"{\"in\":{\"may\":null}}", "{\"in\":{}}"},
        {"{\"list\":[{\"x\":null,\"y\":null},{\"x\":1}]}", "{\"list\":[{\"y\":null},{\"x\":1}]}"},
        {"{\"one\":{\"x\":null}}", "{\"one\":{}}"},
        {"{\"one\":null,\"must\":\"a,b\"}", "{\"must\":\"a,b\"}"},
        {"{\"m\\u0061y\":null}", "{}"},
        {"not JSON null", "not JSON null"},
        {"[null]", "[null]"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        arena a;
        arena_init(&a, 0);
        assert_span(strict_drop_nulls(read(SCHEMA), span_cstr(rows[i].arguments), &a),
                    rows[i].left);
        arena_done(&a);
    }
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(a_schema_is_closed_and_all_is_required),
        cmocka_unit_test(what_strict_mode_cannot_say_stays),
        cmocka_unit_test(a_schema_without_end_comes_to_one),
        cmocka_unit_test(nulls_that_were_not_allowed_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
