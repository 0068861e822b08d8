#include "provider/sim_text.h"

#include <string.h>

static bool is_blank(char c) {
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static bool is_continuation(char c) {
    return ((unsigned char)c & 0xC0) == 0x80;
}

bool sim_token_cut(span *rest, span *ret_token) {
    size_t at = 0, len = rest->len;
    if (!len) return false;
    while (at < len && is_blank(rest->ptr[at]))
        at++;
    size_t word = at;
    while (at < len && !is_blank(rest->ptr[at]) && at - word < SIM_TOKEN_BYTES)
        at++;
    while (at < len && is_continuation(rest->ptr[at]))
        at++;
    *ret_token = span_slice(*rest, 0, at);
    *rest = span_slice(*rest, at, len);
    return true;
}

size_t sim_token_count(span text) {
    size_t count = 0;
    span token;
    while (sim_token_cut(&text, &token))
        count++;
    return count;
}

static const span vocabulary[] = {
    SPAN(" the"),    SPAN(" water"),  SPAN(" is"),      SPAN(" measured"), SPAN(" as"),
    SPAN(" it"),     SPAN(" passes"), SPAN(" over"),    SPAN(" the"),      SPAN(" weir,"),
    SPAN(" calmly"), SPAN(" and"),    SPAN(" without"), SPAN(" end,"),     SPAN(" while"),
};

bool sim_text_next(const sim_text *t, size_t index, size_t *offset, span *ret_token) {
    if (t->words) {
        if (index >= t->words) return false;
        *ret_token = index ? vocabulary[index % ARRAY_LEN(vocabulary)] : SPAN_OF("The");
        *offset += ret_token->len;
        return true;
    }
    span rest = span_slice(t->given, *offset, t->given.len);
    if (!sim_token_cut(&rest, ret_token)) return false;
    *offset += ret_token->len;
    return true;
}

size_t sim_text_tokens(const sim_text *t) {
    return t->words ? t->words : sim_token_count(t->given);
}

static uint64_t mix(uint64_t a, uint64_t b) {
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t sim_hash(span s, uint64_t seed) {
    uint64_t h = seed ^ (s.len * 0x9E3779B97F4A7C15u), word;
    size_t at = 0;
    for (; s.len - at >= 8; at += 8) {
        memcpy(&word, s.ptr + at, 8);
        h = mix(h ^ word, 0xA0761D6478BD642Fu) + at;
    }
    word = 0;
    if (at < s.len) memcpy(&word, s.ptr + at, s.len - at);
    h = mix(h ^ word, 0xE7037ED1A0B428DBu);
    return mix(h ^ 0x2D358DCCAA6C78A5u, 0x8EBC6AF09C88C6E3u);
}

span sim_text_clip(span s, size_t max) {
    if (s.len <= max) return s;
    while (max > 0 && is_continuation(s.ptr[max]))
        max--;
    return span_slice(s, 0, max);
}
