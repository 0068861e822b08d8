#include "lib/run_talk.h"

#include <string.h>

enum { MESSAGES, TOOLS, FUNCTIONS, TOOL_CHOICE, STREAM, STREAM_OPTIONS, N, KNOWN };

static const span known[KNOWN] = {
    [MESSAGES] = SPAN("messages"),
    [TOOLS] = SPAN("tools"),
    [FUNCTIONS] = SPAN("functions"),
    [TOOL_CHOICE] = SPAN("tool_choice"),
    [STREAM] = SPAN("stream"),
    [N] = SPAN("n"),
    [STREAM_OPTIONS] = SPAN("stream_options"),
};

/* ---- what is asked ---- */

static bool is_there(json_value v) {
    return v.type != JSON_NONE && v.type != JSON_NULL;
}

static bool is_one(json_value n) {
    int64_t choices;
    return !is_there(n) || (n.type == JSON_NUMBER && json_i64(n, &choices) && choices == 1);
}

static bool refuse(buf *ret_why, const char *why) {
    buf_add_cstr(ret_why, why);
    return false;
}

static bool check(const json_value v[KNOWN], buf *ret_why) {
    if (v[MESSAGES].type != JSON_ARRAY || json_is_empty(v[MESSAGES]))
        return refuse(ret_why, "The request of a run has no messages.");
    if (is_there(v[TOOLS]) || is_there(v[FUNCTIONS]))
        return refuse(ret_why, "The request of a run has tools of its own; its tools are those of "
                               "weir_client_add_tool().");
    if (!is_one(v[N])) return refuse(ret_why, "The request of a run asks for n answers; n is 1.");
    return true;
}

/* ---- what is sent ---- */

static bool is_kept(span key) {
    for (size_t i = 0; i < KNOWN; i++)
        if (i != N && span_eq(key, known[i])) return false;
    return true;
}

/* An open object, which has a member at least: talk_begin() goes on behind one. */
static void write_head(json_value root, const offer *o, buf *out) {
    json_writer w = json_writer_of(out);
    json_open_object(&w);
    json_iter it = json_iter_of(root);
    for (json_member m; json_next_member(&it, &m);) {
        if (!is_kept(m.key)) continue;
        if (w.comma) buf_add_char(out, ',');
        buf_addf(out, "\"%.*s\":", SPAN_ARG(m.key));
        w.comma = false;
        json_put_raw(&w, m.value.raw);
    }
    if (o->count) {
        json_key(&w, "tools");
        offer_write(o, &w);
    }
    if (w.comma) return;
    json_key(&w, "stream");
    json_put_bool(&w, false);
}

/* A choice that forces a call holds for the first answer, or the model would never come to an end;
 * one that leaves it free for all. */
static void set_ends(json_value choice, bool any, arena *a, run_ends *ret) {
    const bool free = json_is(choice, SPAN_OF("auto")) || json_is(choice, SPAN_OF("none"));
    const span with[] = {SPAN("],\"tool_choice\":"), choice.raw, SPAN("}")};
    ret->usual = SPAN_OF("]}");
    ret->last = any ? SPAN_OF("],\"tool_choice\":\"none\"}") : ret->usual;
    ret->first = is_there(choice) && any ? arena_join(a, with, ARRAY_LEN(with)) : ret->usual;
    if (free) ret->usual = ret->first;
}

static void begin(json_value root, const json_value v[KNOWN], const offer *o, arena *a, talk *ret,
                  run_ends *ret_ends) {
    const span messages = v[MESSAGES].raw;
    buf head = BUF_EMPTY;
    write_head(root, o, &head);
    talk_begin(ret, buf_span(&head), "messages",
               span_trim(span_slice(messages, 1, messages.len - 1)));
    set_ends(v[TOOL_CHOICE], o->count > 0, a, ret_ends);
    buf_done(&head);
}

bool run_talk_begin(const weir_request *r, const offer *o, arena *a, talk *ret, run_ends *ret_ends,
                    buf *ret_why) {
    buf body = BUF_EMPTY, model = BUF_EMPTY;
    json_value root, v[KNOWN];
    json_fault fault;
    bool ok = false;
    if (request_is_other(r) || request_endpoint(r) != EP_CHAT_COMPLETIONS) {
        (void)refuse(ret_why, "The request of a run is a chat completion.");
    } else if (request_write_body(r, NULL, false, &body, &model, ret_why)) {
        ok = json_scan(buf_span(&body), NULL, &root, &fault) && root.type == JSON_OBJECT;
        if (!ok) (void)refuse(ret_why, "The request of a run is no JSON object.");
        if (ok) json_get_each(root, known, KNOWN, v);
        ok = ok && check(v, ret_why);
        if (ok) begin(root, v, o, a, ret, ret_ends);
    }
    buf_done(&body);
    buf_done(&model);
    return ok;
}
