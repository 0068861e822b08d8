/* Which trace a call is a part of, and what is noted of a traced one: what it asks, what the answer
 * says of itself, and its words where they are wanted. Nobody of this plan sends anything. */
#include "exchange/world.h"

#include "base/hash.h"
#include "exchange/trace.h"

static const stage_row plan_rows[] = {{"parse", stage_parse, NULL, 0},
                                      {"trace", stage_trace, NULL, NEEDS_TELEMETRY},
                                      {"script", stage_script, NULL, 0}};
static filter_add_fn *const filters[] = {filter_meter_add, filter_usage_add};
static const exchange_plan plan = {plan_rows, ARRAY_LEN(plan_rows), filters, ARRAY_LEN(filters)};

typedef struct traced {
    world *w;
    asked a;
    script s;
} traced;

static traced *begin_with(const char *options, endpoint e, const char *body, http_headers headers) {
    traced *t = calloc(1, sizeof *t);
    t->w = world_new(&plan, options);
    t->w->env.telemetry = (struct telemetry_writer *)t;
    exchange_request r = world_request(&form_openai, body);
    r.endpoint = e;
    r.headers = headers;
    ask(t->w, &t->a, &t->s, &r);
    assert_non_null(t->s.x);
    return t;
}

static traced *begin(const char *options, const char *body) {
    return begin_with(options, EP_CHAT_COMPLETIONS, body, (http_headers){0});
}

static void done(traced *t) {
    if (t->a.x) exchange_cancel(t->a.x);
    script_forget(&t->s);
    world_turn(t->w);
    asked_done(&t->a);
    world_free(t->w);
    free(t);
}

static trace_notes *notes_of(const traced *t) {
    assert_non_null(t->s.x->trace);
    return &t->s.x->trace->notes;
}

/* ---- whose trace ---- */

#define TRACE  "0af7651916cd43dd8448eb211c80319c"
#define PARENT "00-" TRACE "-b7ad6b7169203331-01"

static void the_client_s_trace_is_taken_over(void **state) {
    (void)state;
    static const struct {
        http_header headers[4];
        size_t count;
        bool taken;
        const char *state;
    } rows[] = {
        {{{SPAN("traceparent"), SPAN(PARENT)}}, 1, true, ""},
        {{{SPAN("TraceParent"), SPAN(PARENT)}, {SPAN("tracestate"), SPAN("a=1")}}, 2, true, "a=1"},
        {{{SPAN("tracestate"), SPAN("a=1")},
          {SPAN("traceparent"), SPAN(PARENT)},
          {SPAN("tracestate"), SPAN("b=2")}},
         3,
         true,
         "a=1, b=2"},
        {{{SPAN("traceparent"), SPAN(PARENT)}, {SPAN("tracestate"), SPAN("A")}}, 2, true, ""},
        {{{SPAN("traceparent"), SPAN(PARENT)}, {SPAN("traceparent"), SPAN(PARENT)}}, 2, false, ""},
        {{{SPAN("traceparent"), SPAN("00-1")}, {SPAN("tracestate"), SPAN("a=1")}}, 2, false, ""},
        {{{SPAN("tracestate"), SPAN("a=1")}}, 1, false, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        traced *t = begin_with("telemetry: on\n", EP_CHAT_COMPLETIONS, ASK_PLAIN,
                               (http_headers){rows[i].headers, rows[i].count});
        const trace_context *c = &notes_of(t)->context;
        char hex[TRACE_ID_HEX + 1];
        hex_encode(c->trace_id, TRACE_ID_LEN, hex);
        if ((strcmp(hex, TRACE) == 0) != rows[i].taken) fail_msg("row %zu: %s", i, hex);
        assert_int_equal(c->parent, rows[i].taken ? 0xb7ad6b7169203331u : 0);
        assert_true(c->span != 0 && c->span != c->parent);
        assert_true(trace_is_sampled(c));
        assert_span(c->state, rows[i].state);
        assert_ptr_equal(t->s.x->trace_context, c);
        done(t);
    }
}

static void nobody_is_traced_who_is_not_to_be(void **state) {
    (void)state;
    static const char *const options[] = {"", "telemetry: off\n", "telemetry: {traces: false}\n"};
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        traced *t = begin(options[i], ASK_PLAIN);
        assert_null(t->s.x->trace);
        assert_null(t->s.x->trace_context);
        assert_false(t->s.x->want & WANT_ENVELOPE);
        done(t);
    }
}

/* It is handed on, and nothing of it is noted. */
static void what_is_not_sampled_costs_no_events(void **state) {
    (void)state;
    traced *t = begin("telemetry: {sample: 0%}\n", "{\"model\":\"m\",\"n\":2,\"messages\":[{}]}");
    assert_non_null(t->s.x->trace_context);
    assert_false(t->s.x->want & WANT_ENVELOPE);
    assert_int_equal(notes_of(t)->asked.choices, -1);
    done(t);
}

/* ---- what is asked ---- */

static void parameters_are_noted(void **state) {
    (void)state;
    traced *t =
        begin("telemetry: on\n",
              "{\"model\":\"m\",\"messages\":[{}],\"temperature\":0.25,\"top_p\":1,\"n\":2,"
              "\"max_tokens\":10,\"max_completion_tokens\":20,\"seed\":-3,\"stop\":[\"a\",1,"
              "\"b\\n\"],\"frequency_penalty\":-1.5,\"presence_penalty\":null,"
              "\"reasoning_effort\":\"low\"}");
    const trace_request *q = &notes_of(t)->asked;
    assert_true(q->has_temperature && q->temperature == 0.25);
    assert_true(q->has_top_p && q->top_p == 1.0);
    assert_true(q->has_frequency && q->frequency == -1.5);
    assert_false(q->has_presence);
    assert_int_equal(q->choices, 2);
    assert_int_equal(q->max_tokens, 20);
    assert_true(q->has_seed && q->seed == -3);
    assert_int_equal(q->stop_count, 2);
    assert_span(q->stops[0], "a");
    assert_span(q->stops[1], "b\n");
    assert_span(q->effort, "low");
    assert_int_equal(notes_of(t)->input.len, 0); /* content is off */
    assert_null(t->s.x->trace->answer);
    done(t);
}

static void messages_are_written_as_the_conventions_say(void **state) {
    (void)state;
    static const struct {
        endpoint endpoint;
        const char *body, *system, *input;
    } rows[] = {
        {EP_CHAT_COMPLETIONS,
         "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"s\"},{\"role\":"
         "\"user\","
         "\"content\":[{\"type\":\"text\",\"text\":\"a\\u0022\"},{\"type\":\"image_url\","
         "\"image_url\":{\"url\":\"http://secret\"}}]}]}",
         "",
         "[{\"role\":\"system\",\"parts\":[{\"type\":\"text\",\"content\":\"s\"}]},{\"role\":"
         "\"user\","
         "\"parts\":[{\"type\":\"text\",\"content\":\"a\\\"\"},{\"type\":\"image\"}]}]"},
        {EP_RESPONSES, "{\"model\":\"m\",\"instructions\":\"be\",\"input\":\"hi\"}",
         "[{\"type\":\"text\",\"content\":\"be\"}]",
         "[{\"role\":\"user\",\"parts\":[{\"type\":\"text\",\"content\":\"hi\"}]}]"},
        {EP_EMBEDDINGS, "{\"model\":\"m\",\"input\":[\"a\",\"b\"]}", "",
         "[{\"role\":\"user\",\"parts\":[{\"type\":\"text\",\"content\":\"a\"}]},{\"role\":"
         "\"user\","
         "\"parts\":[{\"type\":\"text\",\"content\":\"b\"}]}]"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        traced *t = begin_with("telemetry: {content: true}\n", rows[i].endpoint, rows[i].body,
                               (http_headers){0});
        assert_span(notes_of(t)->system, rows[i].system);
        assert_span(notes_of(t)->input, rows[i].input);
        assert_false(notes_of(t)->content_cut);
        done(t);
    }
}

/* ---- what is answered ---- */

#define CHUNK(more) "{\"id\":\"c-1\",\"model\":\"m-2\",\"choices\":[{\"index\":" more "}]}"

static void an_answer_names_itself_and_its_reasons(void **state) {
    (void)state;
    traced *t = begin("telemetry: on\n", ASK_STREAM);
    script_head(&t->s, ANSWER_STREAM);
    script_say(&t->s, CHUNK("1,\"delta\":{\"content\":\"a\"}"));
    script_say(&t->s, CHUNK("1,\"delta\":{},\"finish_reason\":\"length\""));
    script_say(&t->s, CHUNK("0,\"delta\":{},\"finish_reason\":\"stop\""));
    const trace_notes *n = notes_of(t);
    assert_span(n->response_id, "c-1");
    assert_span(n->response_model, "m-2");
    assert_span(n->reasons[0], "stop");
    assert_span(n->reasons[1], "length");
    assert_int_equal(n->reasons[2].len, 0);
    done(t);
}

static void its_words_are_put_together(void **state) {
    (void)state;
    traced *t = begin("telemetry: {content: true}\n", ASK_STREAM);
    script_head(&t->s, ANSWER_STREAM);
    script_say(&t->s, CHUNK("0,\"delta\":{\"content\":\"Hel\"}"));
    script_say(&t->s, CHUNK("1,\"delta\":{\"content\":\"B\"}"));
    script_say(&t->s, CHUNK("0,\"delta\":{\"content\":\"lo\\n\"}"));
    script_say(&t->s, CHUNK("0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"name\":"
                            "\"add\",\"arguments\":\"{\\\"a\\\"\"}}]}"));
    script_say(&t->s, CHUNK("0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{"
                            "\"arguments\":\":1}\"}}]}"));
    script_say(&t->s, CHUNK("0,\"delta\":{},\"finish_reason\":\"tool_calls\""));
    trace_answer_write(t->s.x, t->s.x->trace->answer, notes_of(t));
    assert_span(notes_of(t)->output,
                "[{\"role\":\"assistant\",\"parts\":[{\"type\":\"text\",\"content\":\"Hello\\n\"},"
                "{\"type\":\"tool_call\",\"name\":\"add\",\"arguments\":\"{\\\"a\\\":1}\"}],"
                "\"finish_reason\":\"tool_calls\"},{\"role\":\"assistant\",\"parts\":[{\"type\":"
                "\"text\",\"content\":\"B\"}]}]");
    assert_false(notes_of(t)->content_cut);
    done(t);
}

static void no_more_is_kept_than_may_be(void **state) {
    (void)state;
    traced *t = begin("telemetry: {content: true}\n", ASK_STREAM);
    buf chunk = BUF_EMPTY;
    buf_addf(&chunk, "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"%01000d\"}}]}", 7);
    script_head(&t->s, ANSWER_STREAM);
    for (int i = 0; i < 100; i++)
        script_say(&t->s, buf_cstr(&chunk));
    trace_answer_write(t->s.x, t->s.x->trace->answer, notes_of(t));
    assert_true(notes_of(t)->content_cut);
    assert_in_range(notes_of(t)->output.len, TRACE_CONTENT_MAX, TRACE_CONTENT_MAX + 100);
    buf_done(&chunk);
    done(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_client_s_trace_is_taken_over),
        cmocka_unit_test(nobody_is_traced_who_is_not_to_be),
        cmocka_unit_test(what_is_not_sampled_costs_no_events),
        cmocka_unit_test(parameters_are_noted),
        cmocka_unit_test(messages_are_written_as_the_conventions_say),
        cmocka_unit_test(an_answer_names_itself_and_its_reasons),
        cmocka_unit_test(its_words_are_put_together),
        cmocka_unit_test(no_more_is_kept_than_may_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
