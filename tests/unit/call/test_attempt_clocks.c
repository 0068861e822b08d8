/* How long one attempt waits, in each of its states. */
#include "attempt_rows.h"

/* ---- clocks ---- */

static void clocks(void **state) {
    (void)state;
#define SHORT "timeouts: {first_token: 100ms, between_events: 200ms}\n"
    static const row rows[] = {
        {.name = "the first token's runs from the start",
         .options = SHORT,
         .script = "wait 60|200 stream|role|wait 60|say Hi",
         .heard = "stream 200; -; silent first_token_timeout 504",
         .took_ms = 101,
         .text = "No token came from a within timeouts.first_token (100 ms)."},
        {.name = "of events under another type",
         .options = SHORT,
         .script = "wait 60|200|bytes : \\n\\n|role|wait 60|say Hi",
         .heard = "stream 200; -; silent first_token_timeout 504",
         .took_ms = 101},
        {.name = "a document under its own type has none",
         .options = SHORT,
         .script = "200|bytes {\"choices\":|wait 150|bytes [{\"message\":{\"content\":\"Hi\"},"
                   "\"finish_reason\":\"stop\"}]}|end",
         .heard = "stream 200; Hi; .stop; end"},
        {.name = "also before the head",
         .options = SHORT,
         .script = "wait 900|200 stream",
         .heard = "silent first_token_timeout 504",
         .took_ms = 101},
        {.name = "not for plain answers",
         .options = SHORT,
         .script = "200|wait 150|bytes " HI "|end",
         .heard = "stream 200; Hi; -; end"},
        {.name = "nor for refusals",
         .options = SHORT,
         .script = "400|wait 150|bytes {\"error\":\"late\"}|end",
         .heard = "request provider_error 400 {\"error\":{\"message\":\"The provider answered with "
                  "status 400: late\",\"type\":\"invalid_request_error\",\"param\":null,\"code\":"
                  "\"provider_error\"}}"},
        {.name = "events may be that far apart, comments, half lines and nonsense do not count",
         .options = SHORT,
         .script = "200 stream|say Hi|wait 150|say Ho|wait 150|bytes : c\\n\\n|wait 20|"
                   "bytes data: {|wait 20|bytes x\\n\\n|wait 900|say late",
         .heard = "stream 200; Hi; Ho; silent stream_stalled 504",
         .took_ms = 352,
         .text = "No event came from a within timeouts.between_events (200 ms)."},
        {.name = "a finish starts it too, where another choice has begun",
         .options = SHORT,
         .script = "200 stream|event {\"choices\":[{\"index\":1,\"delta\":{\"content\":\"Ho\"}},"
                   "{\"index\":0,\"finish_reason\":\"stop\"}]}|wait 900",
         .heard = "stream 200; Ho.stop; silent stream_stalled 504"},
        {.name = "cancelled in a stream",
         .options = SHORT,
         .script = "200 stream|say Hi",
         .cancel_ms = 50,
         .heard = "stream 200; Hi"},
        {.name = "before its head",
         .options = SHORT,
         .script = "wait 90|200 stream",
         .cancel_ms = 50,
         .heard = ""},
        {.name = "in a refusal",
         .options = SHORT,
         .script = "500|bytes {",
         .cancel_ms = 50,
         .heard = ""},
        {.name = "in a plain body",
         .plain = true,
         .options = SHORT,
         .script = "200|bytes {",
         .cancel_ms = 50,
         .heard = "plain 200"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        plays(&rows[i]);
}

/* What a response says before it says anything to a user: work that has begun is no silence. */
static void signs_of_life(void **state) {
    (void)state;
#define CREATED     "event {\"type\":\"response.created\",\"response\":{}}"
#define IN_PROGRESS "event {\"type\":\"response.in_progress\",\"response\":{}}"
#define SEARCHES    "event {\"type\":\"response.web_search_call.searching\"}"
#define KEEPS_ALIVE "event {\"type\":\"keepalive\"}"
#define COMPLETED   "event {\"type\":\"response.completed\",\"response\":{}}"
    static const row rows[] = {
        {.name = "to be taken on is no sign",
         .endpoint = EP_RESPONSES,
         .options = SHORT,
         .script = "200 stream|" CREATED "|wait 60|" IN_PROGRESS "|" KEEPS_ALIVE "|wait 60",
         .heard = "stream 200; -; -; -; silent first_token_timeout 504",
         .took_ms = 101},
        {.name = "a search is one",
         .endpoint = EP_RESPONSES,
         .options = SHORT,
         .script = "200 stream|" CREATED "|wait 60|" SEARCHES "|wait 180|" SEARCHES
                   "|wait 180|" COMPLETED "|end",
         .heard = "stream 200; -; -; -; -; end"},
        {.name = "and then none may be late",
         .endpoint = EP_RESPONSES,
         .options = SHORT,
         .script = "200 stream|" CREATED "|wait 60|" SEARCHES "|wait 900",
         .heard = "stream 200; -; -; silent stream_stalled 504",
         .took_ms = 262},
        {.name = "in the background to be taken on is all there is to wait for",
         .endpoint = EP_RESPONSES,
         .background = true,
         .options = SHORT,
         .script = "200 stream|" CREATED "|wait 150|" IN_PROGRESS "|wait 150|" COMPLETED "|end",
         .heard = "stream 200; -; -; -; end"},
        {.name = "what fails after that is told as it is",
         .endpoint = EP_RESPONSES,
         .script =
             "200 stream|" SEARCHES "|event {\"type\":\"response.failed\",\"response\":{}}|end",
         .heard = "stream 200; -; failed; end"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        plays(&rows[i]);
}

/* A request that has not left is nobody's work yet. */
static void it_is_told_whether_the_request_had_left(void **state) {
    (void)state;
    static const struct {
        row row;
        bool sent;
    } cases[] = {
        {{.script = "mute", .heard = "silent first_byte_timeout 504"}, true},
        {{.script = "200 stream|idle", .heard = "stream 200; silent stream_stalled 504"}, true},
        {{.options = SHORT,
          .script = "200 stream",
          .heard = "stream 200; silent first_token_timeout 504"},
         true},
        {{.options = SHORT,
          .script = "200 stream|say Hi",
          .heard = "stream 200; Hi; silent stream_stalled 504"},
         true},
        {{.script = "unconnected", .heard = "silent connect_timeout 504"}, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        owner o;
        const request_facts facts = facts_for(&cases[i].row);
        owner_start(&o, &cases[i].row, &facts);
        world_run_until(&o.w, o.w.began_ms + 120 * 1000);
        assert_string_equal(buf_cstr(&o.heard), cases[i].row.heard);
        assert_int_equal(o.last.sent, cases[i].sent);
        owner_done(&o);
    }
    owner o;
    const row unsent = {.options = "timeouts: {first_token: 1ms}\n", .script = ""};
    const request_facts facts = facts_for(&unsent);
    owner_start(&o, &unsent, &facts);
    http_call *h = LIST_ENTRY(o.w.calls.next, http_call, link);
    timer_stop(&o.w.loop.timers, &h->timer); /* no connection comes */
    world_run_until(&o.w, o.w.began_ms + 120 * 1000);
    assert_string_equal(buf_cstr(&o.heard), "silent first_token_timeout 504");
    assert_false(o.last.sent);
    owner_done(&o);
}

/* What is in force for the target rules, and whose word it is, is told. */
static void deadlines_of_providers_and_models(void **state) {
    (void)state;
    static const struct {
        config_timeouts provider, model, rules;
        const char *script, *text;
        int64_t took_ms;
    } cases[] = {
        {.provider = {.first_token_ms = 200},
         .rules = {.first_token_ms = 200},
         .script = "200 stream",
         .text = "No token came from a within providers.a.timeouts.first_token (200 ms).",
         .took_ms = 201},
        {.provider = {.first_token_ms = 200},
         .model = {.first_token_ms = 2000},
         .rules = {.first_token_ms = 2000},
         .script = "200 stream",
         .text = "No token came from a within models.*.timeouts.first_token (2 s).",
         .took_ms = 2001},
        {.model = {.between_events_ms = 250},
         .rules = {.first_token_ms = 100, .between_events_ms = 250},
         .script = "200 stream|say Hi|wait 240|say Ho",
         .text = "No event came from a within models.*.timeouts.between_events (250 ms).",
         .took_ms = 492},
        {.provider = {.between_events_ms = 90},
         .rules = {.first_token_ms = 100, .between_events_ms = 90},
         .script = "200 stream|idle",
         .text = "The provider stopped sending in the middle of its answer. (a: as told, as "
                 "providers.a.timeouts.between_events says)"},
        {.provider = {.first_byte_ms = 90},
         .model = {.first_byte_ms = 80},
         .rules = {.first_token_ms = 100, .first_byte_ms = 80},
         .script = "mute",
         .text = "The provider did not begin to answer in time. (a: as told, as "
                 "models.*.timeouts.first_byte says)"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        owner o = {.w = {.scripts = {{cases[i].script}}}};
        world_init(&o.w, "");
        config *c = o.w.config;
        c->providers[0].timeouts = cases[i].provider;
        c->models[0].timeouts = cases[i].model;
        c->models[0].targets[0].timeouts = cases[i].rules;
        const request_facts facts = facts_for(&(row){.script = ""});
        owner_ask(&o, &facts, &ops);
        world_run_until(&o.w, o.w.began_ms + 120 * 1000);
        assert_span(o.last.text, cases[i].text);
        if (cases[i].took_ms) assert_int_equal(o.ended_ms, cases[i].took_ms);
        owner_done(&o);
    }
}

/* An event is its hearer's until he returns, also where he has cancelled: under ASan. */
static void an_event_outlives_a_cancel_from_inside(void **state) {
    (void)state;
    static const row rows[] = {
        {.script = "200 stream|bytes data: {\"choices\":[{\"delta\":{\"content\":\"H|"
                   "bytes i\"}}]}\n\n|say late",
         .heard = "stream 200; Hi"},
        {.script = "200 stream|say sk-provider-a|say late", .heard = "stream 200; [redacted]"},
        {.plain = true, .script = "200|bytes " HI "|end", .heard = "plain 200; Hi"},
        {.endpoint = EP_OTHER,
         .script = "200 raw|bytes sk-p|bytes x|bytes late",
         .heard = "raw 200; sk-px"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        owner o;
        const request_facts facts = facts_for(&rows[i]);
        owner_start(&o, &rows[i], &facts);
        o.leaves = true;
        world_run_until(&o.w, o.w.began_ms + 100);
        assert_string_equal(buf_cstr(&o.heard), rows[i].heard);
        owner_done(&o);
    }
}

/* ---- what is gathered must come on ---- */

static void what_drips(void **state) {
    (void)state;
#define PACE(rate)                                                                                 \
    "timeouts: {first_token: 100ms, first_byte: 1s, between_events: 200ms}\n"                      \
    "limits: {answer_rate: " rate "}\n"
#define PACED PACE("1KB")
#define DRIP  "wait 50|bytes x|wait 50|bytes x|wait 50|bytes x|wait 50|bytes x|"
#define SLOW  "silent stream_stalled 504"
    static const row rows[] = {
        {.name = "a document",
         .plain = true,
         .options = PACED,
         .script = "200|bytes {|" DRIP DRIP "end",
         .heard = "plain 200; " SLOW,
         .took_ms = 202,
         .text = "The answer of a came with less than limits.answer_rate (1024 bytes a second) "
                 "over timeouts.between_events (200 ms)."},
        {.name = "a document where a stream was asked for",
         .options = PACED,
         .script = "200|bytes {|" DRIP DRIP "end",
         .heard = "stream 200; " SLOW,
         .took_ms = 202},
        {.name = "of a path that is passed through",
         .endpoint = EP_OTHER,
         .options = PACED,
         .script = "200|bytes {|" DRIP DRIP "end",
         .heard = "plain 200; " SLOW,
         .took_ms = 202},
        {.name = "complete within the first window",
         .plain = true,
         .options = PACED,
         .script = "200|wait 900|bytes {\"choices\":[{\"message\":{|wait 190|"
                   "bytes \"content\":\"Hi\"}}]}|end",
         .heard = "plain 200; Hi; end " HI},
        {.name = "any pace is taken",
         .plain = true,
         .options = PACE("off"),
         .script = "200|bytes {|" DRIP DRIP "bytes }|wait 900",
         .heard = "plain 200; " SLOW,
         .took_ms = 602,
         .text = "No byte came from a within timeouts.between_events (200 ms)."},
        {.name = "pieces of what nobody reads",
         .endpoint = EP_OTHER,
         .options = PACED,
         .script = "200 raw|" DRIP DRIP "end",
         .heard = "raw 200; x; x; x; x; x; x; x; x; end"},
        {.name = "blanks alone",
         .plain = true,
         .options = PACED,
         .script = "200|bytes \\n|wait 150|bytes \\n|wait 600|bytes \\n|wait 600|bytes " HI "|end",
         .heard = "plain 200; silent first_byte_timeout 504",
         .took_ms = 1002,
         .text = "No answer came from a within timeouts.first_byte (1 s)."},
        {.name = "blanks, and an answer in time",
         .plain = true,
         .options = PACED,
         .script = "200|bytes \\n|wait 400|bytes \\n|wait 500|bytes " HI "|end",
         .heard = "plain 200; Hi; end \n\n" HI},
        {.name = "a refusal: what is there says enough",
         .plain = true,
         .options = PACED,
         .script = "503|bytes {\"err|wait 4000|bytes or|wait 4000|bytes \"|wait 4000|bytes :1}|end",
         .heard = "overload provider_error 503 {\"error\":{\"message\":\"The provider answered "
                  "with status 503: {\\\"error\\\"\",\"type\":\"server_error\",\"param\":null,"
                  "\"code\":\"provider_error\"}}",
         .took_ms = 10002},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        plays(&rows[i]);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(clocks),
        cmocka_unit_test(signs_of_life),
        cmocka_unit_test(it_is_told_whether_the_request_had_left),
        cmocka_unit_test(deadlines_of_providers_and_models),
        cmocka_unit_test(an_event_outlives_a_cancel_from_inside),
        cmocka_unit_test(what_drips),
    };
    return run_watched(tests);
}
