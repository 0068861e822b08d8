#include "ledger/tries.h"

#include "ledger/varint.h"

#include <stddef.h>

/* What stands in the code, and in the API's objects. number: never given to another field. */
typedef struct try_field {
    unsigned number;
    enum { TRY_TEXT, TRY_COUNT, TRY_FLAG, TRY_TIME } kind; /* TIME: in objects milliseconds */
    size_t offset;
    const char *name;
} try_field;

static const try_field fields[] = {
    {1, TRY_TEXT, offsetof(ledger_try, target), "target"},
    {2, TRY_TEXT, offsetof(ledger_try, outcome), "outcome"},
    {3, TRY_COUNT, offsetof(ledger_try, status), "status"},
    {4, TRY_TEXT, offsetof(ledger_try, provider_request_id), "provider_request_id"},
    {5, TRY_FLAG, offsetof(ledger_try, hedge), "hedge"},
    {6, TRY_TIME, offsetof(ledger_try, began_us), "began_ms"},
    {7, TRY_TIME, offsetof(ledger_try, sent_us), "sent_ms"},
    {8, TRY_TIME, offsetof(ledger_try, head_us), "head_ms"},
    {9, TRY_TIME, offsetof(ledger_try, first_content_us), "first_content_ms"},
    {10, TRY_TIME, offsetof(ledger_try, ended_us), "ended_ms"},
    {11, TRY_COUNT, offsetof(ledger_try, prompt_tokens), "prompt_tokens"},
    {12, TRY_COUNT, offsetof(ledger_try, completion_tokens), "completion_tokens"},
    {13, TRY_COUNT, offsetof(ledger_try, cached_tokens), "cached_tokens"},
    {14, TRY_COUNT, offsetof(ledger_try, reasoning_tokens), "reasoning_tokens"},
    {15, TRY_FLAG, offsetof(ledger_try, estimated), "estimated"},
    {16, TRY_COUNT, offsetof(ledger_try, cost_nano), "cost_nano"},
};

static const ledger_try unknown = {
    .status = -1,
    .began_us = -1,
    .sent_us = -1,
    .head_us = -1,
    .first_content_us = -1,
    .ended_us = -1,
    .prompt_tokens = -1,
    .completion_tokens = -1,
    .cached_tokens = -1,
    .reasoning_tokens = -1,
    .cost_nano = -1,
};

enum { HAS_BYTES = 1, TARGET_MAX = 256, TRY_BYTES_MAX = 2 * TARGET_MAX + 256 };

/* ---- writing ---- */

static void put_field(buf *out, const ledger_try *t, const try_field *f) {
    const void *field = (const char *)t + f->offset;
    if (f->kind == TRY_TEXT) {
        const span *text = field;
        if (!text->len) return;
        varint_put(out, f->number << 1 | HAS_BYTES);
        varint_add_bytes(out, *text);
        return;
    }
    int64_t value = f->kind == TRY_FLAG ? (*(const bool *)field ? 1 : -1) : *(const int64_t *)field;
    if (value < 0) return;
    varint_put(out, f->number << 1);
    varint_put(out, (uint64_t)value);
}

static int64_t since(int64_t from_us, int64_t instant_us) {
    return !instant_us ? -1 : instant_us > from_us ? instant_us - from_us : 0;
}

static ledger_try try_of(const call_record *r, const attempt_record *a) {
    return (ledger_try){
        .target = span_clip(a->target, TARGET_MAX),
        .outcome = span_cstr(a->outcome),
        .provider_request_id = span_clip(a->provider_request_id, TARGET_MAX),
        .status = a->status ? a->status : -1,
        .hedge = a->hedge,
        .began_us = since(r->started_us, a->began_us),
        .sent_us = since(r->started_us, a->sent_us),
        .head_us = since(r->started_us, a->head_us),
        .first_content_us = since(r->started_us, a->first_content_us),
        .ended_us = since(r->started_us, a->ended_us),
        .prompt_tokens = a->usage.prompt,
        .completion_tokens = a->usage.completion,
        .cached_tokens = a->usage.cached,
        .reasoning_tokens = a->usage.reasoning,
        .estimated = a->usage.estimated,
        .cost_nano = a->cost_nano,
    };
}

void tries_write(const call_record *r, buf *out) {
    for (unsigned i = 0; i < r->attempts; i++) {
        const ledger_try t = try_of(r, &r->tries[i]);
        /* The length goes in front when it is known: two bytes of it are enough. */
        (void)buf_reserve(out, 2 + TRY_BYTES_MAX);
        size_t at = out->len;
        buf_grow(out, 2);
        for (size_t k = 0; k < ARRAY_LEN(fields); k++)
            put_field(out, &t, &fields[k]);
        size_t len = out->len - at - 2;
        out->ptr[at] = (char)(len | 0x80);
        out->ptr[at + 1] = (char)(len >> 7);
    }
}

int64_t tries_fallbacks(const call_record *r) {
    int64_t count = 0;
    const span *last = NULL;
    for (unsigned i = 0; i < r->attempts; i++) {
        const attempt_record *a = &r->tries[i];
        if (a->hedge) continue;
        if (last && !span_eq(*last, a->target)) count++;
        last = &a->target;
    }
    return count;
}

/* ---- reading ---- */

static void set(ledger_try *t, uint64_t number, bool has_bytes, span bytes, uint64_t value) {
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        const try_field *f = &fields[i];
        if (f->number != number || has_bytes != (f->kind == TRY_TEXT)) continue;
        void *field = (char *)t + f->offset;
        if (f->kind == TRY_TEXT)
            *(span *)field = bytes;
        else if (f->kind == TRY_FLAG)
            *(bool *)field = value != 0;
        else if (value <= INT64_MAX)
            *(int64_t *)field = (int64_t)value;
    }
}

bool tries_take(span *rest, ledger_try *ret) {
    span code;
    if (!rest->len || !varint_take_bytes(rest, &code)) return false;
    *ret = unknown;
    while (code.len) {
        uint64_t head, value = 0;
        span bytes = SPAN_EMPTY;
        if (!varint_take(&code, &head)) return false;
        bool has_bytes = head & HAS_BYTES;
        if (has_bytes ? !varint_take_bytes(&code, &bytes) : !varint_take(&code, &value))
            return false;
        set(ret, head >> 1, has_bytes, bytes, value);
    }
    return true;
}

/* ---- the API's objects ---- */

static void put_json(json_writer *w, const ledger_try *t, const try_field *f) {
    const void *field = (const char *)t + f->offset;
    switch (f->kind) {
    case TRY_TEXT: {
        const span *text = field;
        if (!text->len) return;
        json_key(w, f->name);
        json_put_string(w, *text);
        return;
    }
    case TRY_FLAG:
        json_key(w, f->name);
        json_put_bool(w, *(const bool *)field);
        return;
    case TRY_COUNT:
    case TRY_TIME: {
        int64_t value = *(const int64_t *)field;
        if (value < 0) return;
        json_key(w, f->name);
        if (f->kind == TRY_TIME)
            json_put_fixed(w, (double)value / 1000, 3);
        else
            json_put_i64(w, value);
    }
    }
}

void tries_json(span code, json_writer *w) {
    json_open_array(w);
    ledger_try t;
    while (tries_take(&code, &t)) {
        json_open_object(w);
        for (size_t i = 0; i < ARRAY_LEN(fields); i++)
            put_json(w, &t, &fields[i]);
        json_close_object(w);
    }
    json_close_array(w);
}
