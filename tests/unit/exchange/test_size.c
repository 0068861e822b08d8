/* How large a request may be: what is counted, whose limit holds, how it is refused. */
#include "exchange/world.h"

#include "exchange/request_sizes.h"

#include <inttypes.h>

/* What the thread that has parsed a large one found. */
static int64_t found[CONFIG_SIZES];

static stage_result stage_look(exchange *x) {
    if (x->large && x->large->sizes) memcpy(found, x->large->sizes, sizeof found);
    return STAGE_NEXT;
}

static const stage_row plan_rows[] = {{"identify", stage_identify, NULL, 0},
                                      {"parse", stage_parse, NULL, STAGE_CHILD},
                                      {"route", stage_route, NULL, STAGE_CHILD},
                                      {"look", stage_look, NULL, 0},
                                      {"size", stage_size, NULL, STAGE_CHILD},
                                      {"script", stage_script, NULL, STAGE_CHILD},
                                      {"settle", stage_settle, NULL, STAGE_CHILD | STAGE_ALWAYS}};
static const exchange_plan plan = {plan_rows, ARRAY_LEN(plan_rows), NULL, 0, stage_size_look_large};

/* ---- what is counted ---- */

#define CHAT(members) "{\"model\":\"m\"," members "}"
#define USER(content) CHAT("\"messages\":[{\"role\":\"user\",\"content\":" content "}]")
#define IMAGE         "{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://a/b.png\"}}"

static void what_is_counted(void **state) {
    (void)state;
    static const struct {
        endpoint endpoint;
        config_size what;
        const char *body;
        int64_t has;
    } rows[] = {
        {EP_CHAT_COMPLETIONS, SIZE_OF_MESSAGES, CHAT("\"messages\":[{},{},{}]"), 3},
        {EP_CHAT_COMPLETIONS, SIZE_OF_MESSAGES, CHAT("\"mess\\u0061ges\":[{},{}]"), 2},
        {EP_CHAT_COMPLETIONS, SIZE_OF_MESSAGES, CHAT("\"messages\":[],\"input\":[1,2]"), 0},
        {EP_RESPONSES, SIZE_OF_MESSAGES, CHAT("\"input\":[{},{}]"), 2},
        {EP_RESPONSES, SIZE_OF_MESSAGES, CHAT("\"input\":\"hello\""), 0},
        {EP_EMBEDDINGS, SIZE_OF_MESSAGES, CHAT("\"input\":[\"a\",\"b\"]"), 0},
        {EP_CHAT_COMPLETIONS, SIZE_OF_TOOLS, CHAT("\"tools\":[{},{}],\"functions\":[{}]"), 3},
        {EP_CHAT_COMPLETIONS, SIZE_OF_TOOLS, CHAT("\"tools\":null"), 0},
        {EP_RESPONSES, SIZE_OF_TOOLS, CHAT("\"tools\":[{\"type\":\"web_search\"}]"), 1},
        {EP_CHAT_COMPLETIONS, SIZE_OF_DEPTH, "{}", 1},
        {EP_CHAT_COMPLETIONS, SIZE_OF_DEPTH, "{\"a\":[1,[2],{\"b\":1}],\"c\":{}}", 3},
        {EP_CHAT_COMPLETIONS, SIZE_OF_DEPTH, "{\"a\":\"[[[\\\"[[[\\\\\",\"b\":[]}", 2},
        {EP_CHAT_COMPLETIONS, SIZE_OF_CHARACTERS, USER("\"hello\""), 5},
        {EP_CHAT_COMPLETIONS, SIZE_OF_CHARACTERS, USER("\"gr\xC3\xBC\xC3\x9F\\u00fc\\n\""), 6},
        {EP_CHAT_COMPLETIONS, SIZE_OF_CHARACTERS, USER("\"\\ud83d\\ude00\xF0\x9F\x98\x80\""), 2},
        {EP_CHAT_COMPLETIONS, SIZE_OF_CHARACTERS,
         USER("[{\"type\":\"text\",\"text\":\"four\"}," IMAGE "]"), 4},
        {EP_CHAT_COMPLETIONS, SIZE_OF_CHARACTERS,
         CHAT("\"messages\":[{\"role\":\"user\",\"content\":\"ab\"}],\"tools\":[{\"type\":"
              "\"function\",\"function\":{\"name\":\"f\",\"description\":\"cde\"}}]"),
         5},
        {EP_COMPLETIONS, SIZE_OF_CHARACTERS, CHAT("\"prompt\":[\"ab\",\"cd\"]"), 4},
        {EP_RESPONSES, SIZE_OF_CHARACTERS, CHAT("\"instructions\":\"ab\",\"input\":\"cde\""), 5},
        {EP_CHAT_COMPLETIONS, SIZE_OF_IMAGES, USER("[" IMAGE "," IMAGE "]"), 2},
        {EP_CHAT_COMPLETIONS, SIZE_OF_IMAGES, USER("\"https://a/b.png\""), 0},
        {EP_RESPONSES, SIZE_OF_IMAGES,
         CHAT("\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_image\",\"image_url\":"
              "\"https://a/b.png\"}]}]"),
         1},
        {EP_CHAT_COMPLETIONS, SIZE_OF_N, CHAT("\"messages\":[{}]"), 1},
        {EP_CHAT_COMPLETIONS, SIZE_OF_N, CHAT("\"n\":null"), 1},
        {EP_CHAT_COMPLETIONS, SIZE_OF_N, CHAT("\"n\":7"), 7},
        {EP_COMPLETIONS, SIZE_OF_N, CHAT("\"n\":2,\"best_of\":5"), 5},
        {EP_COMPLETIONS, SIZE_OF_N, CHAT("\"best_of\":1e300"), (int64_t)1e15},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        request_facts f = {.endpoint = rows[i].endpoint, .body = span_cstr(rows[i].body)};
        json_fault fault;
        int64_t has[CONFIG_SIZES] = {0};
        assert_true(json_scan(f.body, NULL, &f.root, &fault));
        request_sizes_count(&f, 1u << rows[i].what, has);
        if (has[rows[i].what] != rows[i].has) fail_msg("row %zu: %" PRId64, i, has[rows[i].what]);
        if (rows[i].what != SIZE_OF_DEPTH) continue;
        json_limits as = {.depth = (unsigned)rows[i].has}; /* the scanner counts alike */
        assert_true(json_scan(f.body, &as, &f.root, &fault));
        as.depth--;
        assert_true(!as.depth || !json_scan(f.body, &as, &f.root, &fault));
    }
}

/* More turns than an outline may have cannot be counted, and do not pass uncounted. */
static void what_cannot_be_counted(void **state) {
    (void)state;
    buf body = BUF_EMPTY;
    buf_add_cstr(&body, "{\"messages\":[{}");
    for (size_t i = 0; i < outline_limits_usual.turns; i++)
        buf_add_cstr(&body, ",{}");
    buf_add_cstr(&body, "]}");
    request_facts f = {.endpoint = EP_CHAT_COMPLETIONS, .body = buf_span(&body)};
    json_fault fault;
    int64_t has[CONFIG_SIZES] = {0};
    assert_true(json_scan(f.body, NULL, &f.root, &fault));
    request_sizes_count(&f, ~0u, has);
    assert_true(has[SIZE_OF_CHARACTERS] == SIZE_UNCOUNTED && has[SIZE_OF_IMAGES] == SIZE_UNCOUNTED);
    assert_int_equal(has[SIZE_OF_MESSAGES], outline_limits_usual.turns + 1);
    buf_done(&body);
}

/* ---- how it is refused ---- */

/* What the row comes to: 200 with the bound that goes to the provider, or the refusal. */
static int judge(const char *options, const exchange_form *form, const char *body, size_t client,
                 asked *a, int64_t *ret_cap, int64_t *ret_reserve) {
    world *w = world_new(&plan, options);
    exchange_request r = world_request(form, body);
    if (client) r.caller.client = &w->config->clients[client - 1];
    script s = {0};
    ask(w, a, &s, &r);
    if (!a->said.len) {
        *ret_cap = s.x->facts.cap_tokens;
        *ret_reserve = request_bounds_of(&s.x->facts).answer_tokens;
        script_head(&s, ANSWER_PLAIN);
        script_say_plain(&s, "{\"object\":\"chat.completion\",\"choices\":[]}");
        script_end(&s);
    }
    world_turn(w);
    const int status = a->status;
    world_free(w);
    return status;
}

typedef struct judged {
    const char *options; /* beside the model "*" */
    const char *body;
    size_t client; /* from 1 */
    int status;    /* 0: 200 */
    const char *code, *param, *message;
    int64_t cap, reserve; /* of 200 */
} judged;

#define CLIENTS(limits)                                                                            \
    "clients: [{name: a, key: aaaaaaaaaaaaaaaa, limits: {request: " limits "}}, {name: b, key: "   \
    "bbbbbbbbbbbbbbbb}]\n"
#define TOKENS(members) CHAT("\"messages\":[{}]," members)
#define MANY            "array_above_max_length"
#define LARGE           "integer_above_max_value"

static void check(const judged *r, size_t i, const exchange_form *form) {
    asked a;
    int64_t cap = 0, reserve = 0;
    const int status = judge(r->options, form, r->body, r->client, &a, &cap, &reserve);
    const span said = buf_span(&a.said);
    if (status != (r->status ? r->status : 200)) fail_msg("row %zu: %d", i, status);
    if (r->status) {
        buf want = BUF_EMPTY;
        buf_addf(&want,
                 "\"message\":\"%s\",\"type\":\"invalid_request_error\",\"param\":", r->message);
        buf_addf(&want, r->param ? "\"%s\"" : "null", r->param);
        buf_addf(&want, ",\"code\":\"%s\"", r->code);
        if (span_find_span(said, 0, buf_span(&want)) == said.len)
            fail_msg("row %zu: %.*s, not %s", i, SPAN_ARG(said), buf_cstr(&want));
        buf_done(&want);
    } else if (cap != r->cap || (r->reserve && reserve != r->reserve)) {
        fail_msg("row %zu: %" PRId64 ", %" PRId64, i, cap, reserve);
    }
    asked_done(&a);
}

static void whose_limit_holds(void **state) {
    (void)state;
    static const judged rows[] = {
        {"", ASK_PLAIN, .cap = 0},
        {"limits: {request: {messages: 1}}", ASK_PLAIN, .cap = 0},
        {"limits: {request: {messages: 1}}", CHAT("\"messages\":[{},{}]"), 0, 400, MANY, "messages",
         "This request has 2 messages; at most 1 are allowed (limits.request.messages).", 0, 0},
        {CLIENTS("{messages: 1}"), CHAT("\"messages\":[{},{}]"), 1, 400, MANY, "messages",
         "This request has 2 messages; at most 1 are allowed (clients[].limits.request.messages).",
         0, 0},
        {CLIENTS("{messages: 1}"), CHAT("\"messages\":[{},{}]"), .client = 2},
        {CLIENTS("{messages: 2}") "limits: {request: {messages: 1}}", CHAT("\"messages\":[{},{}]"),
         1, 400, MANY, "messages",
         "This request has 2 messages; at most 1 are allowed (limits.request.messages).", 0, 0},
        {"limits: {request: {tools: 1}}", TOKENS("\"tools\":[{},{}]"), 0, 400, MANY, "tools",
         "This request has 2 tools; at most 1 are allowed (limits.request.tools).", 0, 0},
        {"limits: {request: {images: 1}}", USER("[" IMAGE "," IMAGE "]"), 0, 400, MANY, "messages",
         "This request has 2 images; at most 1 are allowed (limits.request.images).", 0, 0},
        {"limits: {request: {characters: 4}}", USER("\"hello\""), 0, 400, "string_above_max_length",
         "messages",
         "This request has 5 characters; at most 4 are allowed (limits.request.characters).", 0, 0},
        {"limits: {request: {depth: 3}}", ASK_PLAIN, .cap = 0},
        {"limits: {request: {depth: 2}}", ASK_PLAIN, 0, 400, "invalid_value", NULL,
         "The JSON of this request is nested 3 deep; at most 2 is allowed (limits.request.depth).",
         0, 0},
        {"limits: {request: {n: 2}}", TOKENS("\"n\":3"), 0, 400, LARGE, "n",
         "'n' is 3; at most 2 is allowed (limits.request.n).", 0, 0},
        {"limits: {request: {n: 2}}", TOKENS("\"n\":2"), .cap = 0},
        {"limits: {request: {body: 20B}}", ASK_PLAIN, 0, 413, "request_too_large", NULL,
         "The request body has 29 bytes; at most 20 are allowed (limits.request.body).", 0, 0},
        {"limits: {request: {body: 29B}}", ASK_PLAIN, .cap = 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check(&rows[i], i, &form_openai);
}

/* Beside what answers "*" an entry of its own. */
static void a_models_limit(void **state) {
    (void)state;
    static const char *const options = "limits: {request: {messages: 5}}";
    buf yaml = BUF_EMPTY;
    config_problems problems = {0};
    buf_addf(&yaml,
             "providers: {p: {kind: openai, url: 'http://127.0.0.1:1/v1', key: sk-k}}\n"
             "models: {big: p, 'm*': {targets: p, limits: {request: {messages: 1}}}}\n%s",
             options);
    static const struct {
        const char *body;
        int status;
    } rows[] = {
        {"{\"model\":\"m1\",\"messages\":[{}]}", 200},
        {"{\"model\":\"m1\",\"messages\":[{},{}]}", 400},
        {"{\"model\":\"big\",\"messages\":[{},{}]}", 200},
        {"{\"model\":\"big\",\"messages\":[{},{},{},{},{},{}]}", 400},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        config *c = config_parse(buf_span(&yaml), "test", &problems);
        assert_non_null(c);
        world *w = world_new_of(&plan, c);
        exchange_request r = world_request(&form_openai, rows[i].body);
        asked a;
        script s;
        ask(w, &a, &s, &r);
        if ((a.said.len ? a.status : 200) != rows[i].status) fail_msg("row %zu", i);
        if (i == 1)
            assert_true(span_find_span(buf_span(&a.said), 0,
                                       SPAN_OF("(models.m*.limits.request.messages)")) <
                        a.said.len);
        if (!a.said.len) exchange_cancel(a.x);
        world_turn(w);
        asked_done(&a);
        world_free(w);
    }
    config_problems_done(&problems);
    buf_done(&yaml);
}

#define REFUSE "limits: {request: {max_tokens: {at_most: 100}}}"
#define CAP    "limits: {request: {max_tokens: {at_most: 100, over: cap}}}"

static void how_much_may_be_asked_for(void **state) {
    (void)state;
    static const judged rows[] = {
        {REFUSE, TOKENS("\"max_tokens\":100"), .cap = 0, .reserve = 100},
        {REFUSE, ASK_PLAIN, .cap = 0, .reserve = -1},
        {REFUSE, TOKENS("\"max_tokens\":101"), 0, 400, LARGE, "max_tokens",
         "'max_tokens' is 101; at most 100 is allowed (limits.request.max_tokens.at_most).", 0, 0},
        {REFUSE, TOKENS("\"max_tokens\":5,\"max_completion_tokens\":101"), 0, 400, LARGE,
         "max_completion_tokens",
         "'max_completion_tokens' is 101; at most 100 is allowed "
         "(limits.request.max_tokens.at_most).",
         0, 0},
        {REFUSE, TOKENS("\"max\\u005ftokens\":1e9"), 0, 400, LARGE, "max_tokens",
         "'max_tokens' is 1e9; at most 100 is allowed (limits.request.max_tokens.at_most).", 0, 0},
        {REFUSE, TOKENS("\"max_tokens\":-1"), 0, 400, LARGE, "max_tokens",
         "'max_tokens' is -1; at most 100 is allowed (limits.request.max_tokens.at_most).", 0, 0},
        {REFUSE, TOKENS("\"max_tokens\":1e400"), 0, 400, LARGE, "max_tokens",
         "'max_tokens' is 1e400; at most 100 is allowed (limits.request.max_tokens.at_most).", 0,
         0},
        {REFUSE, TOKENS("\"max_tokens\":99.5"), .cap = 0, .reserve = 100},
        {CAP, TOKENS("\"max_tokens\":5000"), .cap = 100, .reserve = 100},
        {CAP, TOKENS("\"max_tokens\":7"), .cap = 100, .reserve = 7},
        {CAP, ASK_PLAIN, .cap = 100, .reserve = 100},
        /* Of several the least, with its own word. */
        {CLIENTS("{max_tokens: {at_most: 50, over: cap}}") REFUSE, TOKENS("\"max_tokens\":5000"), 1,
         .cap = 50, .reserve = 50},
        {CLIENTS("{max_tokens: {at_most: 500, over: cap}}") REFUSE, TOKENS("\"max_tokens\":5000"),
         1, 400, LARGE, "max_tokens",
         "'max_tokens' is 5000; at most 100 is allowed (limits.request.max_tokens.at_most).", 0, 0},
        {CLIENTS("{max_tokens: {at_most: 100, over: cap}}") REFUSE, TOKENS("\"max_tokens\":5000"),
         1, 400, LARGE, "max_tokens",
         "'max_tokens' is 5000; at most 100 is allowed (limits.request.max_tokens.at_most).", 0, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check(&rows[i], i, &form_openai);
}

/* /chat has its own words for its own members. */
static void a_chats_message(void **state) {
    (void)state;
    asked a;
    int64_t cap, reserve;
    assert_int_equal(judge("limits: {request: {characters: 4}}", &form_chat,
                           "{\"message\":\"hello\"}", 0, &a, &cap, &reserve),
                     400);
    assert_true(span_find_span(buf_span(&a.said), 0, SPAN_OF("\"field\":\"message\"")) <
                a.said.len);
    asked_done(&a);
}

/* What weir puts in itself is not judged as what is asked: it is no more than that. */
static void a_chats_bound(void **state) {
    (void)state;
    static const judged rows[] = {
        {REFUSE, "{\"message\":\"hello\"}", .cap = 100, .reserve = 100},
        {REFUSE, "{\"message\":\"hello\",\"max_tokens\":99}", .cap = 0, .reserve = 99},
        {"limits: {request: {max_tokens: {at_most: 5000}}}", "{\"message\":\"hello\"}", .cap = 0,
         .reserve = 1000},
    };
    asked a;
    int64_t cap, reserve;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check(&rows[i], i, &form_chat);
    assert_int_equal(judge(REFUSE, &form_chat, "{\"message\":\"hello\",\"max_tokens\":101}", 0, &a,
                           &cap, &reserve),
                     400);
    asked_done(&a);
}

/* ---- a large one ---- */

static buf large_body;

static buf hand_over(void *user, memory_hold *ret_hold) {
    (void)user;
    *ret_hold = (memory_hold){0};
    buf given = large_body;
    large_body = BUF_EMPTY;
    return given;
}

/* It is counted on the thread that parses it: when the loop has it, nothing is left to be. */
static void a_large_one_is_counted_elsewhere(void **state) {
    (void)state;
    static const char before[] = "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"";
    exchange_door door = world_door;
    door.hand_over = hand_over;
    world *w = world_new(&plan, CLIENTS("{characters: 1000, n: 3}"));
    asked a = {.x = NULL};
    buf_add_cstr(&large_body, before);
    while (large_body.len < 300 * 1000)
        buf_add_cstr(&large_body, "so many words ");
    const size_t characters = large_body.len - strlen(before);
    buf_add_cstr(&large_body, "\"}]}");
    exchange_request r = world_request(&form_openai, buf_cstr(&large_body));
    r.caller.client = &w->config->clients[0];
    loop_read_clock(&w->loop);
    a.x = exchange_start(&w->env, &r, &door, &a);
    while (!a.said.len)
        uv_run(&w->loop.uv, UV_RUN_ONCE);
    assert_int_equal(found[SIZE_OF_CHARACTERS], characters);
    assert_int_equal(found[SIZE_OF_N], 1);
    assert_int_equal(found[SIZE_OF_DEPTH], 0); /* nobody has asked */
    assert_int_equal(a.status, 400);
    assert_true(span_find_span(buf_span(&a.said), 0,
                               SPAN_OF("(clients[].limits.request.characters)")) < a.said.len);
    world_turn(w);
    asked_done(&a);
    world_free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_counted),
        cmocka_unit_test(what_cannot_be_counted),
        cmocka_unit_test(whose_limit_holds),
        cmocka_unit_test(a_models_limit),
        cmocka_unit_test(how_much_may_be_asked_for),
        cmocka_unit_test(a_chats_message),
        cmocka_unit_test(a_chats_bound),
        cmocka_unit_test(a_large_one_is_counted_elsewhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
