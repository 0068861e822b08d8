/* The provider's usage object as it came: the last one that tells anything, in one bounded place,
 * and only where a ledger keeps it. */
#include "exchange/world.h"

static const stage_row plan_rows[] = {{"parse", stage_parse, NULL, 0},
                                      {"script", stage_script, NULL, 0}};
static filter_add_fn *const filters[] = {filter_meter_add, filter_usage_add};
static const exchange_plan plan = {plan_rows, ARRAY_LEN(plan_rows), filters, ARRAY_LEN(filters)};

typedef struct metered {
    world *w;
    asked a;
    script s;
} metered;

static metered *begin(const char *body, endpoint e, answer_kind kind, bool ledger) {
    metered *m = calloc(1, sizeof *m);
    m->w = world_new(&plan, "");
    /* Nobody of this plan writes into it. */
    if (ledger) m->w->env.ledger = (struct ledger_writer *)m;
    exchange_request r = world_request(&form_openai, body);
    r.endpoint = e;
    ask(m->w, &m->a, &m->s, &r);
    assert_non_null(m->s.x);
    script_head(&m->s, kind);
    return m;
}

static span kept(const metered *m) {
    return exchange_record(m->s.x)->usage_text;
}

static void done(metered *m) {
    if (m->a.x) exchange_cancel(m->a.x);
    script_forget(&m->s);
    world_turn(m->w);
    asked_done(&m->a);
    world_free(m->w);
    free(m);
}

#define TEXT(usage) "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]" usage "}"

static void the_last_one_of_a_stream_is_kept(void **state) {
    (void)state;
    static const struct {
        const char *says, *kept;
    } rows[] = {
        {TEXT(""), ""},
        {TEXT(",\"usage\":null"), ""},
        {TEXT(",\"usage\":{\"prompt_tokens\":0,\"completion_tokens\":0}"), ""},
        {TEXT(",\"usage\":{\"prompt_tokens\":3, \"x\":{\"y\":[1e2]}}"),
         "{\"prompt_tokens\":3, \"x\":{\"y\":[1e2]}}"},
        {TEXT(""), "{\"prompt_tokens\":3, \"x\":{\"y\":[1e2]}}"},
        {TEXT(",\"usage\":{\"completion_tokens\":4}"), "{\"completion_tokens\":4}"},
        {TEXT(",\"usage\":{\"prompt_tokens\":0}"), "{\"completion_tokens\":4}"},
        {"{\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4,\"z\":\"\\u00e4\"}"
         "}",
         "{\"prompt_tokens\":3,\"completion_tokens\":4,\"z\":\"\\u00e4\"}"},
    };
    metered *m = begin(ASK_STREAM, EP_CHAT_COMPLETIONS, ANSWER_STREAM, true);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        script_say(&m->s, rows[i].says);
        assert_span(kept(m), rows[i].kept);
    }
    done(m);
}

static void a_plain_answer_and_a_response_tell_theirs(void **state) {
    (void)state;
    static const struct {
        endpoint e;
        const char *ask, *says;
        answer_kind kind;
    } rows[] = {
        {EP_CHAT_COMPLETIONS, ASK_PLAIN,
         "{\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"total_tokens\":2}}", ANSWER_PLAIN},
        {EP_EMBEDDINGS, "{\"model\":\"m\",\"input\":\"x\"}",
         "{\"data\":[],\"usage\":{\"prompt_tokens\":1,\"total_tokens\":2}}", ANSWER_PLAIN},
        {EP_RESPONSES, "{\"model\":\"m\",\"stream\":true,\"input\":\"x\"}",
         "{\"type\":\"response.completed\",\"response\":{\"usage\":{\"prompt_tokens\":1,"
         "\"total_tokens\":2}}}",
         ANSWER_STREAM},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        metered *m = begin(rows[i].ask, rows[i].e, rows[i].kind, true);
        call_record before = *exchange_record(m->s.x);
        assert_int_equal(before.usage_text.len, 0);
        script_say_as(&m->s, rows[i].kind, rows[i].says);
        assert_span(m->s.x->record.usage_text, "{\"prompt_tokens\":1,\"total_tokens\":2}");
        done(m);
    }
}

static void say_usage(metered *m, size_t bytes) {
    buf line = BUF_EMPTY;
    buf_add(&line, SPAN_OF("{\"choices\":[],\"usage\":"));
    size_t from = line.len;
    buf_add(&line, SPAN_OF("{\"prompt_tokens\":1,\"x\":\""));
    while (line.len - from < bytes - 2)
        buf_add_char(&line, 'x');
    buf_add(&line, SPAN_OF("\"}}"));
    script_say(&m->s, buf_cstr(&line));
    buf_done(&line);
}

static void it_is_bounded_however_many_there_are(void **state) {
    (void)state;
    metered *m = begin(ASK_STREAM, EP_CHAT_COMPLETIONS, ANSWER_STREAM, true);
    static const size_t sizes[] = {300, 512, 513, RECORD_USAGE_MAX};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        say_usage(m, sizes[i]);
        assert_int_equal(kept(m).len, sizes[i]);
    }
    size_t used = m->s.x->arena.used;
    for (size_t bytes = 100; bytes <= RECORD_USAGE_MAX; bytes++) {
        say_usage(m, bytes);
        assert_int_equal(kept(m).len, bytes);
    }
    assert_int_equal(m->s.x->arena.used, used);
    say_usage(m, RECORD_USAGE_MAX + 1); /* cut off it would be none */
    assert_int_equal(kept(m).len, 0);
    assert_int_equal(exchange_record(m->s.x)->usage.prompt, 1);
    say_usage(m, 100);
    assert_int_equal(kept(m).len, 100);
    done(m);
}

static void without_a_ledger_nothing_is_kept(void **state) {
    (void)state;
    metered *m = begin(ASK_STREAM, EP_CHAT_COMPLETIONS, ANSWER_STREAM, false);
    size_t used = m->s.x->arena.used;
    say_usage(m, 400);
    assert_int_equal(exchange_record(m->s.x)->usage.prompt, 1);
    assert_null(kept(m).ptr);
    assert_int_equal(m->s.x->arena.used, used);
    done(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_one_of_a_stream_is_kept),
        cmocka_unit_test(a_plain_answer_and_a_response_tell_theirs),
        cmocka_unit_test(it_is_bounded_however_many_there_are),
        cmocka_unit_test(without_a_ledger_nothing_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
