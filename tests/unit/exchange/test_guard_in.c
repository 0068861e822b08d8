/* What a request asks is looked at in every place that a model would read, and what is changed is
 * changed there alone. */
#include "exchange/guarded.h"

/* Asks, and gives back what would go on: NULL: it was refused. */
static void check(const char *options, endpoint e, const char *body, const char *expected) {
    guarded g;
    guarded_ask(&g, options, &form_openai, e, body);
    if (expected) {
        assert_string_equal(buf_cstr(&guarded_body), expected);
        exchange_cancel(g.a.x);
    } else {
        assert_int_equal(g.a.status, 400);
    }
    guarded_done(&g);
}

#define M "{\"model\" : \"m\",\"stream_options\":{\"include_usage\":true},"

static void each_place_is_redacted(void **state) {
    (void)state;
    static const struct {
        endpoint e;
        const char *body, *expected;
    } rows[] = {
        {EP_CHAT_COMPLETIONS, M "\"messages\":[{\"role\":\"user\",\"content\":\"my KEY-a1.\"}]}",
         M "\"messages\":[{\"role\":\"user\",\"content\":\"my [SECRET_KEY_1].\"}]}"},
        {EP_CHAT_COMPLETIONS,
         M "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"KEY-a\"},"
           "{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://x/KEY-b\"}}]}],\"z\":1}",
         M "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":"
           "\"[SECRET_KEY_1]\"},"
           "{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://x/KEY-b\"}}]}],\"z\":1}"},
        {EP_CHAT_COMPLETIONS,
         M "\"messages\":[{\"role\":\"system\",\"content\":\"KEY-a\"},{\"role\":\"assistant\","
           "\"content\":null,\"tool_calls\":[{\"id\":\"c\",\"type\":\"function\",\"function\":{"
           "\"name\":\"f\",\"arguments\":\"{\\\"k\\\":\\\"KEY-b\\\"}\"}}]},{\"role\":\"tool\","
           "\"tool_call_id\":\"c\",\"content\":\"KEY-a KEY-c\"}]}",
         M "\"messages\":[{\"role\":\"system\",\"content\":\"[SECRET_KEY_1]\"},{\"role\":"
           "\"assistant\","
           "\"content\":null,\"tool_calls\":[{\"id\":\"c\",\"type\":\"function\",\"function\":{"
           "\"name\":\"f\",\"arguments\":\"{\\\"k\\\":\\\"[SECRET_KEY_2]\\\"}\"}}]},{\"role\":"
           "\"tool\","
           "\"tool_call_id\":\"c\",\"content\":\"[SECRET_KEY_1] [SECRET_KEY_3]\"}]}"},
        {EP_CHAT_COMPLETIONS,
         "{\"model\":\"m\",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\","
         "\"description\":\"with KEY-a\",\"parameters\":{\"properties\":{\"p\":{\"description\":"
         "\"KEY-b\"}}}}}],\"messages\":[{\"role\":\"user\",\"content\":\"\\u0078\"}],\"user\":"
         "\"KEY-u\"}",
         "{\"model\":\"m\",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\","
         "\"description\":\"with [SECRET_KEY_1]\",\"parameters\":{\"properties\":{\"p\":{"
         "\"description\":"
         "\"[SECRET_KEY_2]\"}}}}}],\"messages\":[{\"role\":\"user\",\"content\":\"\\u0078\"}],"
         "\"user\":"
         "\"KEY-u\"}"},
        {EP_COMPLETIONS, "{\"model\":\"m\",\"prompt\":[\"KEY-a\",\"\\/ KEY-b\"]}",
         "{\"model\":\"m\",\"prompt\":[\"[SECRET_KEY_1]\",\"\\/ [SECRET_KEY_2]\"]}"},
        {EP_EMBEDDINGS, "{\"model\":\"m\",\"input\":\"KEY-a\"}",
         "{\"model\":\"m\",\"input\":\"[SECRET_KEY_1]\"}"},
        {EP_MODERATIONS, "{\"model\":\"m\",\"input\":\"KEY-a\"}",
         "{\"model\":\"m\",\"input\":\"[SECRET_KEY_1]\"}"},
        {EP_RESPONSES,
         "{\"instructions\":\"KEY-a\",\"input\":[{\"role\":\"user\",\"content\":[{\"type\":"
         "\"input_text\",\"text\":\"KEY-b\"}]},{\"type\":\"function_call_output\",\"call_id\":"
         "\"c\",\"output\":\"KEY-c\"}],\"model\":\"m\"}",
         "{\"instructions\":\"[SECRET_KEY_1]\",\"input\":[{\"role\":\"user\",\"content\":[{"
         "\"type\":"
         "\"input_text\",\"text\":\"[SECRET_KEY_2]\"}]},{\"type\":\"function_call_output\",\"call_"
         "id\":"
         "\"c\",\"output\":\"[SECRET_KEY_3]\"}],\"model\":\"m\"}"},
        /* clean: not a byte */
        {EP_CHAT_COMPLETIONS, M "\"messages\":[{\"role\":\"user\",\"content\":\"KEY and KEY-\"}]}",
         M "\"messages\":[{\"role\":\"user\",\"content\":\"KEY and KEY-\"}]}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check("in: redact", rows[i].e, rows[i].body, rows[i].expected);
}

static void each_place_is_blocked(void **state) {
    (void)state;
    static const char *const rows[] = {
        M "\"messages\":[{\"role\":\"user\",\"content\":\"my KEY-a1.\"}]}",
        M
        "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"KEY-a\"}]}]}",
        M "\"messages\":[{\"role\":\"tool\",\"content\":\"KEY-a\"}]}",
        M "\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"tools\":[{\"type\":\"function\","
          "\"function\":{\"name\":\"f\",\"description\":\"KEY-a\"}}]}",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check("in: block", EP_CHAT_COMPLETIONS, rows[i], NULL);
}

static void a_refusal_names_the_rule_and_not_the_value(void **state) {
    (void)state;
    guarded g;
    guarded_ask(&g, "in: block", &form_openai, EP_CHAT_COMPLETIONS,
                M "\"messages\":[{\"role\":\"user\",\"content\":\"KEY-a1 KEY-b2\"}]}");
    guarded_end(&g, "answer 400 {\"error\":{\"message\":\"The request has something that the "
                    "gateway's guard does not let through: own (secret-key).\",\"type\":\"invalid_"
                    "request_error\",\"param\":null,\"code\":\"content_blocked\"}}|done");
}

#define ASKS(text) M "\"messages\":[{\"role\":\"user\",\"content\":\"" text "\"}]}"

static void what_is_done_is_the_rules_own_or_what_is_in_force(void **state) {
    (void)state;
    static const struct {
        const char *options, *body, *expected, *noted;
    } rows[] = {
        {"", ASKS("KEY-a"), ASKS("KEY-a"), ""},
        {"", ASKS("BOMB-a"), NULL, "in.bomb.block=1"},
        {"", ASKS("NOTE-a"), ASKS("NOTE-a"), "in.noted.flag=1"},
        {"in: off", ASKS("BOMB-a"), ASKS("BOMB-a"), ""},
        {"out: block", ASKS("KEY-a"), ASKS("KEY-a"), ""},
        {"in: flag", ASKS("KEY-a KEY-b"), ASKS("KEY-a KEY-b"), "in.secret-key.flag=2"},
        {"in: redact", ASKS("NOTE-a KEY-a MAIL@x"), ASKS("NOTE-a [SECRET_KEY_1] [MAIL_1]"),
         "in.secret-key.redact=1,in.mail.redact=1,in.noted.flag=1"},
        {"in: redact, actions: {mail: off, secret-key: flag}", ASKS("KEY-a MAIL@x"),
         ASKS("KEY-a MAIL@x"), "in.secret-key.flag=1"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        guarded g;
        guarded_ask(&g, rows[i].options, &form_openai, EP_CHAT_COMPLETIONS, rows[i].body);
        if (rows[i].expected) {
            assert_string_equal(buf_cstr(&guarded_body), rows[i].expected);
            const span noted = exchange_record(g.a.x)->guard;
            assert_int_equal(noted.len, strlen(rows[i].noted));
            if (noted.len) assert_memory_equal(noted.ptr, rows[i].noted, noted.len);
            exchange_cancel(g.a.x);
        }
        guarded_done(&g);
    }
}

/* A client that has the placeholders of an answer before in what it sends. */
static void a_placeholder_that_is_there_already_stands_for_itself(void **state) {
    (void)state;
    check("in: redact", EP_CHAT_COMPLETIONS, ASKS("[SECRET_KEY_2] [MAIL_x] [SECRET_KEY_] KEY-a"),
          ASKS("[SECRET_KEY_2] [MAIL_x] [SECRET_KEY_] [SECRET_KEY_3]"));
}

static void what_chat_asks_is_looked_at(void **state) {
    (void)state;
    guarded g;
    guarded_ask(&g, "in: redact", &form_chat, EP_CHAT_COMPLETIONS,
                "{\"message\":\"my KEY-a\",\"model\":\"m\"}");
    assert_true(span_find_span(buf_span(&guarded_body), 0,
                               SPAN_OF("\"content\":\"my [SECRET_KEY_1]\"")) < guarded_body.len);
    exchange_cancel(g.a.x);
    guarded_done(&g);
}

#define FIFTY "the water is measured as it passes over the weir, "
#define LONG  FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY

/* Of long texts it is remembered that nothing was found, and nothing else is. */
static void what_was_found_is_found_again(void **state) {
    (void)state;
    static const struct {
        const char *body, *expected, *noted;
    } rows[] = {
        {ASKS(LONG "KEY- "), ASKS(LONG "KEY- "), ""},
        {ASKS(LONG "KEY- "), ASKS(LONG "KEY- "), ""},
        {ASKS(LONG "KEY-a"), ASKS(LONG "[SECRET_KEY_1]"), "in.secret-key.redact=1"},
        {ASKS(LONG "KEY-a"), ASKS(LONG "[SECRET_KEY_1]"), "in.secret-key.redact=1"},
        {ASKS(LONG "NOTE-a"), ASKS(LONG "NOTE-a"), "in.noted.flag=1"},
        {ASKS(LONG "NOTE-a"), ASKS(LONG "NOTE-a"), "in.noted.flag=1"},
        {ASKS(LONG), ASKS(LONG), ""},
        {ASKS("NOTE-a " LONG), ASKS("NOTE-a " LONG), "in.noted.flag=1"},
        {ASKS("KEY-a " LONG), ASKS("[SECRET_KEY_1] " LONG), "in.secret-key.redact=1"},
    };
    guarded g;
    guarded_world(&g, "in: redact");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf_clear(&g.body);
        buf_add_cstr(&g.body, rows[i].body);
        g.r = world_request(&form_openai, buf_cstr(&g.body));
        ask(g.w, &g.a, &g.s, &g.r);
        assert_string_equal(buf_cstr(&guarded_body), rows[i].expected);
        const span noted = exchange_record(g.a.x)->guard;
        assert_int_equal(noted.len, strlen(rows[i].noted));
        if (noted.len) assert_memory_equal(noted.ptr, rows[i].noted, noted.len);
        exchange_cancel(g.a.x);
        world_turn(g.w);
        asked_done(&g.a);
    }
    world_free(g.w);
    buf_done(&guarded_body);
    buf_done(&g.body);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(each_place_is_redacted),
        cmocka_unit_test(each_place_is_blocked),
        cmocka_unit_test(a_refusal_names_the_rule_and_not_the_value),
        cmocka_unit_test(what_is_done_is_the_rules_own_or_what_is_in_force),
        cmocka_unit_test(a_placeholder_that_is_there_already_stands_for_itself),
        cmocka_unit_test(what_chat_asks_is_looked_at),
        cmocka_unit_test(what_was_found_is_found_again),
    };
    return run_watched(tests);
}
