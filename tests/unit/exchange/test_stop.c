/* A filter that ends an answer before its source does: what the client gets in its place, and that
 * nothing comes afterwards. */
#include "exchange/world.h"

#define REASON SPAN_OF("content_filter")

/* ---- filters: one that stops, one behind it that holds, one before it that says all twice ---- */

typedef struct stopper {
    filter filter;
    answer_event *last; /* a copy of what was passed on last */
    bool stop_next, hold_next;
} stopper;

typedef struct keeper {
    filter filter;
    bool hold_next, keeps_end;
} keeper;

static stopper *stops; /* of the exchange that runs */
static keeper *keeps;
static struct { unsigned events, fails, ends_behind, fails_behind; } seen; /* by those two */
static bool echoes; /* the next exchange has one that says all twice */

static void stopper_event(filter *f, const answer_event *event) {
    stopper *s = CONTAINER_OF(f, stopper, filter);
    seen.events++;
    if (s->stop_next) {
        filter_stop(f, event, REASON);
        filter_stop(f, event, REASON); /* it has ended */
        return;
    }
    answer_free(s->last);
    s->last = answer_copy(event);
    filter_pass_event(f, event);
    if (s->hold_next) filter_hold(f);
}

static void stopper_fail(filter *f) {
    seen.fails++;
    filter_pass_fail(f);
}

static void stopper_done(filter *f) {
    answer_free(CONTAINER_OF(f, stopper, filter)->last);
    filter_pass_done(f);
}

static void keeper_event(filter *f, const answer_event *event) {
    keeper *k = CONTAINER_OF(f, keeper, filter);
    if (k->hold_next) filter_hold(f);
    k->hold_next = false;
    filter_pass_event(f, event);
}

static void keeper_end(filter *f) {
    seen.ends_behind++;
    if (!CONTAINER_OF(f, keeper, filter)->keeps_end) filter_pass_end(f);
}

static void keeper_fail(filter *f) {
    seen.fails_behind++;
    filter_pass_fail(f);
}

static void echo_event(filter *f, const answer_event *event) {
    filter_pass_event(f, event);
    filter_pass_event(f, event);
}

#define PASSED .begin = filter_pass_begin, .head = filter_pass_head

static stage_result stage_put_up(exchange *x) {
    static const filter_ops stopper_ops = {.name = "stopper",
                                           .place = PLACE_GUARD,
                                           .holds = HOLDS_ANY,
                                           .want = WANT_PARTS | WANT_ENVELOPE,
                                           PASSED,
                                           .event = stopper_event,
                                           .end = filter_pass_end,
                                           .fail = stopper_fail,
                                           .done = stopper_done};
    static const filter_ops keeper_ops = {.name = "keeper",
                                          .place = PLACE_CACHE,
                                          .holds = HOLDS_ANY,
                                          PASSED,
                                          .event = keeper_event,
                                          .end = keeper_end,
                                          .fail = keeper_fail,
                                          .done = filter_pass_done};
    static const filter_ops echo_ops = {.name = "echo",
                                        .place = PLACE_METER,
                                        PASSED,
                                        .event = echo_event,
                                        .end = filter_pass_end,
                                        .fail = filter_pass_fail,
                                        .done = filter_pass_done};
    stops = arena_zalloc(&x->arena, sizeof *stops);
    keeps = arena_zalloc(&x->arena, sizeof *keeps);
    filter_add(x, &stops->filter, &stopper_ops);
    filter_add(x, &keeps->filter, &keeper_ops);
    if (echoes) filter_add(x, arena_alloc(&x->arena, sizeof(filter)), &echo_ops);
    echoes = false;
    memset(&seen, 0, sizeof seen);
    return STAGE_NEXT;
}

static const stage_row rows[] = {{"put_up", stage_put_up, NULL, 0},
                                 {"parse", stage_parse, NULL, 0},
                                 {"script", stage_script, NULL, 0},
                                 {"settle", stage_settle, NULL, STAGE_ALWAYS}};
static filter_add_fn *const usual[] = {filter_meter_add, filter_usage_add};
static const exchange_plan plan = {rows, ARRAY_LEN(rows), usual, ARRAY_LEN(usual)};

/* ---- what comes in place of the rest ---- */

#define ASK(more) "{\"model\":\"m\",\"stream\":true" more ",\"messages\":[{}]}"
#define USAGE     ",\"stream_options\":{\"include_usage\":true}"

#define CHUNK(choice, members)                                                                     \
    "{\"id\":\"i\",\"created\":7,\"model\":\"n\",\"choices\":[{\"index\":" #choice "," members "}" \
    "]"                                                                                            \
    "}"
#define SAYS(choice)     CHUNK(choice, "\"delta\":{\"content\":\"a\"}")
#define FINISHES(choice) CHUNK(choice, "\"delta\":{},\"finish_reason\":\"stop\"")
#define TOLD                                                                                       \
    "{\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":6,\"total_tokens\":11}}"

/* One choice finishes, and the other goes on. */
#define BOTH                                                                                       \
    "{\"id\":\"i\",\"created\":7,\"model\":\"n\",\"choices\":[{\"index\":0,\"delta\":{},"          \
    "\"finish_reason\":\"stop\"},{\"index\":1,\"delta\":{\"content\":\"a\"}}]}"

#define OUT(line) "|piece data: " line "\n\n"
#define MADE(choice)                                                                               \
    OUT("{\"id\":\"i\",\"object\":\"chat.completion.chunk\",\"created\":7,\"model\":\"n\","        \
        "\"choices\":[{\"index\":" #choice                                                         \
        ",\"delta\":{},\"finish_reason\":\"content_filter\"}]}")
#define MADE_USAGE(object, prompt, completion, total)                                              \
    OUT("{\"id\":\"i\",\"object\":\"" object "\",\"created\":7,\"model\":\"n\",\"choices\":[],"    \
        "\"usage\":{\"prompt_tokens\":" #prompt ",\"completion_tokens\":" #completion              \
        ",\"total_tokens\":" #total "}}")
#define DONE OUT("[DONE]") "|end|done"

#define RESPONSE(type, number, members)                                                            \
    "{\"type\":\"" type "\",\"sequence_number\":" #number "," members "}"
#define DELTA(number) RESPONSE("response.output_text.delta", number, "\"delta\":\"a\"")
#define CREATED                                                                                    \
    RESPONSE("response.created", 2, "\"response\":{\"id\":\"r\",\"created_at\":7,\"model\":\"n\"}")
#define RESPONSE_USED                                                                              \
    "\"usage\":{\"input_tokens\":8,\"input_tokens_details\":{\"cached_tokens\":0},\"output_"       \
    "tokens\":1,\"output_tokens_details\":{\"reasoning_tokens\":0},\"total_tokens\":9}"

typedef struct stop_row {
    endpoint endpoint;
    const char *path, *body;
    const char *lines[4]; /* of which the last is stopped at */
    const char *said;     /* behind the head */
    int prompt, completion;
    const char *reason;
} stop_row;

#define CHAT EP_CHAT_COMPLETIONS, "/chat/completions"

static const stop_row stop_rows[] = {
    /* A message that says nothing is what a chat's form takes; two pieces of a word are one. */
    {CHAT, ASK(""), {SAYS(0), SAYS(0)}, OUT(SAYS(0)) MADE(0) DONE, 7, 1, "content_filter"},
    {CHAT,
     ASK(USAGE),
     {SAYS(0), SAYS(0)},
     OUT(SAYS(0)) MADE(0) MADE_USAGE("chat.completion.chunk", 7, 1, 8) DONE,
     7,
     1,
     "content_filter"},
    /* Of two choices one has finished; the provider's word for that one is not the last. */
    {CHAT,
     ASK(",\"n\":2"),
     {SAYS(1), FINISHES(1), SAYS(0)},
     OUT(SAYS(1)) OUT(FINISHES(1)) MADE(0) DONE,
     7,
     2,
     "content_filter"},
    {CHAT, ASK(",\"n\":2"), {SAYS(1)}, MADE(0) MADE(1) DONE, 7, 1, "content_filter"},
    {CHAT, ASK(",\"n\":2"), {BOTH, SAYS(1)}, OUT(BOTH) MADE(1) DONE, 7, 1, "content_filter"},
    /* What is stopped at has not been passed on, though the meter has seen it. */
    {CHAT, ASK(""), {FINISHES(0)}, MADE(0) DONE, 7, 0, "content_filter"},
    {CHAT,
     ASK(""),
     {SAYS(0), FINISHES(0), SAYS(0)},
     OUT(SAYS(0)) OUT(FINISHES(0)) DONE,
     7,
     1,
     "stop"},
    /* What the provider has told is not estimated, but what follows is; a chunk of it comes once.
     */
    {CHAT,
     ASK(USAGE),
     {SAYS(0), TOLD, SAYS(0)},
     OUT(SAYS(0)) OUT(TOLD) MADE(0) DONE,
     5,
     7,
     "content_filter"},
    {CHAT,
     ASK(USAGE),
     {SAYS(0), TOLD},
     OUT(SAYS(0)) OUT(
         "{\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{},"
         "\"finish_reason\":\"content_filter\"}]}")
         OUT("{\"object\":\"chat.completion.chunk\",\"choices\":[],\"usage\":{\"prompt_tokens\":5,"
             "\"completion_tokens\":6,\"total_tokens\":11}}") DONE,
     5,
     6,
     "content_filter"},
    {EP_COMPLETIONS,
     "/completions",
     ASK(USAGE),
     {CHUNK(0, "\"text\":\"a\""), CHUNK(0, "\"text\":\"b\"")},
     OUT(CHUNK(0, "\"text\":\"a\"")) OUT(
         "{\"id\":\"i\",\"object\":\"text_completion\",\"created\":7,\"model\":\"n\",\"choices\":[{"
         "\"index\":0,\"text\":\"\",\"finish_reason\":\"content_filter\"}]}")
         MADE_USAGE("text_completion", 0, 1, 1) DONE,
     0,
     1,
     "content_filter"},
    /* A response ends as a whole, and tells no usage apart from that; it is the one that began. */
    {EP_RESPONSES,
     "/responses",
     "{\"model\":\"m\",\"stream\":true,\"input\":\"x\"}",
     {DELTA(3), DELTA(4)},
     OUT(DELTA(3)) "|piece event: response.incomplete\ndata: "
                   "{\"type\":\"response.incomplete\",\"sequence_number\":5,\"response\":{"
                   "\"object\":\"response\",\"status\":\"incomplete\",\"incomplete_details\":{"
                   "\"reason\":\"content_filter\"},\"output\":[]," RESPONSE_USED "}}\n\n|end|done",
     8,
     1,
     "content_filter"},
    {EP_RESPONSES,
     "/responses",
     "{\"model\":\"m\",\"stream\":true,\"input\":\"x\"}",
     {CREATED, DELTA(3), DELTA(4)},
     OUT(CREATED)
         OUT(DELTA(3)) "|piece event: response.incomplete\ndata: "
                       "{\"type\":\"response.incomplete\",\"sequence_number\":5,\"response\":{"
                       "\"id\":\"r\",\"object\":\"response\",\"created_at\":7,\"status\":"
                       "\"incomplete\",\"incomplete_details\":{"
                       "\"reason\":\"content_filter\"},\"model\":\"n\",\"output\":[]," RESPONSE_USED
                       "}}\n\n|end|done",
     8,
     1,
     "content_filter"},
    {EP_RESPONSES,
     "/responses",
     "{\"model\":\"m\",\"stream\":true,\"input\":\"x\"}",
     {RESPONSE("response.completed", 3, "\"response\":{}"), DELTA(4)},
     OUT(RESPONSE("response.completed", 3, "\"response\":{}")) "|end|done",
     8,
     1,
     "stop"},
};

static void check_stop(const stop_row *row) {
    world *w = world_new(&plan, "");
    asked a;
    script s;
    buf expected = BUF_EMPTY;
    exchange_request r = world_request(&form_openai, row->body);
    r.endpoint = row->endpoint;
    r.path = span_cstr(row->path);
    ask(w, &a, &s, &r);
    script_head(&s, ANSWER_STREAM);
    for (size_t i = 0; i < ARRAY_LEN(row->lines) && row->lines[i]; i++) {
        bool last = i + 1 == ARRAY_LEN(row->lines) || !row->lines[i + 1];
        assert_false(s.cancelled);
        stops->stop_next = last;
        script_say(&s, row->lines[i]);
    }
    assert_true(s.cancelled);
    world_turn(w);
    buf_addf(&expected, "head 200%s", row->said);
    assert_said(&a, buf_cstr(&expected));
    buf_done(&expected);
    assert_int_equal(a.error, ERR_NONE);
    assert_int_equal(a.record.status, 200);
    assert_string_equal(a.reason, row->reason);
    assert_int_equal(a.record.usage.prompt, row->prompt);
    assert_int_equal(a.record.usage.completion, row->completion);
    assert_int_equal(a.record.usage.estimated, row->prompt != 5 || row->completion != 6);
    asked_done(&a);
    world_free(w);
}

static void a_stream_is_ended_as_its_provider_would(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(stop_rows); i++)
        check_stop(&stop_rows[i]);
}

/* What is made is read like what came: other forms understand it. */
static void other_forms_understand_it(void **state) {
    (void)state;
    world *w = world_new(&plan, "");
    asked a;
    script s;
    exchange_request r = world_request(&form_chat, "{\"message\":\"hi\",\"stream\":true}");
    ask(w, &a, &s, &r);
    script_head(&s, ANSWER_STREAM);
    script_say(&s, SAYS(0));
    stops->stop_next = true;
    script_say(&s, SAYS(0));
    world_turn(w);
    assert_true(
        span_starts(buf_span(&a.said),
                    SPAN_OF("head 200" OUT("{\"delta\":\"a\"}") "|piece data: {\"done\":true,")));
    assert_true(span_ends(buf_span(&a.said), SPAN_OF("\n\n|end|done")));
    assert_string_equal(a.reason, "content_filter");
    asked_done(&a);
    world_free(w);
}

static void hear_parts(void *user, const answer_event *event) {
    asked *a = user;
    buf line = BUF_EMPTY;
    assert_true(event->envelope != NULL);
    buf_addf(&line, "%u %.*s", event->sorts, SPAN_ARG(event->finish_reason));
    for (size_t i = 0; i < event->part_count; i++)
        buf_addf(&line, " %d:%u %.*s", (int)event->parts[i].kind, event->parts[i].choice,
                 SPAN_ARG(event->parts[i].value.raw));
    if (event->usage) buf_addf(&line, " %lld", (long long)event->usage->total);
    note(a, "event", buf_span(&line));
    buf_done(&line);
}

static void a_program_gets_its_parts(void **state) {
    (void)state;
    world *w = world_new(&plan, "");
    exchange_door door = world_door;
    asked a = {.x = NULL};
    script s;
    exchange_request r = world_request(&form_direct, ASK(USAGE));
    door.event = hear_parts;
    script_next = &s;
    a.x = exchange_start(&w->env, &r, &door, &a);
    script_head(&s, ANSWER_STREAM);
    stops->stop_next = true;
    script_say(&s, SAYS(0));
    world_turn(w);
    buf expected = BUF_EMPTY;
    buf_addf(&expected,
             "head 200|event %d content_filter %d:0 \"content_filter\"|event %d  8|end|done",
             EVENT_FINISH, PART_FINISH, EVENT_USAGE);
    assert_said(&a, buf_cstr(&expected));
    buf_done(&expected);
    asked_done(&a);
    world_free(w);
}

/* ---- nothing comes afterwards ---- */

static void begin(world **w, asked *a, script *s, const char *options) {
    *w = world_new(&plan, options);
    exchange_request r = world_request(&form_openai, ASK(""));
    ask(*w, a, s, &r);
    script_head(s, ANSWER_STREAM);
}

/* One before it is still at it when it stops; one behind it keeps the end back. */
static void what_is_said_behind_the_end_is_not_heard(void **state) {
    (void)state;
    world *w;
    asked a;
    script s;
    echoes = true;
    begin(&w, &a, &s, "");
    stops->stop_next = keeps->hold_next = true;
    script_say(&s, SAYS(0));
    assert_true(s.cancelled);
    assert_int_equal(seen.events, 1);
    filter_hold(&stops->filter); /* it has nothing to hold */
    assert_false(stops->filter.held);
    assert_said(&a, "head 200" MADE(0));
    assert_int_equal(seen.ends_behind, 0);
    filter_release(&keeps->filter);
    assert_int_equal(seen.ends_behind, 1);
    world_turn(w);
    assert_said(&a, "head 200" MADE(0) DONE);
    asked_done(&a);
    world_free(w);
}

/* The verdict comes later, from outside: what has waited for it is gone, a finish among it. */
static void a_stop_while_it_holds(void **state) {
    (void)state;
    world *w;
    asked a;
    script s;
    begin(&w, &a, &s, "");
    stops->hold_next = true;
    script_say(&s, SAYS(0));
    script_say(&s, SAYS(0));
    script_say(&s, FINISHES(0));
    script_end(&s);
    assert_int_equal(w->env.depth, 0);
    filter_stop(&stops->filter, stops->last, REASON);
    assert_int_equal(w->env.depth, 0);
    assert_false(s.cancelled); /* it had told all */
    world_turn(w);
    assert_said(&a, "head 200" OUT(SAYS(0)) MADE(0) DONE);
    assert_string_equal(a.reason, "content_filter");
    asked_done(&a);
    world_free(w);
}

static void a_client_that_leaves_at_the_end_hears_no_more(void **state) {
    (void)state;
    world *w;
    asked a;
    script s;
    begin(&w, &a, &s, "");
    a.leave_at = 1;
    stops->stop_next = true;
    script_say(&s, SAYS(0));
    world_turn(w);
    assert_said(&a, "head 200" MADE(0) "|done");
    assert_int_equal(a.error, ERR_CLIENT_GONE);
    asked_done(&a);
    world_free(w);
}

/* The end is kept back for ever: those behind hear of the deadline, the one that stopped does not.
 */
static void the_deadline_passes_a_filter_that_has_stopped(void **state) {
    (void)state;
    world *w;
    asked a;
    script s;
    begin(&w, &a, &s, "timeouts: {total: 20ms}\n");
    stops->stop_next = keeps->hold_next = true;
    script_say(&s, SAYS(0));
    world_until_over(w, &a);
    assert_int_equal(a.error, ERR_TOTAL_TIMEOUT);
    assert_int_equal(seen.fails, 0);
    assert_int_equal(seen.fails_behind, 1);
    assert_int_equal(seen.ends_behind, 0);
    asked_done(&a);
    world_free(w);
}

/* Or without holding. */
static void an_end_is_not_kept_for_ever(void **state) {
    (void)state;
    world *w;
    asked a;
    script s;
    begin(&w, &a, &s, "timeouts: {total: 30s}\n");
    stops->stop_next = keeps->keeps_end = true;
    script_say(&s, SAYS(0));
    assert_int_equal(seen.ends_behind, 1);
    world_pass(w, 30 * 1000);
    assert_non_null(a.x);
    world_pass(w, 1);
    assert_null(a.x);
    assert_int_equal(a.error, ERR_TOTAL_TIMEOUT);
    asked_done(&a);
    world_free(w);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_is_ended_as_its_provider_would),
        cmocka_unit_test(other_forms_understand_it),
        cmocka_unit_test(a_program_gets_its_parts),
        cmocka_unit_test(what_is_said_behind_the_end_is_not_heard),
        cmocka_unit_test(a_stop_while_it_holds),
        cmocka_unit_test(a_client_that_leaves_at_the_end_hears_no_more),
        cmocka_unit_test(the_deadline_passes_a_filter_that_has_stopped),
        cmocka_unit_test(an_end_is_not_kept_for_ever),
    };
    return run_watched(tests);
}
