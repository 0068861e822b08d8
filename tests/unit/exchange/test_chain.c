/* The chain: filters at their places, what they make of what comes, and what they take for it. */
#include "exchange/mask.h"
#include "exchange/probe.h"

static filter_add_fn *const masking[] = {filter_usage_add, mask_add, filter_meter_add};
static const exchange_plan masked = {plain_rows, ARRAY_LEN(plain_rows), masking,
                                     ARRAY_LEN(masking)};

/* ---- a refusal behind a filter that was put up first ---- */

static void a_refusal_goes_through_filters_that_stand_already(void **state) {
    (void)state;
    static const exchange_form *const forms[] = {&form_openai, &form_chat, &form_direct};
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        world *w = world_new(&probed, "");
        asked a;
        exchange_request r = world_request(forms[i], "{\"model\":\"x\",\"messages\":1}");
        ask(w, &a, NULL, &r);
        world_turn(w);
        assert_int_equal(a.status, forms[i] == &form_chat ? 422 : 400);
        assert_int_equal(seen.begins, 0);
        assert_int_equal(seen.fails, 1);
        assert_int_equal(seen.dones, 1);
        asked_done(&a);
        world_free(w);
    }
}

static void filters_stand_in_the_order_of_their_places(void **state) {
    (void)state;
    world *w = world_new(&masked, "");
    asked a;
    script s;
    exchange_request r = world_request(&form_openai, ASK_STREAM);
    ask(w, &a, &s, &r);
    static const char *const names[] = {"meter", "mask", "usage", "form_openai"};
    size_t i = 0;
    for (const filter *f = a.x->filters; f; f = f->next, i++)
        assert_string_equal(f->ops->name, names[i]);
    assert_int_equal(i, 4);
    exchange_cancel(a.x);
    world_turn(w);
    asked_done(&a);
    world_free(w);
}

/* ---- text that is changed across events ---- */

/* What came of a text, all pieces joined: of a kind, a choice and an item. */
static void collect(const asked *a, part_kind kind, unsigned choice, unsigned item, buf *out) {
    arena memory;
    arena_init(&memory, 0);
    span rest = buf_span(&a->said), word;
    while (span_cut(&rest, '|', &word)) {
        if (!span_starts(word, SPAN_OF("piece "))) continue;
        const reader_spec spec = world_spec(DIALECT_OPENAI_CHAT, WANT_PARTS);
        reader r;
        buf text = BUF_EMPTY;
        answer_event e = world_read(&r, &spec, span_slice(word, 6, word.len), &text);
        for (const answer_part *p = e.parts; p < e.parts + e.part_count; p++)
            if (p->kind == kind && p->choice == choice && p->item == item)
                buf_add(out, json_string(p->value, &memory));
        reader_done(&r);
        buf_done(&text);
    }
    arena_done(&memory);
}

static void assert_collected(const asked *a, part_kind kind, unsigned choice, unsigned item,
                             const char *expected) {
    buf out = BUF_EMPTY;
    collect(a, kind, choice, item, &out);
    assert_string_equal(buf_cstr(&out), expected);
    buf_done(&out);
}

static void say_text(script *s, span text) {
    buf line = BUF_EMPTY;
    buf_add_cstr(&line, "{\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":");
    json_write_string(&line, text);
    buf_add_cstr(&line, "},\"finish_reason\":null}]}");
    script_say(s, buf_cstr(&line));
    buf_done(&line);
}

#define FINISH "{\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}"

/* A stream's pieces, which end at these offsets. */
static void check_cut(span text, const size_t *ends, size_t count, const char *expected) {
    world *w = world_new(&masked, "");
    asked a;
    script s;
    exchange_request r = world_request(&form_direct, ASK_STREAM);
    ask(w, &a, &s, &r);
    script_head(&s, ANSWER_STREAM);
    size_t from = 0;
    for (size_t i = 0; i < count; from = ends[i++])
        say_text(&s, span_slice(text, from, ends[i]));
    script_say(&s, FINISH);
    script_end(&s);
    world_turn(w);
    assert_collected(&a, PART_TEXT, 0, 0, expected);
    assert_true(span_ends(buf_span(&a.said), SPAN_OF("|piece " FINISH "|end|done")));
    asked_done(&a);
    world_free(w);
}

static void a_word_is_found_at_any_cut(void **state) {
    (void)state;
    static const struct {
        const char *text, *expected;
    } rows[] = {
        {"a secret, two secrets", "a [gone], two [gone]s"},
        {"secretsecret", "[gone][gone]"},
        {"secre", "secre"},
        {"no sesecret \"\\\n sec", "no se[gone] \"\\\n sec"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        span text = span_cstr(rows[i].text);
        size_t each[64];
        for (size_t k = 0; k < text.len; k++)
            each[k] = k + 1;
        check_cut(text, each, text.len, rows[i].expected);
        for (size_t k = 0; k <= text.len; k++)
            check_cut(text, (size_t[]){k, text.len}, 2, rows[i].expected);
    }
}

static void a_plain_answer_is_changed_alike(void **state) {
    (void)state;
    world *w = world_new(&masked, "");
    asked a;
    script s;
    exchange_request r = world_request(&form_openai, ASK_PLAIN);
    ask(w, &a, &s, &r);
    script_head(&s, ANSWER_PLAIN);
    script_say_plain(
        &s, "{\"choices\":[{\"index\":0,\"message\":{\"content\":\"a secret\"},\"x\":1}]}");
    script_end(&s);
    world_turn(w);
    assert_said(&a, "answer 200 {\"choices\":[{\"index\":0,\"message\":{\"content\":\"a "
                    "[gone]\"},\"x\":1}]}|done");
    asked_done(&a);
    world_free(w);
}

static void two_tool_calls_do_not_share_a_tail(void **state) {
    (void)state;
    world *w = world_new(&masked, "");
    asked a;
    script s;
    exchange_request r = world_request(&form_direct, ASK_STREAM);
    ask(w, &a, &s, &r);
    script_head(&s, ANSWER_STREAM);
#define ARGS(item, text)                                                                           \
    "{\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":" item                       \
    ",\"function\":{\"arguments\":\"" text "\"}}]}}]}"
    script_say(&s, ARGS("0", "{\\\"a\\\":\\\"sec"));
    script_say(&s, ARGS("1", "ret\\\"sec"));
    script_say(&s, ARGS("0", "ret\\\"}"));
    /* both in one event */
    script_say(&s, "{\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":["
                   "{\"index\":1,\"function\":{\"arguments\":\"re\"}},"
                   "{\"index\":0,\"function\":{\"arguments\":\"secretsec\"}}]}}]}");
    script_say(&s, ARGS("1", "t!"));
    script_say(&s, FINISH);
    script_end(&s);
    world_turn(w);
    assert_collected(&a, PART_TOOL_ARGS, 0, 0, "{\"a\":\"[gone]\"}[gone]sec");
    assert_collected(&a, PART_TOOL_ARGS, 0, 1, "ret\"[gone]!");
    asked_done(&a);
    world_free(w);
}

static void repeats_of_a_response_get_the_same_verdict(void **state) {
    (void)state;
    world *w = world_new(&masked, "");
    asked a;
    script s;
    exchange_request r =
        world_request(&form_direct, "{\"model\":\"m\",\"stream\":true,\"input\":\"x\"}");
    r.endpoint = EP_RESPONSES;
    r.path = SPAN_OF("/responses");
    ask(w, &a, &s, &r);
    script_head(&s, ANSWER_STREAM);
    script_say(&s, "{\"type\":\"response.output_text.delta\",\"output_index\":0,\"content_index\":"
                   "0,\"delta\":\"a sec\"}");
    script_say(&s, "{\"type\":\"response.output_text.delta\",\"output_index\":1,\"content_index\":"
                   "0,\"delta\":\"ret\"}");
    script_say(&s, "{\"type\":\"response.output_text.delta\",\"output_index\":0,\"content_index\":"
                   "0,\"delta\":\"ret sec\"}");
    script_say(&s, "{\"type\":\"response.output_text.done\",\"output_index\":0,\"content_index\":0,"
                   "\"text\":\"a secret sec\"}");
    script_say(&s, "{\"type\":\"response.completed\",\"response\":{\"output\":[{\"content\":[{"
                   "\"text\":\"a secret sec\"}]},"
                   "{\"content\":[{\"text\":\"ret\"}]}]}}");
    script_end(&s);
    world_turn(w);
    assert_said(&a, "head 200"
                    "|piece "
                    "{\"type\":\"response.output_text.delta\",\"output_index\":0,\"content_index\":"
                    "0,\"delta\":\"a \"}"
                    "|piece "
                    "{\"type\":\"response.output_text.delta\",\"output_index\":1,\"content_index\":"
                    "0,\"delta\":\"ret\"}"
                    "|piece "
                    "{\"type\":\"response.output_text.delta\",\"output_index\":0,\"content_index\":"
                    "0,\"delta\":\"[gone] \"}"
                    /* what was held back comes before its repeat */
                    "|piece "
                    "{\"type\":\"response.output_text.delta\",\"output_index\":0,\"content_index\":"
                    "0,\"delta\":\"sec\"}"
                    "|piece "
                    "{\"type\":\"response.output_text.done\",\"output_index\":0,\"content_index\":"
                    "0,\"text\":\"a [gone] sec\"}"
                    "|piece "
                    "{\"type\":\"response.completed\",\"response\":{\"output\":[{\"content\":[{"
                    "\"text\":\"a [gone] sec\"}]},"
                    "{\"content\":[{\"text\":\"ret\"}]}]}}"
                    "|end|done");
    asked_done(&a);
    world_free(w);
}

/* ---- what a filter makes is given back ---- */

/* Makes something for the time of whatever it is given, which is gone with it. */
static void make_something(filter *f) {
    assert_true(f->x->env->depth > 0);
    memset(arena_alloc(&f->x->env->event_arena, 100), 'x', 100);
}

static void maker_head(filter *f, const answer_head *head) {
    make_something(f);
    filter_pass_head(f, head);
}

static void maker_end(filter *f) {
    make_something(f);
    filter_pass_end(f);
}

static void maker_fail(filter *f) {
    make_something(f);
    filter_pass_fail(f);
}

static void maker_add(exchange *x) {
    static const filter_ops ops = {.name = "maker",
                                   .place = PLACE_GUARD,
                                   .begin = filter_pass_begin,
                                   .head = maker_head,
                                   .event = filter_pass_event,
                                   .end = maker_end,
                                   .fail = maker_fail,
                                   .done = filter_pass_done};
    filter_add(x, arena_alloc(&x->arena, sizeof(filter)), &ops);
}

static void assert_given_back(const world *w) {
    assert_int_equal(w->env.depth, 0);
    assert_int_equal(w->env.event_arena.used, 0);
}

static void what_is_made_is_given_back_whatever_comes(void **state) {
    (void)state;
    static filter_add_fn *const filters[] = {maker_add};
    static const exchange_plan plan = {plain_rows, ARRAY_LEN(plain_rows), filters, 1};
    enum { END, FAILURE, DRAIN, REFUSAL, WAYS };
    for (int way = 0; way < WAYS; way++) {
        world *w = world_new(&plan, "");
        asked a;
        script s;
        exchange_request r =
            world_request(&form_openai, way == REFUSAL ? "{\"model\":\"\"}" : ASK_STREAM);
        ask(w, &a, &s, &r);
        if (way != REFUSAL) script_head(&s, ANSWER_STREAM);
        assert_given_back(w);
        if (way == END) script_end(&s);
        if (way == FAILURE) script_fail(&s, ERR_STREAM_CUT);
        if (way == DRAIN) exchange_env_fail_all(&w->env, ERR_DRAINING);
        assert_given_back(w);
        world_turn(w);
        asked_done(&a);
        world_free(w);
    }
}

/* What a filter makes of an event that has waited is given back with it. */
static void what_is_made_of_late_events_is_given_back(void **state) {
    (void)state;
    static filter_add_fn *const filters[] = {probe_add, mask_add};
    static const exchange_plan plan = {plain_rows, ARRAY_LEN(plain_rows), filters,
                                       ARRAY_LEN(filters)};
    world *w = world_new(&plan, "");
    asked a;
    script s;
    exchange_request r = world_request(&form_direct, ASK_STREAM);
    ask(w, &a, &s, &r);
    script_head(&s, ANSWER_STREAM);
    live->hold_next = true;
    say_text(&s, SPAN_OF("a secret"));
    say_text(&s, SPAN_OF("a secret"));
    filter_release(&live->filter);
    assert_int_equal(w->env.event_arena.used, 0);
    script_end(&s);
    world_turn(w);
    assert_collected(&a, PART_TEXT, 0, 0, "a [gone]a [gone]");
    asked_done(&a);
    world_free(w);
}

/* ---- what grows with a stream ---- */

static void events_take_no_memory_of_the_exchange(void **state) {
    (void)state;
    world *w = world_new(&masked, "");
    asked a;
    script s;
    exchange_request r = world_request(&form_openai, ASK_STREAM);
    ask(w, &a, &s, &r);
    script_head(&s, ANSWER_STREAM);
    size_t used = 0;
    for (int i = 0; i < 4000; i++) {
        script_say(&s, i % 2 ? "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"sec\"},"
                               "\"finish_reason\":\"stop\"}]}"
                             : "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"ret\"},"
                               "\"finish_reason\":\"length\"}]}");
        if (i == 3) used = a.x->arena.used;
        buf_clear(&a.said);
    }
    assert_int_equal(a.x->arena.used, used);
    assert_int_equal(w->env.event_arena.used, 0);
    script_end(&s);
    assert_span(a.x->record.finish_reason, "stop");
    world_turn(w);
    asked_done(&a);
    world_free(w);
}

static void a_long_finish_reason_is_cut_between_characters(void **state) {
    (void)state;
    world *w = world_new(&masked, "");
    asked a;
    script s;
    exchange_request r = world_request(&form_direct, ASK_STREAM);
    ask(w, &a, &s, &r);
    script_head(&s, ANSWER_STREAM);
    const answer_event last = {
        .kind = ANSWER_STREAM,
        .sorts = EVENT_FINISH,
        .is_json = true,
        .data = SPAN_OF("{}"),
        .finish_reason =
            SPAN_OF("123456789 123456789 123456789 123456789 123456789 123456789 123\xC3\xA9")};
    exchange_take_event(a.x, &last); /* of a dialect whose words nobody knows */
    assert_span(a.x->record.finish_reason,
                "123456789 123456789 123456789 123456789 123456789 123456789 123");
    script_end(&s);
    world_turn(w);
    asked_done(&a);
    world_free(w);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refusal_goes_through_filters_that_stand_already),
        cmocka_unit_test(filters_stand_in_the_order_of_their_places),
        cmocka_unit_test(a_word_is_found_at_any_cut),
        cmocka_unit_test(a_plain_answer_is_changed_alike),
        cmocka_unit_test(two_tool_calls_do_not_share_a_tail),
        cmocka_unit_test(repeats_of_a_response_get_the_same_verdict),
        cmocka_unit_test(what_is_made_is_given_back_whatever_comes),
        cmocka_unit_test(what_is_made_of_late_events_is_given_back),
        cmocka_unit_test(events_take_no_memory_of_the_exchange),
        cmocka_unit_test(a_long_finish_reason_is_cut_between_characters),
    };
    return run_watched(tests);
}
