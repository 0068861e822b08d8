#include "tools/secrets.h"

#include "base/hash.h"
#include "base/mem.h"
#include "provider/secrets.h"

static void add(secret_list *all, span text) {
    secret *s = secret_new(text);
    secret_list_add(all, s);
    secret_unref(s);
}

/* ---- header fields and variables ---- */

static void add_pairs(secret_list *all, const config_tool_pairs *pairs) {
    for (size_t i = 0; i < pairs->count; i++) {
        config_header header = {pairs->items[i].name, pairs->items[i].value};
        const config_provider like = {.headers = &header, .header_count = 1};
        provider_secrets(&like, NULL, all);
    }
}

/* ---- the URL ---- */

/* "%2B" is "+", and "+" a blank in a query. */
static void add_decoded(secret_list *all, span text, bool query) {
    buf out = BUF_EMPTY;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte;
        if (text.ptr[i] == '%' && i + 2 < text.len &&
            hex_decode(span_slice(text, i + 1, i + 3), &byte, 1)) {
            buf_add_char(&out, (char)byte);
            i += 2;
        } else {
            buf_add_char(&out, query && text.ptr[i] == '+' ? ' ' : text.ptr[i]);
        }
    }
    if (!span_eq(buf_span(&out), text)) add(all, buf_span(&out));
    if (out.cap) mem_wipe(out.ptr, out.cap);
    buf_done(&out);
}

static void add_both(secret_list *all, span text, bool query) {
    add(all, text);
    add_decoded(all, text, query);
}

static bool has_letters_and_digits(span text) {
    bool letter = false, digit = false;
    for (size_t i = 0; i < text.len; i++) {
        const char c = text.ptr[i];
        digit |= c >= '0' && c <= '9';
        letter |= (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
    }
    return letter && digit;
}

static void add_url(secret_list *all, span target) {
    const size_t question = span_find(target, 0, '?');
    span path = span_slice(target, 0, question), query = SPAN_EMPTY, piece;
    if (question < target.len) query = span_slice(target, question + 1, target.len);
    while (span_cut(&path, '/', &piece))
        if (piece.len >= SECRET_PIECE_MIN && has_letters_and_digits(piece))
            add_both(all, piece, false);
    while (span_cut(&query, '&', &piece)) {
        const size_t equals = span_find(piece, 0, '=');
        const span value =
            equals < piece.len ? span_slice(piece, equals + 1, piece.len) : SPAN_EMPTY;
        if (provider_header_is_secret(span_slice(piece, 0, equals), value))
            add_both(all, value, true);
    }
}

/* ---- all of it ---- */

secret_set *tool_secrets_of(const config_tool *from) {
    secret_list all = {0};
    add_pairs(&all, &from->headers);
    add_pairs(&all, &from->env);
    add_url(&all, from->url.path);
    secret_set *set = secret_set_new(all.items, all.count);
    secret_list_done(&all);
    return set;
}
