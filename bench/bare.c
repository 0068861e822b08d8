/* bench-bare: the HTTP room alone as a proxy, server and pooled client with nothing between them.
 * The floor under weir's own cost per call, and the thing to profile when that floor has risen.
 *
 *   ninja -C build bench/bench-bare && build/bench/bench-bare UPSTREAM_PORT
 *
 * Prints the port it listens on; ends at the end of stdin.
 */
#include "base/arena.h"
#include "http/client.h"
#include "http/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct proxy {
    loop l;
    http_client *client;
    http_origin *origin;
    http_server *server;
    uv_pipe_t watched;
} proxy;

/* Lives in its arena. */
typedef struct passage {
    arena arena;
    http_request *r;
    http_call *call;
    span body;
    span whole;  /* a plain answer's body, gathered */
    size_t room; /* of it */
    int status;
    http_headers headers;
    bool stream;
} passage;

static proxy p;

/* ---- from the provider ---- */

static http_headers keep(passage *g, http_headers in) {
    http_header *out = arena_alloc(&g->arena, (in.count + 1) * sizeof *out);
    size_t n = 0;
    for (size_t i = 0; i < in.count; i++) {
        span name = in.items[i].name;
        if (http_header_is_hop(name, SPAN_EMPTY) || span_ieq(name, SPAN_OF("Content-Length")) ||
            span_ieq(name, SPAN_OF("Date")) || span_ieq(name, SPAN_OF("Host")))
            continue;
        out[n++] =
            (http_header){arena_dup(&g->arena, name), arena_dup(&g->arena, in.items[i].value)};
    }
    return (http_headers){out, n};
}

static void on_head(void *user, const http_head *head) {
    passage *g = user;
    g->status = head->status;
    g->headers = keep(g, head->headers);
    g->stream = head->content_length < 0;
    if (g->stream) {
        http_answer_head(g->r, g->status, g->headers);
    } else {
        g->room = (size_t)head->content_length;
        g->whole.ptr = arena_alloc(&g->arena, g->room + 1);
    }
}

static void on_body(void *user, span piece) {
    passage *g = user;
    if (g->stream) {
        http_answer_piece(g->r, piece);
        if (http_answer_full(g->r)) http_call_pause(g->call);
        return;
    }
    memcpy((char *)g->whole.ptr + g->whole.len, piece.ptr, piece.len);
    g->whole.len += piece.len;
}

static void on_end(void *user) {
    passage *g = user;
    g->call = NULL;
    if (g->stream)
        http_answer_end(g->r);
    else
        http_answer(g->r, g->status, g->headers, g->whole);
}

static void on_fail(void *user, const http_fail *f) {
    passage *g = user;
    g->call = NULL;
    if (http_answer_started(g->r))
        http_answer_abort(g->r);
    else
        http_answer(g->r, 502, (http_headers){0}, span_cstr(f->text));
}

static const http_call_ops call_ops = {NULL, on_head, on_body, on_end, on_fail};

/* ---- from the client ---- */

static void on_request_head(void *user, http_request *r) {
    (void)user;
    (void)r;
}

static void on_request(void *user, http_request *r) {
    (void)user;
    arena first;
    arena_init(&first, 0);
    passage *g = arena_zalloc(&first, sizeof *g);
    g->arena = first;
    g->r = r;
    g->body = http_request_body(r);
    http_request_set_user(r, g);
    const http_head *head = http_request_head(r);
    http_call_spec spec = {
        .method = head->method_text,
        .path = head->target,
        .headers = keep(g, head->headers),
        .body = &g->body,
        .body_count = 1,
        .connect_ms = 5000,
        .first_byte_ms = 60000,
        .idle_ms = 60000,
    };
    g->call = http_client_send(p.client, p.origin, &spec, &call_ops, g);
}

static void on_gone(void *user, http_request *r) {
    (void)user;
    passage *g = http_request_user(r);
    if (g && g->call) http_call_cancel(g->call);
    if (g) g->call = NULL;
}

static void on_room(void *user, http_request *r) {
    (void)user;
    passage *g = http_request_user(r);
    if (g->call) http_call_resume(g->call);
}

static void on_done(void *user, http_request *r) {
    (void)user;
    passage *g = http_request_user(r);
    if (!g) return;
    arena a = g->arena;
    arena_done(&a);
}

static void on_refused(void *user, error_id id, const char *why, buf *ret_body) {
    (void)user;
    (void)id;
    buf_add_cstr(ret_body, why);
}

static const http_server_ops server_ops = {
    on_request_head, on_request, on_gone, on_room, on_done, on_refused,
};

/* ---- the whole ---- */

static void alloc(uv_handle_t *h, size_t suggested, uv_buf_t *ret) {
    (void)h;
    (void)suggested;
    static char bytes[64];
    *ret = (uv_buf_t){bytes, sizeof bytes};
}

static void on_stdin(uv_stream_t *s, ssize_t n, const uv_buf_t *b) {
    (void)b;
    if (n >= 0) return;
    loop_enter(&p.l);
    uv_close((uv_handle_t *)s, NULL);
    http_server_close(p.server);
    http_origin_unref(p.origin);
    http_client_close(p.client);
    loop_stop(&p.l);
}

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    if (loop_init(&p.l, 0)) return 1;
    const http_codec_limits head = {.head_bytes = 65536, .url_bytes = 8192, .headers = 100};
    p.client = http_client_new(&p.l, &(http_client_limits){head, 45000, 30000});
    char authority[32];
    snprintf(authority, sizeof authority, "127.0.0.1:%s", argv[1]);
    p.origin = http_client_origin(p.client, &(http_origin_spec){.host = SPAN_OF("127.0.0.1"),
                                                                .port = (uint16_t)atoi(argv[1]),
                                                                .authority = span_cstr(authority),
                                                                .proxy = SPAN_OF("none"),
                                                                .max_connections = 4096});
    const http_server_limits limits = {head, 20 << 20, 256 << 10, 10000, 10000, 60000, 75000};
    p.server = http_server_new(&p.l, &limits, &server_ops, NULL);
    http_bind address = {.host = SPAN_OF("127.0.0.1")};
    if (http_server_listen(p.server, &address)) return 1;
    printf("%u\n", address.port);
    fflush(stdout);
    uv_pipe_init(&p.l.uv, &p.watched, 0);
    uv_pipe_open(&p.watched, 0);
    uv_read_start((uv_stream_t *)&p.watched, alloc, on_stdin);
    loop_run(&p.l);
    http_server_free(p.server);
    http_client_free(p.client);
    loop_done(&p.l);
    return 0;
}
