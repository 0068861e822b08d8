#include "gateway/resumed.h"

#include "base/clock.h"
#include "base/mem.h"
#include "gateway/calls.h"
#include "gateway/reply.h"
#include "gateway/routes.h"
#include "gateway/worker.h"
#include "json/json.h"
#include "ledger/ledger.h"
#include "ledger/paused.h"
#include "loop/aside.h"

#include <poll.h>
#include <stdlib.h>

typedef struct resumed_request {
    call_request call;
    aside aside; /* takes the run */
    arena arena; /* of what is asked, and of the run */
    span id, client;
    run_resume resume;
    /* What came of it. */
    paused_outcome outcome;
    paused_run run;
} resumed_request;

_Static_assert(offsetof(resumed_request, call) == 0, "the door makes a request of it");

static resumed_request *of(request *q) {
    return CONTAINER_OF(CONTAINER_OF(q, call_request, request), resumed_request, call);
}

static bool open_store(const gateway *g, store **ret) {
    buf why = BUF_EMPTY;
    const store_place place = ledger_place(g->ledger);
    const bool good =
        store_open(&place, SQL_WRITES, ledger_is_durable(g->ledger), ret, &why) == STORE_OPEN;
    buf_done(&why);
    return good;
}

/* ---- back into the store ---- */

typedef struct return_job {
    aside aside;
    gateway *gateway;
    buf id, client, state;
    int64_t expires_us;
} return_job;

static bool is_kept(const return_job *j) {
    const paused_run row = {buf_span(&j->id), buf_span(&j->client), j->expires_us,
                            buf_span(&j->state)};
    store *s;
    if (!open_store(j->gateway, &s)) return false;
    const bool kept = paused_put(s, &row, clock_wall_us()) == PAUSED_DONE;
    store_close(s);
    return kept;
}

/* Nobody else has the run: a store that others write to at the moment is tried again. */
static void put_back(aside *a) {
    enum { TRIES = 60, PAUSE_MS = 250 };
    for (int n = 0; !is_kept(CONTAINER_OF(a, return_job, aside)) && n < TRIES; n++)
        (void)poll(NULL, 0, PAUSE_MS);
}

static void free_job(aside *a) {
    return_job *j = CONTAINER_OF(a, return_job, aside);
    buf_done(&j->id);
    buf_done(&j->client);
    buf_done(&j->state);
    free(j);
}

static void give_back(const resumed_request *m) {
    worker *w = m->call.request.w;
    return_job *j = mem_zalloc(sizeof *j);
    j->aside = (aside){.run = put_back, .done = free_job, .free = free_job};
    j->gateway = w->gateway;
    j->expires_us = m->run.expires_us;
    buf_add(&j->id, m->run.id);
    buf_add(&j->client, m->run.client);
    buf_add(&j->state, m->run.state);
    loop_aside_in(&w->loop, &w->questions, &j->aside);
}

static void drop(call_request *c) {
    resumed_request *m = CONTAINER_OF(c, resumed_request, call);
    if (m->run.state.len && !m->resume.begun) give_back(m);
    arena_done(&m->arena);
    request_free(&c->request);
}

/* ---- out of it ---- */

static void take(aside *a) {
    resumed_request *m = CONTAINER_OF(a, resumed_request, aside);
    store *s;
    m->outcome = PAUSED_FAILED;
    if (!open_store(m->call.request.w->gateway, &s)) return;
    m->outcome = paused_take(s, m->id, m->client, clock_wall_us(), &m->arena, &m->run);
    store_close(s);
}

static void go_on(resumed_request *m) {
    exchange_request ask = call_ask(&m->call);
    ask.form = &form_functions;
    ask.endpoint = EP_CHAT_COMPLETIONS;
    ask.path = SPAN_OF("/chat/functions");
    ask.body = run_request_of(m->run.state, &m->arena);
    m->resume.state = m->run.state;
    ask.resume = &m->resume;
    call_serve(&m->call, &ask);
}

static void on_taken(aside *a) {
    resumed_request *m = CONTAINER_OF(a, resumed_request, aside);
    const request *q = &m->call.request;
    m->call.running = false;
    if (!q->http) {
        drop(&m->call);
        return;
    }
    switch (m->outcome) {
    case PAUSED_DONE: go_on(m); break;
    case PAUSED_UNKNOWN:
        reply_error_text(q, ERR_UNKNOWN_RUN,
                         "There is no run '%.*s' of this client that waits; it may have gone on "
                         "already, or its time is over.",
                         SPAN_ARG(span_clip(m->id, 100)));
        break;
    case PAUSED_FAILED:
        reply_error_text(
            q, ERR_LEDGER_UNAVAILABLE,
            "The ledger's store, in which runs wait, cannot be reached at the moment.");
        break;
    }
}

static void never(aside *a) {
    (void)a; /* it is not dropped: what it has taken has to be put back */
}

/* ---- what is asked ---- */

static bool is_word(json_value v) {
    return v.type == JSON_TRUE || v.type == JSON_FALSE;
}

static bool are_words(json_value v) {
    json_iter it = json_iter_of(v);
    if (is_word(v)) return true;
    if (v.type != JSON_OBJECT) return false;
    for (json_member m; json_next_member(&it, &m);)
        if (!is_word(m.value)) return false;
    return true;
}

/* false: answered. */
static bool read_words(resumed_request *m) {
    const request *q = &m->call.request;
    const config_limits *limits = &worker_config(q->w)->limits;
    const json_limits most = {.depth = limits->depth, .members = limits->members};
    json_value root;
    json_fault fault;
    if (!json_scan(http_request_body(q->http), &most, &root, &fault)) {
        const span why = json_fault_text(&m->arena, http_request_body(q->http), &fault);
        reply_error_text(q, ERR_BAD_JSON, "The request body is not acceptable JSON: %.*s.",
                         SPAN_ARG(why));
        return false;
    }
    m->resume.approve = json_get(root, SPAN_OF("approve"));
    if (root.type == JSON_OBJECT && json_count(root) == 1 && are_words(m->resume.approve))
        return true;
    reply_error_text(q, ERR_UNPROCESSABLE,
                     "Expected {\"approve\": true}, {\"approve\": false}, or {\"approve\": {ID: "
                     "true or false}} with the id of each call.");
    return false;
}

static void begin(request *q) {
    resumed_request *m = of(q);
    m->call.drop = drop;
    arena_init(&m->arena, 0);
    const http_head *head = http_request_head(q->http);
    m->id = arena_dup(&m->arena, route_rest(q->row, head->path));
    if (q->caller.client) m->client = arena_dup(&m->arena, q->caller.client->name);
    if (!q->w->gateway->ledger) {
        reply_error_text(q, ERR_UNKNOWN_RUN, "%s", error_get(ERR_UNKNOWN_RUN)->sentence);
    } else if (read_words(m)) {
        m->aside = (aside){.run = take, .done = on_taken, .free = never};
        m->call.running = true; /* until it is known whether there is one */
        loop_aside_in(&q->w->loop, &q->w->questions, &m->aside);
    }
}

const request_ops run_resumed = {sizeof(resumed_request), begin, call_gone, call_room, call_done};
