#include "tools/mcp_client.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    START_MS = 60000,   /* until it is ready: it may have to be fetched first */
    SILENCE_MS = 10000, /* of a process that is asked for its era: then the handshake is tried */
    LISTEN_MS = 5000,   /* before changes are listened for again; doubled up to: */
    LISTEN_MAX_MS = 60000,
    TEXT_MAX = 2000, /* bytes of an error's message that are told */
};

struct mcp_client {
    mcp_env *env;
    const mcp_client_ops *ops; /* NULL: nobody hears */
    void *user;
    mcp_link *link;
    mcp_era era;
    bool ready, closed, retired, greeted;
    bool tells_of_changes;
    int64_t listen_ms, listened_ms; /* the wait before it listens again; since when it does */
    int64_t next_id;
    list requests;
    mcp_request discover, hello, listen;
    timer start;   /* it has to be ready */
    timer silence; /* nothing was said to `server/discover`; later: listens again */
    timer bury;
    buf message, params; /* what is being written */
};

static const json_limits reading = {.repeats = true}; /* other people's mistakes */

static span method_of(const char *m) {
    return span_cstr(m);
}

/* ---- the end ---- */

static void on_bury(timer *t) {
    mcp_client *c = CONTAINER_OF(t, mcp_client, bury);
    buf_done(&c->message);
    buf_done(&c->params);
    free(c);
}

static void take_off(mcp_request *r) {
    mcp_client *c = r->client;
    list_remove(&r->link);
    loop_timer_stop(c->env->loop, &r->due);
    r->client = NULL;
}

void mcp_client_close(mcp_client *c) {
    if (c->closed) return;
    c->closed = true;
    c->ops = NULL;
    loop_timer_stop(c->env->loop, &c->start);
    loop_timer_stop(c->env->loop, &c->silence);
    LIST_FOREACH(&c->requests, it)
    take_off(LIST_ENTRY(it, mcp_request, link));
    c->link->kind->close(c->link);
    loop_timer_start(c->env->loop, &c->bury, 0);
}

static void close_if_retired(mcp_client *c) {
    if (c->retired && list_empty(&c->requests)) mcp_client_close(c);
}

void mcp_client_retire(mcp_client *c) {
    c->ops = NULL;
    c->retired = true;
    mcp_request_drop(&c->listen);
    close_if_retired(c);
}

/* Every request, then the owner. */
static void go_down(mcp_client *c, const mcp_loss *loss, bool anew) {
    const mcp_reply reply = {.loss = loss};
    loop_timer_stop(c->env->loop, &c->start);
    loop_timer_stop(c->env->loop, &c->silence);
    c->ready = false;
    while (!c->closed && !list_empty(&c->requests)) {
        mcp_request *r = LIST_ENTRY(c->requests.next, mcp_request, link);
        take_off(r);
        if (r->done) r->done(r, &reply);
    }
    if (c->ops)
        c->ops->on_down(c->user, loss, anew);
    else
        mcp_client_close(c);
}

static void fail(mcp_client *c, tool_outcome outcome, const char *why, bool anew) {
    const mcp_loss loss = {outcome, 0, span_cstr(why)};
    go_down(c, &loss, anew);
}

/* ---- asking ---- */

static void on_due(timer *t) {
    mcp_request *r = CONTAINER_OF(t, mcp_request, due);
    const mcp_loss loss = {TOOL_TIMED_OUT, 0, SPAN_OF("it did not answer in time")};
    const mcp_reply reply = {.loss = &loss};
    mcp_request_drop(r);
    r->done(r, &reply);
}

static void send_message(mcp_client *c, mcp_request *r, span method, const mcp_question *q) {
    const mcp_outgoing out = {
        .message = buf_span(&c->message),
        .method = method,
        .name = q ? q->name : SPAN_EMPTY,
        .params = q ? q->params : SPAN_EMPTY,
        .traceparent = q ? q->traceparent : SPAN_EMPTY,
        .request = r,
    };
    c->link->kind->send(c->link, &out);
}

static void ask(mcp_client *c, mcp_request *r, mcp_era era, const mcp_question *q) {
    char id[24];
    buf_clear(&c->params);
    buf_clear(&c->message);
    if (r == &c->hello)
        mcp_write_hello(&c->params);
    else
        mcp_write_params(&c->params, era, q->members, q->traceparent);
    r->id = c->next_id++;
    r->client = c;
    r->sent = NULL;
    timer_init(&r->due, on_due);
    list_push_back(&c->requests, &r->link);
    if (q->due_ms) loop_timer_start(c->env->loop, &r->due, q->due_ms);
    (void)snprintf(id, sizeof id, "%lld", (long long)r->id);
    jsonrpc_write_request(&c->message, span_cstr(id), method_of(q->method), buf_span(&c->params));
    send_message(c, r, method_of(q->method), q);
}

void mcp_client_ask(mcp_client *c, mcp_request *r, const mcp_question *q) {
    ask(c, r, c->era, q);
}

static void notify(mcp_client *c, const char *method, span members) {
    buf_clear(&c->params);
    buf_clear(&c->message);
    if (members.len || c->era == MCP_MODERN)
        mcp_write_params(&c->params, c->era, members, SPAN_EMPTY);
    jsonrpc_write_notification(&c->message, method_of(method), buf_span(&c->params));
    send_message(c, NULL, method_of(method), NULL);
}

/* Over HTTP a modern server hears of it by the end of the stream. */
static void tell_cancelled(mcp_client *c, const mcp_request *r) {
    char members[96];
    if (c->era == MCP_MODERN && c->link->kind == &mcp_http) return;
    (void)snprintf(members, sizeof members,
                   "\"requestId\":%lld,\"reason\":\"nobody waits for it any more\"",
                   (long long)r->id);
    notify(c, "notifications/cancelled", span_cstr(members));
}

void mcp_request_drop(mcp_request *r) {
    mcp_client *c = r->client;
    if (!c) return;
    take_off(r);
    /* Never of `initialize`, which must not be cancelled. */
    if (r != &c->hello && r != &c->discover && !c->closed) tell_cancelled(c, r);
    c->link->kind->forget(c->link, r, false);
    close_if_retired(c);
}

/* ---- the beginning ---- */

static void say_hello(mcp_client *c) {
    const mcp_question q = {.method = "initialize"};
    if (c->greeted || c->closed) return;
    c->greeted = true;
    ask(c, &c->hello, MCP_LEGACY, &q);
}

static void listen_for_changes(mcp_client *c) {
    const mcp_question q = {.method = "subscriptions/listen",
                            .members = SPAN_OF("\"notifications\":{\"toolsListChanged\":true}")};
    c->listened_ms = c->env->loop->now_ms;
    ask(c, &c->listen, MCP_MODERN, &q);
}

/* The list may have changed while nobody listened. */
static void on_gap(void *user) {
    const mcp_client *c = user;
    if (c->ready && c->tells_of_changes && c->ops) c->ops->on_changed(c->user);
}

static void become_ready(mcp_client *c, mcp_era era, span version, json_value result) {
    c->era = era;
    c->ready = true;
    c->tells_of_changes = mcp_tells_of_changes(result);
    loop_timer_stop(c->env->loop, &c->start);
    loop_timer_stop(c->env->loop, &c->silence);
    if (c->link->kind->speaks) c->link->kind->speaks(c->link, era, version);
    if (era == MCP_LEGACY)
        notify(c, "notifications/initialized", SPAN_EMPTY);
    else if (c->tells_of_changes)
        listen_for_changes(c);
    if (c->ops) c->ops->on_ready(c->user);
}

static void on_listened(mcp_request *r, const mcp_reply *reply) {
    mcp_client *c = CONTAINER_OF(r, mcp_client, listen);
    const int status = reply->loss ? reply->loss->status : 0;
    /* A stream that broke off, or a server that is being put up anew behind its proxy; another
     * refusal will be no other the next time. */
    if (!c->ready || (status >= 300 && status < 500) || status == 501) return;
    if (c->env->loop->now_ms - c->listened_ms >= LISTEN_MAX_MS) c->listen_ms = LISTEN_MS;
    loop_timer_start(c->env->loop, &c->silence, c->listen_ms);
    c->listen_ms = c->listen_ms * 2 < LISTEN_MAX_MS ? c->listen_ms * 2 : LISTEN_MAX_MS;
}

static void on_silence(timer *t) {
    mcp_client *c = CONTAINER_OF(t, mcp_client, silence);
    if (!c->ready) {
        say_hello(c);
        return;
    }
    listen_for_changes(c);
    on_gap(c);
}

static void on_hello(mcp_request *r, const mcp_reply *reply) {
    mcp_client *c = CONTAINER_OF(r, mcp_client, hello);
    json_value version = json_get(reply->result, SPAN_OF("protocolVersion"));
    arena a;
    if (c->ready || c->closed) return; /* it was modern after all, only slow */
    if (reply->loss) {
        const mcp_loss loss = *reply->loss;
        if (!mcp_request_waits(&c->discover)) go_down(c, &loss, false);
        return;
    }
    mcp_request_drop(&c->discover);
    arena_init(&a, 0);
    span text = version.type == JSON_STRING ? json_string(version, &a) : SPAN_EMPTY;
    if (mcp_is_legacy_version(text))
        become_ready(c, MCP_LEGACY, text, reply->result);
    else
        fail(c, TOOL_FAILED, "it speaks a version of the protocol that weir does not", false);
    arena_done(&a);
}

/* What came to `server/discover`; message: NULL: nothing that is one. */
static void on_discovered(mcp_client *c, const jsonrpc_message *message, int status,
                          const mcp_loss *loss) {
    const mcp_heard heard = {status, message};
    if (c->ready || c->closed) return;
    loop_timer_stop(c->env->loop, &c->silence);
    switch (mcp_after_discover(&heard)) {
    case MCP_GO_ON:
        if (c->greeted) mcp_request_drop(&c->hello);
        become_ready(c, MCP_MODERN, SPAN_EMPTY, message->result);
        break;
    case MCP_INITIALIZE:
        if (c->greeted && !mcp_request_waits(&c->hello))
            fail(c, TOOL_FAILED, "it refused the handshake", false);
        say_hello(c);
        break;
    case MCP_ANEW: fail(c, TOOL_FAILED, "it speaks an older version of the protocol", true); break;
    case MCP_GIVE_UP: go_down(c, loss, false); break;
    }
}

static void on_start_over(timer *t) {
    fail(CONTAINER_OF(t, mcp_client, start), TOOL_TIMED_OUT, "it did not answer after its start",
         false);
}

/* ---- what the server asks ---- */

static void answer(mcp_client *c, const jsonrpc_message *m) {
    span id = m->id.raw, decline = SPAN_OF("{\"action\":\"decline\"}");
    buf_clear(&c->message);
    if (jsonrpc_is(m, "ping"))
        jsonrpc_write_result(&c->message, id, SPAN_OF("{}"));
    else if (jsonrpc_is(m, "elicitation/create"))
        jsonrpc_write_result(&c->message, id, decline);
    else
        jsonrpc_write_error(&c->message, id, JSONRPC_METHOD_NOT_FOUND,
                            SPAN_OF("this client does not serve that"), SPAN_EMPTY);
    send_message(c, NULL, SPAN_EMPTY, NULL);
}

static void take_notification(mcp_client *c, const jsonrpc_message *m) {
    if (jsonrpc_is(m, "notifications/tools/list_changed") && c->ready && c->ops)
        c->ops->on_changed(c->user);
}

/* ---- what it answers ---- */

static mcp_request *waiting(mcp_client *c, json_value id) {
    int64_t number;
    if (id.type != JSON_NUMBER || !json_i64(id, &number)) return NULL;
    LIST_FOREACH(&c->requests, it) {
        mcp_request *r = LIST_ENTRY(it, mcp_request, link);
        if (r->id == number) return r;
    }
    return NULL;
}

static void finish(mcp_client *c, mcp_request *r, const mcp_reply *reply) {
    take_off(r);
    c->link->kind->forget(c->link, r, true);
    r->done(r, reply);
    if (!c->closed) close_if_retired(c);
}

/* The same of `server/discover`, by which the era is told. */
static void finish_discover(mcp_client *c, const jsonrpc_message *message, int status,
                            const mcp_loss *loss) {
    take_off(&c->discover);
    c->link->kind->forget(c->link, &c->discover, true);
    on_discovered(c, message, status, loss);
}

static bool is_modern_error(int64_t code) {
    return code == MCP_HEADER_MISMATCH || code == MCP_MISSING_CAPABILITY ||
           code == MCP_UNSUPPORTED_VERSION;
}

/* 404, or what servers' own routers say instead. */
static bool is_no_session(const mcp_client *c, int status) {
    const mcp_link *l = c->link;
    return c->ready && c->era == MCP_LEGACY && (status == 404 || status == 400) &&
           l->kind->has_session && l->kind->has_session(l);
}

static void finish_refused(mcp_client *c, mcp_request *r, const jsonrpc_message *m, int status) {
    buf why = BUF_EMPTY;
    arena a;
    arena_init(&a, 0);
    span text = m->text.type ? json_string(m->text, &a) : SPAN_EMPTY;
    text = secret_set_without(c->link->place->secrets, text, &a);
    buf_addf(&why, "it refused with error %lld", (long long)m->code);
    if (text.len) buf_add_cstr(&why, ": ");
    buf_add_excerpt(&why, text, TEXT_MAX);
    const mcp_loss loss = {TOOL_FAILED, status, buf_span(&why)};
    const mcp_reply reply = {.loss = &loss,
                             .no_session = is_no_session(c, status) && !is_modern_error(m->code)};
    if (r == &c->discover)
        finish_discover(c, m, status, &loss);
    else
        finish(c, r, &reply);
    buf_done(&why);
    arena_done(&a);
}

static void take_answer(mcp_client *c, mcp_request *r, const jsonrpc_message *m, int status) {
    const mcp_reply reply = {.result = m->result};
    if (m->kind == JSONRPC_ERROR)
        finish_refused(c, r, m, status);
    else if (r == &c->discover)
        finish_discover(c, m, status, NULL);
    else
        finish(c, r, &reply);
}

/* "id":7, with or without a blank, and no digit behind it. */
static bool names_id(span text, int64_t id) {
    char forms[2][40];
    (void)snprintf(forms[0], sizeof forms[0], "\"id\":%lld", (long long)id);
    (void)snprintf(forms[1], sizeof forms[1], "\"id\": %lld", (long long)id);
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        span form = span_cstr(forms[i]);
        size_t at = span_find_span(text, 0, form);
        size_t after = at + form.len;
        if (at < text.len && (after == text.len || text.ptr[after] < '0' || text.ptr[after] > '9'))
            return true;
    }
    return false;
}

static mcp_request *whose(mcp_client *c, span head, span tail) {
    LIST_FOREACH(&c->requests, it) {
        mcp_request *r = LIST_ENTRY(it, mcp_request, link);
        if (names_id(head, r->id) || names_id(tail, r->id)) return r;
    }
    return NULL;
}

static void lose(mcp_client *c, mcp_request *r, tool_outcome outcome, const char *why) {
    const mcp_loss loss = {outcome, 0, span_cstr(why)};
    const mcp_reply reply = {.loss = &loss};
    if (r == &c->discover)
        finish_discover(c, NULL, 0, &loss);
    else
        finish(c, r, &reply);
}

/* What is no message is noise, which programs that log to their standard output make; but what is
 * meant to answer one request is the only answer that there will be. */
static void take_noise(mcp_client *c, span text) {
    const span said = span_trim(text);
    mcp_request *r = NULL;
    bool meant = said.len && (said.ptr[0] == '{' || said.ptr[0] == '[') &&
                 (span_find_span(said, 0, SPAN_OF("\"result\"")) < said.len ||
                  span_find_span(said, 0, SPAN_OF("\"error\"")) < said.len);
    if (!meant) return;
    LIST_FOREACH(&c->requests, it) {
        mcp_request *one = LIST_ENTRY(it, mcp_request, link);
        if (!names_id(said, one->id)) continue;
        if (r) return; /* of two nobody knows which */
        r = one;
    }
    if (r) lose(c, r, TOOL_FAILED, "its answer is no message of JSON-RPC that can be read");
}

static void on_message(void *user, span text, mcp_request *by, int status) {
    mcp_client *c = user;
    jsonrpc_message m;
    jsonrpc_fault fault;
    if (c->closed) return;
    if (!jsonrpc_read(text, &reading, &m, &fault)) {
        take_noise(c, text);
        return;
    }
    if (m.kind == JSONRPC_NOTIFICATION) {
        take_notification(c, &m);
        return;
    }
    if (m.kind == JSONRPC_REQUEST) {
        answer(c, &m);
        return;
    }
    mcp_request *r = waiting(c, m.id);
    /* A refusal by HTTP's status has whatever id. */
    if (!r && m.kind == JSONRPC_ERROR && by && (status >= 300 || !jsonrpc_has_id(&m))) r = by;
    if (r) take_answer(c, r, &m, status);
}

static void on_large(void *user, span head, span tail, mcp_request *by) {
    mcp_client *c = user;
    mcp_request *r = by ? by : whose(c, head, tail);
    if (c->closed || !r) return;
    lose(c, r, TOOL_TOO_LARGE, "its answer is larger than it may be");
}

static void on_lost(void *user, mcp_request *r, const mcp_loss *loss) {
    mcp_client *c = user;
    if (c->closed || r->client != c) return;
    take_off(r);
    const mcp_reply reply = {.loss = loss, .no_session = is_no_session(c, loss->status)};
    /* One that is not reached at all will not be by another question. */
    if (r == &c->discover && loss->outcome == TOOL_UNREACHABLE)
        go_down(c, loss, false);
    else if (r == &c->discover)
        on_discovered(c, NULL, loss->status, loss);
    else
        r->done(r, &reply);
    if (!c->closed) close_if_retired(c);
}

static void on_down(void *user, const mcp_loss *loss) {
    mcp_client *c = user;
    if (!c->closed) go_down(c, loss, false);
}

static const mcp_link_ops link_ops = {on_message, on_large, on_lost, on_gap, on_down};

mcp_client *mcp_client_open(mcp_env *e, const mcp_place *p, bool legacy, const mcp_client_ops *ops,
                            void *user) {
    mcp_client *c = mem_zalloc(sizeof *c);
    const mcp_link_kind *kind = p->config->argv ? &mcp_stdio : &mcp_http;
    const mcp_question q = {.method = "server/discover"};
    c->env = e;
    c->ops = ops;
    c->user = user;
    c->next_id = 1;
    c->listen_ms = LISTEN_MS;
    c->hello.done = on_hello;
    c->listen.done = on_listened;
    list_init(&c->requests);
    timer_init(&c->start, on_start_over);
    timer_init(&c->silence, on_silence);
    timer_init(&c->bury, on_bury);
    c->link = kind->open(e, p, &link_ops, c);
    loop_timer_start(e->loop, &c->start, START_MS);
    if (legacy) {
        say_hello(c);
        return c;
    }
    ask(c, &c->discover, MCP_MODERN, &q);
    if (kind == &mcp_stdio) loop_timer_start(e->loop, &c->silence, SILENCE_MS);
    return c;
}
