/* The chain: filters at their places, that hold, change and break what comes. */
#include "exchange/mask.h"
#include "exchange/world.h"

/* ---- a filter that does as the test says ---- */

typedef struct probe {
    filter filter;
    unsigned begins, heads, events, ends, fails, dones;
    bool hold_each; /* holds at each event that it passes */
    bool hold_next;
    bool break_next;
    bool keeps_end, keeps_failure; /* the first of each is not handed on */
} probe;

static probe seen; /* of the last exchange that had one */
static probe *live;

static probe *probe_of(filter *f) {
    return CONTAINER_OF(f, probe, filter);
}

static void probe_begin(filter *f) {
    probe_of(f)->begins++;
    filter_pass_begin(f);
}

static void probe_head(filter *f, const answer_head *head) {
    probe_of(f)->heads++;
    filter_pass_head(f, head);
}

static void probe_event(filter *f, const answer_event *event) {
    probe *p = probe_of(f);
    p->events++;
    if (p->break_next) {
        filter_break(f, ERR_FORBIDDEN, "Broken off.");
        return;
    }
    if (p->hold_each || p->hold_next) filter_hold(f);
    p->hold_next = false;
    filter_pass_event(f, event);
}

static void probe_end(filter *f) {
    if (probe_of(f)->ends++ == 0 && probe_of(f)->keeps_end) return;
    filter_pass_end(f);
}

static void probe_fail(filter *f) {
    if (probe_of(f)->fails++ == 0 && probe_of(f)->keeps_failure) return;
    filter_pass_fail(f);
}

static void probe_done(filter *f) {
    probe_of(f)->dones++;
    seen = *probe_of(f);
    live = NULL;
    filter_pass_done(f);
}

static void probe_add(exchange *x) {
    static const filter_ops ops = {.name = "probe",
                                   .place = PLACE_GUARD,
                                   .holds = true,
                                   .begin = probe_begin,
                                   .head = probe_head,
                                   .event = probe_event,
                                   .end = probe_end,
                                   .fail = probe_fail,
                                   .done = probe_done};
    live = arena_zalloc(&x->arena, sizeof *live);
    filter_add(x, &live->filter, &ops);
}

static stage_result stage_probe(exchange *x) {
    probe_add(x);
    return STAGE_NEXT;
}

#define TAIL                                                                                       \
    { "settle", stage_settle, NULL, STAGE_ALWAYS | STAGE_CHILD }

static const stage_row probed_rows[] = {{"probe", stage_probe, NULL, 0},
                                        {"parse", stage_parse, NULL, 0},
                                        {"script", stage_script, NULL, 0},
                                        TAIL};
static filter_add_fn *const usual[] = {filter_meter_add, filter_usage_add};
static const exchange_plan probed = {probed_rows, ARRAY_LEN(probed_rows), usual, ARRAY_LEN(usual)};

static const stage_row plain_rows[] = {
    {"parse", stage_parse, NULL, 0}, {"script", stage_script, NULL, 0}, TAIL};
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

/* ---- holding ---- */

static void begin_probed(world **w, asked *a, script *s, const char *options) {
    *w = world_new(&probed, options);
    exchange_request r = world_request(&form_direct, ASK_STREAM);
    ask(*w, a, s, &r);
    assert_int_equal(live->begins, 1);
}

static void what_comes_while_a_filter_holds_waits(void **state) {
    (void)state;
    world *w;
    asked a;
    script s;
    begin_probed(&w, &a, &s, "");
    script_head(&s, ANSWER_STREAM);
    live->hold_next = true;
    script_say(&s, "{\"n\":1}");
    assert_true(s.paused);
    script_say(&s, "{\"n\":2}");
    script_say(&s, "{\"n\":3}");
    assert_said(&a, "head 200|piece {\"n\":1}");
    assert_int_equal(live->events, 1);
    live->hold_next = true; /* again, in the middle of what has waited */
    filter_release(&live->filter);
    assert_said(&a, "head 200|piece {\"n\":1}|piece {\"n\":2}");
    assert_true(s.paused);
    script_say(&s, "{\"n\":4}"); /* behind the third */
    script_end(&s);
    assert_int_equal(live->ends, 0);
    filter_release(&live->filter);
    world_turn(w);
    assert_said(
        &a, "head 200|piece {\"n\":1}|piece {\"n\":2}|piece {\"n\":3}|piece {\"n\":4}|end|done");
    assert_int_equal(s.pauses, 1); /* as long as it held */
    assert_int_equal(s.resumes, 0);
    asked_done(&a);
    world_free(w);
}

static stage_result stage_hold(exchange *x) {
    filter_hold(&live->filter);
    (void)x;
    return STAGE_NEXT;
}

/* There is nothing yet that could be held: a refusal is not. */
static void nothing_is_held_before_there_is_an_answer(void **state) {
    (void)state;
    static const stage_row rows[] = {{"probe", stage_probe, NULL, 0},
                                     {"hold", stage_hold, NULL, 0},
                                     {"parse", stage_parse, NULL, 0},
                                     TAIL};
    static const exchange_plan plan = {rows, ARRAY_LEN(rows), NULL, 0};
    world *w = world_new(&plan, "");
    asked a;
    exchange_request r = world_request(&form_openai, "{\"model\":\"\"}");
    ask(w, &a, NULL, &r);
    assert_int_equal(a.status, 400);
    assert_int_equal(w->loop.timers.count, 0);
    world_turn(w);
    asked_done(&a);
    world_free(w);
}

/* Its bytes are the source's, which gives them back when it has told the end. */
static void a_plain_answer_that_waits_outlives_its_source(void **state) {
    (void)state;
    world *w = world_new(&probed, "");
    asked a;
    script s;
    exchange_request r = world_request(&form_openai, ASK_PLAIN);
    ask(w, &a, &s, &r);
    filter_hold(&live->filter);
    script_head(&s, ANSWER_PLAIN);
    script_say_plain(&s, "{\"n\":1}");
    script_end(&s);
    assert_int_equal(a.said.len, 0);
    filter_release(&live->filter);
    assert_int_equal(w->env.event_arena.used, 0);
    world_turn(w);
    assert_said(&a, "answer 200 {\"n\":1}|done");
    asked_done(&a);
    world_free(w);
}

/* The filter has passed it on, and keeps its end back: the form has its bytes. */
static void a_plain_answer_whose_end_waits_outlives_its_source(void **state) {
    (void)state;
    world *w = world_new(&probed, "");
    asked a;
    script s;
    exchange_request r = world_request(&form_openai, ASK_PLAIN);
    ask(w, &a, &s, &r);
    script_head(&s, ANSWER_PLAIN);
    live->hold_next = true;
    script_say_as(&s, ANSWER_PLAIN, "{\"choices\":[]}");
    script_end(&s);
    assert_int_equal(a.said.len, 0);
    filter_release(&live->filter);
    world_turn(w);
    assert_said(&a, "answer 200 {\"choices\":[]}|done");
    asked_done(&a);
    world_free(w);
}

/* Two filters at one place hold: the source goes on when both have let go. */
static void the_source_waits_for_the_last_that_holds(void **state) {
    (void)state;
    static const stage_row two_rows[] = {{"probe", stage_probe, NULL, 0},
                                         {"another", stage_probe, NULL, 0},
                                         {"parse", stage_parse, NULL, 0},
                                         {"script", stage_script, NULL, 0},
                                         TAIL};
    static const exchange_plan two = {two_rows, ARRAY_LEN(two_rows), NULL, 0};
    world *w = world_new(&two, "");
    asked a;
    script s;
    exchange_request r = world_request(&form_direct, ASK_STREAM);
    ask(w, &a, &s, &r);
    filter *outer = &live->filter, *inner = a.x->filters;
    assert_ptr_equal(inner->next, outer);
    script_head(&s, ANSWER_STREAM);
    filter_hold(inner);
    filter_hold(outer);
    filter_release(inner);
    assert_true(s.paused);
    filter_release(outer);
    assert_false(s.paused);
    exchange_cancel(a.x);
    world_turn(w);
    asked_done(&a);
    world_free(w);
}

/* One that has had its end hears of no failure, whoever behind it holds that back. */
static void who_has_had_the_end_is_not_failed(void **state) {
    (void)state;
    static filter_add_fn *const inner_too[] = {probe_add};
    static const exchange_plan plan = {probed_rows, ARRAY_LEN(probed_rows), inner_too, 1};
    world *w = world_new(&plan, "");
    asked a;
    script s;
    exchange_request r = world_request(&form_direct, ASK_STREAM);
    ask(w, &a, &s, &r);
    const probe *inner = CONTAINER_OF(a.x->filters, probe, filter), *outer = live;
    script_head(&s, ANSWER_STREAM);
    filter_hold(&live->filter);
    script_end(&s);
    assert_int_equal(inner->ends, 1);
    exchange_env_fail_all(&w->env, ERR_DRAINING);
    assert_int_equal(inner->fails, 0);
    assert_int_equal(outer->ends, 0);
    assert_int_equal(outer->fails, 1);
    world_turn(w);
    assert_said(&a, "head 200|abort|done");
    asked_done(&a);
    world_free(w);
}

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

static void release_while_it_is_fed(asked *a) {
    if (live->filter.held) filter_release(&live->filter);
    (void)a;
}

static void a_filter_that_holds_and_releases_at_each_event_is_fed_on(void **state) {
    (void)state;
    world *w;
    asked a;
    script s;
    begin_probed(&w, &a, &s, "");
    script_head(&s, ANSWER_STREAM);
    live->hold_next = true;
    script_say(&s, "{\"n\":1}");
    script_say(&s, "{\"n\":2}");
    script_say(&s, "{\"n\":3}");
    live->hold_each = true;
    a.on_piece = release_while_it_is_fed;
    filter_release(&live->filter);
    assert_said(&a, "head 200|piece {\"n\":1}|piece {\"n\":2}|piece {\"n\":3}");
    assert_false(s.paused);
    live->hold_each = false;
    script_end(&s);
    world_turn(w);
    asked_done(&a);
    world_free(w);
}

/* Whoever keeps the head back may want another answer in its place. */
static void a_comment_tells_nothing_of_a_head_that_waits(void **state) {
    (void)state;
    world *w = world_new(&probed, "server: {keep_alive_comment: 10s}\n");
    asked a;
    script s;
    exchange_request r = world_request(&form_openai, ASK_STREAM);
    ask(w, &a, &s, &r);
    filter_hold(&live->filter);
    script_head(&s, ANSWER_STREAM);
    world_pass(w, 10 * 1000 + 1);
    assert_said(&a, "head 200|piece : keep-alive\n\n");
    assert_headers(&a, "x-request-id: ID\n"
                       "content-type: text/event-stream; charset=utf-8\n"
                       "cache-control: no-cache\n"
                       "x-accel-buffering: no\n");
    exchange_cancel(a.x);
    world_turn(w);
    asked_done(&a);
    world_free(w);
}

static void a_head_waits_too(void **state) {
    (void)state;
    world *w;
    asked a;
    script s;
    begin_probed(&w, &a, &s, "");
    filter_hold(&live->filter);
    filter_hold(&live->filter);
    script_head(&s, ANSWER_STREAM);
    script_say(&s, "{\"n\":1}");
    assert_int_equal(a.said.len, 0);
    filter_release(&live->filter);
    assert_said(&a, "head 200|piece {\"n\":1}");
    assert_int_equal(s.resumes, 1);
    filter_release(&live->filter); /* nothing is held */
    assert_int_equal(s.resumes, 1);
    script_end(&s);
    world_turn(w);
    asked_done(&a);
    world_free(w);
}

static void a_failure_comes_behind_what_waits(void **state) {
    (void)state;
    world *w;
    asked a;
    script s;
    begin_probed(&w, &a, &s, "");
    script_head(&s, ANSWER_STREAM);
    live->hold_next = true;
    script_say(&s, "{\"n\":1}");
    script_say(&s, "{\"n\":2}");
    script_fail(&s, ERR_STREAM_CUT);
    filter_release(&live->filter);
    world_turn(w);
    assert_said(&a, "head 200|piece {\"n\":1}|piece {\"n\":2}|abort|done");
    assert_int_equal(a.error, ERR_STREAM_CUT);
    asked_done(&a);
    world_free(w);
}

static void pauses_have_reasons(void **state) {
    (void)state;
    world *w;
    asked a;
    script s;
    begin_probed(&w, &a, &s, "");
    script_head(&s, ANSWER_STREAM);
    a.full = true;
    script_say(&s, "{\"n\":1}"); /* the door is full */
    assert_true(s.paused);
    filter_hold(&live->filter);
    exchange_room(a.x);
    assert_true(s.paused); /* the filter still holds */
    filter_release(&live->filter);
    assert_false(s.paused);
    a.full = false;
    filter_hold(&live->filter);
    filter_release(&live->filter);
    assert_int_equal(s.pauses, 2);
    assert_int_equal(s.resumes, 2);
    script_end(&s);
    world_turn(w);
    asked_done(&a);
    world_free(w);
}

/* Held for ever: the client leaves, the deadline passes, the process drains. */
static void a_hold_ends_with_its_exchange(void **state) {
    (void)state;
    for (int way = 0; way < 4; way++) {
        world *w;
        asked a;
        script s;
        begin_probed(&w, &a, &s, "timeouts: {total: 20ms}\n");
        script_head(&s, ANSWER_STREAM);
        live->hold_next = true;
        script_say(&s, "{\"n\":1}");
        script_say(&s, "{\"n\":2}");
        bool ended = way == 3; /* the source has said its last word */
        if (ended) script_end(&s);
        if (way == 0) exchange_cancel(a.x);
        if (way == 1) exchange_env_fail_all(&w->env, ERR_DRAINING);
        world_until_over(w, &a);
        assert_int_equal(s.cancelled, !ended);
        assert_said(&a, way == 0 ? "head 200|piece {\"n\":1}|done"
                                 : "head 200|piece {\"n\":1}|abort|done");
        static const error_id errors[] = {ERR_CLIENT_GONE, ERR_DRAINING, ERR_TOTAL_TIMEOUT,
                                          ERR_TOTAL_TIMEOUT};
        assert_int_equal(a.error, errors[way]);
        assert_int_equal(seen.dones, 1);
        asked_done(&a);
        world_free(w);
    }
}

/* ---- ending ---- */

static void a_filter_breaks_the_answer_off(void **state) {
    (void)state;
    for (int after = 0; after < 2; after++) {
        world *w;
        asked a;
        script s;
        begin_probed(&w, &a, &s, "");
        script_head(&s, after ? ANSWER_STREAM : ANSWER_PLAIN);
        if (after) script_say(&s, "{\"n\":1}");
        live->break_next = true;
        if (after)
            script_say(&s, "{\"n\":2}");
        else
            script_say_plain(&s, "{\"n\":2}");
        assert_true(s.cancelled);
        script_forget(&s);
        world_turn(w);
        assert_said(&a, after ? "head 200|piece {\"n\":1}|abort|done"
                              : "answer 403 {\"error\":{\"message\":\"Broken "
                                "off.\",\"type\":\"invalid_request_error\","
                                "\"param\":null,\"code\":\"forbidden\"}}|done");
        assert_int_equal(a.error, ERR_FORBIDDEN);
        assert_int_equal(seen.fails, 0); /* it is those behind that are told */
        assert_int_equal(seen.dones, 1);
        asked_done(&a);
        world_free(w);
    }
}

/* A filter that keeps the last word to itself, for whatever it wants to find out: the deadline
 * passes it. */
static void a_last_word_is_not_kept_for_ever(void **state) {
    (void)state;
    for (int way = 0; way < 3; way++) {
        world *w;
        asked a;
        script s;
        begin_probed(&w, &a, &s, "timeouts: {total: 30s}\n");
        live->keeps_end = way == 0;
        live->keeps_failure = way > 0;
        if (way < 2) script_head(&s, ANSWER_STREAM);
        if (way == 0) script_end(&s);
        if (way == 1) script_fail(&s, ERR_STREAM_CUT);
        if (way == 2) { /* the process ends; the filter is told twice */
            exchange_env_fail_all(&w->env, ERR_DRAINING);
            assert_true(s.cancelled);
            exchange_watch_deadline(a.x); /* as whoever keeps it must */
        }
        world_pass(w, 30 * 1000);
        assert_said(&a, way < 2 ? "head 200" : "");
        world_pass(w, 1);
        assert_null(a.x);
        static const error_id errors[] = {ERR_TOTAL_TIMEOUT, ERR_STREAM_CUT, ERR_DRAINING};
        assert_int_equal(a.error, errors[way]);
        if (way < 2)
            assert_said(&a, "head 200|abort|done");
        else
            assert_int_equal(a.status, 503);
        asked_done(&a);
        world_free(w);
    }
}

/* A filter behind the one that breaks may hold: nothing comes meanwhile. */
static probe *outer;

static void outer_add(exchange *x) {
    static const filter_ops ops = {.name = "outer",
                                   .place = PLACE_GUARD,
                                   .holds = true,
                                   .begin = probe_begin,
                                   .head = probe_head,
                                   .event = probe_event,
                                   .end = probe_end,
                                   .fail = probe_fail,
                                   .done = filter_pass_done};
    outer = arena_zalloc(&x->arena, sizeof *outer);
    filter_add(x, &outer->filter, &ops);
}

static void a_break_waits_for_those_that_hold(void **state) {
    (void)state;
    static filter_add_fn *const filters[] = {probe_add, outer_add};
    static const exchange_plan plan = {plain_rows, ARRAY_LEN(plain_rows), filters,
                                       ARRAY_LEN(filters)};
    world *w = world_new(&plan, "");
    asked a;
    script s;
    exchange_request r = world_request(&form_direct, ASK_STREAM);
    ask(w, &a, &s, &r);
    assert_ptr_equal(live->filter.next, &outer->filter); /* who comes later stands behind */
    script_head(&s, ANSWER_STREAM);
    filter_hold(&outer->filter);
    live->hold_next = true;
    script_say(&s, "{\"n\":1}");
    script_say(&s, "{\"n\":2}");
    script_say(&s, "{\"n\":3}");
    live->break_next = true;
    filter_release(&live->filter);
    assert_true(s.cancelled);
    assert_int_equal(live->events, 2); /* the third is dropped */
    assert_said(&a, "head 200");
    filter_release(&outer->filter);
    world_turn(w);
    assert_said(&a, "head 200|piece {\"n\":1}|abort|done");
    assert_int_equal(a.error, ERR_FORBIDDEN);
    asked_done(&a);
    world_free(w);
}

/* One behind it keeps the failure without holding: the deadline is left to it. */
static void a_break_is_not_kept_for_ever(void **state) {
    (void)state;
    static filter_add_fn *const filters[] = {probe_add, outer_add};
    static const exchange_plan plan = {plain_rows, ARRAY_LEN(plain_rows), filters,
                                       ARRAY_LEN(filters)};
    world *w = world_new(&plan, "timeouts: {total: 30s}\nserver: {keep_alive_comment: off}\n");
    asked a;
    script s;
    exchange_request r = world_request(&form_openai, ASK_STREAM);
    ask(w, &a, &s, &r);
    script_head(&s, ANSWER_STREAM);
    live->break_next = outer->keeps_failure = true;
    script_say(&s, "{\"n\":1}");
    world_pass(w, 30 * 1000);
    assert_said(&a, "head 200");
    world_pass(w, 1);
    assert_null(a.x);
    assert_int_equal(a.error, ERR_FORBIDDEN); /* is why, and not that it took so long */
    asked_done(&a);
    world_free(w);
}

static void a_client_that_leaves_from_inside_a_piece_hears_no_more(void **state) {
    (void)state;
    world *w;
    asked a;
    script s;
    begin_probed(&w, &a, &s, "");
    a.leave_at = 2;
    script_head(&s, ANSWER_STREAM);
    live->hold_next = true;
    script_say(&s, "{\"n\":1}");
    script_say(&s, "{\"n\":2}");
    script_say(&s, "{\"n\":3}");
    filter_release(&live->filter);
    assert_true(s.cancelled);
    world_turn(w);
    assert_said(&a, "head 200|piece {\"n\":1}|piece {\"n\":2}|done");
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
        cmocka_unit_test(what_comes_while_a_filter_holds_waits),
        cmocka_unit_test(a_filter_that_holds_and_releases_at_each_event_is_fed_on),
        cmocka_unit_test(nothing_is_held_before_there_is_an_answer),
        cmocka_unit_test(a_plain_answer_that_waits_outlives_its_source),
        cmocka_unit_test(a_plain_answer_whose_end_waits_outlives_its_source),
        cmocka_unit_test(the_source_waits_for_the_last_that_holds),
        cmocka_unit_test(who_has_had_the_end_is_not_failed),
        cmocka_unit_test(what_is_made_is_given_back_whatever_comes),
        cmocka_unit_test(what_is_made_of_late_events_is_given_back),
        cmocka_unit_test(a_comment_tells_nothing_of_a_head_that_waits),
        cmocka_unit_test(a_head_waits_too),
        cmocka_unit_test(a_failure_comes_behind_what_waits),
        cmocka_unit_test(pauses_have_reasons),
        cmocka_unit_test(a_hold_ends_with_its_exchange),
        cmocka_unit_test(a_filter_breaks_the_answer_off),
        cmocka_unit_test(a_last_word_is_not_kept_for_ever),
        cmocka_unit_test(a_break_waits_for_those_that_hold),
        cmocka_unit_test(a_break_is_not_kept_for_ever),
        cmocka_unit_test(a_client_that_leaves_from_inside_a_piece_hears_no_more),
        cmocka_unit_test(events_take_no_memory_of_the_exchange),
        cmocka_unit_test(a_long_finish_reason_is_cut_between_characters),
    };
    return run_watched(tests);
}
