/* get_current_time, and what every call has in common. */
#include "kit.h"

#include "base/clock.h"

static const char yaml[] = "providers: {local: {url: 'http://127.0.0.1:1/v1'}}\n"
                           "clients: [{name: ann, key: abcdefgh}, {name: bob, key: ijklmnop}]\n"
                           "tools:\n"
                           "  get_current_time: {kind: builtin, clients: [ann]}\n";

/* Seconds since 1970 of "done: <RFC 3339>", which is now. */
static int64_t told(kit *k, const char *arguments, const char *end) {
    int64_t us, before = clock_wall_us() / 1000000;
    char *said = kit_ask(k, "get_current_time", arguments);
    assert_memory_equal(said, "done: ", 6);
    span text = span_cstr(said + 6);
    assert_true(span_ends(text, span_cstr(end)));
    assert_true(clock_parse_rfc3339(text, &us));
    assert_true(us / 1000000 >= before && us / 1000000 <= clock_wall_us() / 1000000);
    free(said);
    return us / 1000000;
}

static void tells_the_time(void **state) {
    (void)state;
    kit k;
    kit_begin(&k, yaml);
    told(&k, "{}", "Z");
    told(&k, "", "Z");
    told(&k, "{\"timezone\":\"UTC\"}", "Z");
    told(&k, "{\"timezone\":\"Asia/Kolkata\"}", "+05:30");
    told(&k, "{\"timezone\":\"Etc/GMT+5\"}", "-05:00");
    kit_end(&k);
}

static void wrong_zones_are_told(void **state) {
    (void)state;
    static const char *const rows[][2] = {
        {"{\"timezone\":\"Europe/Atlantis\"}",
         "bad_arguments: there is no time zone Europe/Atlantis; expected an IANA name such as "
         "Europe/Berlin or America/New_York"},
        {"{\"timezone\":\"Europe\"}", "bad_arguments: there is no time zone Europe; expected an "
                                      "IANA name such as Europe/Berlin or America/New_York"},
        {"{\"timezone\":\"../../../etc/passwd\"}",
         "bad_arguments: the timezone is no name of one; expected an IANA name such as "
         "Europe/Berlin or America/New_York"},
        {"{\"timezone\":\"tzdata.zi\"}",
         "bad_arguments: the timezone is no name of one; expected an IANA name such as "
         "Europe/Berlin or America/New_York"},
        {"{\"timezone\":\"leapseconds\"}",
         "bad_arguments: there is no time zone leapseconds; expected an IANA name such as "
         "Europe/Berlin or America/New_York"},
        {"{\"timezone\":7}", "bad_arguments: timezone: expected a string, got 7"},
        {"{\"zone\":\"UTC\"}", "bad_arguments: there is no member 'zone'; known here: timezone"},
        {"[]", "bad_arguments: the arguments must be a JSON object"},
        {"{\"timezone\":", "bad_arguments: this is no JSON: the document ends before a value, at "
                           "byte 12 (line 1, column 13)"},
        {"null", "bad_arguments: the arguments must be a JSON object"},
    };
    kit k;
    kit_begin(&k, yaml);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        kit_expect(&k, "get_current_time", rows[i][0], rows[i][1]);
    kit_end(&k);
}

static void a_cancelled_call_says_nothing(void **state) {
    (void)state;
    static const char *const arguments[] = {"{}", "{\"timezone\":\"Europe/Berlin\"}", "[]"};
    kit k;
    kit_begin(&k, yaml);
    for (size_t i = 0; i < ARRAY_LEN(arguments); i++) {
        kit_call c;
        kit_start(&k, &c, "get_current_time", arguments[i]);
        tool_cancel(c.call);
        c.call = NULL;
        told(&k, "{\"timezone\":\"Asia/Tokyo\"}", "+09:00");
        assert_int_equal(c.told, 0);
    }
    kit_end(&k);
}

static void some_clients_may(void **state) {
    (void)state;
    kit k;
    kit_begin(&k, yaml);
    const tool *t = tool_list_find(k.list, SPAN_OF("get_current_time"));
    assert_true(tool_allows(t, SPAN_OF("ann")));
    assert_false(tool_allows(t, SPAN_OF("bob")));
    assert_false(tool_allows(t, SPAN_OF("")));
    assert_null(tool_list_find(k.list, SPAN_OF("get_current_tim")));
    assert_null(tool_list_find(k.list, SPAN_OF("")));
    assert_true(t->parallel);
    assert_true(t->repeatable);
    kit_end(&k);
}

/* ---- what MCP servers will list ---- */

static tool_set *set_of(const char *const *names, size_t count) {
    tool_set *s = tool_set_new(NULL, count);
    for (size_t i = 0; i < count; i++)
        s->items[i].name = arena_dup(&s->arena, span_cstr(names[i]));
    return s;
}

static void lists_change(void **state) {
    (void)state;
    static const char *const first[] = {"b", "get_current_time", "a"}, *const second[] = {"c"};
    kit k;
    kit_begin(&k, yaml);
    tool_registry *r = snapshot_tools(k.snapshot);
    tool_registry_publish(r, 0, set_of(first, ARRAY_LEN(first)));
    tool_list *l = tool_registry_list(r);
    assert_int_equal(l->count, 3);
    assert_span(l->items[0]->name, "get_current_time");
    assert_span(l->items[1]->name, "b");
    assert_span(l->items[2]->name, "a");
    assert_non_null(tool_list_find(l, SPAN_OF("get_current_time"))->kind);
    tool_registry_publish(r, 0, set_of(second, ARRAY_LEN(second)));
    assert_non_null(tool_list_find(l, SPAN_OF("a"))); /* who holds a list has what it was */
    tool_list_unref(l);
    l = tool_registry_list(r);
    assert_null(tool_list_find(l, SPAN_OF("a")));
    assert_non_null(tool_list_find(l, SPAN_OF("c")));
    tool_list_unref(l);
    tool_registry_publish(r, 0, NULL);
    l = tool_registry_list(r);
    assert_int_equal(l->count, 1);
    tool_list_unref(l);
    kit_end(&k);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_the_time),   cmocka_unit_test(wrong_zones_are_told),
        cmocka_unit_test(some_clients_may), cmocka_unit_test(a_cancelled_call_says_nothing),
        cmocka_unit_test(lists_change),
    };
    return run_watched(tests);
}
