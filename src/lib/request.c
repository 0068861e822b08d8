#include "lib/request.h"

#include "base/mem.h"
#include "http/message.h"
#include "http/plain_path.h"
#include "json/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is wrong ---- */

PRINTF_LIKE(2, 3) static void fault(weir_request *r, const char *fmt, ...) {
    va_list args;
    if (r->fault.len) return; /* the first one is the cause */
    va_start(args, fmt);
    buf_vaddf(&r->fault, fmt, args);
    va_end(args);
}

/* A text that may stand in JSON; what: for the message. */
static bool is_text(weir_request *r, const char *function, const char *what, const char *text) {
    if (!text)
        fault(r, "%s: %s is NULL.", function, what);
    else if (!span_is_utf8(span_cstr(text)))
        fault(r, "%s: %s is not valid UTF-8.", function, what);
    else
        return true;
    return false;
}

static bool is_json(weir_request *r, const char *function, const char *json, bool object) {
    json_value root;
    json_fault why;
    if (!json) {
        fault(r, "%s: the JSON is NULL.", function);
        return false;
    }
    if (!json_scan(span_cstr(json), NULL, &root, &why)) {
        arena a;
        arena_init(&a, 0);
        fault(r, "%s: not acceptable JSON: %.*s.", function,
              SPAN_ARG(json_fault_text(&a, span_cstr(json), &why)));
        arena_done(&a);
        return false;
    }
    if (object && root.type != JSON_OBJECT) {
        fault(r, "%s: a message is a JSON object.", function);
        return false;
    }
    return true;
}

/* ---- fields ---- */

static request_field *field_find(const request_fields *f, const char *name) {
    for (size_t i = 0; i < f->count; i++)
        if (strcmp(f->items[i].name, name) == 0) return &f->items[i];
    return NULL;
}

static void field_add(request_fields *f, const char *name, const char *value) {
    f->items = mem_realloc(f->items, (f->count + 1) * sizeof *f->items);
    f->items[f->count++] =
        (request_field){mem_strndup(name, strlen(name)), mem_strndup(value, strlen(value))};
}

static void fields_done(request_fields *f) {
    for (size_t i = 0; i < f->count; i++) {
        /* A header may be a credential. */
        mem_wipe(f->items[i].value, strlen(f->items[i].value));
        free(f->items[i].name);
        free(f->items[i].value);
    }
    free(f->items);
}

/* value: checked JSON. */
static void set_member(weir_request *r, const char *name, const char *value) {
    request_field *old = field_find(&r->members, name);
    if (!old) {
        field_add(&r->members, name, value);
        return;
    }
    char *fresh = mem_strndup(value, strlen(value));
    free(old->value);
    old->value = fresh;
}

static void set_member_buf(weir_request *r, const char *name, buf *value) {
    set_member(r, name, buf_cstr(value));
    buf_done(value);
}

/* ---- the public functions ---- */

weir_request *weir_request_new(void) {
    return mem_zalloc(sizeof(weir_request));
}

void request_done(weir_request *r) {
    fields_done(&r->members);
    fields_done(&r->headers);
    buf_done(&r->messages);
    buf_done(&r->body);
    buf_done(&r->fault);
    free(r->path);
    free(r->method);
    free(r->type);
}

void weir_request_free(weir_request *r) {
    if (!r) return;
    request_done(r);
    free(r);
}

void request_copy_way(const weir_request *from, weir_request *to) {
    for (size_t i = 0; i < from->headers.count; i++)
        field_add(&to->headers, from->headers.items[i].name, from->headers.items[i].value);
    if (from->path) to->path = mem_strndup(from->path, strlen(from->path));
    to->keep_headers = from->keep_headers;
    to->timeout_ms = from->timeout_ms;
    to->on_wait = from->on_wait;
    to->wait_user = from->wait_user;
    buf_add(&to->fault, buf_span(&from->fault));
}

void request_spoil(weir_request *r, span why) {
    if (!r->fault.len) buf_add(&r->fault, why);
}

weir_request *request_none(void) {
    weir_request *r = weir_request_new();
    request_spoil(r, SPAN_OF("There is no request (NULL): weir_request_new() makes one."));
    return r;
}

static void next_message(weir_request *r) {
    if (r->messages.len) buf_add_char(&r->messages, ',');
}

void weir_request_add_message(weir_request *r, const char *role, const char *content) {
    if (!is_text(r, __func__, "the role", role) || !is_text(r, __func__, "the content", content))
        return;
    next_message(r);
    json_writer w = json_writer_of(&r->messages);
    json_open_object(&w);
    json_key(&w, "role");
    json_put_string(&w, span_cstr(role));
    json_key(&w, "content");
    json_put_string(&w, span_cstr(content));
    json_close_object(&w);
}

void weir_request_add_message_json(weir_request *r, const char *json) {
    if (!is_json(r, __func__, json, true)) return;
    next_message(r);
    buf_add_cstr(&r->messages, json);
}

void weir_request_set_string(weir_request *r, const char *name, const char *value) {
    if (!is_text(r, __func__, "the name", name) || !is_text(r, __func__, "the value", value))
        return;
    buf json = BUF_EMPTY;
    json_write_string(&json, span_cstr(value));
    set_member_buf(r, name, &json);
}

void weir_request_set_model(weir_request *r, const char *model) {
    if (is_text(r, __func__, "the model", model)) weir_request_set_string(r, "model", model);
}

void weir_request_set_number(weir_request *r, const char *name, double value) {
    if (!is_text(r, __func__, "the name", name)) return;
    if (!isfinite(value)) {
        fault(r, "%s: the value of '%s' is not a finite number.", __func__, name);
        return;
    }
    buf json = BUF_EMPTY;
    json_writer w = json_writer_of(&json);
    json_put_double(&w, value);
    set_member_buf(r, name, &json);
}

void weir_request_set_integer(weir_request *r, const char *name, int64_t value) {
    if (!is_text(r, __func__, "the name", name)) return;
    buf json = BUF_EMPTY;
    buf_add_i64(&json, value);
    set_member_buf(r, name, &json);
}

void weir_request_set_json(weir_request *r, const char *name, const char *json) {
    if (is_text(r, __func__, "the name", name) && is_json(r, __func__, json, false))
        set_member(r, name, json);
}

void weir_request_set_body(weir_request *r, const char *json, size_t len) {
    if (!json) {
        fault(r, "%s: the body is NULL.", __func__);
        return;
    }
    buf_clear(&r->body);
    buf_add(&r->body, span_from(json, len));
    r->has_body = true;
}

/* Of a path and its query, which become a part of the request line. */
static bool is_visible(span text) {
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] <= ' ' || text.ptr[i] == '#' || text.ptr[i] == 0x7f)
            return false;
    return true;
}

static void set_path(weir_request *r, const char *path) {
    free(r->path);
    r->path = mem_strndup(path, strlen(path));
}

/* The path of a call goes on as it is, and so must mean the same to whoever reads it. */
static bool is_call_path(weir_request *r, const char *function, const char *text) {
    const span path = span_cstr(text);
    size_t query = span_find(path, 0, '?');
    if (path.len && path.ptr[0] == '/' && is_visible(path) &&
        http_path_is_plain(span_slice(path, 0, query)))
        return true;
    fault(r, "%s: '%s' is no path below the base URL, such as /files?limit=2.", function, text);
    return false;
}

void weir_request_set_path(weir_request *r, const char *path) {
    if (!is_text(r, __func__, "the path", path)) return;
    if (r->method && !is_call_path(r, __func__, path)) return;
    if (strchr(path, '?') && !is_visible(span_cstr(path)))
        fault(r, "%s: '%s' is no path with a query, such as /chat/completions?tier=1.", __func__,
              path);
    set_path(r, path);
}

/* A token of RFC 9110, as far as methods are ones. */
static bool is_method(const char *method) {
    size_t len = strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    return len > 0 && len <= 16 && !method[len];
}

void weir_request_set_call(weir_request *r, const char *method, const char *path) {
    if (!is_text(r, __func__, "the method", method) || !is_text(r, __func__, "the path", path))
        return;
    if (!is_method(method) || strcmp(method, "CONNECT") == 0 || strcmp(method, "TRACE") == 0) {
        fault(r, "%s: '%s' is no method of a call, such as GET or POST.", __func__, method);
        return;
    }
    if (!is_call_path(r, __func__, path)) return;
    set_path(r, path);
    free(r->method);
    r->method = mem_strndup(method, strlen(method));
    r->keep_headers = true;
}

void weir_request_set_content(weir_request *r, const char *type, const void *bytes, size_t len) {
    if (!is_text(r, __func__, "the type", type)) return;
    if (!bytes && len) {
        fault(r, "%s: the content is NULL.", __func__);
        return;
    }
    if (!http_header_is_safe(SPAN_OF("content-type"), span_cstr(type))) {
        fault(r, "%s: '%s' is no type, such as application/json.", __func__, type);
        return;
    }
    free(r->type);
    r->type = mem_strndup(type, strlen(type));
    buf_clear(&r->body);
    buf_add(&r->body, span_from(bytes, len));
    r->has_body = true;
}

void weir_request_keep_headers(weir_request *r, int on) {
    r->keep_headers = on != 0;
}

void weir_request_set_header(weir_request *r, const char *name, const char *value) {
    if (!is_text(r, __func__, "the name", name)) return;
    if (!value || !http_header_is_safe(span_cstr(name), span_cstr(value)))
        fault(r, "%s: '%s' is no header field: a name and a value without control characters.",
              __func__, name);
    else
        field_add(&r->headers, name, value);
}

void weir_request_set_on_wait(weir_request *r, weir_wait_fn *on_wait, void *user) {
    r->on_wait = on_wait;
    r->wait_user = user;
}

void weir_request_set_timeout_ms(weir_request *r, int64_t timeout_ms) {
    /* Ten years are as good as more, and can be added to a clock. */
    static const int64_t longest_ms = 10LL * 365 * 24 * 3600 * 1000;
    if (timeout_ms < 0)
        fault(r, "%s: %lld is less than 0.", __func__, (long long)timeout_ms);
    else
        r->timeout_ms = timeout_ms < longest_ms ? timeout_ms : longest_ms;
}

/* ---- the body ---- */

const char *request_path(const weir_request *r) {
    return r->path ? r->path : "/chat/completions";
}

endpoint request_endpoint(const weir_request *r) {
    span path = span_cstr(request_path(r));
    return endpoint_of_path(span_slice(path, 0, span_find(path, 0, '?')));
}

bool request_is_other(const weir_request *r) {
    return r->method != NULL;
}

/* Bytes that are the caller's own, of whatever type. */
static bool write_other(const weir_request *r, buf *out, buf *ret_why) {
    if (r->messages.len || r->members.count || (r->has_body && !r->type)) {
        buf_add_cstr(ret_why, "A call of weir_request_set_call() has no body but that of "
                              "weir_request_set_content().");
        return false;
    }
    buf_add(out, buf_span(&r->body));
    return true;
}

static void write_member(json_writer *w, const char *name, const char *json) {
    if (w->comma) buf_add_char(w->out, ',');
    json_write_string(w->out, span_cstr(name));
    buf_add_char(w->out, ':');
    w->comma = false;
    json_put_raw(w, span_cstr(json));
}

static void add_name(json_value model, buf *out) {
    arena a;
    arena_init(&a, 0);
    if (model.type == JSON_STRING) buf_add(out, json_string(model, &a));
    arena_done(&a);
}

/* Of a member as it was given. */
static void add_member_name(const char *json, buf *out) {
    json_value model;
    json_fault why;
    if (json_scan(span_cstr(json), NULL, &model, &why)) add_name(model, out);
}

static bool write_built(const weir_request *r, const char *model, bool stream, buf *out,
                        buf *ret_model, buf *ret_why) {
    if (r->messages.len && field_find(&r->members, "messages")) {
        buf_add_cstr(ret_why, "The request has messages of its own and a member named messages.");
        return false;
    }
    json_writer w = json_writer_of(out);
    json_open_object(&w);
    const request_field *own = field_find(&r->members, "model");
    if (own) add_member_name(own->value, ret_model);
    if (model && !own) {
        buf_add_cstr(ret_model, model);
        json_key(&w, "model");
        json_put_string(&w, span_cstr(model));
    }
    for (size_t i = 0; i < r->members.count; i++) {
        const request_field *m = &r->members.items[i];
        if (strcmp(m->name, "stream") != 0) write_member(&w, m->name, m->value);
    }
    if (stream) {
        json_key(&w, "stream");
        json_put_bool(&w, true);
    }
    if (r->messages.len) {
        json_key(&w, "messages");
        json_open_array(&w);
        json_put_raw(&w, buf_span(&r->messages));
        json_close_array(&w);
    }
    json_close_object(&w);
    return true;
}

/* The body as it was given, byte by byte, but for a model that it lacks and a `stream` that would
 * answer in another way than the caller reads. What is no JSON object is left for the parse stage
 * to refuse. */
static void write_given(span body, const char *model, bool stream, buf *out, buf *ret_model) {
    json_value root;
    json_fault why;
    json_splice splice;
    arena a;
    arena_init(&a, 0);
    json_splice_init(&splice, &a);
    if (json_scan(body, NULL, &root, &why) && root.type == JSON_OBJECT) {
        json_value is = json_get(root, SPAN_OF("stream"));
        span word = stream ? SPAN_OF("true") : SPAN_OF("false");
        bool ok = true;
        if (is.type == JSON_NONE && stream)
            ok = json_splice_member(&splice, body, root, SPAN_OF("stream"), word);
        else if (is.type != JSON_NONE && (is.type == JSON_TRUE) != stream)
            ok = json_splice_value(&splice, body, is, word);
        json_value own = json_get(root, SPAN_OF("model"));
        add_name(own, ret_model);
        if (ok && model && own.type == JSON_NONE) {
            buf_add_cstr(ret_model, model);
            buf name = BUF_EMPTY;
            json_write_string(&name, span_cstr(model));
            ok = json_splice_member(&splice, body, root, SPAN_OF("model"),
                                    arena_dup(&a, buf_span(&name)));
            buf_done(&name);
        }
        if (!ok) splice.count = 0;
    }
    size_t count;
    const span *pieces = json_splice_pieces(&splice, body, &count);
    for (size_t i = 0; i < count; i++)
        buf_add(out, pieces[i]);
    arena_done(&a);
}

bool request_write_body(const weir_request *r, const char *model, bool stream, buf *out,
                        buf *ret_model, buf *ret_why) {
    if (r->fault.len) {
        buf_add(ret_why, buf_span(&r->fault));
        return false;
    }
    if (request_is_other(r)) return write_other(r, out, ret_why);
    if (r->type) {
        buf_add_cstr(ret_why,
                     "weir_request_set_content() is for calls of weir_request_set_call().");
        return false;
    }
    if (!r->has_body) return write_built(r, model, stream, out, ret_model, ret_why);
    write_given(buf_span(&r->body), model, stream, out, ret_model);
    return true;
}
