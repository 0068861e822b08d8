#include "cache/policy.h"

enum { MS = 1000 };
#define SECONDS_MAX (INT64_C(10) * 365 * 86400)

/* Whole seconds; more than ten years are ten. */
static bool read_seconds(span text, int64_t *ret_ms) {
    int64_t seconds = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') return false;
        seconds = seconds * 10 + (text.ptr[i] - '0');
        if (seconds > SECONDS_MAX) seconds = SECONDS_MAX;
    }
    *ret_ms = seconds * MS;
    return text.len > 0;
}

/* A quoted number is one, too (RFC 9111 section 5.2). */
static span unquoted(span text) {
    const bool quoted = text.len >= 2 && text.ptr[0] == '"' && text.ptr[text.len - 1] == '"';
    return quoted ? span_slice(text, 1, text.len - 1) : text;
}

static bool read_directive(span text, cache_wish *w) {
    const size_t equals = span_find(text, 0, '=');
    const span name = span_trim(span_slice(text, 0, equals));
    if (span_ieq(name, SPAN_OF("no-cache"))) w->no_cache = true;
    if (span_ieq(name, SPAN_OF("no-store"))) w->no_store = true;
    if (span_ieq(name, SPAN_OF("only-if-cached"))) w->only_if_cached = true;
    if (!span_ieq(name, SPAN_OF("max-age"))) return true;
    if (equals == text.len) return false;
    return read_seconds(unquoted(span_trim(span_slice(text, equals + 1, text.len))),
                        &w->max_age_ms);
}

static bool read_control(span value, cache_wish *w) {
    span one;
    while (span_cut(&value, ',', &one))
        if (!read_directive(span_trim(one), w)) return false;
    return true;
}

bool cache_wish_read(http_headers headers, cache_wish *ret, span *ret_header) {
    static const span control = SPAN("cache-control"), ttl = SPAN("x-weir-cache-ttl");
    *ret = (cache_wish){.max_age_ms = -1, .ttl_ms = -1};
    for (size_t i = 0; i < headers.count; i++) {
        const http_header *h = &headers.items[i];
        if (span_ieq(h->name, control) && !read_control(h->value, ret)) {
            *ret_header = control;
            return false;
        }
        if (span_ieq(h->name, ttl) && !read_seconds(h->value, &ret->ttl_ms)) {
            *ret_header = ttl;
            return false;
        }
    }
    if (!ret->max_age_ms) ret->no_cache = true; /* also what is stored at this very moment */
    return true;
}

bool cache_has_model(const config_cache *c, span model) {
    for (size_t i = 0; i < c->model_count; i++) {
        span pattern = c->models[i];
        const bool open = span_ends(pattern, SPAN_OF("*"));
        if (open) pattern.len--;
        if (open ? span_starts(model, pattern) : span_eq(model, pattern)) return true;
    }
    return false;
}

bool cache_may_keep(const config_cache *c, const cache_traits *t) {
    return t->temperature <= c->max_temperature && !t->keeps_state && (c->tools || !t->has_tools) &&
           (c->choices || !t->several) && (c->images || !t->has_images);
}

bool cache_reason_is_whole(span reason) {
    static const span whole[] = {SPAN("stop"), SPAN("tool_calls"), SPAN("function_call"),
                                 SPAN("completed")};
    for (size_t i = 0; i < ARRAY_LEN(whole); i++)
        if (span_eq(reason, whole[i])) return true;
    return false;
}
