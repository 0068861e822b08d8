#include "gateway/resumed.h"

#include "base/clock.h"
#include "gateway/calls.h"
#include "gateway/reply.h"
#include "gateway/routes.h"
#include "gateway/worker.h"
#include "json/json.h"
#include "ledger/ledger.h"
#include "ledger/paused.h"
#include "loop/aside.h"

typedef struct resumed_request {
    call_request call;
    aside aside; /* looks for the run */
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

static void drop(call_request *c) {
    resumed_request *m = CONTAINER_OF(c, resumed_request, call);
    arena_done(&m->arena);
    request_free(&c->request);
}

static void look(aside *a) {
    resumed_request *m = CONTAINER_OF(a, resumed_request, aside);
    const struct ledger *l = m->call.request.w->gateway->ledger;
    const store_place place = ledger_place(l);
    store *s;
    buf why = BUF_EMPTY;
    m->outcome = PAUSED_FAILED;
    if (store_open(&place, SQL_READS, ledger_is_durable(l), &s, &why) == STORE_OPEN) {
        m->outcome = paused_look(s, m->id, m->client, clock_wall_us(), &m->arena, &m->run);
        store_close(s);
    }
    buf_done(&why);
}

static void go_on(resumed_request *m) {
    exchange_request ask = call_ask(&m->call);
    ask.form = &form_functions;
    ask.endpoint = EP_CHAT_COMPLETIONS;
    ask.path = SPAN_OF("/chat/functions");
    ask.route = SPAN_OF("/chat/functions/{id}");
    ask.body = run_request_of(m->run.state, &m->arena);
    m->resume.id = m->run.id;
    m->resume.state = m->run.state;
    ask.resume = &m->resume;
    call_serve(&m->call, &ask);
}

static void on_looked(aside *a) {
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
    (void)a; /* it is not dropped: on_looked() sees who is gone */
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
        m->aside = (aside){.run = look, .done = on_looked, .free = never};
        m->call.running = true; /* until it is known whether there is one */
        loop_aside_in(&q->w->loop, &q->w->questions, &m->aside);
    }
}

const request_ops run_resumed = {sizeof(resumed_request), begin, call_gone, call_room, call_done};
