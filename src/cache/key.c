#include "cache/key.h"

#include <endian.h>

const span cache_key_without[CACHE_KEY_WITHOUT] = {
    SPAN("stream"),   SPAN("stream_options"),   SPAN("user"), SPAN("safety_identifier"),
    SPAN("metadata"), SPAN("prompt_cache_key"),
};

/* In eight bytes, the lowest first, whatever the machine's own order is. */
static void put_number(buf *out, uint64_t n) {
    const uint64_t low_first = htole64(n);
    buf_add(out, span_from((const char *)&low_first, sizeof low_first));
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

void cache_key_spell(const cache_question *q, json_sought *sought, buf *out) {
    buf_clear(out);
    (void)buf_reserve(out, q->body.raw.len + 512);
    buf_add(out, q->hole ? SPAN_OF("weir 2 but a text;") : SPAN_OF("weir 2;"));
    put(out, q->scope);
    put(out, q->endpoint);
    put(out, q->query);
    put(out, q->model);
    put(out, q->entry);
    put_each(out, q->targets, q->target_count);
    put_each(out, q->more, q->more_count);
    json_write_canonical_but(q->body, cache_key_without, CACHE_KEY_WITHOUT, q->hole, sought, out);
}

cache_key cache_key_of_text(span text) {
    cache_key key;
    sha256(text, key.bytes);
    return key;
}

cache_key cache_key_of(const cache_question *q, buf *scratch) {
    cache_key_spell(q, NULL, scratch);
    return cache_key_of_text(buf_span(scratch));
}
