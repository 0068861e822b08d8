/* The stages that decide at once: whose key it is, whether there is room, which model is meant. */
#include "exchange/world.h"

#include <unistd.h>

static const stage_row plan_rows[] = {{"identify", stage_identify, NULL, 0},
                                      {"admit", stage_admit, stage_admit_done, 0},
                                      {"parse", stage_parse, NULL, 0},
                                      {"route", stage_route, NULL, 0},
                                      {"script", stage_script, NULL, 0},
                                      {"settle", stage_settle, NULL, STAGE_ALWAYS},
                                      {"record", stage_record, NULL, STAGE_ALWAYS}};
static const exchange_plan plan = {plan_rows, ARRAY_LEN(plan_rows), NULL, 0};

/* ---- identify ---- */

#define CLIENTS                                                                                    \
    "clients: [{name: ci, key: sk-ci-0123456789, environment: staging}, "                          \
    "{name: dev, key: sk-dev-0123456789}]\n"

static void whose_key_it_is(void **state) {
    (void)state;
    static const struct {
        http_header headers[2];
        const char *client; /* NULL: refused, with these words */
        const char *says;
    } rows[] = {
        {{{SPAN("authorization"), SPAN("Bearer sk-ci-0123456789")}}, "ci", NULL},
        {{{SPAN("Authorization"), SPAN("bearer   sk-dev-0123456789 ")}}, "dev", NULL},
        {{{SPAN("api-key"), SPAN("sk-dev-0123456789")}}, "dev", NULL},
        {{{SPAN("x-api-key"), SPAN("sk-dev-0123456789")}}, "dev", NULL},
        {{{SPAN("X-Goog-Api-Key"), SPAN("sk-dev-0123456789")}}, "dev", NULL},
        {{{SPAN("AUTHORIZATION"), SPAN("BEARER sk-ci-0123456789")}}, "ci", NULL},
        /* of several the first that is known, in the order of Bearer, api-key, x-api-key,
         * x-goog-api-key, whatever theirs is */
        {{{SPAN("api-key"), SPAN("sk-ci-0123456789")},
          {SPAN("authorization"), SPAN("Bearer dummy")}},
         "ci",
         NULL},
        {{{SPAN("x-goog-api-key"), SPAN("sk-ci-0123456789")},
          {SPAN("x-api-key"), SPAN("sk-dev-0123456789")}},
         "dev",
         NULL},
        {{{SPAN("x-api-key"), SPAN("sk-ci-0123456789")},
          {SPAN("api-key"), SPAN("sk-dev-0123456789")}},
         "dev",
         NULL},
        {{{SPAN("api-key"), SPAN("sk-ci-0123456789")},
          {SPAN("authorization"), SPAN("Bearer sk-dev-0123456789")}},
         "dev",
         NULL},
        {{{SPAN("x-goog-api-key"), SPAN("wrong")}, {SPAN("x-api-key"), SPAN("also wrong")}},
         NULL,
         "The API key is not known to this gateway."},
        {{{SPAN("x-goog-api-key"), SPAN("")}, {SPAN("api-key"), SPAN("")}},
         NULL,
         "No API key was given. Send it as 'Authorization: Bearer KEY'."},
        {{{SPAN("api-key"), SPAN("wrong")},
          {SPAN("authorization"), SPAN("Bearer sk-ci-0123456789")}},
         "ci",
         NULL},
        {{{SPAN("x-api-key"), SPAN("wrong")}, {SPAN("api-key"), SPAN("sk-ci-0123456789")}},
         "ci",
         NULL},
        /* another scheme is no key; then one may come by itself */
        {{{SPAN("authorization"), SPAN("Basic eDp5")},
          {SPAN("x-api-key"), SPAN("sk-ci-0123456789")}},
         "ci",
         NULL},
        {{{SPAN("authorization"), SPAN("Bearer sk-ci-012345678")}},
         NULL,
         "The API key is not known to this gateway."},
        {{{SPAN("authorization"), SPAN("Bearer ")}},
         NULL,
         "No API key was given. Send it as 'Authorization: Bearer KEY'."},
        {{{SPAN("authorization"), SPAN("sk-ci-0123456789")}},
         NULL,
         "No API key was given. Send it as 'Authorization: Bearer KEY'."},
        {{{SPAN("accept"), SPAN("*/*")}},
         NULL,
         "No API key was given. Send it as 'Authorization: Bearer KEY'."},
    };
    world *w = world_new(&plan, CLIENTS);
    arena a;
    arena_init(&a, 0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const http_headers headers = {rows[i].headers, rows[i].headers[1].name.len ? 2 : 1};
        caller who = {NULL, NULL};
        weir_error error = {.id = ERR_NONE};
        bool known = exchange_identify(w->config, headers, SPAN_EMPTY, &a, &who, &error);
        assert_int_equal(known, rows[i].client != NULL);
        if (known) {
            assert_span(who.client->name, rows[i].client);
            assert_int_equal(error.id, ERR_NONE);
        } else {
            assert_null(who.client);
            assert_int_equal(error.id, ERR_UNAUTHENTICATED);
            assert_span(error.message, rows[i].says);
        }
    }
    arena_done(&a);
    world_free(w);
}

static void nobody_needs_a_key_where_none_are_configured(void **state) {
    (void)state;
    world *w = world_new(&plan, "");
    caller who = {(const config_client *)w, NULL};
    weir_error error;
    assert_true(
        exchange_identify(w->config, (http_headers){NULL, 0}, SPAN_EMPTY, NULL, &who, &error));
    assert_null(who.client);
    world_free(w);
}

/* The stage asks where the door has not. */
static void a_call_has_a_client_or_is_refused(void **state) {
    (void)state;
    static const http_header key = {SPAN("api-key"), SPAN("sk-ci-0123456789")};
    for (int known = 0; known < 2; known++) {
        world *w = world_new(&plan, CLIENTS);
        asked a;
        script s = {.x = NULL};
        exchange_request r = world_request(&form_openai, ASK_PLAIN);
        r.identified = false;
        r.headers = (http_headers){&key, known ? 1 : 0};
        ask(w, &a, &s, &r);
        assert_int_equal(s.x != NULL, known);
        if (known) {
            assert_span(a.x->record.client, "ci");
            assert_span(a.x->record.environment, "staging");
            exchange_cancel(a.x);
        }
        world_turn(w);
        assert_int_equal(a.error, known ? ERR_CLIENT_GONE : ERR_UNAUTHENTICATED);
        if (!known) assert_int_equal(a.status, 401);
        asked_done(&a);
        world_free(w);
    }
}

/* The door has asked already: its word counts, whatever the headers hold. */
static void the_doors_word_counts(void **state) {
    (void)state;
    world *w = world_new(&plan, CLIENTS);
    asked a;
    script s;
    exchange_request r = world_request(&form_openai, ASK_PLAIN);
    r.caller.client = &w->config->clients[1];
    ask(w, &a, &s, &r);
    assert_span(a.x->record.client, "dev");
    exchange_cancel(a.x);
    world_turn(w);
    asked_done(&a);
    world_free(w);
}

/* ---- admit ---- */

static void there_is_room_up_to_the_limit(void **state) {
    (void)state;
    world *w = world_new(&plan, "limits: {calls: 2}\n");
    asked a[3];
    script s[3];
    exchange_request r = world_request(&form_openai, ASK_PLAIN);
    for (int i = 0; i < 3; i++)
        ask(w, &a[i], &s[i], &r);
    assert_said(&a[2], "answer 503 {\"error\":{\"message\":\"This worker is at its limit of 2 "
                       "concurrent calls (limits.calls).\",\"type\":\"server_error\",\"param\":"
                       "null,\"code\":\"overloaded\"}}");
    assert_headers(&a[2], "x-request-id: ID\nx-should-retry: true\nretry-after-ms: 1000\n"
                          "retry-after: 1\ncontent-type: application/json\n");
    for (int i = 0; i < 2; i++)
        exchange_cancel(a[i].x);
    world_turn(w);
    asked_done(&a[0]);
    ask(w, &a[0], &s[0], &r); /* there is room again */
    assert_non_null(s[0].x);
    exchange_cancel(a[0].x);
    world_turn(w);
    for (int i = 0; i < 3; i++)
        asked_done(&a[i]);
    world_free(w);
}

/* What is taken away while a call runs is there until the call is over, also for its steps. */
static void a_call_keeps_who_asks(void **state) {
    (void)state;
    world *w = world_new(&plan, CLIENTS);
    access_key *key = access_key_new();
    key->client.name = arena_dup(&key->arena, SPAN_OF("mobile"));
    asked a, step;
    script s = {.x = NULL}, inner = {.x = NULL};
    exchange_request r = world_request(&form_openai, ASK_PLAIN);
    r.caller = (caller){&key->client, key};
    ask(w, &a, &s, &r);
    exchange_request child = world_request(&form_openai, ASK_PLAIN);
    child.parent = a.x;
    ask(w, &step, &inner, &child);
    assert_int_equal(atomic_load(&key->refs), 3);
    access_key_unref(key); /* revoked */
    assert_span(step.x->record.client, "mobile");
    exchange_cancel(a.x);
    assert_int_equal(atomic_load(&key->refs), 2);
    world_turn(w);
    asked_done(&a);
    asked_done(&step);
    world_free(w);
}

/* Where there are several clients, one of them leaves the others their part. */
static void one_client_leaves_room_for_others(void **state) {
    (void)state;
    world *w = world_new(&plan, "limits: {calls: 5}\n" CLIENTS);
    asked a[4];
    script s[4];
    exchange_request r = world_request(&form_openai, ASK_PLAIN);
    r.caller.client = &w->config->clients[0];
    for (int i = 0; i < 3; i++)
        ask(w, &a[i], &s[i], &r);
    assert_said(&a[2],
                "answer 429 {\"error\":{\"message\":\"This client has 2 calls in progress, its "
                "share of this worker's 5 (limits.client_share, limits.calls).\",\"type\":"
                "\"rate_limit_error\",\"param\":null,\"code\":\"too_many_calls\"}}");
    assert_headers(&a[2], "x-request-id: ID\nx-should-retry: true\nretry-after-ms: 1000\n"
                          "retry-after: 1\ncontent-type: application/json\n");
    r.caller.client = &w->config->clients[1];
    ask(w, &a[3], &s[3], &r);
    assert_non_null(s[3].x);
    exchange_cancel(a[0].x);
    world_turn(w);
    asked_done(&a[0]);
    r.caller.client = &w->config->clients[0];
    ask(w, &a[0], &s[0], &r); /* what is given back may be taken again */
    assert_non_null(s[0].x);
    for (int i = 0; i < 4; i++)
        if (i != 2) exchange_cancel(a[i].x);
    world_turn(w);
    assert_int_equal(w->env.calls.held, 0);
    for (int i = 0; i < 4; i++)
        asked_done(&a[i]);
    world_free(w);
}

static void nobody_is_let_in_any_more(void **state) {
    (void)state;
    world *w = world_new(&plan, "");
    asked a;
    exchange_request r = world_request(&form_openai, ASK_PLAIN);
    w->env.closing = true;
    ask(w, &a, NULL, &r);
    world_turn(w);
    assert_int_equal(a.error, ERR_DRAINING);
    assert_headers(&a, "x-request-id: ID\nx-should-retry: true\nretry-after-ms: 1000\n"
                       "retry-after: 1\ncontent-type: application/json\n");
    assert_int_equal(a.status_told, 503);
    asked_done(&a);
    world_free(w);
}

/* ---- route ---- */

#define LONG_NAME                                                                                  \
    "0123456789abcdefghi 0123456789abcdefghi 0123456789abcdefghi 0123456789abcdefghi "             \
    "0123456789abcdefghi "

static void which_model_is_meant(void **state) {
    (void)state;
    static const struct {
        const char *body;
        const char *label; /* NULL: refused */
        error_id error;
        const char *says;
    } rows[] = {
        {"{\"model\":\"small\",\"input\":\"x\"}", "small", ERR_NONE, NULL},
        {"{\"model\":\"large\",\"input\":\"x\"}", NULL, ERR_UNKNOWN_MODEL,
         "The model 'large' does not exist here. GET /v1/models lists those that do."},
        {"{\"model\":\"" LONG_NAME "more\"}", NULL, ERR_UNKNOWN_MODEL,
         "The model '" LONG_NAME "' does not exist here. GET /v1/models lists those that do."},
        {"{\"input\":\"x\"}", NULL, ERR_MISSING_FIELD,
         "The request names no model, and no '*' model is configured."},
    };
    config_problems problems = {0};
    config *c = config_parse(
        SPAN_OF("providers: {p: {kind: openai, url: 'http://127.0.0.1:1/v1', key: sk-k}}\n"
                "models: {small: p}\n"),
        "test", &problems);
    assert_non_null(c);
    config_problems_done(&problems);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        world *w = world_new_of(&plan, config_ref(c));
        asked a;
        script s = {.x = NULL};
        exchange_request r = world_request(&form_openai, rows[i].body);
        r.endpoint = EP_MODERATIONS; /* which needs no model */
        r.path = SPAN_OF("/moderations");
        ask(w, &a, &s, &r);
        assert_int_equal(s.x != NULL, rows[i].label != NULL);
        if (rows[i].label) {
            assert_span(a.x->record.model_label, rows[i].label);
            exchange_cancel(a.x);
        } else {
            assert_int_equal(a.x->failure.error, rows[i].error);
            assert_span(a.x->failure.param, "model");
            assert_span(a.x->failure.text, rows[i].says);
        }
        world_turn(w);
        asked_done(&a);
        world_free(w);
    }
    config_unref(c);
}

/* A name that nobody has written stands for itself under the entry for all. */
static void all_others_have_an_entry(void **state) {
    (void)state;
    world *w = world_new(&plan, "");
    asked a;
    script s;
    exchange_request r = world_request(&form_openai, ASK_PLAIN);
    ask(w, &a, &s, &r);
    assert_span(a.x->record.model_label, "*");
    assert_span(a.x->record.model, "m");
    exchange_cancel(a.x);
    world_turn(w);
    asked_done(&a);
    world_free(w);
}

/* ---- what rows need ---- */

static unsigned ran, given_back; /* a bit for each row's need */

#define ROW(name, need)                                                                            \
    static stage_result stage_##name(exchange *x) {                                                \
        (void)x;                                                                                   \
        ran |= (need);                                                                             \
        return STAGE_NEXT;                                                                         \
    }                                                                                              \
    static void stage_##name##_done(exchange *x) {                                                 \
        (void)x;                                                                                   \
        given_back |= (need);                                                                      \
    }
ROW(of_trail, NEEDS_TRAIL)
ROW(of_ledger, NEEDS_LEDGER)
ROW(of_cache, NEEDS_CACHE)
ROW(of_telemetry, NEEDS_TELEMETRY)
ROW(of_alerts, NEEDS_ALERTS)

static const stage_row needy_rows[] = {
    {"trail", stage_of_trail, stage_of_trail_done, NEEDS_TRAIL},
    {"ledger", stage_of_ledger, stage_of_ledger_done, NEEDS_LEDGER},
    {"cache", stage_of_cache, stage_of_cache_done, NEEDS_CACHE},
    {"telemetry", stage_of_telemetry, stage_of_telemetry_done, NEEDS_TELEMETRY},
    {"alerts", stage_of_alerts, stage_of_alerts_done, STAGE_ALWAYS | NEEDS_ALERTS}};
static const exchange_plan needy = {needy_rows, ARRAY_LEN(needy_rows), NULL, 0};

/* Neither run nor done is called of a row whose need is not met. What is only pointed to is not
 * looked into by rows of this plan. */
static void a_row_is_passed_over_where_what_it_needs_is_not_there(void **state) {
    (void)state;
    static const char telemetry[] = "telemetry: {endpoint: \"http://127.0.0.1:9\"}\n",
                      alerts[] = "alerts: {webhooks: [{url: \"https://hooks.example/x\"}]}\n";
    static const struct {
        const char *options;
        unsigned there, runs;
    } rows[] = {
        {"", 0, 0},
        {"", NEEDS_TRAIL, NEEDS_TRAIL},
        {"", NEEDS_LEDGER, NEEDS_LEDGER},
        {"", NEEDS_CACHE, NEEDS_CACHE},
        {"", NEEDS_TELEMETRY | NEEDS_ALERTS, 0}, /* the configuration has them off */
        {telemetry, 0, 0},
        {telemetry, NEEDS_TELEMETRY | NEEDS_ALERTS, NEEDS_TELEMETRY},
        {alerts, 0, 0},
        {alerts, NEEDS_TELEMETRY | NEEDS_ALERTS, NEEDS_ALERTS},
        {"", NEEDS_TRAIL | NEEDS_LEDGER | NEEDS_CACHE, NEEDS_TRAIL | NEEDS_LEDGER | NEEDS_CACHE},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        world *w = world_new(&needy, rows[i].options);
        w->env.proves = rows[i].there & NEEDS_TRAIL;
        if (rows[i].there & NEEDS_LEDGER) w->env.ledger = (struct ledger_writer *)w;
        if (rows[i].there & NEEDS_CACHE) w->env.cache = (struct cache *)w;
        if (rows[i].there & NEEDS_TELEMETRY) w->env.telemetry = (struct telemetry_writer *)w;
        if (rows[i].there & NEEDS_ALERTS) w->env.alerts = (struct alert_writer *)w;
        ran = given_back = 0;
        asked a;
        exchange_request r = world_request(&form_openai, ASK_PLAIN);
        ask(w, &a, NULL, &r);
        world_turn(w);
        assert_int_equal(ran, rows[i].runs);
        assert_int_equal(given_back, rows[i].runs);
        asked_done(&a);
        world_free(w);
    }
}

/* ---- record ---- */

/* Each call once, in the metrics and in the log, refused ones too. */
static void each_call_is_counted_and_logged(void **state) {
    (void)state;
    static const config_logs logs = {
        .level = LEVEL_INFO, .format = LOG_JSON, .buffer_bytes = 1 << 20};
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    logger *l = logger_new(&logs, ends[1]);
    assert_non_null(l);
    metrics *m = metrics_new();
    world *w = world_new(&plan, "");
    w->env.metrics = metrics_add_shard(m);
    w->env.log = logger_add_shard(l);
    asked a, refused;
    script s;
    exchange_request r = world_request(&form_openai, ASK_PLAIN), bad = r;
    bad.body = SPAN_OF("{");
    ask(w, &a, &s, &r);
    script_head(&s, ANSWER_PLAIN);
    script_say_as(&s, ANSWER_PLAIN, "{}");
    script_end(&s);
    ask(w, &refused, NULL, &bad);
    world_turn(w);

    buf text = BUF_EMPTY;
    metrics_write(m, false, &text);
#define CALLS(model, status, outcome)                                                              \
    "weir_calls_total{endpoint=\"chat.completions\",model=\"" model                                \
    "\",target=\"\",status=\"" status "\",outcome=\"" outcome "\"} 1\n"
    static const char *const counted[] = {
        CALLS("*", "200", "ok"), CALLS("", "400", "failed"),
        "weir_errors_total{code=\"invalid_json\",fault=\"client\"} 1\n"};
    for (size_t i = 0; i < ARRAY_LEN(counted); i++)
        assert_non_null(strstr(buf_cstr(&text), counted[i]));
    buf_clear(&text);
    logger_free(l, 10 * 1000); /* has written all there is */
    close(ends[1]);
    for (ssize_t n; (n = read(ends[0], buf_reserve(&text, 4096), 4096)) > 0;)
        buf_grow(&text, (size_t)n);
    close(ends[0]);
    assert_non_null(strstr(buf_cstr(&text), a.record.request_id));
    assert_non_null(strstr(buf_cstr(&text), refused.record.request_id));
    buf_done(&text);
    asked_done(&a);
    asked_done(&refused);
    world_free(w);
    metrics_free(m);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(whose_key_it_is),
        cmocka_unit_test(nobody_needs_a_key_where_none_are_configured),
        cmocka_unit_test(a_call_has_a_client_or_is_refused),
        cmocka_unit_test(the_doors_word_counts),
        cmocka_unit_test(there_is_room_up_to_the_limit),
        cmocka_unit_test(a_call_keeps_who_asks),
        cmocka_unit_test(one_client_leaves_room_for_others),
        cmocka_unit_test(nobody_is_let_in_any_more),
        cmocka_unit_test(which_model_is_meant),
        cmocka_unit_test(all_others_have_an_entry),
        cmocka_unit_test(a_row_is_passed_over_where_what_it_needs_is_not_there),
        cmocka_unit_test(each_call_is_counted_and_logged),
    };
    return run_watched(tests);
}
