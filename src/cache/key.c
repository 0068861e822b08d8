#include "cache/key.h"

#include "json/canonical.h"

const span cache_key_without[CACHE_KEY_WITHOUT] = {
    SPAN("stream"),   SPAN("stream_options"),   SPAN("user"), SPAN("safety_identifier"),
    SPAN("metadata"), SPAN("prompt_cache_key"),
};

/* In eight bytes, the lowest first, whatever the machine's own order is. */
static void put_number(buf *out, uint64_t n) {
    char *to = buf_reserve(out, sizeof n);
    for (size_t i = 0; i < sizeof n; i++)
        to[i] = (char)(n >> 8 * i);
    buf_grow(out, sizeof n);
}

/* With its length, so that no two lists of texts look the same. */
static void put(buf *out, span text) {
    put_number(out, text.len);
    buf_add(out, text);
}

static void put_each(buf *out, const span *texts, size_t count) {
    put_number(out, count);
    for (size_t i = 0; i < count; i++)
        put(out, texts[i]);
}

cache_key cache_key_of(const cache_question *q, buf *scratch) {
    buf_clear(scratch);
    (void)buf_reserve(scratch, q->body.raw.len + 512);
    buf_add(scratch, q->hole ? SPAN_OF("weir 2 but a text;") : SPAN_OF("weir 2;"));
    put(scratch, q->scope);
    put(scratch, q->endpoint);
    put(scratch, q->query);
    put(scratch, q->model);
    put(scratch, q->entry);
    put_each(scratch, q->targets, q->target_count);
    put_each(scratch, q->more, q->more_count);
    json_write_canonical_but(q->body, cache_key_without, CACHE_KEY_WITHOUT, q->hole, scratch);
    cache_key key;
    sha256(buf_span(scratch), key.bytes);
    return key;
}
