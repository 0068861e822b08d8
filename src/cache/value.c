#include "cache/value.h"

#include "base/mem.h"

#include <stdlib.h>
#include <zlib.h>

enum {
    AT_VERSION = 4,
    AT_FLAGS = 5,
    AT_TEXTS = 6,
    AT_ASKED = 12,
    AT_STORED = 20,
    AT_EXPIRES = 28,
    AT_EVENTS = 36,
    AT_BYTES = 40,
    AT_PACKED = 44,
    AT_HASH = 48,
    HEAD = AT_HASH + SHA256_LEN,
};
enum { FLAG_STREAM = 1, FLAG_USAGE = 2, FLAG_PACKED = 4 };
static const span mark = SPAN("weir");

/* ---- numbers ---- */

static void put_le(char *to, uint64_t n, unsigned bytes) {
    for (unsigned i = 0; i < bytes; i++)
        to[i] = (char)(n >> 8 * i);
}

static uint64_t get_le(const char *from, unsigned bytes) {
    uint64_t n = 0;
    for (unsigned i = 0; i < bytes; i++)
        n |= (uint64_t)(unsigned char)from[i] << 8 * i;
    return n;
}

static void put_number(buf *out, uint64_t n) {
    for (; n > 127; n >>= 7)
        buf_add_char(out, (char)(n | 128));
    buf_add_char(out, (char)n);
}

/* Below 2^32. */
static bool take_number(span *from, size_t *ret) {
    uint64_t n = 0;
    for (unsigned shift = 0; from->len && shift < 35; shift += 7) {
        const unsigned char c = (unsigned char)*from->ptr;
        *from = span_slice(*from, 1, from->len);
        n |= (uint64_t)(c & 127) << shift;
        if (c & 128) continue;
        *ret = (size_t)n;
        return n <= UINT32_MAX;
    }
    return false;
}

static bool take_bytes(span *from, size_t count, span *ret) {
    if (from->len < count) return false;
    *ret = span_slice(*from, 0, count);
    *from = span_slice(*from, count, from->len);
    return true;
}

/* ---- events ---- */

typedef struct before {
    buf data, name;
    unsigned at_ms;
    size_t events;
} before;

static void before_done(before *b) {
    buf_done(&b->data);
    buf_done(&b->name);
}

static void set(buf *to, span text) {
    buf_clear(to);
    buf_add(to, text);
}

static void write_event(const recorded_event *e, before *b, buf *out) {
    const span was = buf_span(&b->data);
    const size_t head = span_common_head(was, e->data), tail = span_common_tail(was, e->data, head);
    const bool same_name = b->events && span_eq(e->name, buf_span(&b->name));
    put_number(out, head);
    put_number(out, tail);
    put_number(out, e->data.len - head - tail);
    put_number(out, e->at_ms - b->at_ms);
    put_number(out, same_name ? 0 : e->name.len + 1);
    if (!same_name) buf_add(out, e->name);
    buf_add(out, span_slice(e->data, head, e->data.len - tail));
    set(&b->data, e->data);
    if (!same_name) set(&b->name, e->name);
    b->at_ms = e->at_ms;
    b->events++;
}

/* How many. */
static size_t write_events(recording *said, buf *out) {
    recording_reader at = {0};
    recorded_event e;
    before b = {0};
    if (!recording_read(said, &at)) return 0;
    while (recording_next(&at, &e))
        write_event(&e, &b, out);
    const size_t count = b.events;
    recording_reader_done(&at);
    before_done(&b);
    return count;
}

/* data: what comes out; most: of its bytes. */
static bool read_event(span *from, before *b, size_t most, buf *data) {
    const span was = buf_span(&b->data);
    size_t head, tail, middle, wait, named;
    span name = SPAN_EMPTY, text;
    if (!take_number(from, &head) || !take_number(from, &tail) || !take_number(from, &middle) ||
        !take_number(from, &wait) || !take_number(from, &named))
        return false;
    if (named && !take_bytes(from, named - 1, &name)) return false;
    if (!take_bytes(from, middle, &text) || head > was.len || tail > was.len - head) return false;
    if (head + middle + tail > most) return false;
    buf_clear(data);
    buf_add(data, span_slice(was, 0, head));
    buf_add(data, text);
    buf_add(data, span_slice(was, was.len - tail, was.len));
    if (named) set(&b->name, name);
    b->at_ms += (unsigned)wait;
    b->events++;
    return true;
}

/* What expands without end is stopped by what it takes in memory. */
static bool read_events(span from, size_t count, bool stream, size_t most, recording *to) {
    before b = {0};
    buf data = BUF_EMPTY;
    bool good = true;
    while (good && from.len) {
        good = b.events < count && read_event(&from, &b, most, &data);
        if (good && stream)
            recording_add(to, buf_span(&b.name), buf_span(&data), b.at_ms);
        else if (good)
            recording_add_whole(to, buf_span(&data));
        good = good && recording_bytes(to) <= most;
        const buf swap = b.data;
        b.data = data;
        data = swap;
    }
    good = good && b.events == count && count && (stream || count == 1);
    before_done(&b);
    buf_done(&data);
    return good;
}

/* ---- packing ---- */

/* false: it is not worth it; *out is as before. */
static bool pack(span plain, buf *out) {
    z_stream z = {0};
    const size_t before_len = out->len, most = plain.len - plain.len / 8;
    if (plain.len < CACHE_VALUE_PACKED_MIN || plain.len > UINT32_MAX) return false;
    if (deflateInit2(&z, 1, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK) return false;
    z.next_in = (unsigned char *)(uintptr_t)plain.ptr;
    z.avail_in = (unsigned)plain.len;
    z.next_out = (unsigned char *)buf_reserve(out, most);
    z.avail_out = (unsigned)most;
    const bool good = deflate(&z, Z_FINISH) == Z_STREAM_END;
    if (good) out->len = before_len + (most - z.avail_out);
    deflateEnd(&z);
    return good;
}

static bool unpack(span packed, size_t bytes, buf *out) {
    z_stream z = {0};
    if (!bytes || inflateInit2(&z, -15) != Z_OK) return false;
    z.next_in = (unsigned char *)(uintptr_t)packed.ptr;
    z.avail_in = (unsigned)packed.len;
    z.next_out = (unsigned char *)buf_reserve(out, bytes);
    z.avail_out = (unsigned)bytes;
    const bool good = inflate(&z, Z_FINISH) == Z_STREAM_END && !z.avail_out && !z.avail_in;
    if (good) out->len += bytes;
    inflateEnd(&z);
    return good;
}

/* ---- the whole ---- */

static void hash(const cache_key *key, span bytes, unsigned char ret[SHA256_LEN]) {
    sha256_stream *s = sha256_stream_new();
    sha256_stream_add(s, span_from((const char *)key->bytes, sizeof key->bytes));
    sha256_stream_add(s, span_slice(bytes, 0, AT_HASH));
    sha256_stream_add(s, span_slice(bytes, HEAD, bytes.len));
    sha256_stream_end(s, ret);
}

bool cache_value_write(const cache_key *key, const cache_value *v, buf *out) {
    const span texts[] = {v->model, v->client, v->target};
    char head[HEAD] = {0};
    if (v->model.len + v->client.len + v->target.len > CACHE_VALUE_TEXTS_MAX) return false;
    const size_t from = out->len;
    buf events = BUF_EMPTY;
    const size_t count = write_events(v->said, &events);
    buf_add(out, span_from(head, HEAD));
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        buf_add(out, texts[i]);
    const size_t texts_end = out->len;
    const bool packed = pack(buf_span(&events), out);
    if (!packed) buf_add(out, buf_span(&events));
    memcpy(head, mark.ptr, mark.len);
    head[AT_VERSION] = CACHE_VALUE_VERSION;
    head[AT_FLAGS] = (char)((v->stream ? FLAG_STREAM : 0) | (v->usage_asked ? FLAG_USAGE : 0) |
                            (packed ? FLAG_PACKED : 0));
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        put_le(head + AT_TEXTS + 2 * i, texts[i].len, 2);
    put_le(head + AT_ASKED, (uint64_t)v->asked_ms, 8);
    put_le(head + AT_STORED, (uint64_t)v->stored_ms, 8);
    put_le(head + AT_EXPIRES, (uint64_t)v->expires_ms, 8);
    put_le(head + AT_EVENTS, count, 4);
    put_le(head + AT_BYTES, events.len, 4);
    put_le(head + AT_PACKED, out->len - texts_end, 4);
    memcpy(out->ptr + from, head, HEAD);
    hash(key, span_slice(buf_span(out), from, out->len),
         (unsigned char *)out->ptr + from + AT_HASH);
    buf_done(&events);
    return true;
}

bool cache_value_peek(span bytes, cache_value *ret) {
    span *const texts[] = {&ret->model, &ret->client, &ret->target};
    if (bytes.len < HEAD || !span_starts(bytes, mark)) return false;
    if (bytes.ptr[AT_VERSION] != CACHE_VALUE_VERSION) return false;
    *ret = (cache_value){.stream = bytes.ptr[AT_FLAGS] & FLAG_STREAM,
                         .usage_asked = bytes.ptr[AT_FLAGS] & FLAG_USAGE,
                         .asked_ms = (int64_t)get_le(bytes.ptr + AT_ASKED, 8),
                         .stored_ms = (int64_t)get_le(bytes.ptr + AT_STORED, 8),
                         .expires_ms = (int64_t)get_le(bytes.ptr + AT_EXPIRES, 8)};
    span rest = span_slice(bytes, HEAD, bytes.len);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (!take_bytes(&rest, (size_t)get_le(bytes.ptr + AT_TEXTS + 2 * i, 2), texts[i]))
            return false;
    return true;
}

static bool read_said(span packed, bool is_packed, size_t bytes, size_t count, size_t most,
                      cache_value *v, cache_room *room) {
    buf plain = BUF_EMPTY;
    bool good = bytes <= most && (is_packed ? unpack(packed, bytes, &plain) : packed.len == bytes);
    recording *said = good ? recording_new(room) : NULL;
    if (good)
        good = read_events(is_packed ? buf_span(&plain) : packed, count, v->stream, most, said);
    if (good)
        recording_end(said);
    else
        recording_unref(said);
    buf_done(&plain);
    if (good) v->said = said;
    return good;
}

bool cache_value_read(span bytes, const cache_key *key, cache_room *room, size_t most,
                      cache_value *ret) {
    cache_value v;
    unsigned char is[SHA256_LEN];
    if (!cache_value_peek(bytes, &v)) return false;
    const size_t texts = v.model.len + v.client.len + v.target.len;
    const size_t packed = (size_t)get_le(bytes.ptr + AT_PACKED, 4);
    if (bytes.len - HEAD - texts != packed) return false;
    hash(key, bytes, is);
    if (memcmp(is, bytes.ptr + AT_HASH, sizeof is) != 0) return false;
    if (!read_said(span_slice(bytes, HEAD + texts, bytes.len), bytes.ptr[AT_FLAGS] & FLAG_PACKED,
                   (size_t)get_le(bytes.ptr + AT_BYTES, 4),
                   (size_t)get_le(bytes.ptr + AT_EVENTS, 4), most, &v, room))
        return false;
    *ret = v;
    return true;
}
