#include "ledger/frame.h"

#include "ledger/crc.h"

static const unsigned char magic[2] = {0xF5, 'W'};

enum { KIND_AT = 2, LENGTH_AT = 3, CRC_AT = 7 };

static void put_u32(char *at, uint32_t value) {
    for (int i = 0; i < 4; i++)
        at[i] = (char)(value >> (8 * i));
}

static uint32_t get_u32(const char *at) {
    uint32_t value = 0;
    for (int i = 0; i < 4; i++)
        value |= (uint32_t)(unsigned char)at[i] << (8 * i);
    return value;
}

/* Of kind and length, which stand together, and of the payload. */
static uint32_t sum(const char *begin, size_t len) {
    uint32_t crc = crc_add(0, span_from(begin + KIND_AT, CRC_AT - KIND_AT));
    return crc_add(crc, span_from(begin + FRAME_OVERHEAD, len));
}

size_t frame_begin(buf *out) {
    size_t at = out->len;
    (void)buf_reserve(out, FRAME_OVERHEAD);
    buf_grow(out, FRAME_OVERHEAD);
    return at;
}

void frame_end(buf *out, size_t at, frame_kind kind) {
    char *begin = out->ptr + at;
    size_t len = out->len - at - FRAME_OVERHEAD;
    memcpy(begin, magic, sizeof magic);
    begin[KIND_AT] = (char)kind;
    put_u32(begin + LENGTH_AT, (uint32_t)len);
    put_u32(begin + CRC_AT, sum(begin, len));
}

static frame_result take(span rest, frame *ret, size_t *ret_len) {
    size_t known = rest.len < sizeof magic ? rest.len : sizeof magic;
    if (memcmp(rest.ptr, magic, known) != 0) return FRAME_DAMAGED;
    if (rest.len < FRAME_OVERHEAD) return FRAME_CUT;
    size_t len = get_u32(rest.ptr + LENGTH_AT);
    if (len > FRAME_PAYLOAD_MAX) return FRAME_DAMAGED;
    if (rest.len - FRAME_OVERHEAD < len) return FRAME_CUT;
    if (get_u32(rest.ptr + CRC_AT) != sum(rest.ptr, len)) return FRAME_DAMAGED;
    *ret = (frame){(unsigned char)rest.ptr[KIND_AT], span_from(rest.ptr + FRAME_OVERHEAD, len)};
    *ret_len = FRAME_OVERHEAD + len;
    return FRAME_FOUND;
}

/* Where the next frame may be: one is there, or is cut off by the end of what there is. sure: it is
 * there. */
static size_t next_frame(span bytes, bool sure) {
    for (size_t at = 1; at < bytes.len; at++) {
        at = span_find(bytes, at, (char)magic[0]);
        if (at == bytes.len) break;
        frame f;
        size_t len;
        frame_result r = take(span_from(bytes.ptr + at, bytes.len - at), &f, &len);
        if (r == FRAME_FOUND || (r == FRAME_CUT && !sure)) return at;
    }
    return bytes.len;
}

frame_result frame_take(span *rest, bool whole, frame *ret, size_t *ret_bad) {
    if (!rest->len) return FRAME_CUT;
    size_t len;
    frame_result r = take(*rest, ret, &len);
    if (r == FRAME_CUT && whole) {
        len = next_frame(*rest, true);
        if (len < rest->len) r = FRAME_DAMAGED;
    } else if (r == FRAME_DAMAGED) {
        len = next_frame(*rest, whole);
    }
    if (r == FRAME_CUT) return r;
    if (r == FRAME_DAMAGED) *ret_bad = len;
    *rest = span_from(rest->ptr + len, rest->len - len);
    return r;
}
