#include "telemetry/protobuf.h"

typedef enum wire_type { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_LENGTH = 2, WIRE_32 = 5 } wire_type;

/* ---- writing ---- */

enum { VARINT_MAX = 10 };

static size_t make_varint(uint64_t value, char out[VARINT_MAX]) {
    size_t n = 0;
    for (; value > 0x7F; value >>= 7)
        out[n++] = (char)(value | 0x80);
    out[n++] = (char)value;
    return n;
}

static void add_varint(buf *out, uint64_t value) {
    char bytes[VARINT_MAX];
    buf_add(out, span_from(bytes, make_varint(value, bytes)));
}

static void add_tag(buf *out, unsigned number, wire_type type) {
    add_varint(out, (uint64_t)number << 3 | (unsigned)type);
}

static void add_little_endian(buf *out, uint64_t value, size_t len) {
    char *at = buf_reserve(out, len);
    for (size_t i = 0; i < len; i++)
        at[i] = (char)(value >> (8 * i));
    buf_grow(out, len);
}

static uint64_t double_bits(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

void pb_put_varint(buf *out, unsigned number, uint64_t value) {
    add_tag(out, number, WIRE_VARINT);
    add_varint(out, value);
}

void pb_put_fixed32(buf *out, unsigned number, uint32_t value) {
    add_tag(out, number, WIRE_32);
    add_little_endian(out, value, 4);
}

void pb_put_fixed64(buf *out, unsigned number, uint64_t value) {
    add_tag(out, number, WIRE_64);
    add_little_endian(out, value, 8);
}

void pb_put_double(buf *out, unsigned number, double value) {
    pb_put_fixed64(out, number, double_bits(value));
}

void pb_put_bytes(buf *out, unsigned number, span bytes) {
    add_tag(out, number, WIRE_LENGTH);
    add_varint(out, bytes.len);
    buf_add(out, bytes);
}

static void add_mended(buf *out, span text) {
    size_t at = 0, from = 0;
    while (at < text.len) {
        size_t most = text.len - at < 4 ? text.len - at : 4, len = 1;
        while (len <= most && !span_is_utf8(span_slice(text, at, at + len)))
            len++;
        if (len <= most) {
            at += len;
            continue;
        }
        buf_add(out, span_slice(text, from, at));
        buf_add(out, SPAN_OF("\xEF\xBF\xBD"));
        from = ++at;
    }
    buf_add(out, span_slice(text, from, text.len));
}

void pb_put_text(buf *out, unsigned number, span text) {
    if (span_is_utf8(text)) {
        pb_put_bytes(out, number, text);
        return;
    }
    size_t mark = pb_open(out, number);
    add_mended(out, text);
    pb_close(out, mark);
}

/* The length goes before the content, and is known after it: what is within is moved up by the few
 * bytes that it takes. */
size_t pb_open(buf *out, unsigned number) {
    add_tag(out, number, WIRE_LENGTH);
    return out->len;
}

void pb_close(buf *out, size_t mark) {
    char bytes[VARINT_MAX];
    size_t len = out->len - mark, n = make_varint(len, bytes);
    (void)buf_reserve(out, n);
    memmove(out->ptr + mark + n, out->ptr + mark, len);
    memcpy(out->ptr + mark, bytes, n);
    buf_grow(out, n);
}

void pb_add_fixed64(buf *out, uint64_t value) {
    add_little_endian(out, value, 8);
}

void pb_add_double(buf *out, double value) {
    add_little_endian(out, double_bits(value), 8);
}

/* ---- reading ---- */

static bool cut_varint(span *rest, uint64_t *ret) {
    uint64_t value = 0;
    for (size_t i = 0; i < rest->len && i < VARINT_MAX; i++) {
        unsigned char c = (unsigned char)rest->ptr[i];
        value |= (uint64_t)(c & 0x7F) << (7 * i);
        if (c & 0x80) continue;
        *rest = span_slice(*rest, i + 1, rest->len);
        *ret = value;
        return true;
    }
    return false;
}

static bool cut_bytes(span *rest, uint64_t len, span *ret) {
    if (len > rest->len) return false;
    *ret = span_slice(*rest, 0, (size_t)len);
    *rest = span_slice(*rest, (size_t)len, rest->len);
    return true;
}

static bool cut_fixed(span *rest, size_t len, uint64_t *ret) {
    span bytes;
    if (!cut_bytes(rest, len, &bytes)) return false;
    *ret = 0;
    for (size_t i = 0; i < len; i++)
        *ret |= (uint64_t)(unsigned char)bytes.ptr[i] << (8 * i);
    return true;
}

static bool cut_value(span *rest, unsigned type, pb_field *f) {
    uint64_t len;
    switch (type) {
    case WIRE_VARINT: return cut_varint(rest, &f->value);
    case WIRE_64: return cut_fixed(rest, 8, &f->value);
    case WIRE_32: return cut_fixed(rest, 4, &f->value);
    case WIRE_LENGTH: return cut_varint(rest, &len) && cut_bytes(rest, len, &f->bytes);
    default: return false;
    }
}

bool pb_next(span *rest, pb_field *ret, bool *ret_good) {
    uint64_t tag;
    pb_field f = {0};
    *ret_good = rest->len == 0;
    if (!rest->len || !cut_varint(rest, &tag) || tag >> 3 == 0 || tag >> 3 > 0x1FFFFFFF)
        return false;
    f.number = (unsigned)(tag >> 3);
    if (!cut_value(rest, tag & 7, &f)) return false;
    *ret_good = true;
    *ret = f;
    return true;
}
