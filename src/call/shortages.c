#include "call/shortages.h"

#include "base/hash.h"
#include "base/mem.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { PLACES = 64 };

struct shortages {
    _Atomic int64_t told_ms[SHORTAGE_COUNT][PLACES]; /* 0: never */
};

shortages *shortages_new(void) {
    return mem_zalloc(sizeof(shortages));
}

void shortages_free(shortages *s) {
    free(s);
}

/* Of several workers that meet it at once, one finds what it has read unchanged. */
bool shortages_due(shortages *s, shortage what, span provider, int64_t now_ms) {
    size_t place = shortage_get(what)->everywhere ? 0 : hash_span(provider) % PLACES;
    _Atomic int64_t *at = &s->told_ms[what][place];
    int64_t told_ms = atomic_load_explicit(at, memory_order_relaxed);
    if (told_ms && now_ms < told_ms + SHORTAGE_LINE_MS) return false;
    return atomic_compare_exchange_strong(at, &told_ms, now_ms);
}

/* With the provider's name for the *. */
static void write_remedy(const shortage_row *row, span provider, buf *out) {
    span text = span_cstr(row->remedy);
    size_t star = span_find(text, 0, '*');
    buf_add(out, span_slice(text, 0, star));
    if (star < text.len) buf_add(out, provider);
    buf_add(out, span_slice(text, star + 1, text.len));
}

/* One client at its share is a matter between clients; all else wants an operator. */
static config_log_level level_of(shortage what) {
    return what == SHORTAGE_POOL || what == SHORTAGE_SHARE || what == SHORTAGE_ANSWER ? LEVEL_WARN
                                                                                      : LEVEL_ERROR;
}

void shortages_tell(shortages *s, log_shard *log, shortage what, span provider, span detail,
                    int64_t now_ms) {
    if (!shortages_due(s, what, provider, now_ms)) return;
    const shortage_row *row = shortage_get(what);
    buf remedy = BUF_EMPTY;
    log_field fields[4] = {{.key = "shortage", .value = span_cstr(row->word)}};
    size_t n = 1;
    write_remedy(row, provider, &remedy);
    if (provider.len) fields[n++] = (log_field){.key = "provider", .value = provider};
    if (detail.len) fields[n++] = (log_field){.key = "detail", .value = detail};
    fields[n++] = (log_field){.key = "look_at", .value = buf_span(&remedy)};
    log_event(log, level_of(what), "shortage", span_cstr(row->sentence), fields, n);
    buf_done(&remedy);
}
