/* A loop on which exchanges run through plans of a test's own: what answers is a script that the
 * test speaks, what the door hears is written down (door.h). No provider is asked.
 */
#ifndef WEIR_TEST_WORLD_H
#define WEIR_TEST_WORLD_H

#include "exchange/door.h"
#include "prepared.h"
#include "unit.h"

#include "dialect/reader.h"
#include "exchange/internal.h"

typedef struct world {
    loop loop;
    http_client *client;
    target_table *targets;
    config *config;
    exchange_env env;
    int64_t first_ms;
} world;

/* What answers: the test says its lines through script_*(). */
typedef struct script {
    answer_source source;
    exchange *x;
    unsigned pauses, resumes;
    bool paused, cancelled, over;
    bool has_plain;
    reader plain; /* of a PLAIN answer, whose bytes live until the end */
} script;

/* ---- the script ---- */

static inline script *script_of(answer_source *s) {
    return CONTAINER_OF(s, script, source);
}

static inline void script_pause(answer_source *s) {
    assert_false(script_of(s)->paused || script_of(s)->cancelled || script_of(s)->over);
    script_of(s)->paused = true;
    script_of(s)->pauses++;
}

static inline void script_resume(answer_source *s) {
    assert_true(script_of(s)->paused);
    assert_false(script_of(s)->cancelled || script_of(s)->over);
    script_of(s)->paused = false;
    script_of(s)->resumes++;
}

static inline void script_cancel(answer_source *s) {
    assert_false(script_of(s)->cancelled || script_of(s)->over);
    script_of(s)->cancelled = true;
}

static const answer_source_ops script_ops = {
    .pause = script_pause, .resume = script_resume, .cancel = script_cancel};

static script *script_next; /* that the next exchange is answered by */

static inline stage_result stage_script(exchange *x) {
    script *s = script_next;
    *s = (script){.source = {&script_ops}, .x = x};
    exchange_feed_from(x, &s->source);
    return STAGE_WAIT;
}

static inline void script_head(script *s, answer_kind kind) {
    static const http_header type = {SPAN("x-of-the-script"), SPAN("yes")};
    const answer_head head = {.kind = kind,
                              .status = 200,
                              .headers = {&type, 1},
                              .content_type = kind == ANSWER_STREAM ? SPAN_OF("text/event-stream")
                                                                    : SPAN_OF("application/json")};
    exchange_take_head(s->x, &head);
}

static inline void script_forget(script *s) {
    if (s->has_plain) reader_done(&s->plain);
    s->has_plain = false;
}

static inline void script_end(script *s) {
    s->over = true;
    exchange_take_end(s->x);
    script_forget(s);
}

static inline void script_fail(script *s, error_id id) {
    const weir_error e = error_of(id);
    const failure f = failure_of(&e);
    s->over = true;
    exchange_take_failure(s->x, &f);
}

/* ---- what it says: lines of the dialect, read as a provider's are ---- */

static inline reader_spec world_spec(dialect d, unsigned want) {
    return (reader_spec){
        .dialect = d, .want = want, .choices = 1, .event_bytes = 65536, .answer_bytes = 65536};
}

/* One event of a stream. It lives as long as the reader and the text, which is what is made. */
static inline answer_event world_read(reader *r, const reader_spec *spec, span line,
                                      buf *ret_text) {
    answer_event e;
    buf_addf(ret_text, "data: %.*s\n\n", SPAN_ARG(line));
    span input = buf_span(ret_text);
    reader_init(r, spec, SPAN_OF("text/event-stream"), -1);
    assert_int_equal(reader_next(r, &input, &e), READER_EVENT);
    return e;
}

static inline reader_spec script_spec(const script *s) {
    return world_spec(endpoint_get(s->x->facts.endpoint)->dialect, s->x->want);
}

static inline void script_say_plain(script *s, const char *body) {
    reader_spec spec = script_spec(s);
    spec.answer_bytes = 16 << 20; /* of tests of many parts */
    answer_event e;
    span input = span_cstr(body);
    reader_init(&s->plain, &spec, SPAN_OF("application/json"), -1);
    s->has_plain = true;
    assert_int_equal(reader_next(&s->plain, &input, &e), READER_MORE);
    reader_result got = reader_end(&s->plain, true, &e);
    assert_true(got == READER_EVENT || got == READER_BAD); /* other sources may say anything */
    exchange_take_event(s->x, &e);
}

/* Its bytes go at once, so that whoever keeps a piece of them is found out. */
static inline void script_say(script *s, const char *line) {
    const reader_spec spec = script_spec(s);
    reader r;
    buf text = BUF_EMPTY;
    answer_event e = world_read(&r, &spec, span_cstr(line), &text);
    exchange_take_event(s->x, &e);
    reader_done(&r);
    buf_done(&text);
}

static inline void script_say_as(script *s, answer_kind kind, const char *line) {
    if (kind == ANSWER_STREAM)
        script_say(s, line);
    else if (kind == ANSWER_PLAIN)
        script_say_plain(s, line);
    else
        exchange_take_event(s->x, &(answer_event){.kind = ANSWER_RAW, .data = span_cstr(line)});
}

/* ---- the world ---- */

static inline config *world_config(const char *options) {
    buf yaml = BUF_EMPTY;
    config_problems problems = {0};
    buf_addf(&yaml,
             "providers: {p: {kind: openai, url: 'http://127.0.0.1:1/v1', key: sk-k}}\n"
             "models: {'*': p}\n%s",
             options);
    config *c = config_parse(buf_span(&yaml), "test", &problems);
    for (size_t i = 0; i < problems.count; i++)
        print_error("%.*s\n", SPAN_ARG(problems.items[i].text));
    config_problems_done(&problems);
    buf_done(&yaml);
    assert_non_null(c);
    return c;
}

/* Takes the configuration over. */
static inline world *world_new_of(const exchange_plan *plan, config *c) {
    static const http_client_limits limits = {
        .head = {.head_bytes = 65536, .url_bytes = 16384, .headers = 200}, .pool_idle_ms = 1000};
    world *w = calloc(1, sizeof *w);
    w->config = c;
    assert_int_equal(loop_init(&w->loop, 0), 0);
    w->client = http_client_new(&w->loop, &limits);
    w->targets = target_table_new();
    w->env = (exchange_env){.loop = &w->loop,
                            .plan = plan,
                            .snapshot = prepared(w->client, w->config, w->targets),
                            .targets = w->targets};
    exchange_env_init(&w->env);
    loop_read_clock(&w->loop);
    return w;
}

static inline world *world_new(const exchange_plan *plan, const char *options) {
    return world_new_of(plan, world_config(options));
}

/* One turn, without waiting: what is over is told to its door. */
static inline void world_turn(world *w) {
    loop_read_clock(&w->loop);
    loop_turn(&w->loop);
}

/* So much later, by a clock that is moved by hand: what is due by then fires, each at its own time,
 * and what is over is told to its door. */
static inline void world_pass(world *w, int64_t ms) {
    int64_t end_ms = w->loop.now_ms + (ms > 0 ? ms : 0);
    loop_run_soon(&w->loop);
    for (int64_t next; (next = timers_next_ms(&w->loop.timers)) <= end_ms;) {
        if (next > w->loop.now_ms) w->loop.now_ms = next;
        timers_advance(&w->loop.timers, w->loop.now_ms);
        loop_run_soon(&w->loop);
    }
    w->loop.now_ms = end_ms;
    loop_run_hooks(&w->loop, true);
}

/* Until that exchange is over: something that is timed ends it. */
static inline void world_until_over(world *w, const asked *a) {
    world_pass(w, 0);
    while (a->x) {
        assert_true(w->loop.timers.count > 0);
        world_pass(w, timers_next_ms(&w->loop.timers) - w->loop.now_ms);
    }
}

static inline void world_free(world *w) {
    world_turn(w);
    assert_int_equal(w->env.open, 0);
    assert_int_equal(w->env.open_children, 0);
    assert_int_equal(w->env.depth, 0);
    assert_int_equal(w->env.event_arena.used, 0);
    exchange_env_done(&w->env);
    assert_true(list_empty(&w->loop.hooks));
    assert_int_equal(w->env.snapshot->refs, 1); /* no exchange has kept it */
    loop_snapshot_unref(w->env.snapshot);
    http_client_close(w->client);
    loop_stop(&w->loop);
    loop_run(&w->loop);
    loop_done(&w->loop);
    http_client_free(w->client);
    target_table_free(w->targets);
    config_unref(w->config);
    free(w);
}

static inline exchange_request world_request(const exchange_form *form, const char *body) {
    return (exchange_request){.form = form,
                              .endpoint = EP_CHAT_COMPLETIONS,
                              .method = SPAN("POST"),
                              .path = SPAN("/chat/completions"),
                              .body = span_cstr(body),
                              .identified = true};
}

#define ASK_STREAM "{\"model\":\"m\",\"stream\":true,\"messages\":[{}]}"
#define ASK_PLAIN  "{\"model\":\"m\",\"messages\":[{}]}"

/* s: by whom stage_script is to be answered; NULL: the plan has none. */
static inline void ask(world *w, asked *a, script *s, const exchange_request *r) {
    *a = (asked){.x = NULL};
    script_next = s;
    loop_read_clock(&w->loop);
    a->x = exchange_start(&w->env, r, &world_door, a);
}

#endif
