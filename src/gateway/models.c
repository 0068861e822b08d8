#include "gateway/models.h"

#include "base/hash.h"
#include "gateway/calls.h"
#include "gateway/reply.h"
#include "gateway/routes.h"
#include "gateway/worker.h"
#include "json/json.h"

static bool is_pattern(const config_model *m) {
    return span_ends(m->name, SPAN_OF("*"));
}

bool models_named(const config *c) {
    for (size_t i = 0; i < c->model_count; i++)
        if (!is_pattern(&c->models[i])) return true;
    return false;
}

static void write_model(json_writer *w, const config_model *m, span id, int64_t created) {
    json_open_object(w);
    json_key(w, "id");
    json_put_string(w, id);
    json_key(w, "object");
    json_put_string(w, SPAN_OF("model"));
    json_key(w, "created");
    json_put_i64(w, created);
    json_key(w, "owned_by");
    json_put_string(w, m->target_count ? m->targets[0].provider->name : SPAN_OF("weir"));
    json_close_object(w);
}

void models_write_one(const config_model *m, span id, int64_t created, buf *out) {
    json_writer w = json_writer_of(out);
    write_model(&w, m, id, created);
}

void models_write_list(const config *c, int64_t created, buf *out) {
    json_writer w = json_writer_of(out);
    json_open_object(&w);
    json_key(&w, "object");
    json_put_string(&w, SPAN_OF("list"));
    json_key(&w, "data");
    json_open_array(&w);
    for (size_t i = 0; i < c->model_count; i++)
        if (!is_pattern(&c->models[i])) write_model(&w, &c->models[i], c->models[i].name, created);
    json_close_array(&w);
    json_close_object(&w);
}

bool models_decode_id(span text, buf *ret_id) {
    for (size_t at = 0; at < text.len; at++) {
        unsigned char byte = (unsigned char)text.ptr[at];
        if (byte == '%') {
            if (at + 3 > text.len || !hex_decode(span_slice(text, at + 1, at + 3), &byte, 1))
                return false;
            at += 2;
        }
        buf_add_char(ret_id, (char)byte);
    }
    return true;
}

static int64_t created(const request *q) {
    return q->w->gateway->started_wall_us / 1000000;
}

static void answer_list(request *q) {
    const config *c = worker_config(q->w);
    if (!models_named(c)) {
        call_forward_get(CONTAINER_OF(q, call_request, request), SPAN_OF("/models"));
        return;
    }
    buf body = BUF_EMPTY;
    models_write_list(c, created(q), &body);
    reply_json(q, 200, buf_span(&body));
    buf_done(&body);
}

static void no_such_model(const request *q, span id) {
    reply_error_text(q, ERR_UNKNOWN_MODEL, "The model '%.*s' does not exist here.", SPAN_ARG(id));
}

static void answer_one(request *q) {
    const config *c = worker_config(q->w);
    span path = http_request_head(q->http)->path, rest = route_rest(q->row, path);
    buf id = BUF_EMPTY, body = BUF_EMPTY;
    bool legible = models_decode_id(rest, &id) && span_is_utf8(buf_span(&id));
    const config_model *m = legible ? config_find_model(c, buf_span(&id)) : NULL;
    if (!m) {
        no_such_model(q, rest);
    } else if (!models_named(c) && route_path_is_plain(path)) {
        call_forward_get(CONTAINER_OF(q, call_request, request),
                         span_slice(path, sizeof "/v1" - 1, path.len));
    } else {
        models_write_one(m, buf_span(&id), created(q), &body);
        reply_json(q, 200, buf_span(&body));
    }
    buf_done(&id);
    buf_done(&body);
}

const request_ops models_list = CALL_OPS(answer_list);
const request_ops models_one = CALL_OPS(answer_one);
