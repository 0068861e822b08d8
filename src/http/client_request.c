/* A request's head as bytes (RFC 9112 section 3), and the call that holds them. */
#include "http/client_internal.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* Fields of the connection and the framing are the client's own. */
static const http_names ours[] = {
    [4] = HTTP_NAMES(SPAN("host")),
    [10] = HTTP_NAMES(SPAN("connection")),
    [14] = HTTP_NAMES(SPAN("content-length")),
    [17] = HTTP_NAMES(SPAN("transfer-encoding")),
};

static bool has_only_graphs(span s) {
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] <= ' ' || s.ptr[i] >= 0x7f) return false; /* not ASCII: negative, or beyond */
    return s.len > 0;
}

static const char *why_unsafe(const http_call_spec *spec) {
    if (!has_only_graphs(spec->method) || !has_only_graphs(spec->path) || spec->path.ptr[0] != '/')
        return "the request's method or path has a byte that does not belong there";
    for (size_t i = 0; i < spec->headers.count; i++)
        if (!http_header_is_safe(spec->headers.items[i].name, spec->headers.items[i].value))
            return "a header field of the request has a byte that does not belong there";
    return NULL;
}

static bool always_has_length(span method) {
    return span_eq(method, SPAN_OF("POST")) || span_eq(method, SPAN_OF("PUT")) ||
           span_eq(method, SPAN_OF("PATCH"));
}

static void put(char **at, span s) {
    if (s.len) memcpy(*at, s.ptr, s.len); /* an empty span may point nowhere */
    *at += s.len;
}

static void put_field(char **at, span name, span value) {
    put(at, name);
    put(at, SPAN_OF(": "));
    put(at, value);
    put(at, SPAN_OF("\r\n"));
}

/* As many bytes as the head has, or somewhat more. */
static size_t head_room(const http_origin *o, const http_call_spec *spec) {
    enum { FIXED_BYTES = 128 }; /* of the request line, Host and Content-Length */
    size_t room = FIXED_BYTES + spec->method.len + spec->path.len + strlen(o->authority);
    for (size_t i = 0; i < spec->headers.count; i++)
        room += spec->headers.items[i].name.len + spec->headers.items[i].value.len + 4;
    return room;
}

/* Returns its end. */
static char *put_head(char *at, const http_origin *o, const http_call_spec *spec, span length) {
    put(&at, spec->method);
    put(&at, SPAN_OF(" "));
    put(&at, spec->path);
    put(&at, SPAN_OF(" HTTP/1.1\r\n"));
    put_field(&at, SPAN_OF("Host"), span_cstr(o->authority));
    for (size_t i = 0; i < spec->headers.count; i++) {
        const http_header *h = &spec->headers.items[i];
        if (!http_names_have(ours, ARRAY_LEN(ours), h->name)) put_field(&at, h->name, h->value);
    }
    if (length.len) put_field(&at, SPAN_OF("Content-Length"), length);
    put(&at, SPAN_OF("\r\n"));
    return at;
}

static span format_length(const http_call_spec *spec, char digits[20]) {
    size_t sum = 0, at = 20;
    for (size_t i = 0; i < spec->body_count; i++)
        sum += spec->body[i].len;
    if (!sum && !always_has_length(spec->method)) return SPAN_EMPTY;
    do
        digits[--at] = (char)('0' + sum % 10);
    while ((sum /= 10));
    return span_from(digits + at, 20 - at);
}

/* unsafe: it must not be sent, and nothing is written. */
static call_request *request_new(const http_origin *o, const http_call_spec *spec, bool unsafe) {
    char digits[20];
    span length = format_length(spec, digits);
    size_t room = unsafe ? 0 : head_room(o, spec);
    size_t count = 1 + spec->body_count;
    call_request *r = mem_alloc(sizeof *r + count * sizeof(span) + room);
    char *head = (char *)&r->pieces[count];
    const char *end = unsafe ? head : put_head(head, o, spec, length);
    r->count = count;
    r->pieces[0] = span_from(head, (size_t)(end - head));
    if (spec->body_count) memcpy(&r->pieces[1], spec->body, spec->body_count * sizeof(span));
    return r;
}

http_call *call_new(http_origin *o, const http_call_spec *spec) {
    const char *unsafe = why_unsafe(spec);
    http_call *call = mem_alloc(sizeof *call);
    *call = (http_call){
        .origin = o,
        .connect_ms = spec->connect_ms,
        .first_byte_ms = spec->first_byte_ms,
        .idle_ms = spec->idle_ms,
        .unsafe = unsafe,
        .phase = CALL_WAITING,
        .is_head = span_eq(spec->method, SPAN_OF("HEAD")),
        .request = request_new(o, spec, unsafe),
    };
    o->calls++;
    return call;
}

void call_forget_request(http_call *call) {
    call_request *r = call->request;
    if (!r) return;
    call->request = NULL;
    mem_wipe((char *)&r->pieces[r->count], r->pieces[0].len); /* bears the provider's key */
    free(r);
}

void call_free(http_call *call) {
    http_origin *o = call->origin;
    loop_timer_stop(o->client->loop, &call->timer);
    list_remove(&call->link);
    queue_part(call);
    call_forget_request(call);
    free(call);
    o->calls--;
    origin_free_if_unused(o);
}
