#include "observe/trace_context.h"

#include "base/hash.h"

/* ---- traceparent ---- */

/* Lower case alone: section 3.2.2. */
static bool read_hex(span s, unsigned char *ret, size_t len) {
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] >= 'A' && s.ptr[i] <= 'F') return false;
    return hex_decode(s, ret, len);
}

static uint64_t number_of(const unsigned char *bytes, size_t len) {
    uint64_t n = 0;
    for (size_t i = 0; i < len; i++)
        n = n << 8 | bytes[i];
    return n;
}

bool trace_read_parent(span value, trace_context *ret) {
    unsigned char version, flags, trace_id[TRACE_ID_LEN], parent[SPAN_ID_LEN];
    if (value.len < TRACEPARENT_LEN) return false;
    if (value.ptr[2] != '-' || value.ptr[35] != '-' || value.ptr[52] != '-') return false;
    if (!read_hex(span_slice(value, 0, 2), &version, 1) || version == 0xFF) return false;
    if (value.len > TRACEPARENT_LEN && (version == 0 || value.ptr[TRACEPARENT_LEN] != '-'))
        return false;
    if (!read_hex(span_slice(value, 3, 35), trace_id, sizeof trace_id) ||
        !read_hex(span_slice(value, 36, 52), parent, sizeof parent) ||
        !read_hex(span_slice(value, 53, 55), &flags, 1))
        return false;
    bool named = number_of(trace_id, 8) || number_of(trace_id + 8, 8);
    if (!named || !number_of(parent, sizeof parent)) return false;
    memcpy(ret->trace_id, trace_id, sizeof trace_id);
    ret->parent = number_of(parent, sizeof parent);
    ret->flags = flags & (TRACE_SAMPLED | TRACE_RANDOM);
    return true;
}

void span_id_bytes(uint64_t span_id, unsigned char out[SPAN_ID_LEN]) {
    for (size_t i = 0; i < SPAN_ID_LEN; i++)
        out[i] = (unsigned char)(span_id >> (8 * (SPAN_ID_LEN - 1 - i)));
}

void trace_write_parent(const trace_context *t, uint64_t span_id, char out[TRACEPARENT_LEN + 1]) {
    unsigned char id[SPAN_ID_LEN], flags = (unsigned char)t->flags;
    span_id_bytes(span_id, id);
    out[0] = out[1] = '0';
    out[2] = '-';
    hex_encode(t->trace_id, TRACE_ID_LEN, out + 3);
    out[35] = '-';
    hex_encode(id, SPAN_ID_LEN, out + 36);
    out[52] = '-';
    hex_encode(&flags, 1, out + 53);
}

/* ---- tracestate ---- */

enum { MEMBERS_MAX = 32, KEY_MAX = 256, VALUE_MAX = 256 };

static bool is_key(span key) {
    if (!key.len || key.len > KEY_MAX) return false;
    for (size_t i = 0; i < key.len; i++) {
        char c = key.ptr[i];
        bool alnum = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!alnum && (i == 0 || !c || !strchr("_-*/@", c))) return false;
    }
    return true;
}

static bool is_value(span value) {
    if (!value.len || value.len > VALUE_MAX || value.ptr[value.len - 1] == ' ') return false;
    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i];
        if (c < ' ' || c > '~' || c == ',' || c == '=') return false;
    }
    return true;
}

bool trace_state_is_good(span value) {
    span keys[MEMBERS_MAX], member;
    size_t count = 0;
    while (span_cut(&value, ',', &member)) {
        member = span_trim(member);
        if (!member.len) continue; /* an empty one is allowed: section 3.3.1.1 */
        size_t at = span_find(member, 0, '=');
        span key = span_slice(member, 0, at);
        if (count == MEMBERS_MAX || !is_key(key) ||
            !is_value(span_slice(member, at + 1, member.len)))
            return false;
        for (size_t i = 0; i < count; i++)
            if (span_eq(keys[i], key)) return false;
        keys[count++] = key;
    }
    return count > 0;
}

/* ---- what begins here ---- */

uint64_t trace_new_span(rng *r) {
    uint64_t id;
    do
        id = rng_u64(r);
    while (!id);
    return id;
}

/* By the 56 random bits of the id, so that whoever samples by the same share decides alike. */
static bool is_chosen(uint64_t low, double share) {
    const double all = (double)(UINT64_C(1) << 56);
    return (double)(low & ((UINT64_C(1) << 56) - 1)) >= all - share * all;
}

void trace_begin(rng *r, double share, trace_context *ret) {
    uint64_t high = trace_new_span(r), low = trace_new_span(r);
    span_id_bytes(high, ret->trace_id);
    span_id_bytes(low, ret->trace_id + SPAN_ID_LEN);
    ret->parent = 0;
    ret->state = SPAN_EMPTY;
    ret->flags = TRACE_RANDOM | (is_chosen(low, share) ? TRACE_SAMPLED : 0u);
}
