#include "audit/head.h"

#include "audit/key.h"
#include "base/clock.h"
#include "base/mem.h"

#include <string.h>

#define MAC_MEMBER ",\"mac\":\""

/* Made of the key for this purpose alone. */
static void mac_of(span text, const secret *key, char ret[SHA256_HEX_LEN + 1]) {
    unsigned char made[HMAC_SECRET_LEN], sum[SHA256_LEN];
    audit_key_for(key, SPAN_OF("weir audit head"), made);
    hmac_sha256(made, text, sum);
    mem_wipe(made, sizeof made);
    hex_encode(sum, sizeof sum, ret);
}

void head_write(buf *out, span file, const chain_tip *tip, int64_t wall_us, const secret *key) {
    char at[CLOCK_RFC3339_LEN + 1], mac[SHA256_HEX_LEN + 1];
    size_t begin = out->len;
    clock_rfc3339(wall_us, at);
    buf_add(out, SPAN_OF("{\"file\":\""));
    buf_add(out, file);
    buf_add(out, SPAN_OF("\",\"seq\":"));
    buf_add_u64(out, tip->seq);
    buf_add(out, SPAN_OF(",\"hash\":\""));
    buf_add_cstr(out, tip->hash);
    buf_add(out, SPAN_OF("\",\"at\":\""));
    buf_add_cstr(out, at);
    buf_add_char(out, '"');
    if (key) {
        mac_of(span_from(out->ptr + begin, out->len - begin), key, mac);
        buf_add(out, SPAN_OF(MAC_MEMBER));
        buf_add_cstr(out, mac);
        buf_add_char(out, '"');
    }
    buf_add(out, SPAN_OF("}\n"));
}

static head_result check_mac(span text, json_value mac, const secret *key) {
    if (mac.type == JSON_NONE) return key ? HEAD_UNSIGNED : HEAD_GOOD;
    if (!key) return HEAD_UNCHECKED;
    size_t tail = sizeof MAC_MEMBER - 1 + SHA256_HEX_LEN + 2;
    if (text.len < tail || mac.raw.len != SHA256_HEX_LEN + 2) return HEAD_FORGED;
    char right[SHA256_HEX_LEN + 1];
    mac_of(span_slice(text, 0, text.len - tail), key, right);
    span told = span_slice(mac.raw, 1, mac.raw.len - 1);
    span end = span_slice(text, text.len - tail, text.len);
    bool last = span_starts(end, SPAN_OF(MAC_MEMBER)) &&
                span_slice(end, sizeof MAC_MEMBER - 1, end.len).ptr == told.ptr;
    return last && span_eq_secret(told, span_cstr(right)) ? HEAD_GOOD : HEAD_FORGED;
}

head_result head_read(span text, const secret *key, chain_tip *ret_tip) {
    static const span names[] = {SPAN("seq"), SPAN("hash"), SPAN("mac")};
    json_value object, values[ARRAY_LEN(names)];
    json_fault fault;
    int64_t seq;
    *ret_tip = chain_start;
    if (text.len && text.ptr[text.len - 1] == '\n') text.len--;
    if (!json_scan(text, NULL, &object, &fault) || object.type != JSON_OBJECT) return HEAD_BAD;
    json_get_each(object, names, ARRAY_LEN(names), values);
    if (!json_i64(values[0], &seq) || seq < 0 || values[1].type != JSON_STRING ||
        values[1].raw.len != SHA256_HEX_LEN + 2)
        return HEAD_BAD;
    ret_tip->seq = (uint64_t)seq;
    memcpy(ret_tip->hash, values[1].raw.ptr + 1, SHA256_HEX_LEN);
    ret_tip->hash[SHA256_HEX_LEN] = '\0';
    return check_mac(text, values[2], key);
}
