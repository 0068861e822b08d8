/* MCP over streamable HTTP: each message is a POST, which is answered with JSON or with events.
 *
 * Of a legacy server the session is kept, a GET stream is held open for what it says unasked, and
 * an answer that breaks off is taken up again where its events had ids. A modern one has nothing of
 * that. */
#include "tools/mcp_link.h"

#include "base/mem.h"
#include "base/public_address.h"
#include "http/sse.h"

#include <stdlib.h>

enum {
    CONNECTIONS_MAX = 100,
    CONNECT_MS = 10000,
    LINGER_MS = 1000, /* an answer's stream ends by itself so soon, or is closed */
    FAREWELL_MS = 1000,
    RESUMES_MAX = 5, /* of one answer, in which it does not go on */
    RESUME_MS = 200,
    REOPEN_MS = 1000, /* the GET stream; doubled up to: */
    REOPEN_MAX_MS = 60000,
    STREAM_WELL_MS = 10000, /* one that was open so long is opened again as the first one was */
    SESSION_MAX = 1024,
    WHY_READ = 8192,
    WHY_MAX = 500,
};

typedef struct http_link {
    mcp_link link;
    http_origin *origin; /* counted */
    list posts;
    mcp_era era;
    bool known;           /* which it is */
    buf session, version; /* empty: none */
    struct post *stream;  /* the GET that listens; NULL: none */
    bool missed;          /* nobody listened for a while */
    timer reopen;
    int64_t reopen_ms;
    timer end;
} http_link;

typedef enum body_kind { BODY_OTHER, BODY_JSON, BODY_EVENTS } body_kind;

/* One HTTP request, or its resumptions. */
typedef struct post {
    list link;
    http_link *owner;
    mcp_request *request; /* NULL: nobody waits, or no more */
    http_call *http;      /* NULL: none is under way */
    span body;
    bool hello, resuming, is_stream, listens, farewell;
    int status;
    body_kind kind;
    sse_reader events;
    bool reads_events;
    buf gathered;
    buf last_id;      /* of its events; empty: none had one */
    buf resumed_from; /* the one with which it was taken up again, the last time */
    int64_t retry_ms; /* until it is to be taken up again; -1: the server does not say */
    unsigned resumes;
    int64_t began_ms;
    timer timer; /* what is next: it is taken up again, or closed */
    arena arena;
} post;

static http_link *link_of(mcp_link *l) {
    return CONTAINER_OF(l, http_link, link);
}

static void post_free(post *p) {
    http_link *h = p->owner;
    loop_timer_stop(h->link.env->loop, &p->timer);
    if (p->http) http_call_cancel(p->http);
    if (p->request) p->request->sent = NULL;
    if (h->stream == p) h->stream = NULL;
    list_remove(&p->link);
    if (p->reads_events) sse_reader_done(&p->events);
    buf_done(&p->gathered);
    buf_done(&p->last_id);
    buf_done(&p->resumed_from);
    arena_done(&p->arena);
    free(p);
}

/* Later, since whatever calls stands in it. */
static void on_post_over(timer *t) {
    post_free(CONTAINER_OF(t, post, timer));
}

static void end_post(post *p, int64_t after_ms) {
    p->timer.fire = on_post_over;
    loop_timer_start(p->owner->link.env->loop, &p->timer, after_ms);
}

/* ---- what comes ---- */

static bool is_good(int status) {
    return status >= 200 && status < 300;
}

static void tell(post *p, span text) {
    mcp_link *l = &p->owner->link;
    if (l->ops) l->ops->on_message(l->user, text, p->request, p->status);
}

static void lose(post *p, tool_outcome outcome, span why) {
    mcp_link *l = &p->owner->link;
    mcp_request *r = p->request;
    const mcp_loss loss = {outcome, p->status, why};
    p->request = NULL;
    if (r) r->sent = NULL;
    if (r && l->ops) l->ops->on_lost(l->user, r, &loss);
}

static void resume(post *p);

static void on_resume(timer *t) {
    resume(CONTAINER_OF(t, post, timer));
}

static int64_t not_before(const post *p, int64_t ms) {
    return p->retry_ms > ms ? p->retry_ms : ms;
}

/* An answer that broke off, of which the server has kept the rest. One whose server ends it and
 * says when to ask again, or which has gone on since it was taken up the last time, is waited for
 * as long as its request is. */
static bool may_resume(post *p, bool broken) {
    const bool moved = !span_eq(buf_span(&p->last_id), buf_span(&p->resumed_from));
    if (!p->last_id.len || !p->request || p->is_stream) return false;
    if (moved || (!broken && p->retry_ms >= 0)) p->resumes = 0;
    if (p->resumes++ >= RESUMES_MAX) return false;
    buf_clear(&p->resumed_from);
    buf_add(&p->resumed_from, buf_span(&p->last_id));
    p->timer.fire = on_resume;
    loop_timer_start(p->owner->link.env->loop, &p->timer, not_before(p, RESUME_MS));
    return true;
}

static void reopen_later(post *p) {
    http_link *h = p->owner;
    const loop *l = h->link.env->loop;
    if (p->reads_events && l->now_ms - p->began_ms >= STREAM_WELL_MS) h->reopen_ms = REOPEN_MS;
    h->missed = true;
    loop_timer_start(h->link.env->loop, &h->reopen, not_before(p, h->reopen_ms));
    h->reopen_ms = h->reopen_ms * 2 < REOPEN_MAX_MS ? h->reopen_ms * 2 : REOPEN_MAX_MS;
}

static void tell_gap(http_link *h) {
    const bool missed = h->missed;
    h->missed = false;
    if (missed && h->link.ops) h->link.ops->on_gap(h->link.user);
}

static void too_large(post *p, span head) {
    mcp_link *l = &p->owner->link;
    if (p->http) http_call_cancel(p->http);
    p->http = NULL;
    mcp_request *r = p->request;
    p->request = NULL;
    if (r) r->sent = NULL;
    if (l->ops) l->ops->on_large(l->user, head, SPAN_EMPTY, r);
    if (p->is_stream && l->ops) reopen_later(p);
    end_post(p, 0);
}

/* The stream may be closed by what it says. */
static void take_events(post *p, span piece) {
    sse_event e;
    sse_result result;
    while (p->http && (result = sse_read(&p->events, &piece, &e)) != SSE_MORE) {
        if (result == SSE_TOO_LARGE) {
            too_large(p, SPAN_EMPTY);
            return;
        }
        if (e.data.len) tell(p, e.data);
    }
}

static body_kind kind_of(const http_head *head) {
    span type = http_header_get(head->headers, SPAN_OF("Content-Type"));
    type = span_trim(span_slice(type, 0, span_find(type, 0, ';')));
    if (span_ieq(type, SPAN_OF("text/event-stream"))) return BODY_EVENTS;
    return span_ieq(type, SPAN_OF("application/json")) ? BODY_JSON : BODY_OTHER;
}

static void on_head(void *user, const http_head *head) {
    post *p = user;
    http_link *h = p->owner;
    p->status = head->status;
    p->kind = kind_of(head);
    if (p->kind == BODY_EVENTS && is_good(head->status)) {
        if (p->reads_events) sse_reader_done(&p->events);
        sse_reader_init(&p->events, h->link.place->message_max);
        p->events.ids = &p->last_id;
        p->events.retry_ms = &p->retry_ms;
        p->reads_events = true;
        if (p->is_stream) tell_gap(h);
    }
    span session = http_header_get(head->headers, SPAN_OF("Mcp-Session-Id"));
    if (!p->hello || !is_good(head->status) || session.len > SESSION_MAX) return;
    buf_clear(&h->session);
    buf_add(&h->session, session);
}

static void on_body(void *user, span piece) {
    post *p = user;
    size_t max =
        is_good(p->status) && p->kind == BODY_JSON ? p->owner->link.place->message_max : WHY_READ;
    if (is_good(p->status) && p->kind == BODY_EVENTS) {
        take_events(p, piece);
    } else if (max == WHY_READ) {
        buf_add(&p->gathered, span_slice(piece, 0, WHY_READ - p->gathered.len));
    } else if (piece.len > max - p->gathered.len) {
        too_large(p, span_slice(buf_span(&p->gathered), 0, WHY_READ));
    } else {
        buf_add(&p->gathered, piece);
    }
}

static void lose_by_status(post *p) {
    buf why = BUF_EMPTY;
    span said =
        secret_set_without(p->owner->link.place->secrets, buf_span(&p->gathered), &p->arena);
    buf_addf(&why, "it answered %d %s", p->status, http_status_text(p->status));
    if (p->kind == BODY_OTHER || p->kind == BODY_JSON) {
        if (said.len) buf_add_cstr(&why, ": ");
        buf_add_excerpt(&why, said, WHY_MAX);
    }
    lose(p, TOOL_FAILED, buf_span(&why));
    buf_done(&why);
}

/* All of it is there. */
static void take_end(post *p) {
    sse_event e;
    if (is_good(p->status) && p->kind == BODY_EVENTS) {
        if (sse_read_end(&p->events, &e) == SSE_EVENT && e.data.len) tell(p, e.data);
        if (may_resume(p, false)) return;
        lose(p, TOOL_FAILED, SPAN_OF("its stream ended without an answer"));
    } else if (p->kind == BODY_JSON && p->gathered.len) {
        tell(p, buf_span(&p->gathered));
        if (!is_good(p->status)) lose_by_status(p);
        lose(p, TOOL_FAILED, SPAN_OF("its answer is not an answer to what was asked"));
    } else if (!is_good(p->status)) {
        lose_by_status(p);
    } else {
        lose(p, TOOL_FAILED, SPAN_OF("its answer is neither JSON nor a stream of events"));
    }
    end_post(p, 0);
}

static void end_stream(post *p) {
    http_link *h = p->owner;
    /* 405: it has none. Another refusal is as good. */
    bool has = p->status == 0 || p->status >= 500 || (is_good(p->status) && p->kind == BODY_EVENTS);
    if (has && h->link.ops)
        reopen_later(p);
    else
        tell_gap(h); /* the session may be over */
    end_post(p, 0);
}

static void on_end(void *user) {
    post *p = user;
    p->http = NULL;
    if (p->farewell)
        loop_timer_start(p->owner->link.env->loop, &p->owner->end, 0);
    else if (p->is_stream)
        end_stream(p);
    else
        take_end(p);
}

static bool is_unreachable(http_fail_kind kind) {
    return kind == HTTP_FAIL_CONNECT || kind == HTTP_FAIL_TLS || kind == HTTP_FAIL_CONNECT_TIMEOUT;
}

/* The server has taken it, and owes an answer. */
static bool is_taken(const post *p) {
    return p->request && !p->listens && p->http && http_call_get_facts(p->http).sent_us;
}

/* Calls that the server has taken will tell themselves whether it is there. Those that only try to
 * connect, as this one did, will not. */
static bool others_wait(const post *p) {
    LIST_FOREACH(&p->owner->posts, it)
    if (is_taken(LIST_ENTRY(it, post, link))) return true;
    return false;
}

static void on_fail(void *user, const http_fail *fail) {
    post *p = user;
    http_link *h = p->owner;
    p->http = NULL;
    if (p->farewell) {
        loop_timer_start(h->link.env->loop, &h->end, 0);
        return;
    }
    if (p->is_stream) {
        end_stream(p);
        return;
    }
    if (may_resume(p, true)) return;
    buf why = BUF_EMPTY;
    bool away = is_unreachable(fail->kind);
    buf_addf(&why, "%s: %s", away ? "it cannot be reached" : "its answer cannot be used",
             fail->text);
    lose(p, away ? TOOL_UNREACHABLE : TOOL_FAILED, buf_span(&why));
    const mcp_loss loss = {TOOL_UNREACHABLE, 0, buf_span(&why)};
    if (away && h->link.ops && !others_wait(p)) h->link.ops->on_down(h->link.user, &loss);
    buf_done(&why);
    end_post(p, 0);
}

static const http_call_ops post_ops = {
    .on_head = on_head, .on_body = on_body, .on_end = on_end, .on_fail = on_fail};

/* ---- what goes ---- */

typedef struct fields {
    http_header *items;
    size_t count;
    size_t configured;
} fields;

static void add_field(fields *f, const char *name, span value) {
    const http_headers configured = {f->items, f->configured};
    if (!value.ptr || !value.len) return;
    if (http_header_get(configured, span_cstr(name)).ptr) return;
    f->items[f->count++] = (http_header){span_cstr(name), value};
}

/* "Mcp-Param-A: b\n…" */
static void add_params(fields *f, span lines) {
    for (span line; span_cut(&lines, '\n', &line);) {
        size_t colon = span_find(line, 0, ':');
        if (colon == line.len) continue;
        f->items[f->count++] = (http_header){span_slice(line, 0, colon),
                                             span_trim(span_slice(line, colon + 1, line.len))};
    }
}

static size_t lines_in(span text) {
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++)
        n += text.ptr[i] == '\n';
    return n;
}

static span field_text(arena *a, span text) {
    buf value = BUF_EMPTY;
    if (text.len) mcp_write_field(&value, text);
    span made = value.len ? arena_dup(a, buf_span(&value)) : SPAN_EMPTY;
    buf_done(&value);
    return made;
}

static http_headers make_fields(post *p, const mcp_outgoing *out, span last_id) {
    http_link *h = p->owner;
    const config_tool *t = h->link.place->config;
    span params = arena_dup(&p->arena, out->params);
    fields f = {
        arena_alloc(&p->arena, (t->headers.count + 10 + lines_in(params)) * sizeof(http_header)), 0,
        0};
    for (; f.count < t->headers.count; f.count++)
        f.items[f.count] =
            (http_header){t->headers.items[f.count].name, t->headers.items[f.count].value};
    f.configured = f.count;
    bool modern = h->known ? h->era == MCP_MODERN : !p->hello;
    add_field(&f, "Accept",
              p->is_stream || p->resuming ? SPAN_OF("text/event-stream")
                                          : SPAN_OF("application/json, text/event-stream"));
    add_field(&f, "Content-Type", p->body.len ? SPAN_OF("application/json") : SPAN_EMPTY);
    add_field(&f, "User-Agent", SPAN_OF("weir/" WEIR_VERSION));
    add_field(&f, "traceparent", arena_dup(&p->arena, out->traceparent));
    add_field(&f, "Last-Event-ID", last_id);
    add_field(&f, "MCP-Protocol-Version",
              p->hello ? SPAN_EMPTY
              : modern ? SPAN_OF(MCP_MODERN_VERSION)
                       : arena_dup(&p->arena, buf_span(&h->version)));
    if (!p->hello) add_field(&f, "Mcp-Session-Id", arena_dup(&p->arena, buf_span(&h->session)));
    if (modern) {
        add_field(&f, "Mcp-Method", field_text(&p->arena, out->method));
        add_field(&f, "Mcp-Name", field_text(&p->arena, out->name));
        add_params(&f, params);
    }
    return (http_headers){f.items, f.count};
}

static void send_post(post *p, const char *method, const mcp_outgoing *out, span last_id) {
    mcp_link *l = &p->owner->link;
    const http_call_spec spec = {
        .method = span_cstr(method),
        .path = l->place->config->url.path,
        .headers = make_fields(p, out, last_id),
        .body = &p->body,
        .body_count = p->body.len ? 1 : 0,
        .connect_ms = CONNECT_MS,
    };
    p->http = http_client_send(l->env->client, p->owner->origin, &spec, &post_ops, p);
}

static post *post_new(http_link *h, mcp_request *r) {
    post *p = mem_zalloc(sizeof *p);
    p->owner = h;
    p->request = r;
    p->retry_ms = -1;
    p->began_ms = h->link.env->loop->now_ms;
    if (r) r->sent = p;
    arena_init(&p->arena, 0);
    timer_init(&p->timer, on_post_over);
    list_push_back(&h->posts, &p->link);
    return p;
}

static void http_send(mcp_link *l, const mcp_outgoing *out) {
    post *p = post_new(link_of(l), out->request);
    p->hello = span_eq(out->method, SPAN_OF("initialize"));
    p->listens = span_eq(out->method, SPAN_OF("subscriptions/listen"));
    p->body = arena_dup(&p->arena, out->message);
    send_post(p, "POST", out, SPAN_EMPTY);
}

static void resume(post *p) {
    const mcp_outgoing nothing = {0};
    p->resuming = true;
    p->body = SPAN_EMPTY;
    send_post(p, "GET", &nothing, arena_dup(&p->arena, buf_span(&p->last_id)));
}

/* What a legacy server says unasked. */
static void open_stream(http_link *h) {
    const mcp_outgoing nothing = {0};
    post *p = h->stream = post_new(h, NULL);
    p->is_stream = true;
    send_post(p, "GET", &nothing, SPAN_EMPTY);
}

static void on_reopen(timer *t) {
    http_link *h = CONTAINER_OF(t, http_link, reopen);
    if (!h->stream) open_stream(h);
}

/* ---- the link ---- */

static void http_forget(mcp_link *l, mcp_request *r, bool answered) {
    post *p = r->sent;
    (void)l;
    r->sent = NULL;
    if (!p) return;
    p->request = NULL;
    /* One that was taken up again stays open; one that nobody wants is closed, which is how a
     * modern server hears of it. */
    end_post(p, answered && !p->resuming ? LINGER_MS : 0);
}

static void http_speaks(mcp_link *l, mcp_era era, span version) {
    http_link *h = link_of(l);
    h->era = era;
    h->known = true;
    buf_clear(&h->version);
    buf_add(&h->version, version);
    if (era == MCP_LEGACY && !h->stream) loop_timer_start(l->env->loop, &h->reopen, 0);
}

static bool http_has_session(const mcp_link *l) {
    return CONTAINER_OF(l, http_link, link)->session.len > 0;
}

static void on_bury(timer *t) {
    http_link *h = CONTAINER_OF(t, http_link, end);
    mcp_env *e = h->link.env;
    LIST_FOREACH(&h->posts, it)
    post_free(LIST_ENTRY(it, post, link));
    loop_timer_stop(e->loop, &h->reopen);
    http_origin_unref(h->origin);
    buf_done(&h->session);
    buf_done(&h->version);
    free(h);
    mcp_link_gone(e);
}

static mcp_link *http_open(mcp_env *e, const mcp_place *p, const mcp_link_ops *ops, void *user) {
    http_link *h = mem_zalloc(sizeof *h);
    const config_tool_url *url = &p->config->url;
    const http_origin_spec spec = {
        .host = url->host,
        .port = url->port,
        .authority = url->authority,
        .unix_path = url->unix_path,
        .tls = p->tls,
        .proxy = SPAN_OF("none"),
        .max_connections = CONNECTIONS_MAX,
        .admits = p->config->allow_private ? NULL : address_is_public,
    };
    mcp_link_init(&h->link, &mcp_http, e, p, ops, user);
    list_init(&h->posts);
    timer_init(&h->reopen, on_reopen);
    timer_init(&h->end, on_bury);
    h->reopen_ms = REOPEN_MS;
    h->origin = http_client_origin(e->client, &spec);
    return &h->link;
}

/* A legacy server is told that its session is over. */
static void say_farewell(http_link *h) {
    const mcp_outgoing nothing = {0};
    post *p = post_new(h, NULL);
    p->farewell = true;
    send_post(p, "DELETE", &nothing, SPAN_EMPTY);
}

static void http_close(mcp_link *l) {
    http_link *h = link_of(l);
    bool polite = h->session.len > 0 && h->known;
    l->ops = NULL;
    loop_timer_stop(l->env->loop, &h->reopen);
    LIST_FOREACH(&h->posts, it) {
        post *p = LIST_ENTRY(it, post, link);
        if (p->request) p->request->sent = NULL;
        p->request = NULL;
        if (p->http) http_call_cancel(p->http);
        p->http = NULL;
        end_post(p, 0);
    }
    if (polite) say_farewell(h);
    loop_timer_start(l->env->loop, &h->end, polite ? FAREWELL_MS : 0);
}

const mcp_link_kind mcp_http = {
    .open = http_open,
    .send = http_send,
    .forget = http_forget,
    .speaks = http_speaks,
    .has_session = http_has_session,
    .close = http_close,
};
