/* ledger/varint.h: numbers in base 128, the lowest seven bits first (as LEB128 has them). Pure. */
#ifndef WEIR_LEDGER_VARINT_H
#define WEIR_LEDGER_VARINT_H

#include "base/buf.h"

enum { VARINT_MAX = 10 }; /* bytes */

/* Room for VARINT_MAX bytes must have been reserved. */
static inline void varint_put(buf *out, uint64_t value) {
    unsigned char *at = (unsigned char *)out->ptr + out->len;
    for (; value >= 0x80; value >>= 7)
        *at++ = (unsigned char)(value | 0x80);
    *at++ = (unsigned char)value;
    out->len = (size_t)((char *)at - out->ptr);
}

static inline void varint_add(buf *out, uint64_t value) {
    (void)buf_reserve(out, VARINT_MAX);
    varint_put(out, value);
}

/* From the front of *rest. false: it is cut off, or no number of 64 bits. */
static inline MUST_USE bool varint_take(span *rest, uint64_t *ret) {
    uint64_t value = 0;
    for (size_t i = 0; i < rest->len && i < VARINT_MAX; i++) {
        uint64_t byte = (unsigned char)rest->ptr[i];
        if (i == VARINT_MAX - 1 && byte > 1) return false;
        value |= (byte & 0x7f) << (7 * i);
        if (byte & 0x80) continue;
        *rest = span_from(rest->ptr + i + 1, rest->len - i - 1);
        *ret = value;
        return true;
    }
    return false;
}

/* A length, and so many bytes. */
static inline void varint_add_bytes(buf *out, span bytes) {
    (void)buf_reserve(out, VARINT_MAX + bytes.len);
    varint_put(out, bytes.len);
    buf_add(out, bytes);
}
static inline MUST_USE bool varint_take_bytes(span *rest, span *ret) {
    uint64_t len;
    if (!varint_take(rest, &len) || len > rest->len) return false;
    *ret = span_from(rest->ptr, (size_t)len);
    *rest = span_from(rest->ptr + len, rest->len - (size_t)len);
    return true;
}

#endif
