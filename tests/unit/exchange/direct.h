/* One exchange at a time through &form_direct, over real sockets, with a door that writes down what
 * it hears. */
#ifndef WEIR_TEST_DIRECT_H
#define WEIR_TEST_DIRECT_H

#include "prepared.h"
#include "unit.h"

#include "dialect/words.h"
#include "exchange/exchange.h"
#include "gateway/plan.h"

typedef struct direct direct;
struct direct {
    uint16_t port;       /* of the provider */
    const char *options; /* more lines of the configuration */
    exchange_request request;
    const exchange_plan *plan;    /* NULL: the gateway's */
    const exchange_door *door;    /* NULL: direct_door */
    void (*on_answer)(direct *d); /* what the test does when the door hears that */
    void (*on_head)(direct *d);
    void (*on_piece)(direct *d);
    void (*on_refused)(direct *d);
    void (*on_begun)(direct *d);
    /* What the door has heard. */
    buf said; /* "head 200, piece, piece, end, done", pieces in a row once */
    buf body; /* an answer's, or pieces, a line each */
    buf text; /* the words of all events, joined */
    unsigned pieces;
    int status, refused_status;
    int64_t refused_after_ms;
    unsigned refused;
    bool full;
    bool starting, cancelled;
    int64_t linger_ms; /* after the end: whether anything comes of what should have been stopped */
    /* What could be asked while the last word was heard. */
    bool asked;
    error_id error;
    int last_status;
    int64_t retry_after_ms;
    buf failure, sentence;
    call_record record; /* its spans are copies */
    arena copies;
    /* The machinery. */
    exchange *x;
    config *config;
    loop loop;
    http_client *client;
    target_table *targets;
    exchange_env env;
    loop_hook closing;
    timer timer;
};

static inline void direct_note(direct *d, const char *word) {
    assert_false(d->starting && strcmp(word, "answer") != 0);
    assert_false(d->cancelled && strcmp(word, "done") != 0);
    if (strcmp(word, "piece") == 0 && span_ends(buf_span(&d->said), SPAN_OF("piece"))) return;
    if (d->said.len) buf_add_cstr(&d->said, ", ");
    buf_add_cstr(&d->said, word);
}

/* From inside the last word: everything must be settled. */
static inline void direct_ask(direct *d, const exchange *x) {
    assert_false(d->asked);
    d->asked = true;
    arena_init(&d->copies, 0);
    const call_record *r = exchange_record(x);
    assert_true(r->total_us >= 0); /* settled */
    d->record = *r;
    d->record.target = arena_dup(&d->copies, r->target);
    d->record.finish_reason = arena_dup(&d->copies, r->finish_reason);
    d->record.client = arena_dup(&d->copies, r->client);
    d->error = exchange_error(x);
    d->last_status = exchange_status(x);
    d->retry_after_ms = exchange_retry_after_ms(x);
    if (d->error == ERR_NONE) return;
    exchange_failure_body(x, &d->failure);
    exchange_sentence(x, &d->sentence);
}

static inline void direct_answer(void *user, int status, http_headers headers, span body) {
    direct *d = user;
    d->status = status;
    assert_true(http_header_get(headers, SPAN_OF("x-request-id")).len > 0);
    direct_note(d, "answer");
    buf_add(&d->body, body);
    if (!d->starting) direct_ask(d, d->x);
    if (d->on_answer) d->on_answer(d);
}

static inline void direct_head(void *user, int status, http_headers headers) {
    direct *d = user;
    d->status = status;
    assert_true(http_header_get(headers, SPAN_OF("x-request-id")).len > 0);
    direct_note(d, "head");
    if (d->on_head) d->on_head(d);
}

static inline void direct_piece(void *user, span bytes) {
    direct *d = user;
    d->pieces++;
    direct_note(d, "piece");
    buf_add(&d->body, bytes);
    buf_add_cstr(&d->body, "\n");
    if (d->on_piece) d->on_piece(d);
}

static inline void direct_event(void *user, const answer_event *event) {
    direct *d = user;
    span text;
    arena a;
    arena_init(&a, 0);
    if (answer_words(event, false, &a, &text)) buf_add(&d->text, text);
    arena_done(&a);
    if (event->kind == ANSWER_STREAM) direct_piece(d, event->data);
}

static inline void direct_end(void *user) {
    direct_note(user, "end");
    direct_ask(user, ((direct *)user)->x);
}

static inline void direct_abort(void *user) {
    direct_note(user, "abort");
    direct_ask(user, ((direct *)user)->x);
}

static inline bool direct_full(void *user) {
    direct *d = user;
    assert_false(d->cancelled);
    return d->full;
}

static inline void direct_done(void *user) {
    direct *d = user;
    direct_note(d, "done");
    if (!d->asked) direct_ask(d, d->x); /* cancelled, or refused before x was known */
    d->x = NULL;
}

static inline void direct_refused(void *user, int status, int64_t retry_after_ms) {
    direct *d = user;
    assert_false(d->starting);
    d->refused++;
    d->refused_status = status;
    d->refused_after_ms = retry_after_ms;
    if (d->on_refused) d->on_refused(d);
}

static const exchange_door direct_door = {.answer = direct_answer,
                                          .head = direct_head,
                                          .piece = direct_piece,
                                          .event = direct_event,
                                          .end = direct_end,
                                          .abort = direct_abort,
                                          .full = direct_full,
                                          .done = direct_done,
                                          .refused = direct_refused};

static inline void direct_begin(loop *l, void *arg) {
    direct *d = arg;
    d->request.started_us = l->now_us;
    d->starting = true;
    exchange *x = exchange_start(&d->env, &d->request, d->door ? d->door : &direct_door, d);
    d->starting = false;
    d->x = x;
    if (d->on_begun) d->on_begun(d);
}

static inline void direct_close(timer *t) {
    direct *d = CONTAINER_OF(t, direct, timer);
    exchange_env_done(&d->env);
    loop_snapshot_unref(d->env.snapshot);
    http_client_close(d->client);
    loop_stop(&d->loop);
}

static inline void direct_cancel(direct *d) {
    d->cancelled = true;
    exchange_cancel(d->x);
}

static inline void direct_turn(loop_hook *hook) {
    direct *d = CONTAINER_OF(hook, direct, closing);
    if (!span_ends(buf_span(&d->said), SPAN_OF("done"))) return;
    loop_timer_stop(&d->loop, &d->timer);
    loop_remove_hook(hook);
    timer_init(&d->timer, direct_close);
    loop_timer_start(&d->loop, &d->timer, d->linger_ms);
}

static inline config *direct_config(const direct *d) {
    buf yaml = BUF_EMPTY;
    config_problems problems = {0};
    buf_addf(&yaml,
             "providers: {p: {kind: openai, url: 'http://127.0.0.1:%u/v1', key: sk-k}}\n"
             "models: {'*': p}\n%s",
             d->port, d->options ? d->options : "retry: {retries: 0}\n");
    config *c = config_parse(buf_span(&yaml), "test", &problems);
    for (size_t i = 0; i < problems.count; i++)
        print_error("%.*s\n", SPAN_ARG(problems.items[i].text));
    config_problems_done(&problems);
    buf_done(&yaml);
    assert_non_null(c);
    return c;
}

/* A whole life: loop, client, exchange, and all of it away again. d->body and the like remain. */
static inline void direct_run(direct *d) {
    static const http_client_limits limits = {
        .head = {.head_bytes = 65536, .url_bytes = 16384, .headers = 200}, .pool_idle_ms = 1000};
    d->config = direct_config(d);
    assert_int_equal(loop_init(&d->loop, 0), 0);
    d->client = http_client_new(&d->loop, &limits);
    d->targets = target_table_new();
    d->env = (exchange_env){.loop = &d->loop,
                            .plan = d->plan ? d->plan : &gateway_plan,
                            .snapshot = prepared(d->client, d->config, d->targets),
                            .targets = d->targets}; /* neither log nor metrics */
    exchange_env_init(&d->env);
    timer_init(&d->timer, NULL);
    d->closing = (loop_hook){.run = direct_turn};
    loop_add_hook(&d->loop, &d->closing);
    loop_post(&d->loop, direct_begin, d);
    loop_run(&d->loop);
    loop_done(&d->loop);
    http_client_free(d->client);
    target_table_free(d->targets);
    config_unref(d->config);
}

static inline void direct_free(direct *d) {
    buf_done(&d->said);
    buf_done(&d->body);
    buf_done(&d->text);
    buf_done(&d->failure);
    buf_done(&d->sentence);
    arena_done(&d->copies);
}

/* A POST to a path below /v1. body is borrowed. */
static inline direct direct_post(uint16_t port, const char *path, const char *body) {
    return (direct){.port = port,
                    .request = {.form = &form_direct,
                                .endpoint = endpoint_of_path(span_cstr(path)),
                                .method = SPAN("POST"),
                                .path = span_cstr(path),
                                .body = span_cstr(body),
                                .identified = true}};
}

#endif
