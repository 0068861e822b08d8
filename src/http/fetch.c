#include "http/fetch.h"

#include "config/address.h"
#include "http/client.h"

static const http_client_limits limits = {
    .head = {.head_bytes = 64 * 1024, .url_bytes = 16 * 1024, .headers = 200},
    .pool_idle_ms = 1000,
    .dns_ttl_ms = 30 * 1000,
};

typedef struct run {
    loop loop;
    http_client *client;
    http_origin *origin;
    http_call *call; /* NULL: it is over */
    timer deadline;
    fetched *ret;
} run;

/* Closes what is open, so that the loop ends. why NULL: it has been answered. */
static void end(run *r, const char *why) {
    if (why) {
        r->ret->status = 0;
        buf_add_cstr(&r->ret->why, why);
    }
    if (r->call) http_call_cancel(r->call);
    r->call = NULL;
    loop_timer_stop(&r->loop, &r->deadline);
    http_origin_unref(r->origin);
    http_client_close(r->client);
    loop_stop(&r->loop);
}

static void on_late(timer *t) {
    end(CONTAINER_OF(t, run, deadline), "no answer came in time");
}

static void on_head(void *user, const http_head *head) {
    run *r = user;
    r->ret->status = head->status;
}

static void on_body(void *user, span piece) {
    run *r = user;
    if (r->ret->body.len + piece.len > FETCH_BYTES_MAX)
        end(r, "the answer is too long");
    else
        buf_add(&r->ret->body, piece);
}

static void on_end(void *user) {
    run *r = user;
    r->call = NULL;
    end(r, NULL);
}

static void on_fail(void *user, const http_fail *fail) {
    run *r = user;
    r->call = NULL;
    end(r, fail->text);
}

static const http_call_ops ops = {
    .on_head = on_head, .on_body = on_body, .on_end = on_end, .on_fail = on_fail};

static span proxy_of(const fetch_spec *spec) {
    bool here = spec->url->unix_path.len || address_is_loopback(spec->url->host);
    return !spec->proxy.len && here ? SPAN_OF("none") : spec->proxy;
}

static void start(run *r, const fetch_spec *spec, tls_context *tls) {
    const config_url *url = spec->url;
    const http_origin_spec origin = {.host = url->host,
                                     .port = url->port,
                                     .authority = url->authority,
                                     .unix_path = url->unix_path,
                                     .tls = tls,
                                     .proxy = proxy_of(spec),
                                     .max_connections = 1};
    const http_call_spec call = {.method = spec->body.ptr ? SPAN_OF("POST") : SPAN_OF("GET"),
                                 .path = spec->path,
                                 .headers = spec->headers,
                                 .body = &spec->body,
                                 .body_count = spec->body.ptr != NULL};
    r->client = http_client_new(&r->loop, &limits);
    r->origin = http_client_origin(r->client, &origin);
    timer_init(&r->deadline, on_late);
    loop_timer_start(&r->loop, &r->deadline, spec->timeout_ms);
    r->call = http_client_send(r->client, r->origin, &call, &ops, r);
}

static void ask(const fetch_spec *spec, tls_context *tls, fetched *ret) {
    run r = {.ret = ret};
    int err = loop_init(&r.loop, 0);
    if (err) {
        buf_addf(&ret->why, "cannot start the event loop: %s", uv_strerror(err));
        return;
    }
    int64_t began_us = loop_exact_us(&r.loop);
    start(&r, spec, tls);
    loop_run(&r.loop);
    ret->ms = (loop_exact_us(&r.loop) - began_us) / 1000;
    http_client_free(r.client);
    loop_done(&r.loop);
}

void fetch(const fetch_spec *spec, fetched *ret) {
    *ret = (fetched){0};
    tls_context *tls = NULL;
    if (spec->url->tls) tls = tls_client_new(spec->ca_file, &ret->why);
    if (tls || !spec->url->tls) ask(spec, tls, ret);
    tls_context_unref(tls);
}

void fetched_done(fetched *f) {
    buf_done(&f->body);
    buf_done(&f->why);
}
