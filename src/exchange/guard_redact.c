#include "exchange/guard_redact.h"

#include "exchange/guard_numbers.h"

typedef struct redacting {
    guard_redact *r;
    guard_numbers numbers;
    buf *out;
} redacting;

static void let(void *ctx, span bytes) {
    buf_add(((redacting *)ctx)->out, bytes);
}

static void on_pass(void *ctx, span bytes) {
    guard_numbers_pass(&((redacting *)ctx)->numbers, bytes, let, ctx);
}

static void on_find(void *ctx, const guard_find *f) {
    redacting *k = ctx;
    guard_redact *r = k->r;
    if (!f->hidden.len) return;
    if (!r->names) r->names = guard_names_new();
    guard_numbers_put(&k->numbers, f->hidden, f->over,
                      guard_names_give(r->names, f->rule, f->value, SPAN_EMPTY), let, k);
}

static void redact(guard_redact *r, span text, unsigned json, guard_numbers numbers, bool open,
                   buf *out) {
    redacting k = {r, numbers, out};
    const guard_sink sink = {&k, on_pass, on_find};
    const span some = span_slice(text, 0, text.len < r->left ? text.len : r->left);
    guard_lane lane;
    r->left -= some.len;
    r->cut |= some.len < text.len;
    if (!some.len) return;
    const bool ends = !open && some.len == text.len;
    guard_lane_init(&lane, r->policy, r->scratch, (guard_form){.json = json, .whole = true});
    guard_lane_feed(&lane, some, ends, &sink);
    guard_lane_done(&lane);
    if (ends) guard_numbers_end(&k.numbers, let, &k);
}

void guard_redact_text(guard_redact *r, span text, unsigned json, bool open, buf *out) {
    redact(r, text, json, (guard_numbers){.on = false}, open, out);
}

void guard_redact_json(guard_redact *r, span text, bool open, buf *out) {
    redact(r, text, 1, guard_numbers_of(false, false), open, out);
}

static void redact_string(guard_redact *r, json_value string, span inner, buf *out) {
    const unsigned json = guard_begins_json(inner) ? 2 : 1;
    const bool is_json = json == 2 && inner.len <= r->left && guard_says_json(string);
    redact(r, inner, json, is_json ? guard_numbers_of(true, false) : (guard_numbers){.on = false},
           false, out);
}

/* What stands between strings: from the end of one, which is there where it is not the first, to
 * the beginning of the next. */
static void redact_between(guard_redact *r, span text, bool first, buf *out) {
    redact(r, text, 1, guard_numbers_of(false, !first), false, out);
}

void guard_redact_document(guard_redact *r, json_value root, buf *out) {
    const char *at = root.raw.ptr, *end = at + root.raw.len;
    json_iter it = json_strings_of(root);
    for (json_value string; r->left && json_next_string(&it, &string);) {
        const span inner = span_slice(string.raw, 1, string.raw.len - 1);
        redact_between(r, span_from(at, (size_t)(inner.ptr - at)), at == root.raw.ptr, out);
        redact_string(r, string, inner, out);
        at = inner.ptr + inner.len;
    }
    redact_between(r, span_from(at, (size_t)(end - at)), at == root.raw.ptr, out);
}
