/* A loop on which exchanges run through plans of a test's own: what answers is a script that the
 * test speaks, what the door hears is written down (door.h). No provider is asked.
 */
#ifndef WEIR_TEST_WORLD_H
#define WEIR_TEST_WORLD_H

#include "exchange/door.h"
#include "prepared.h"

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
    char *body; /* PLAIN: lives until the end */
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

static inline void script_end(script *s) {
    s->over = true;
    exchange_take_end(s->x);
    free(s->body);
}

static inline void script_fail(script *s, error_id id) {
    const weir_error e = error_of(id);
    const failure f = failure_of(&e);
    s->over = true;
    exchange_take_failure(s->x, &f);
}

/* ---- what the test's lines say: a few members, read by hand ---- */

typedef struct line_parts {
    answer_part items[8];
    size_t count;
} line_parts;

static inline void add_part(line_parts *p, part_kind kind, unsigned choice, unsigned item,
                            json_value v) {
    if (v.type != JSON_STRING) return;
    p->items[p->count++] = (answer_part){kind, choice, item, v};
}

static inline unsigned number_of(json_value object, span key) {
    int64_t n = 0;
    return json_i64(json_get(object, key), &n) ? (unsigned)n : 0;
}

static inline void read_chat_line(json_value root, line_parts *p) {
    json_iter choices = json_iter_of(json_get(root, SPAN_OF("choices")));
    for (json_value c; json_next_element(&choices, &c);) {
        unsigned choice = number_of(c, SPAN_OF("index"));
        json_value delta = json_get(c, SPAN_OF("delta"));
        if (delta.type == JSON_NONE) delta = json_get(c, SPAN_OF("message"));
        add_part(p, PART_TEXT, choice, 0, json_get(delta, SPAN_OF("content")));
        json_iter calls = json_iter_of(json_get(delta, SPAN_OF("tool_calls")));
        for (json_value t; json_next_element(&calls, &t);)
            add_part(p, PART_TOOL_ARGS, choice, number_of(t, SPAN_OF("index")),
                     json_get(json_get(t, SPAN_OF("function")), SPAN_OF("arguments")));
        add_part(p, PART_FINISH, choice, 0, json_get(c, SPAN_OF("finish_reason")));
    }
}

static inline void read_response_line(json_value root, line_parts *p) {
    unsigned choice = number_of(root, SPAN_OF("output_index")),
             item = number_of(root, SPAN_OF("content_index"));
    add_part(p, PART_TEXT, choice, item, json_get(root, SPAN_OF("delta")));
    add_part(p, PART_TEXT, choice, item, json_get(root, SPAN_OF("text")));
    json_iter output =
        json_iter_of(json_get(json_get(root, SPAN_OF("response")), SPAN_OF("output")));
    choice = 0;
    for (json_value o; json_next_element(&output, &o); choice++) {
        json_iter content = json_iter_of(json_get(o, SPAN_OF("content")));
        item = 0;
        for (json_value c; json_next_element(&content, &c); item++)
            add_part(p, PART_TEXT, choice, item, json_get(c, SPAN_OF("text")));
    }
}

/* The line is copied for the time of the call, so that whoever keeps a piece of it is found out. */
static inline void script_say_as(script *s, answer_kind kind, const char *line) {
    char *copy = strdup(line);
    json_value root = {JSON_OBJECT, span_cstr(copy)};
    line_parts p = {.count = 0};
    bool response = json_get(root, SPAN_OF("type")).type == JSON_STRING;
    if (response)
        read_response_line(root, &p);
    else
        read_chat_line(root, &p);
    answer_event e = {
        .kind = kind, .is_json = true, .data = root.raw, .parts = p.items, .part_count = p.count};
    bool whole =
        kind == ANSWER_PLAIN || (response && json_get(root, SPAN_OF("delta")).type == JSON_NONE);
    e.sorts = whole ? EVENT_FULL : 0;
    for (size_t i = 0; i < p.count; i++) {
        span raw = p.items[i].value.raw;
        if (p.items[i].kind == PART_FINISH) {
            e.sorts |= EVENT_FINISH;
            e.finish_reason = span_slice(raw, 1, raw.len - 1);
        } else if (raw.len > 2) { /* not "" */
            e.sorts |= EVENT_CONTENT;
        }
    }
    exchange_take_event(s->x, &e);
    if (kind == ANSWER_STREAM)
        free(copy);
    else
        s->body = copy;
}

static inline void script_say(script *s, const char *line) {
    script_say_as(s, ANSWER_STREAM, line);
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
    int64_t end_ms = w->loop.now_ms + ms;
    for (int64_t next; (next = timers_next_ms(&w->loop.timers)) <= end_ms;) {
        if (next > w->loop.now_ms) w->loop.now_ms = next;
        timers_advance(&w->loop.timers, w->loop.now_ms);
    }
    w->loop.now_ms = end_ms;
    w->loop.ending = true;
    loop_run_hooks(&w->loop);
    w->loop.ending = false;
}

/* Turns until that exchange is over: something that is timed ends it. */
static inline void world_until_over(world *w, const asked *a) {
    for (world_turn(w); a->x; world_turn(w))
        uv_run(&w->loop.uv, UV_RUN_ONCE);
}

static inline void world_free(world *w) {
    world_turn(w);
    assert_int_equal(w->env.open, 0);
    assert_int_equal(w->env.open_children, 0);
    exchange_env_done(&w->env);
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

#define ASK_STREAM "{\"model\":\"m\",\"stream\":true,\"messages\":[]}"
#define ASK_PLAIN  "{\"model\":\"m\",\"messages\":[]}"

/* s: by whom stage_script is to be answered; NULL: the plan has none. */
static inline void ask(world *w, asked *a, script *s, const exchange_request *r) {
    *a = (asked){.x = NULL};
    script_next = s;
    loop_read_clock(&w->loop);
    a->x = exchange_start(&w->env, r, &world_door, a);
}

#endif
