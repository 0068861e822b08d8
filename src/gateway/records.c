#include "gateway/records.h"

#include "base/clock.h"
#include "gateway/reply.h"
#include "gateway/routes.h"
#include "gateway/worker.h"
#include "ledger/ledger.h"
#include "ledger/pages.h"
#include "loop/aside.h"

/* For what has just ended to reach a store that is there. */
enum { CATCH_UP_MS = 1000 };

typedef struct question question;
struct question {
    request request;
    aside aside;
    bool asking;
    arena arena; /* of the query's texts */
    ledger *ledger;
    ledger_query query;
    span id; /* of one call */
    bool (*ask)(question *u, store *s);
    /* What came of it. */
    buf body;
    buf why;       /* the store could not be asked */
    bool none;     /* there is no such call */
    bool too_many; /* groups */
};

static question *of(request *q) {
    return CONTAINER_OF(q, question, request);
}

/* ---- on another thread ---- */

static void run(aside *a) {
    question *u = CONTAINER_OF(a, question, aside);
    store *s = ledger_read(u->ledger, CATCH_UP_MS, NULL, &u->why);
    if (s && !u->ask(u, s)) buf_add(&u->why, store_why(s));
    store_close(s);
}

static bool ask_summary(question *u, store *s) {
    return page_summary(s, &u->query, &u->body, &u->too_many);
}

static bool ask_calls(question *u, store *s) {
    return page_calls(s, &u->query, &u->body);
}

static bool ask_call(question *u, store *s) {
    bool found;
    bool good = page_call(s, &u->query, u->id, &u->body, &found);
    u->none = !found;
    return good;
}

/* ---- on the loop ---- */

static void refuse(request *q, span name, const buf *why) {
    weir_error e = error_of(ERR_BAD_VALUE);
    e.message = buf_span(why);
    e.param = span_clip(name, QUERY_NAME_MAX);
    reply_error_with(q, &e, (http_headers){0});
}

static void free_question(question *u) {
    arena_done(&u->arena);
    buf_done(&u->body);
    buf_done(&u->why);
    request_free(&u->request);
}

static void on_dropped(aside *a) {
    free_question(CONTAINER_OF(a, question, aside));
}

static void on_answer(aside *a) {
    static const http_header fresh = {SPAN("cache-control"), SPAN("no-store")};
    question *u = CONTAINER_OF(a, question, aside);
    request *q = &u->request;
    u->asking = false;
    if (u->why.len) {
        const log_field fields[] = {{.key = "reason", .value = buf_span(&u->why)}};
        log_event(q->w->env.log, LEVEL_WARN, "ledger_unavailable",
                  SPAN_OF("The records could not be read."), fields, 1);
        reply_error_text(q, ERR_LEDGER_UNAVAILABLE, "%s",
                         error_get(ERR_LEDGER_UNAVAILABLE)->sentence);
    } else if (u->none) {
        reply_error_text(q, ERR_UNKNOWN_CALL, "There is no call '%.*s' here.",
                         SPAN_ARG(span_clip(u->id, STORE_ID_LEN)));
    } else if (u->too_many) {
        summary_complain(u->query.group, &u->why);
        refuse(q, SPAN_OF("group"), &u->why);
    } else {
        reply(q, 200, "application/json", buf_span(&u->body), (http_headers){&fresh, 1});
    }
}

/* Another's records are not his to ask for. */
static bool is_allowed(question *u) {
    const request *q = &u->request;
    if (q->admin || !q->caller.client) return true;
    if (u->query.client.ptr && !span_eq(u->query.client, q->caller.client->name)) {
        reply_error_text(q, ERR_FORBIDDEN, "This key sees the records of its own client alone.");
        return false;
    }
    u->query.client = q->caller.client->name;
    return true;
}

static void ask(question *u, bool (*how)(question *u, store *s)) {
    worker *w = u->request.w;
    u->ask = how;
    u->ledger = w->gateway->ledger;
    if (!is_allowed(u)) return;
    u->asking = true;
    u->aside = (aside){.run = run, .done = on_answer, .free = on_dropped};
    loop_aside_in(&w->loop, &w->questions, &u->aside);
}

/* false: an answer has been given. */
static bool prepare(question *u, query_kind kind) {
    request *q = &u->request;
    arena_init(&u->arena, 0);
    u->query = ledger_query_all;
    if (!q->w->gateway->ledger) {
        reply_error_text(q, ERR_UNKNOWN_PATH, "This gateway keeps no records (ledger: off).");
        return false;
    }
    span query = http_request_head(q->http)->query, name = SPAN_EMPTY;
    buf why = BUF_EMPTY;
    bool good = query_parse(&u->query, kind, query, clock_wall_us(), &u->arena, &name, &why);
    if (!good) refuse(q, name, &why);
    buf_done(&why);
    return good;
}

static void begin_summary(request *q) {
    if (prepare(of(q), QUERY_SUMMARY)) ask(of(q), ask_summary);
}

static void begin_calls(request *q) {
    if (prepare(of(q), QUERY_CALLS)) ask(of(q), ask_calls);
}

static void begin_call(request *q) {
    question *u = of(q);
    if (!prepare(u, QUERY_CALL)) return;
    u->id = arena_dup(&u->arena, route_rest(q->row, http_request_head(q->http)->path));
    ask(u, ask_call);
}

static void done(request *q) {
    question *u = of(q);
    if (u->asking)
        aside_drop(&u->aside);
    else
        free_question(u);
}

#define QUESTION_OPS(begin)                                                                        \
    { sizeof(question), begin, request_ignore, request_ignore, done }
const request_ops records_summary = QUESTION_OPS(begin_summary);
const request_ops records_calls = QUESTION_OPS(begin_calls);
const request_ops records_call = QUESTION_OPS(begin_call);
