#include "audit/chain.h"

#include "base/clock.h"

#include <string.h>

#define HASH_MEMBER ",\"hash\":\""

const chain_tip chain_start = {0,
                               "0000000000000000000000000000000000000000000000000000000000000000"};

static void hash_of(span bytes, char ret[SHA256_HEX_LEN + 1]) {
    unsigned char sum[SHA256_LEN];
    sha256(bytes, sum);
    hex_encode(sum, sizeof sum, ret);
}

void chain_add(buf *out, chain_tip *tip, int64_t wall_us, span kind, span members) {
    char at[CLOCK_RFC3339_LEN + 1];
    size_t begin = out->len;
    clock_rfc3339(wall_us, at);
    buf_add(out, SPAN_OF("{\"seq\":"));
    buf_add_u64(out, ++tip->seq);
    buf_add(out, SPAN_OF(",\"at\":\""));
    buf_add_cstr(out, at);
    buf_add(out, SPAN_OF("\",\"kind\":\""));
    buf_add(out, kind);
    buf_add_char(out, '"');
    if (members.len) buf_add_char(out, ',');
    buf_add(out, members);
    buf_add(out, SPAN_OF(",\"prev\":\""));
    buf_add_cstr(out, tip->hash);
    buf_add_char(out, '"');
    hash_of(span_from(out->ptr + begin, out->len - begin), tip->hash);
    buf_add(out, SPAN_OF(HASH_MEMBER));
    buf_add_cstr(out, tip->hash);
    buf_add(out, SPAN_OF("\"}\n"));
}

/* ---- reading ---- */

static span text_of(json_value v) {
    return v.type == JSON_STRING ? span_slice(v.raw, 1, v.raw.len - 1) : SPAN_EMPTY;
}

static bool hash_holds(span line, span told) {
    size_t tail = sizeof HASH_MEMBER - 1 + SHA256_HEX_LEN + 2;
    if (told.len != SHA256_HEX_LEN || line.len < tail) return false;
    span end = span_slice(line, line.len - tail, line.len);
    if (!span_starts(end, SPAN_OF(HASH_MEMBER))) return false;
    char hash[SHA256_HEX_LEN + 1];
    hash_of(span_slice(line, 0, line.len - tail), hash);
    return span_eq(span_slice(end, sizeof HASH_MEMBER - 1, end.len - 2), span_cstr(hash)) &&
           span_eq(told, span_cstr(hash));
}

bool chain_read(span line, chain_line *ret, const char **ret_why) {
    static const span names[] = {SPAN("seq"), SPAN("at"), SPAN("kind"), SPAN("prev"), SPAN("hash")};
    json_value values[ARRAY_LEN(names)];
    json_fault fault;
    int64_t seq = 0;
    *ret = (chain_line){0};
    *ret_why = "is no line of an audit trail: it was altered";
    if (!json_scan(line, NULL, &ret->object, &fault) || ret->object.type != JSON_OBJECT)
        return false;
    json_get_each(ret->object, names, ARRAY_LEN(names), values);
    if (!json_i64(values[0], &seq) || seq < 1) return false;
    ret->seq = (uint64_t)seq;
    ret->at = text_of(values[1]);
    ret->kind = text_of(values[2]);
    ret->prev = text_of(values[3]);
    ret->hash = text_of(values[4]);
    *ret_why = "has a hash that is not that of its content: it was altered";
    return hash_holds(line, ret->hash);
}
