/* Outlines as such: of inputs without turns, their bounds, texts in their places, made when asked
 * for. In bodies ' stands for ". */
#include "outline_unit.h"

static arena a;

static int set_up(void **state) {
    (void)state;
    arena_init(&a, 0);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    arena_done(&a);
    return 0;
}

/* ---- inputs ---- */

static void each_input_is_a_turn(void **state) {
    (void)state;
    static const struct {
        dialect dialect;
        const char *member;
    } places[] = {{DIALECT_OPENAI_COMPLETIONS, "prompt"},
                  {DIALECT_OPENAI_EMBEDDINGS, "input"},
                  {DIALECT_OPENAI_MODERATIONS, "input"}};
    static const outline_row rows[] = {
        {"'hi'", "user\n  text says='hi'"},
        {"['a','b']", "user\n  text says='a'\nuser\n  text says='b'"},
        {"[1,2,3]", "user\n  opaque of=[1,2,3]"},
        {"[[1,2],[3]]", "user\n  opaque of=[1,2]\nuser\n  opaque of=[3]"},
        {"['a',1,null,[2],{'b':'c'}]",
         "user\n  text says='a'\nuser\n  opaque of=1\nuser\n  opaque of=null\n"
         "user\n  opaque of=[2]\nuser\n  opaque of={'b':'c'}"},
        {"[{'type':'text','text':'a'},{'type':'image_url','image_url':{'url':'u'}},'b']",
         "user\n  text says='a' of={'type':'text','text':'a'}\n"
         "  image says='u' of={'type':'image_url','image_url':{'url':'u'}}\n  opaque of='b'"},
        {"[]", ""},
        {"null", ""},
        {"7", "user\n  opaque of=7"},
        {"{'a':'b'}", "user\n  opaque of={'a':'b'}"},
    };
    for (size_t k = 0; k < ARRAY_LEN(places); k++) {
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
            span body = arena_printf(&a, "{'x':1,'%s':%s}", places[k].member, rows[i].body);
            const outline_row row = {body.ptr, rows[i].says};
            outline_check_rows(places[k].dialect, LOOK_TURNS, &row, 1);
        }
    }
}

static void knows_their_parameters(void **state) {
    (void)state;
    static const outline_row completions[] = {
        {"{'prompt':'a','suffix':'b','echo':true,'best_of':2,'n':1}",
         "param suffix key='suffix' is='b'\nparam setting key='echo' is=true\n"
         "param setting key='best_of' is=2\nparam n key='n' is=1"}};
    static const outline_row embeddings[] = {
        {"{'input':'a','dimensions':3,'user':'u','input_type':'query'}",
         "param setting key='dimensions' is=3\nparam user key='user' is='u'\n"
         "param unknown key='input_type' is='query'"}};
    static const outline_row raw[] = {{"{'model':'m'}", "other\n  opaque of={'model':'m'}"},
                                      {"[1]", "other\n  opaque of=[1]"}};
    static const outline_row texts[] = {
        {"{'prompt':['a',[1]],'suffix':'b','user':'c'}", " part='a' param='b'"}};
    CHECK_ROWS(DIALECT_OPENAI_COMPLETIONS, LOOK_PARAMS, completions);
    CHECK_ROWS(DIALECT_OPENAI_EMBEDDINGS, LOOK_PARAMS, embeddings);
    CHECK_ROWS(DIALECT_RAW, LOOK_TURNS, raw);
    CHECK_ROWS(DIALECT_OPENAI_COMPLETIONS, LOOK_TEXTS, texts);
}

static void nothing_is_asked_without_a_body(void **state) {
    (void)state;
    for (dialect d = 0; d < DIALECT_COUNT; d++) {
        request_outline o = outline_of(d, (json_value){0}, &a);
        assert_int_equal(o.param_count + o.turn_count + o.part_count + o.tool_count, 0);
        assert_true(outline_each_text(&o, outline_put_text, NULL));
    }
}

/* ---- places ---- */

static const char everything[] =
    "{'model':'m','tools':[{'type':'function','function':{'name':'f','description':'d'}}],"
    "'messages':[{'role':'user','content':[{'type':'text','text':'\\u0048\\n'},{'type':'image_url',"
    "'image_url':{'url':'u'}}]},{'role':'tool','tool_call_id':'c','content':'r'}],'x':['y']}";

/* Spans, not copies; escapes as they came. */
static void points_into_the_body(void **state) {
    (void)state;
    json_value root = outline_scan(everything, &a);
    request_outline o = outline_of(DIALECT_OPENAI_CHAT, root, &a);
    assert_int_equal(o.turn_count, 2);
    const outline_part *text = &o.parts[o.turns[0].from], *result = &o.parts[o.turns[1].from];
    assert_span(text->value.raw, "\"\\u0048\\n\"");
    assert_span(json_string(text->value, &a), "H\n");
    assert_true(span_starts(o.turns[0].source.raw, SPAN_OF("{\"role\":\"user\"")));
    assert_span(result->id.raw, "\"c\"");
    assert_int_equal(outline_count(&o, OUTLINE_TEXT), 1);
    assert_int_equal(outline_count(&o, OUTLINE_IMAGE), 1);
    assert_int_equal(outline_count(&o, OUTLINE_TOOL_RESULT), 1);
    assert_int_equal(outline_count(&o, OUTLINE_AUDIO), 0);
    assert_int_equal(o.tool_count, 1);
}

static void texts_can_be_replaced_in_place(void **state) {
    (void)state;
    json_value root = outline_scan(everything, &a);
    request_outline o = outline_of(DIALECT_OPENAI_CHAT, root, &a);
    span edited;
    size_t texts;
    assert_true(outline_edit(root, &o, false, &a, &edited, &texts));
    assert_int_equal(texts, 4);
    assert_span(
        edited,
        "{\"model\":\"m\",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\","
        "\"description\":\"x\"}}],\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\","
        "\"text\":\"x\"},{\"type\":\"image_url\",\"image_url\":{\"url\":\"u\"}}]},{\"role\":"
        "\"tool\",\"tool_call_id\":\"c\",\"content\":\"x\"}],\"x\":[\"x\"]}");
}

typedef struct watcher {
    buf seen;
    size_t left;
} watcher;

static bool watch(void *user, const outline_text *text) {
    watcher *w = user;
    outline_put_text(&w->seen, text);
    bool of_turn = text->place == TEXT_IN_PART || text->place == TEXT_IN_OPAQUE;
    bool of_tool = text->place == TEXT_IN_DESCRIPTION || text->place == TEXT_IN_SCHEMA;
    assert_true(of_turn == (text->turn != NULL) && of_turn == (text->part != NULL));
    assert_true(of_tool == (text->tool != NULL));
    assert_true((text->place == TEXT_IN_PARAM) == (text->param != NULL));
    return --w->left > 0;
}

static void a_walk_ends_when_told_to(void **state) {
    (void)state;
    static const char *const seen[] = {" part='\\u0048\\n'", " part='r'", " about='d'",
                                       " param='y'"};
    request_outline o = outline_of(DIALECT_OPENAI_CHAT, outline_scan(everything, &a), &a);
    buf expected = BUF_EMPTY;
    for (size_t n = 1; n <= ARRAY_LEN(seen); n++) {
        watcher w = {.left = n};
        buf_add_cstr(&expected, seen[n - 1]);
        assert_false(outline_each_text(&o, watch, &w));
        assert_span(buf_span(&w.seen), buf_cstr(&expected));
        buf_done(&w.seen);
    }
    buf_done(&expected);
    watcher w = {.left = SIZE_MAX};
    assert_true(outline_each_text(&o, watch, &w));
    buf_done(&w.seen);
}

/* ---- bounds ---- */

/* n of something, and what is wrong with one more than `most` of them. */
static void check_bound(dialect d, const char *before, const char *one, const char *after,
                        outline_limits limits, const char *what) {
    enum { MOST = 20 };
    for (size_t n = MOST - 1; n <= MOST + 1; n++) {
        buf body = BUF_EMPTY;
        buf_add_cstr(&body, before);
        for (size_t i = 0; i < n; i++) {
            if (i) buf_add_char(&body, ',');
            buf_addf(&body, one, i);
        }
        buf_add_cstr(&body, after);
        json_value root = outline_scan(buf_cstr(&body), &a);
        request_outline o = {.turn_count = 77};
        outline_fault fault = {"before", 0};
        bool fits = outline_read(d, root, &limits, &a, &o, &fault);
        if (fits != (n <= MOST)) fail_msg("%zu %s", n, what);
        assert_string_equal(fault.what, fits ? "before" : what);
        assert_int_equal(fault.most, fits ? 0 : MOST);
        if (fits)
            assert_null(outline_broken(root, &o, &limits));
        else
            assert_int_equal(o.turn_count, 77); /* nothing rather than a part */
        buf_done(&body);
    }
}

static void what_is_too_much_has_no_outline(void **state) {
    (void)state;
    const outline_limits few_params = {20, 99, 99, 99}, few_turns = {99, 20, 99, 99},
                         few_parts = {99, 99, 20, 99}, few_tools = {99, 99, 99, 20};
    const dialect chat = DIALECT_OPENAI_CHAT, responses = DIALECT_OPENAI_RESPONSES;
    check_bound(chat, "{", "'p%zu':1", "}", few_params, "members");
    check_bound(chat, "{'messages':[", "{'role':'user'}", "]}", few_turns, "turns");
    check_bound(chat, "{'messages':[", "7", "]}", few_turns, "turns");
    check_bound(chat, "{'messages':[", "{'content':'x'}", "]}", few_parts, "parts of turns");
    check_bound(chat, "{'messages':[{'content':[", "{'type':'text','text':'x'}", "]}]}", few_parts,
                "parts of turns");
    check_bound(chat, "{'messages':[{", "'m%zu':1", "}]}", few_parts, "parts of turns");
    check_bound(chat, "{'messages':[{'tool_calls':[", "{}", "]}]}", few_parts, "parts of turns");
    check_bound(chat, "{'tools':[", "{}", "],'messages':[{'role':'user','content':'x'}]}",
                few_tools, "tools");
    check_bound(responses, "{'input':[", "{'type':'new'}", "]}", few_turns, "turns");
    check_bound(responses, "{'input':[", "{'type':'reasoning'}", "]}", few_turns, "turns");
    check_bound(responses, "{'input':[{'type':'reasoning','summary':[", "{}", "]}]}", few_parts,
                "parts of turns");
    check_bound(responses, "{'input':[", "{'type':'function_call','name':'f'}", "]}", few_turns,
                "turns");
    check_bound(DIALECT_OPENAI_EMBEDDINGS, "{'input':[", "'x'", "]}", few_turns, "turns");
}

/* ---- made when asked for ---- */

static void is_made_once(void **state) {
    (void)state;
    json_value root = outline_scan(everything, &a);
    outline_slot slot = {0};
    const request_outline *o = outline_ask(&slot, DIALECT_OPENAI_CHAT, root, &a);
    assert_non_null(o);
    assert_int_equal(o->turn_count, 2);
    size_t used = a.used;
    assert_ptr_equal(outline_ask(&slot, DIALECT_OPENAI_CHAT, root, &a), o);
    assert_int_equal(a.used, used);
}

static void is_refused_once(void **state) {
    (void)state;
    buf body = BUF_EMPTY;
    buf_add_cstr(&body, "{'tools':[0");
    for (size_t i = 0; i < outline_limits_usual.tools; i++)
        buf_add_cstr(&body, ",0");
    buf_add_cstr(&body, "]}");
    json_value root = outline_scan(buf_cstr(&body), &a);
    outline_slot slot = {0};
    for (int again = 0; again < 2; again++) {
        size_t used = a.used;
        assert_null(outline_ask(&slot, DIALECT_OPENAI_CHAT, root, &a));
        assert_string_equal(slot.fault.what, "tools");
        assert_int_equal(slot.fault.most, outline_limits_usual.tools);
        if (again) assert_int_equal(a.used, used);
    }
    buf_done(&body);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_input_is_a_turn),
        cmocka_unit_test(knows_their_parameters),
        cmocka_unit_test(nothing_is_asked_without_a_body),
        cmocka_unit_test(points_into_the_body),
        cmocka_unit_test(texts_can_be_replaced_in_place),
        cmocka_unit_test(a_walk_ends_when_told_to),
        cmocka_unit_test(what_is_too_much_has_no_outline),
        cmocka_unit_test(is_made_once),
        cmocka_unit_test(is_refused_once),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
