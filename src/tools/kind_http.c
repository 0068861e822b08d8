/* Tools that are asked over HTTP: the arguments go as the query or as a JSON body, the answer's
 * body is the result. Redirects are not followed: where they lead nobody has allowed. */
#include "tools/kinds.h"
#include "tools/query.h"
#include "tools/runner_internal.h"
#include "tools/set.h"

#include "base/mem.h"
#include "base/public_address.h"

#include <stdlib.h>

enum {
    CONNECTIONS_MAX = 100, /* to one server */
    PATH_MAX_BYTES = 16384,
    WHY_MAX = 500, /* bytes that are told of an answer that is a refusal */
    WHY_READ = 8192,
};

/* What is made of a tool. */
typedef struct http_tool {
    const config_tool *config;
    tls_context *tls; /* NULL: plain */
} http_tool;

typedef struct http_tool_call {
    tool_call *call;
    http_origin *origin; /* counted */
    http_call *http;     /* NULL: none is under way */
    int status;
    arena arena;
    buf path;
    span body;
} http_tool_call;

/* ---- the answer ---- */

static bool is_good(int status) {
    return status >= 200 && status < 300;
}

static void on_head(void *user, const http_head *head) {
    http_tool_call *own = user;
    own->status = head->status;
}

static void on_body(void *user, span piece) {
    http_tool_call *own = user;
    buf *answer = tool_call_answer(own->call);
    if (is_good(own->status))
        (void)!tool_call_add(own->call, piece); /* it says so itself */
    else
        buf_add(answer, span_slice(piece, 0, WHY_READ - answer->len));
}

COLD static void fail_by_status(http_tool_call *own) {
    buf why = BUF_EMPTY;
    /* Before it is cut: half a secret would not be found. */
    span said = secret_set_without(tool_call_tool(own->call)->secrets,
                                   buf_span(tool_call_answer(own->call)), &own->arena);
    buf_add_excerpt(&why, said, WHY_MAX);
    if (own->status >= 300 && own->status < 400)
        tool_call_fail(own->call, TOOL_FAILED,
                       "the tool answered %d, a redirect, and those are not followed", own->status);
    else
        tool_call_fail(own->call, TOOL_FAILED, "the tool answered %d %s%s%.*s", own->status,
                       http_status_text(own->status), why.len ? ": " : "",
                       SPAN_ARG(buf_span(&why)));
    buf_done(&why);
}

static void on_end(void *user) {
    http_tool_call *own = user;
    own->http = NULL;
    if (is_good(own->status))
        tool_call_done(own->call);
    else
        fail_by_status(own);
}

static void on_fail(void *user, const http_fail *fail) {
    http_tool_call *own = user;
    own->http = NULL;
    bool reached = fail->kind == HTTP_FAIL_CUT || fail->kind == HTTP_FAIL_MALFORMED ||
                   fail->kind == HTTP_FAIL_DENSE || fail->kind == HTTP_FAIL_LARGE_HEAD ||
                   fail->kind == HTTP_FAIL_RESET;
    tool_call_fail(own->call, reached ? TOOL_FAILED : TOOL_UNREACHABLE, "%s: %s",
                   reached ? "the tool's answer cannot be used" : "the tool cannot be reached",
                   fail->text);
}

static const http_call_ops http_ops = {
    .on_head = on_head, .on_body = on_body, .on_end = on_end, .on_fail = on_fail};

/* ---- the request ---- */

static span method_text(config_tool_method m) {
    static const span names[] = {SPAN("GET"), SPAN("POST"), SPAN("PUT"), SPAN("PATCH"),
                                 SPAN("DELETE")};
    return names[m];
}

static bool has_body(config_tool_method m) {
    return m != CONFIG_TOOL_GET && m != CONFIG_TOOL_DELETE;
}

static void write_path(http_tool_call *own, const config_tool *t, span arguments) {
    buf_add(&own->path, t->url.path);
    if (has_body(t->method)) return;
    size_t before = own->path.len;
    buf_add_char(&own->path, t->url.query ? '&' : '?');
    tool_query_write(arguments, &own->arena, &own->path);
    if (own->path.len == before + 1) own->path.len = before;
}

static http_headers make_headers(http_tool_call *own, const config_tool *t, const tool_ask *ask) {
    http_header *items = arena_alloc(&own->arena, (t->headers.count + 4) * sizeof *items);
    size_t n = 0;
    for (; n < t->headers.count; n++)
        items[n] = (http_header){t->headers.items[n].name, t->headers.items[n].value};
    const http_headers told = {items, n};
    const http_header more[] = {
        {SPAN_OF("Accept"), SPAN_OF("application/json, text/*;q=0.9, */*;q=0.5")},
        {SPAN_OF("User-Agent"), SPAN_OF("weir/" WEIR_VERSION)},
        {SPAN_OF("Content-Type"), has_body(t->method) ? SPAN_OF("application/json") : SPAN_EMPTY},
        {SPAN_OF("traceparent"), ask->traceparent},
    };
    for (size_t i = 0; i < ARRAY_LEN(more); i++)
        if (more[i].value.len && !http_header_get(told, more[i].name).ptr) items[n++] = more[i];
    return (http_headers){items, n};
}

static http_origin *origin_of(tool_runner *r, const http_tool *made) {
    const config_tool_url *url = &made->config->url;
    const http_origin_spec spec = {
        .host = url->host,
        .port = url->port,
        .authority = url->authority,
        .unix_path = url->unix_path,
        .tls = made->tls,
        .proxy = SPAN_OF("none"),
        .max_connections = CONNECTIONS_MAX,
        .admits = made->config->allow_private ? NULL : address_is_public,
    };
    return tool_runner_origin(r, &spec);
}

static void start(tool_call *c) {
    const http_tool *made = tool_call_tool(c)->made;
    const config_tool *t = made->config;
    http_tool_call *own = tool_call_own(c);
    own->call = c;
    arena_init(&own->arena, 0);
    write_path(own, t, tool_call_ask(c)->arguments);
    if (own->path.len > PATH_MAX_BYTES) {
        tool_call_fail(c, TOOL_BAD_ARGUMENTS, "the arguments are too long for a URL");
        return;
    }
    own->body = has_body(t->method) ? tool_call_ask(c)->arguments : SPAN_EMPTY;
    own->origin = origin_of(tool_call_runner(c), made);
    const http_call_spec spec = {
        .method = method_text(t->method),
        .path = buf_span(&own->path),
        .headers = make_headers(own, t, tool_call_ask(c)),
        .body = &own->body,
        .body_count = own->body.len ? 1 : 0,
    };
    own->http = http_client_send(tool_runner_client(tool_call_runner(c)), own->origin, &spec,
                                 &http_ops, own);
}

static void stop(tool_call *c) {
    http_tool_call *own = tool_call_own(c);
    if (own->http) http_call_cancel(own->http);
    own->http = NULL;
    http_origin_unref(own->origin);
    buf_done(&own->path);
    arena_done(&own->arena);
}

/* ---- made of the configuration ---- */

/* That of a tool before it that trusts the same, or a new one. */
static tls_context *context_for(const tool *t, span ca_file, buf *ret_why) {
    for (const tool *other = t->set->items; other != t; other++) {
        const http_tool *made = other->kind == &tool_http ? other->made : NULL;
        if (made && made->tls && span_eq(made->config->ca_file, ca_file))
            return tls_context_ref(made->tls);
    }
    return tls_client_new(ca_file, ret_why);
}

static bool make(tool *t, const config_tool *from, buf *ret_why) {
    http_tool *made = arena_zalloc(&t->set->arena, sizeof *made);
    made->config = from;
    if (from->url.tls && !(made->tls = context_for(t, from->ca_file, ret_why))) return false;
    t->made = made;
    return true;
}

static void unmake(tool *t) {
    const http_tool *made = t->made;
    if (made) tls_context_unref(made->tls);
}

const tool_kind_ops tool_http = {
    .name = "http",
    .call_size = sizeof(http_tool_call),
    .start = start,
    .stop = stop,
    .make = make,
    .unmake = unmake,
};
