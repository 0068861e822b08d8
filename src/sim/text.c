#include "sim/text.h"

#include <string.h>

static bool is_blank(char c) {
    return c == ' ' || (unsigned)(c - '\t') < 5; /* \t \n \v \f \r */
}

static bool is_continuation(char c) {
    return ((unsigned char)c & 0xC0) == 0x80;
}

/* The end of the token that begins at p, which is not the end. */
static const char *token_end(const char *p, const char *end) {
    while (p < end && is_blank(*p))
        p++;
    const char *most = end - p > SIM_TOKEN_BYTES ? p + SIM_TOKEN_BYTES : end;
    while (p < most && !is_blank(*p))
        p++;
    while (p < end && is_continuation(*p))
        p++;
    return p;
}

bool sim_token_cut(span *rest, span *ret_token) {
    if (!rest->len) return false;
    const char *begin = rest->ptr, *end = begin + rest->len, *cut = token_end(begin, end);
    *ret_token = span_from(begin, (size_t)(cut - begin));
    *rest = span_from(cut, (size_t)(end - cut));
    return true;
}

size_t sim_token_count(span text) {
    size_t count = 0;
    if (!text.len) return 0;
    const char *p = text.ptr, *end = p + text.len;
    for (; p < end; count++)
        p = token_end(p, end);
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
