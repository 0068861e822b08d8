/* What a mixed run tells of itself, whichever API it is asked in. */
#include "exchange/mixed.h"

/* ---- headers ---- */

/* What the run did, before the head goes. */
void mixed_tell_headers(functions_run *r) {
    exchange *x = r->x;
    size_t n = x->more_headers.count;
    if (x->head_sent || n + 2 > EXCHANGE_MORE_HEADERS_MAX) return;
    http_header *h = arena_alloc(&x->arena, (n + 2) * sizeof *h);
    if (n) memcpy(h, x->more_headers.items, n * sizeof *h);
    h[n++] = (http_header){SPAN_OF("x-weir-steps"), arena_u64(&x->arena, r->state.steps)};
    if (r->stop != RUN_ENDS)
        h[n++] = (http_header){SPAN_OF("x-weir-stopped"), span_cstr(run_stop_code(r->stop))};
    x->more_headers = (http_headers){h, n};
}

/* ---- what is added for people, where a run is stopped ---- */

void mixed_put_stop(functions_run *r, json_writer *w) {
    json_key(w, "weir");
    json_open_object(w);
    json_key(w, "error");
    json_open_object(w);
    json_key(w, "type");
    json_put_string(w, SPAN_OF("run_stopped"));
    json_key(w, "message");
    json_put_string(w, functions_stop_sentence(r, r->stop, &r->turn));
    json_key(w, "code");
    json_put_string(w, span_cstr(run_stop_code(r->stop)));
    json_close_object(w);
    json_key(w, "steps");
    functions_write_steps(r, w);
    json_close_object(w);
}

void mixed_put_members(json_writer *w, json_value object, const span *but, size_t count) {
    json_iter it = json_iter_of(object);
    if (object.type != JSON_OBJECT) return;
    for (json_member m; json_next_member(&it, &m);) {
        const json_value key = json_member_name(&m);
        bool out = false;
        for (size_t i = 0; i < count && !out; i++)
            out = json_is(key, but[i]);
        if (!out) json_put_member(w, &m);
    }
}
