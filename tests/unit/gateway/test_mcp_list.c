/* The tools that a client of /mcp sees, page by page. */
#include "unit.h"

#include "gateway/mcp_list.h"
#include "json/json.h"

#include <stdio.h>

enum { MANY = 1250 };

static const span staff[] = {SPAN("ci")};

typedef struct shelf {
    char names[MANY][8];
    tool tools[MANY];
    const tool *by_name[MANY];
    tool_list list;
} shelf;

/* t0000, t0001 …; each tenth is for ci alone. */
static void shelf_fill(shelf *s, size_t count, span description) {
    memset(s, 0, sizeof *s);
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(s->names[i], sizeof s->names[i], "t%04zu", i);
        s->tools[i] = (tool){.name = span_cstr(s->names[i]),
                             .description = description,
                             .parameters = SPAN("{\"type\":\"object\"}"),
                             .clients = staff,
                             .client_count = i % 10 ? 0 : 1};
        s->by_name[i] = &s->tools[i];
    }
    s->list = (tool_list){.items = s->by_name, .by_name = s->by_name, .count = count};
}

/* The names of a page, from the first to the last; the cursor of the next. */
static size_t read_page(const shelf *s, const char *client, json_value cursor, arena *a,
                        span *ret_first, span *ret_last, json_value *ret_next) {
    buf out = BUF_EMPTY;
    span after;
    json_value root, one;
    json_fault fault;
    assert_true(mcp_cursor_read(cursor, a, &after));
    mcp_list_write(&s->list, span_cstr(client), MCP_2025_11_25, SPAN_OF("1"), after, &out);
    assert_true(json_scan(arena_dup(a, buf_span(&out)), NULL, &root, &fault));
    buf_done(&out);
    const json_value result = json_get(root, SPAN_OF("result"));
    const json_value tools = json_get(result, SPAN_OF("tools"));
    json_iter it = json_iter_of(tools);
    *ret_first = *ret_last = SPAN_EMPTY;
    while (json_next_element(&it, &one)) {
        *ret_last = json_string(json_get(one, SPAN_OF("name")), a);
        if (!ret_first->len) *ret_first = *ret_last;
    }
    *ret_next = json_get(result, SPAN_OF("nextCursor"));
    return json_count(tools);
}

static const json_value none = {JSON_NONE, {NULL, 0}};

static void pages_follow_each_other(void **state) {
    (void)state;
    static shelf s;
    arena a;
    span first, last;
    json_value next;
    arena_init(&a, 0);
    shelf_fill(&s, MANY, SPAN_EMPTY);
    assert_int_equal(read_page(&s, "ci", none, &a, &first, &last, &next), 500);
    assert_span(first, "t0000");
    assert_span(last, "t0499");
    assert_int_equal(read_page(&s, "ci", next, &a, &first, &last, &next), 500);
    assert_span(first, "t0500");
    assert_int_equal(read_page(&s, "ci", next, &a, &first, &last, &next), 250);
    assert_span(last, "t1249");
    assert_int_equal(next.type, JSON_NONE);
    /* another client sees nothing of what it may not use, not even a gap in its pages */
    assert_int_equal(read_page(&s, "web", none, &a, &first, &last, &next), 500);
    assert_span(first, "t0001");
    assert_span(last, "t0555");
    arena_done(&a);
}

static void a_page_is_never_larger_than_it_must_be(void **state) {
    (void)state;
    static shelf s;
    static char words[400 * 1024];
    arena a;
    span first, last;
    json_value next;
    arena_init(&a, 0);
    memset(words, 'w', sizeof words);
    shelf_fill(&s, 20, span_from(words, sizeof words));
    assert_int_equal(read_page(&s, "ci", none, &a, &first, &last, &next), 3);
    assert_span(last, "t0002");
    assert_int_equal(next.type, JSON_STRING);
    arena_done(&a);
}

/* Its page begins where the tool would be. */
static void a_cursor_outlives_its_tool(void **state) {
    (void)state;
    static shelf s;
    arena a;
    span first, last;
    json_value next, ignored;
    arena_init(&a, 0);
    shelf_fill(&s, MANY, SPAN_EMPTY);
    (void)read_page(&s, "ci", none, &a, &first, &last, &next);
    memmove(&s.by_name[499], &s.by_name[500], (MANY - 500) * sizeof *s.by_name);
    s.list.count--;
    assert_int_equal(read_page(&s, "ci", next, &a, &first, &last, &ignored), 500);
    assert_span(first, "t0500");
    arena_done(&a);
}

static void what_is_no_cursor_is_seen(void **state) {
    (void)state;
    static const char *const rows[] = {
        "\"\"",          "\"t0000\"", "\"t0000.\"", "\"t0000.00000000\"",
        "\".00000000\"", "\"2\"",     "\"\\u0000\""};
    arena a;
    span after;
    arena_init(&a, 0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_false(mcp_cursor_read((json_value){JSON_STRING, span_cstr(rows[i])}, &a, &after));
    arena_done(&a);
}

static void a_digest_is_of_what_the_client_sees(void **state) {
    (void)state;
    static shelf s;
    shelf_fill(&s, 20, SPAN_OF("words"));
    const uint64_t ci = mcp_list_digest(&s.list, SPAN_OF("ci"));
    const uint64_t web = mcp_list_digest(&s.list, SPAN_OF("web"));
    assert_true(ci != web);
    s.tools[10].description = SPAN_OF("other words"); /* ci's alone */
    assert_true(mcp_list_digest(&s.list, SPAN_OF("ci")) != ci);
    assert_true(mcp_list_digest(&s.list, SPAN_OF("web")) == web);
    s.tools[11].parameters = SPAN_OF("{}");
    assert_true(mcp_list_digest(&s.list, SPAN_OF("web")) != web);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_follow_each_other),
        cmocka_unit_test(a_page_is_never_larger_than_it_must_be),
        cmocka_unit_test(a_cursor_outlives_its_tool),
        cmocka_unit_test(what_is_no_cursor_is_seen),
        cmocka_unit_test(a_digest_is_of_what_the_client_sees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
