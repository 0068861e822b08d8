/* The form of weir as an MCP server: one JSON-RPC message. It is JSON, unless a comment had to keep
 * the connection alive meanwhile: then it is the one event of a stream.
 *
 * What is wrong with the message, or with the tool's name, is told with status 200, as clients look
 * into no other for a JSON-RPC error; but for what the modern revision wants 400 of. Refusals of
 * weir's own (limits, rights, no room) keep their status, which is the error's code, too.
 */
#include "exchange/keep_alive.h"
#include "exchange/tool_use.h"

#include "http/sse.h"

typedef struct form {
    filter filter;
    keep_alive silence;
    span body;
} form;

static form *form_of(filter *f) {
    return CONTAINER_OF(f, form, filter);
}

static void on_begin(filter *f) {
    keep_alive_start(&form_of(f)->silence);
}

static void on_head(filter *f, const answer_head *head) {
    (void)f, (void)head;
}

static void on_event(filter *f, const answer_event *event) {
    form_of(f)->body = event->data;
}

static void end_stream(exchange *x, span message) {
    buf out = BUF_EMPTY;
    sse_write(&out, &(sse_event){.name = SPAN_OF("message"), .data = message});
    exchange_end_stream(x, buf_span(&out));
    buf_done(&out);
}

static void on_end(filter *f) {
    exchange *x = f->x;
    if (x->head_sent)
        end_stream(x, form_of(f)->body);
    else
        exchange_answer(x, form_of(f)->body);
}

/* ---- failures ---- */

/* {"type","code","request_id"}: weir's own names for what happened. */
static void put_data(const exchange *x, buf *out) {
    const error_row *e = error_get(x->failure.error);
    json_writer w = json_writer_of(out);
    json_open_object(&w);
    json_key(&w, "type");
    json_put_string(&w, span_cstr(e->type));
    json_key(&w, "code");
    json_put_string(&w, span_cstr(e->code));
    json_key(&w, "request_id");
    json_put_string(&w, span_cstr(x->record.request_id));
    json_close_object(&w);
}

static void write_failure(exchange *x, buf *out) {
    const mcp_asked *asked = x->tool_use ? &x->tool_use->asked : NULL;
    const span id = asked ? asked->id : SPAN_EMPTY;
    if (asked && asked->refusal.code) {
        x->failure.status = asked->refusal.code == MCP_HEADER_MISMATCH ? 400 : 200;
        jsonrpc_write_error(out, id, asked->refusal.code, asked->refusal.message, SPAN_EMPTY);
        return;
    }
    buf data = BUF_EMPTY;
    put_data(x, &data);
    jsonrpc_write_error(out, id, x->failure.status, x->failure.text, buf_span(&data));
    buf_done(&data);
}

static void on_fail(filter *f) {
    exchange *x = f->x;
    buf out = BUF_EMPTY;
    write_failure(x, &out);
    if (x->head_sent)
        end_stream(x, buf_span(&out));
    else
        exchange_answer_failure(x, buf_span(&out));
    buf_done(&out);
}

static void on_done(filter *f) {
    keep_alive_stop(&form_of(f)->silence);
}

static void add(exchange *x) {
    static const filter_ops ops = {.name = "form_mcp",
                                   .place = PLACE_FORM,
                                   .begin = on_begin,
                                   .head = on_head,
                                   .event = on_event,
                                   .end = on_end,
                                   .fail = on_fail,
                                   .done = on_done};
    form *m = arena_zalloc(&x->arena, sizeof *m);
    keep_alive_init(&m->silence, x);
    filter_add(x, &m->filter, &ops);
}

const exchange_form form_mcp = {.label = "mcp", .parse = stage_tool_ask, .add = add};
