/* What is said to the URL that approves calls, and what it answers. */
#include "tools/approval.h"

#include "base/clock.h"
#include "json/json.h"

enum { REASON_MAX = 500 };

const char *approval_answer_name(approval_answer a) {
    static const char *const names[APPROVAL_ANSWERS] = {[APPROVAL_GIVEN] = "approved",
                                                        [APPROVAL_DENIED] = "denied",
                                                        [APPROVAL_LATER] = "later",
                                                        [APPROVAL_FAILED] = "failed"};
    return names[a];
}

static void put_text(json_writer *w, const char *name, span text) {
    if (!text.len) return;
    json_key(w, name);
    json_put_string(w, text);
}

/* As JSON where they are, which they are if anything is to be called. */
static void put_arguments(json_writer *w, span arguments) {
    json_value root;
    json_fault fault;
    json_key(w, "arguments");
    if (json_scan(arguments, NULL, &root, &fault))
        json_put_raw(w, root.raw);
    else
        json_put_string(w, arguments);
}

void approval_write(const approval_ask *ask, span id, int64_t wall_us, buf *out) {
    char time[CLOCK_RFC3339_LEN + 1];
    clock_rfc3339(wall_us, time);
    json_writer w = json_writer_of(out);
    json_open_object(&w);
    put_text(&w, "type", SPAN_OF("tool.approval"));
    put_text(&w, "timestamp", span_cstr(time));
    json_key(&w, "data");
    json_open_object(&w);
    put_text(&w, "id", id);
    put_text(&w, "tool", ask->tool);
    put_arguments(&w, ask->arguments.len ? ask->arguments : SPAN_OF("{}"));
    put_text(&w, "call_id", ask->call);
    put_text(&w, "request_id", ask->request);
    put_text(&w, "endpoint", ask->endpoint);
    put_text(&w, "client", ask->client);
    put_text(&w, "user", ask->user);
    json_key(&w, "confirmed");
    json_put_bool(&w, ask->confirmed);
    json_close_object(&w);
    json_close_object(&w);
}

static approval_answer no_answer(buf *ret_why, const char *why) {
    buf_add_cstr(ret_why, why);
    return APPROVAL_FAILED;
}

static void read_reason(json_value v, buf *ret_reason) {
    arena a;
    arena_init(&a, 0);
    if (v.type == JSON_STRING) buf_add_excerpt(ret_reason, json_string(v, &a), REASON_MAX);
    arena_done(&a);
}

approval_answer approval_read(int status, span body, buf *ret_reason) {
    json_value root;
    json_fault fault;
    if (status == 202) return APPROVAL_LATER;
    if (status >= 300 && status <= 399)
        return no_answer(ret_reason, "it answers with a redirect, and those are not followed");
    if (status != 200) return no_answer(ret_reason, "its status is neither 200 nor 202");
    if (!json_scan(body, NULL, &root, &fault) || root.type != JSON_OBJECT)
        return no_answer(ret_reason, "its answer is no JSON object");
    switch (json_get(root, SPAN_OF("approve")).type) {
    case JSON_TRUE: return APPROVAL_GIVEN;
    case JSON_FALSE:
        read_reason(json_get(root, SPAN_OF("reason")), ret_reason);
        return APPROVAL_DENIED;
    default: return no_answer(ret_reason, "its answer has no 'approve' that is true or false");
    }
}
