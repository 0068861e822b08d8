#include "exchange/guard_redact.h"

typedef struct redacting {
    guard_redact *r;
    buf *out;
} redacting;

static void on_pass(void *ctx, span bytes) {
    buf_add(((redacting *)ctx)->out, bytes);
}

static void on_find(void *ctx, const guard_find *f) {
    const redacting *k = ctx;
    guard_redact *r = k->r;
    if (!f->hidden.len) return;
    if (!r->names) r->names = guard_names_new();
    buf_add(k->out, guard_names_give(r->names, f->rule, f->value, SPAN_EMPTY));
}

void guard_redact_text(guard_redact *r, span text, unsigned json, bool open, buf *out) {
    redacting k = {r, out};
    const guard_sink sink = {&k, on_pass, on_find};
    const span some = span_slice(text, 0, text.len < r->left ? text.len : r->left);
    guard_lane lane;
    r->left -= some.len;
    r->cut |= some.len < text.len;
    if (!some.len) return;
    guard_lane_init(&lane, r->policy, r->scratch, (guard_form){.json = json, .whole = true});
    guard_lane_feed(&lane, some, !open && some.len == text.len, &sink);
    guard_lane_done(&lane);
}

void guard_redact_document(guard_redact *r, json_value root, buf *out) {
    const char *at = root.raw.ptr, *end = at + root.raw.len;
    json_iter it = json_strings_of(root);
    for (json_value string; r->left && json_next_string(&it, &string);) {
        const span inner = span_slice(string.raw, 1, string.raw.len - 1);
        guard_redact_text(r, span_from(at, (size_t)(inner.ptr - at)), 1, false, out);
        guard_redact_text(r, inner, guard_begins_json(inner) ? 2 : 1, false, out);
        at = inner.ptr + inner.len;
    }
    guard_redact_text(r, span_from(at, (size_t)(end - at)), 1, false, out);
}
