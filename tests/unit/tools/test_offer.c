/* What a model is offered of the tools that there are. */
#include "unit.h"

#include "tools/offer.h"

static const span staff[] = {SPAN("ci"), SPAN("ops")};
static const span others[] = {SPAN("guest")};

static const tool tools[] = {
    {.name = SPAN("add"),
     .description = SPAN("Adds \"two\"."),
     .parameters = SPAN("{\"type\":\"object\"}")},
    {.name = SPAN("restart"), .parameters = SPAN("{}"), .clients = staff, .client_count = 2},
    {.name = SPAN("now"), .description = SPAN("What time it is."), .parameters = SPAN("{}")},
    {.name = SPAN("read"), .parameters = SPAN("{}"), .clients = others, .client_count = 1},
};

static tool_list list_of(const tool **items, size_t count) {
    return (tool_list){.items = items, .count = count};
}

static void show(const offer *o, buf *out) {
    for (size_t i = 0; i < o->count; i++)
        buf_addf(out, "%s%.*s", i ? "," : "", SPAN_ARG(o->tools[i]->name));
}

static void a_client_is_offered_what_it_may_use_and_names(void **state) {
    (void)state;
    static const struct {
        const char *client, *names;
        offer_fault fault;
        const char *offered; /* or the name that is not there */
    } rows[] = {
        {"", NULL, OFFER_MADE, "add,now"},
        {"ci", NULL, OFFER_MADE, "add,restart,now"},
        {"guest", NULL, OFFER_MADE, "add,now,read"},
        {"ci", "null", OFFER_MADE, "add,restart,now"},
        {"ci", "[]", OFFER_MADE, ""},
        {"ci", "[\"now\",\"add\"]", OFFER_MADE, "add,now"},
        {"ci", "[\"now\",\"now\"]", OFFER_MADE, "now"},
        {"ci", "[\"n\\u006fw\"]", OFFER_MADE, "now"},
        {"ci", "[\"now\",\"nope\"]", OFFER_UNKNOWN, "nope"},
        {"guest", "[\"restart\"]", OFFER_UNKNOWN, "restart"}, /* as if there were none */
        {"", "[\"read\"]", OFFER_UNKNOWN, "read"},
        {"ci", "[\"\"]", OFFER_UNKNOWN, ""},
    };
    const tool *items[ARRAY_LEN(tools)];
    for (size_t i = 0; i < ARRAY_LEN(tools); i++)
        items[i] = &tools[i];
    const tool_list l = list_of(items, ARRAY_LEN(items));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        arena a;
        offer o;
        span name = SPAN_EMPTY;
        buf shown = BUF_EMPTY;
        arena_init(&a, 0);
        json_value names = {JSON_NONE, SPAN_EMPTY};
        if (rows[i].names)
            names = (json_value){rows[i].names[0] == '[' ? JSON_ARRAY : JSON_NULL,
                                 span_cstr(rows[i].names)};
        assert_int_equal(offer_make(&l, span_cstr(rows[i].client), names, &a, &o, &name),
                         rows[i].fault);
        if (rows[i].fault == OFFER_MADE)
            show(&o, &shown);
        else
            buf_add(&shown, name);
        assert_string_equal(buf_cstr(&shown), rows[i].offered);
        buf_done(&shown);
        arena_done(&a);
    }
}

static void too_many_are_no_offer(void **state) {
    (void)state;
    enum { MANY = OFFER_TOOLS_MAX + 1 };
    tool many[MANY];
    const tool *items[MANY];
    char names[MANY][8];
    for (int i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof names[i], "t%d", i);
        many[i] = (tool){.name = span_cstr(names[i]), .parameters = SPAN("{}")};
        items[i] = &many[i];
    }
    const json_value all = {JSON_NONE, SPAN_EMPTY};
    arena a;
    offer o;
    span name;
    arena_init(&a, 0);
    const tool_list most = list_of(items, OFFER_TOOLS_MAX), more = list_of(items, MANY);
    assert_int_equal(offer_make(&most, SPAN_EMPTY, all, &a, &o, &name), OFFER_MADE);
    assert_int_equal(o.count, OFFER_TOOLS_MAX);
    assert_int_equal(offer_make(&more, SPAN_EMPTY, all, &a, &o, &name), OFFER_TOO_MANY);
    assert_int_equal(o.count, MANY);
    const json_value some = {JSON_ARRAY, SPAN("[\"t128\"]")};
    assert_int_equal(offer_make(&more, SPAN_EMPTY, some, &a, &o, &name), OFFER_MADE);
    assert_ptr_equal(offer_find(&o, SPAN_OF("t128")), &many[128]);
    assert_null(offer_find(&o, SPAN_OF("t127")));
    arena_done(&a);
}

static void an_offer_stands_in_a_request(void **state) {
    (void)state;
    const tool *items[] = {&tools[0], &tools[1]};
    const offer o = {items, 2};
    buf out = BUF_EMPTY;
    json_writer w = json_writer_of(&out);
    offer_write(&o, &w);
    assert_string_equal(buf_cstr(&out),
                        "[{\"type\":\"function\",\"function\":{\"name\":\"add\",\"description\":"
                        "\"Adds \\\"two\\\".\",\"parameters\":{\"type\":\"object\"}}},{\"type\":"
                        "\"function\",\"function\":{\"name\":\"restart\",\"parameters\":{}}}]");
    buf_done(&out);
}

/* 1,024 characters, whatever bytes they have. */
static void long_descriptions_are_cut_at_a_character(void **state) {
    (void)state;
    static const struct {
        const char *one;
        size_t count, kept;
        bool cut;
    } rows[] = {
        {"a", 1024, 1024, false}, {"a", 1025, 1023, true}, {"ü", 1024, 1024, false},
        {"ü", 1025, 1023, true},  {"€", 5000, 1023, true}, {"\xF0\x9F\x98\x80", 1025, 1023, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf text = BUF_EMPTY, expected = BUF_EMPTY, out = BUF_EMPTY;
        for (size_t k = 0; k < rows[i].count; k++)
            buf_add_cstr(&text, rows[i].one);
        const tool t = {
            .name = SPAN("t"), .description = buf_span(&text), .parameters = SPAN("{}")};
        const tool *items[] = {&t};
        buf_add_cstr(&expected, "\"description\":\"");
        for (size_t k = 0; k < rows[i].kept; k++)
            buf_add_cstr(&expected, rows[i].one);
        buf_add_cstr(&expected, rows[i].cut ? "…\"" : "\"");
        json_writer w = json_writer_of(&out);
        offer_write(&(offer){items, 1}, &w);
        assert_non_null(strstr(buf_cstr(&out), buf_cstr(&expected)));
        buf_done(&text);
        buf_done(&expected);
        buf_done(&out);
    }
}

static void names_are_listed_for_who_named_another(void **state) {
    (void)state;
    const tool *items[30];
    static const struct {
        size_t count;
        const char *text;
    } rows[] = {{0, ""},
                {1, "add"},
                {2, "add and add"},
                {3, "add, add and add"},
                {21, "add, add, add, add, add, add, add, add, add, add, add, add, add, add, add, "
                     "add, add, add, add, add and 1 more"}};
    for (size_t i = 0; i < ARRAY_LEN(items); i++)
        items[i] = &tools[0];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf out = BUF_EMPTY;
        offer_write_names(&(offer){items, rows[i].count}, &out);
        assert_string_equal(buf_cstr(&out), rows[i].text);
        buf_done(&out);
    }
}

/* Chat completions have a function in an object of its own, responses do not, and take it for
 * strict unless they are told. */
static void a_strict_schema_stands_in_a_request(void **state) {
    (void)state;
    static const tool rows[] = {
        {.name = SPAN("a"), .parameters = SPAN("{}"), .strict = SPAN("{\"required\":[]}")},
        {.name = SPAN("b"), .parameters = SPAN("{}")},
    };
    const tool *items[] = {&rows[0], &rows[1]};
    const offer o = {items, 2};
    static const char *const texts[] = {
        "[{\"type\":\"function\",\"function\":{\"name\":\"a\",\"parameters\":{\"required\":[]},"
        "\"strict\":"
        "true}},{\"type\":\"function\",\"function\":{\"name\":\"b\",\"parameters\":{}}}]",
        "[{\"type\":\"function\",\"name\":\"a\",\"parameters\":{\"required\":[]},\"strict\":true},{"
        "\"type\":"
        "\"function\",\"name\":\"b\",\"parameters\":{},\"strict\":false}]",
    };
    for (unsigned flat = 0; flat < 2; flat++) {
        buf out = BUF_EMPTY;
        json_writer w = json_writer_of(&out);
        json_open_array(&w);
        offer_write_items(&o, flat, &w);
        json_close_array(&w);
        assert_string_equal(buf_cstr(&out), texts[flat]);
        buf_done(&out);
    }
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_is_offered_what_it_may_use_and_names),
        cmocka_unit_test(too_many_are_no_offer),
        cmocka_unit_test(a_strict_schema_stands_in_a_request),
        cmocka_unit_test(an_offer_stands_in_a_request),
        cmocka_unit_test(long_descriptions_are_cut_at_a_character),
        cmocka_unit_test(names_are_listed_for_who_named_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
