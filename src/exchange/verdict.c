#include "exchange/verdict.h"

#include "exchange/tool_use.h"

/* ---- what is answered ---- */

static bool is_flagged(json_value v) {
    return json_get(v, SPAN_OF("flagged")).type == JSON_TRUE;
}

static bool says(json_value v) {
    const json_type type = json_get(v, SPAN_OF("flagged")).type;
    return type == JSON_TRUE || type == JSON_FALSE;
}

verdict_result verdict_read(span answer) {
    json_value root, one;
    json_fault fault;
    bool said = false, flagged = false;
    if (!json_scan(span_strip(answer), NULL, &root, &fault) || root.type != JSON_OBJECT)
        return VERDICT_NONE;
    if (says(root)) return is_flagged(root) ? VERDICT_BAD : VERDICT_GOOD;
    const json_value results = json_get(root, SPAN_OF("results"));
    if (results.type != JSON_ARRAY) return VERDICT_NONE;
    json_iter it = json_iter_of(results);
    while (json_next_element(&it, &one)) {
        if (one.type != JSON_OBJECT || !says(one)) return VERDICT_NONE;
        said = true;
        flagged |= is_flagged(one);
    }
    return flagged ? VERDICT_BAD : said ? VERDICT_GOOD : VERDICT_NONE;
}

/* ---- asking ---- */

static void end(verdict *v) {
    v->running = NULL;
    tool_list_unref(v->list);
    v->list = NULL;
    buf_done(&v->arguments);
}

static void on_done(tool_waiter *w, const tool_result *result);

span verdict_again(span part) {
    if (part.len <= VERDICT_AGAIN) return part;
    return span_slice(part, span_clip(part, part.len - VERDICT_AGAIN).len, part.len);
}

static bool ask_part(verdict *v) {
    exchange *x = v->x;
    const tool *t = tool_list_find(v->list, exchange_config(x)->guard.external.tool);
    if (!t || !x->env->tools) return false;
    const span part = span_clip(v->rest, VERDICT_TEXT_MAX);
    const size_t told = part.len < v->rest.len ? part.len - verdict_again(part).len : part.len;
    v->rest = span_slice(v->rest, told, v->rest.len);
    json_writer w = json_writer_of(&v->arguments);
    json_open_object(&w);
    json_key(&w, "input");
    json_put_string(&w, part);
    json_close_object(&w);
    const tool_ask ask = {.arguments = buf_span(&v->arguments), .due_ms = x->deadline_ms};
    v->running = tool_start(x->env->tools, t, &ask, &v->waiter);
    return true;
}

static void on_done(tool_waiter *w, const tool_result *result) {
    verdict *v = CONTAINER_OF(w, verdict, waiter);
    const tool *t = tool_list_find(v->list, exchange_config(v->x)->guard.external.tool);
    tool_use_count(v->x->env->metrics, t, result);
    verdict_result r = result->outcome == TOOL_DONE ? verdict_read(result->text) : VERDICT_NONE;
    v->running = NULL;
    buf_clear(&v->arguments);
    if (r == VERDICT_GOOD && v->rest.len) {
        if (ask_part(v)) return;
        r = VERDICT_NONE;
    }
    end(v);
    v->done(v, r);
}

bool verdict_ask(verdict *v, exchange *x, span text) {
    v->x = x;
    v->rest = text;
    v->waiter.done = on_done;
    v->list = tool_registry_list(snapshot_tools(x->snapshot->snapshot));
    if (ask_part(v)) return true;
    end(v);
    return false;
}

void verdict_drop(verdict *v) {
    if (v->running) tool_cancel(v->running);
    end(v);
}
