#include "mcp/jsonrpc.h"

/* In the order of keys[]. */
typedef struct members {
    json_value version, id, method, params, result, error;
} members;

enum { MEMBERS = sizeof(members) / sizeof(json_value) };

static const span keys[MEMBERS] = {SPAN("jsonrpc"), SPAN("id"),     SPAN("method"),
                                   SPAN("params"),  SPAN("result"), SPAN("error")};

/* Digits, perhaps with a sign: no fraction, no exponent, of any length. */
static bool is_integer(json_value v) {
    if (v.type != JSON_NUMBER) return false;
    for (size_t i = 0; i < v.raw.len; i++)
        if ((v.raw.ptr[i] < '0' || v.raw.ptr[i] > '9') && !(i == 0 && v.raw.ptr[i] == '-'))
            return false;
    return true;
}

static bool is_id(json_value v) {
    return v.type == JSON_STRING || is_integer(v);
}

/* What is wrong with it, or NULL. */
static const char *read_asked(const members *m, jsonrpc_message *ret) {
    if (m->method.type != JSON_STRING) return "method must be a string";
    if (m->result.type || m->error.type) return "a request has neither result nor error";
    if (m->id.type && !is_id(m->id)) return "id must be a string or an integer";
    if (m->params.type && m->params.type != JSON_OBJECT) return "params must be an object";
    ret->kind = m->id.type ? JSONRPC_REQUEST : JSONRPC_NOTIFICATION;
    ret->method = m->method;
    ret->params = m->params;
    return NULL;
}

static const char *read_error(const members *m, jsonrpc_message *ret) {
    if (m->error.type != JSON_OBJECT) return "error must be an object";
    if (m->id.type && m->id.type != JSON_NULL && !is_id(m->id))
        return "id must be a string or an integer";
    if (!json_i64(json_get(m->error, SPAN_OF("code")), &ret->code))
        return "error.code must be an integer";
    ret->kind = JSONRPC_ERROR;
    ret->text = json_get(m->error, SPAN_OF("message"));
    ret->data = json_get(m->error, SPAN_OF("data"));
    if (ret->text.type != JSON_STRING) ret->text = (json_value){JSON_NONE, SPAN_EMPTY};
    return NULL;
}

static const char *read_answer(const members *m, jsonrpc_message *ret) {
    if (m->result.type && m->error.type) return "an answer has a result or an error, not both";
    if (m->error.type) return read_error(m, ret);
    if (!m->result.type) return "it has neither method nor result nor error";
    if (!is_id(m->id)) return "id must be a string or an integer";
    ret->kind = JSONRPC_RESULT;
    ret->result = m->result;
    return NULL;
}

static bool fail(jsonrpc_fault *f, jsonrpc_fault_kind kind, const char *what) {
    *f = (jsonrpc_fault){.kind = kind, .what = what};
    return false;
}

bool jsonrpc_read(span text, const json_limits *limits, jsonrpc_message *ret,
                  jsonrpc_fault *ret_fault) {
    json_value root, found[MEMBERS];
    json_fault fault;
    *ret = (jsonrpc_message){0};
    *ret_fault = (jsonrpc_fault){0};
    if (!json_scan(text, limits, &root, &fault))
        return fail(ret_fault, JSONRPC_NO_JSON, fault.what);
    if (root.type == JSON_ARRAY) return fail(ret_fault, JSONRPC_BATCH, "batches are not taken");
    if (root.type != JSON_OBJECT)
        return fail(ret_fault, JSONRPC_NO_MESSAGE, "a message is an object");
    json_get_each(root, keys, MEMBERS, found);
    const members m = {found[0], found[1], found[2], found[3], found[4], found[5]};
    const char *what = !json_is(m.version, SPAN_OF("2.0")) ? "jsonrpc must be \"2.0\""
                       : m.method.type                     ? read_asked(&m, ret)
                                                           : read_answer(&m, ret);
    if (!what) {
        ret->id = m.id;
        return true;
    }
    *ret = (jsonrpc_message){0};
    (void)fail(ret_fault, JSONRPC_NO_MESSAGE, what);
    if (is_id(m.id)) ret_fault->id = m.id;
    return false;
}

int64_t jsonrpc_fault_code(jsonrpc_fault_kind kind) {
    return kind == JSONRPC_NO_JSON ? JSONRPC_PARSE : JSONRPC_INVALID_REQUEST;
}

/* ---- writing ---- */

static json_writer begin(buf *out) {
    json_writer w = json_writer_of(out);
    json_open_object(&w);
    json_key(&w, "jsonrpc");
    json_put_string(&w, SPAN_OF("2.0"));
    return w;
}

static void put_id(json_writer *w, span id) {
    json_key(w, "id");
    if (id.len)
        json_put_raw(w, id);
    else
        json_put_null(w);
}

static void put_call(json_writer *w, span method, span params) {
    json_key(w, "method");
    json_put_string(w, method);
    if (params.len) {
        json_key(w, "params");
        json_put_raw(w, params);
    }
    json_close_object(w);
}

void jsonrpc_write_request(buf *out, span id, span method, span params) {
    json_writer w = begin(out);
    put_id(&w, id);
    put_call(&w, method, params);
}

void jsonrpc_write_notification(buf *out, span method, span params) {
    json_writer w = begin(out);
    put_call(&w, method, params);
}

json_writer jsonrpc_open_result(buf *out, span id) {
    json_writer w = begin(out);
    put_id(&w, id);
    json_key(&w, "result");
    return w;
}

void jsonrpc_close_result(json_writer *w) {
    json_close_object(w);
}

void jsonrpc_write_result(buf *out, span id, span result) {
    json_writer w = jsonrpc_open_result(out, id);
    json_put_raw(&w, result);
    jsonrpc_close_result(&w);
}

void jsonrpc_write_error(buf *out, span id, int64_t code, span text, span data) {
    json_writer w = begin(out);
    put_id(&w, id);
    json_key(&w, "error");
    json_open_object(&w);
    json_key(&w, "code");
    json_put_i64(&w, code);
    json_key(&w, "message");
    json_put_string(&w, text);
    if (data.len) {
        json_key(&w, "data");
        json_put_raw(&w, data);
    }
    json_close_object(&w);
    json_close_object(&w);
}
