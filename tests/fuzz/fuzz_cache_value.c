/* Answers as several weirs keep them: cache_value_read, cache_value_write.
 *
 * The input is a value without its hash, which is put in, so that what lies behind the hash is
 * reached. Holds: what was read and is written again reads the same.
 */
#include "fuzz.h"

#include "cache/value.h"

enum { AT_HASH = 40, HEAD = AT_HASH + SHA256_LEN, MOST = 64 * 1024 };

static const cache_key key;

static void put_hash(buf *value) {
    sha256_stream *s = sha256_stream_new();
    const span all = buf_span(value);
    sha256_stream_add(s, span_from((const char *)key.bytes, sizeof key.bytes));
    sha256_stream_add(s, span_slice(all, 0, AT_HASH));
    sha256_stream_add(s, span_slice(all, HEAD, all.len));
    sha256_stream_end(s, (unsigned char *)value->ptr + AT_HASH);
}

static bool next_eq(recording_reader *a, recording_reader *b, bool *ret_more) {
    recorded_event x, y;
    *ret_more = recording_next(a, &x);
    if (*ret_more != recording_next(b, &y)) return false;
    return !*ret_more || (span_eq(x.name, y.name) && span_eq(x.data, y.data) && x.at_ms == y.at_ms);
}

static bool says_the_same(recording *a, recording *b) {
    recording_reader x, y;
    bool more = true, same = recording_read(a, &x) && recording_read(b, &y);
    while (same && more)
        same = next_eq(&x, &y, &more);
    recording_reader_done(&x);
    recording_reader_done(&y);
    return same;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    cache_room room = {.most = SIZE_MAX};
    cache_value v, again;
    buf value = BUF_EMPTY, written = BUF_EMPTY;
    if (size < AT_HASH) return 0;
    buf_add(&value, span_from((const char *)data, AT_HASH));
    memcpy(value.ptr, "weir\1", 5);
    for (size_t i = 0; i < SHA256_LEN; i++)
        buf_add_char(&value, 0);
    buf_add(&value, span_from((const char *)data + AT_HASH, size - AT_HASH));
    put_hash(&value);
    if (cache_value_read(buf_span(&value), &key, &room, MOST, &v)) {
        if (cache_value_write(&key, &v, &written)) {
            HOLDS(cache_value_read(buf_span(&written), &key, &room, SIZE_MAX, &again));
            HOLDS(says_the_same(v.said, again.said));
            recording_unref(again.said);
        }
        recording_unref(v.said);
    }
    buf_done(&value);
    buf_done(&written);
    HOLDS(atomic_load(&room.used) == 0);
    return 0;
}
