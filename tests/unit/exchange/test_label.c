/* For whom a call is and what it is marked with: the header's tags, the user of header and body. */
#include "exchange/world.h"

#include "exchange/tags.h"

static const stage_row plan_rows[] = {{"label", stage_label, NULL, STAGE_CHILD},
                                      {"parse", stage_parse, NULL, STAGE_CHILD},
                                      {"script", stage_script, NULL, STAGE_CHILD}};
static const exchange_plan plan = {plan_rows, ARRAY_LEN(plan_rows), NULL, 0};

/* ---- tags ---- */

#define T(value)                                                                                   \
    { SPAN("X-Weir-Tag"), SPAN(value) }
#define N31 "0123456789012345678901234567890"
#define V63 "012345678901234567890123456789012345678901234567890123456789012"

static void tags_are_read_sorted_and_bounded(void **state) {
    (void)state;
    static const struct {
        http_header lines[3];
        const char *tags; /* NULL: refused, with these words */
        const char *says;
    } rows[] = {
        {{{SPAN("x-weir-tags"), SPAN("a=b")}}, "", NULL},
        {{T("")}, "", NULL},
        {{T(" , ,")}, "", NULL},
        {{T("team=search")}, "team=search", NULL},
        {{T("team=search,feature=chat")}, "feature=chat,team=search", NULL},
        {{T("team=search , ,feature = chat,")}, "feature=chat,team=search", NULL},
        {{T("b=2"), T("c=3"), T("a=1")}, "a=1,b=2,c=3", NULL},
        {{T("aa=1,a=2,A=3,a.b=4,a-b=5,a_b=6")}, "A=3,a=2,a-b=5,a.b=4,a_b=6,aa=1", NULL},
        {{T("q=a=b c;d\"e")}, "q=a=b c;d\"e", NULL},
        {{T(N31 "x=" V63 "x")}, N31 "x=" V63 "x", NULL},
        {{T("h=8,g=7,f=6,e=5"), T("d=4,c=3,b=2,a=1")}, "a=1,b=2,c=3,d=4,e=5,f=6,g=7,h=8", NULL},
        {{T("a=1,b=2,c=3,d=4,e=5,f=6,g=7,h=8,i=9")},
         NULL,
         "'x-weir-tag' has too many tags at 'i'; at most 8 are allowed."},
        {{T("a=1,b=2"), T("a=1")}, NULL, "'x-weir-tag' has the tag 'a' twice."},
        {{T("team")}, NULL, "'x-weir-tag' has 'team'; expected name=value."},
        {{T("a=1"), T("b")}, NULL, "'x-weir-tag' has 'b'; expected name=value."},
        {{T("=x")},
         NULL,
         "'x-weir-tag' has a tag named ''; expected 1 to 32 letters, digits, '_', '.' or '-'."},
        {{T("a b=x")},
         NULL,
         "'x-weir-tag' has a tag named 'a b'; expected 1 to 32 letters, digits, '_', '.' or '-'."},
        {{T("\xc3\xa4=x")},
         NULL,
         "'x-weir-tag' has a tag named '\xc3\xa4'; expected 1 to 32 letters, digits, '_', '.' or "
         "'-'."},
        {{T(N31 "xx=1")},
         NULL,
         "'x-weir-tag' has a tag named '" N31 "xx'; expected 1 to 32 letters, digits, '_', '.' or "
         "'-'."},
        {{T("a=")},
         NULL,
         "'x-weir-tag' has no acceptable value for 'a'; expected 1 to 64 printable ASCII "
         "characters without a comma."},
        {{T("a=" V63 "xx")},
         NULL,
         "'x-weir-tag' has no acceptable value for 'a'; expected 1 to 64 printable ASCII "
         "characters without a comma."},
        {{T("a=x\ty")},
         NULL,
         "'x-weir-tag' has no acceptable value for 'a'; expected 1 to 64 printable ASCII "
         "characters without a comma."},
        {{T("a=\xc3\xa4")},
         NULL,
         "'x-weir-tag' has no acceptable value for 'a'; expected 1 to 64 printable ASCII "
         "characters without a comma."},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        arena a;
        span tags, why = SPAN_EMPTY;
        size_t count = 0;
        while (count < ARRAY_LEN(rows[i].lines) && rows[i].lines[count].name.len)
            count++;
        arena_init(&a, 0);
        bool good = tags_read((http_headers){rows[i].lines, count}, &a, &tags, &why);
        if (good != !rows[i].says) print_error("row %zu: %.*s\n", i, SPAN_ARG(good ? tags : why));
        assert_int_equal(good, rows[i].says == NULL);
        if (good)
            assert_span(tags, rows[i].tags);
        else
            assert_span(why, rows[i].says);
        arena_done(&a);
    }
}

static void a_malformed_tag_is_refused_by_the_name_of_its_header(void **state) {
    (void)state;
    static const http_header h = T("team");
    world *w = world_new(&plan, "");
    asked a;
    exchange_request r = world_request(&form_openai, ASK_PLAIN);
    r.headers = (http_headers){&h, 1};
    ask(w, &a, NULL, &r);
    world_turn(w);
    assert_said(&a, "answer 400 {\"error\":{\"message\":\"'x-weir-tag' has 'team'; expected "
                    "name=value.\",\"type\":\"invalid_request_error\",\"param\":\"x-weir-tag\","
                    "\"code\":\"invalid_value\"}}|done");
    asked_done(&a);
    world_free(w);
}

/* ---- the user ---- */

#define ASK_WITH(members) "{\"model\":\"m\",\"messages\":[{}]," members "}"
#define X16               "xxxxxxxxxxxxxxxx"
#define X255              X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 "xxxxxxxxxxxxxxx"

static void whose_user_it_is_for(void **state) {
    (void)state;
    static const struct {
        const char *body, *header, *user;
    } rows[] = {
        {ASK_PLAIN, NULL, ""},
        {ASK_WITH("\"user\":\"ada\""), NULL, "ada"},
        {ASK_WITH("\"safety_identifier\":\"eve\""), NULL, "eve"},
        {ASK_WITH("\"user\":\"ada\",\"safety_identifier\":\"eve\""), NULL, "eve"},
        {ASK_WITH("\"user\":\"ada\",\"safety_identifier\":\"\""), NULL, "ada"},
        {ASK_WITH("\"user\":7"), NULL, ""},
        {ASK_WITH("\"user\":null,\"safety_identifier\":{\"user\":\"x\"}"), NULL, ""},
        {ASK_WITH("\"user\":\"\\u00e4\\\"\""), NULL, "\xc3\xa4\""},
        {ASK_WITH("\"user\":\"" X255 "\\u00e4\""), NULL, X255},
        {ASK_WITH("\"user\":\"ada\""), "bob", "bob"},
        {ASK_PLAIN,
         "b\xc3\xb6"
         "b",
         "b\xc3\xb6"
         "b"},
        {ASK_WITH("\"user\":\"ada\""), "", "ada"},
        {ASK_WITH("\"user\":\"ada\""), "\xff", "ada"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const http_header h = {SPAN_OF("X-Weir-User"), span_cstr(rows[i].header)};
        world *w = world_new(&plan, "ledger: {user_header: x-weir-user}\n");
        asked a;
        script s;
        exchange_request r = world_request(&form_openai, rows[i].body);
        r.headers = (http_headers){&h, rows[i].header != NULL};
        ask(w, &a, &s, &r);
        assert_non_null(s.x);
        assert_span(exchange_record(s.x)->user, rows[i].user);
        exchange_cancel(a.x);
        world_turn(w);
        asked_done(&a);
        world_free(w);
    }
}

/* Without its option the header is one like any other. */
static void no_header_names_the_user_unless_it_is_said(void **state) {
    (void)state;
    static const http_header h = {SPAN("x-weir-user"), SPAN("bob")};
    world *w = world_new(&plan, "");
    asked a;
    script s;
    exchange_request r = world_request(&form_openai, ASK_WITH("\"user\":\"ada\""));
    r.headers = (http_headers){&h, 1};
    ask(w, &a, &s, &r);
    assert_span(exchange_record(s.x)->user, "ada");
    exchange_cancel(a.x);
    world_turn(w);
    asked_done(&a);
    world_free(w);
}

static void a_step_has_its_parents_labels(void **state) {
    (void)state;
    static const http_header h = T("b=2,a=1"), other = T("c=3");
    world *w = world_new(&plan, "");
    asked a, child;
    script s, of_child;
    exchange_request r = world_request(&form_openai, ASK_WITH("\"user\":\"ada\""));
    r.headers = (http_headers){&h, 1};
    ask(w, &a, &s, &r);
    exchange_request step = world_request(&form_openai, ASK_WITH("\"user\":\"eve\""));
    step.headers = (http_headers){&other, 1};
    step.parent = a.x;
    ask(w, &child, &of_child, &step);
    assert_span(exchange_record(of_child.x)->user, "ada");
    assert_span(exchange_record(of_child.x)->tags, "a=1,b=2");
    exchange_cancel(a.x);
    world_turn(w);
    asked_done(&a);
    asked_done(&child);
    world_free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tags_are_read_sorted_and_bounded),
        cmocka_unit_test(a_malformed_tag_is_refused_by_the_name_of_its_header),
        cmocka_unit_test(whose_user_it_is_for),
        cmocka_unit_test(no_header_names_the_user_unless_it_is_said),
        cmocka_unit_test(a_step_has_its_parents_labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
