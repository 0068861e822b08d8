#include "cache/key.h"

#include "json/canonical.h"

const span cache_key_without[CACHE_KEY_WITHOUT] = {
    SPAN("stream"),   SPAN("stream_options"),   SPAN("user"), SPAN("safety_identifier"),
    SPAN("metadata"), SPAN("prompt_cache_key"),
};

/* With its length, so that no two lists of texts look the same. */
static void put(buf *out, span text) {
    buf_add_u64(out, text.len);
    buf_add_char(out, ':');
    buf_add(out, text);
}

static void put_each(buf *out, const span *texts, size_t count) {
    buf_add_u64(out, count);
    buf_add_char(out, ';');
    for (size_t i = 0; i < count; i++)
        put(out, texts[i]);
}

cache_key cache_key_of(const cache_question *q, buf *scratch) {
    buf_clear(scratch);
    (void)buf_reserve(scratch, q->body.raw.len + 512);
    buf_add(scratch, q->hole ? SPAN_OF("weir 1 but a text;") : SPAN_OF("weir 1;"));
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
