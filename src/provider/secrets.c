#include "provider/secrets.h"

#include "base/mem.h"
#include "base/secret_set.h"

#include <openssl/evp.h>
#include <stdlib.h>

/* ---- a list ---- */

void secret_list_add(secret_list *l, secret *s) {
    if (!s) return;
    if (l->count == l->cap) {
        l->cap = l->cap ? 2 * l->cap : 8;
        l->items = mem_realloc(l->items, l->cap * sizeof(secret *));
    }
    l->items[l->count++] = secret_ref(s);
}

bool secret_list_has(const secret_list *l, const secret *s) {
    for (size_t i = 0; i < l->count; i++)
        if (secret_eq(l->items[i], s)) return true;
    return false;
}

void secret_list_done(secret_list *l) {
    for (size_t i = 0; i < l->count; i++)
        secret_unref(l->items[i]);
    free(l->items);
    *l = (secret_list){0};
}

/* ---- which headers ---- */

static bool tells_of_the_caller(span name) {
    static const span names[] = {
        SPAN("accept"),        SPAN("accept-language"), SPAN("user-agent"),
        SPAN("referer"),       SPAN("http-referer"),    SPAN("origin"),
        SPAN("x-title"),       SPAN("openai-beta"),     SPAN("anthropic-version"),
        SPAN("cache-control"), SPAN("anthropic-beta"),
    };
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (span_ieq(name, names[i])) return true;
    return false;
}

static bool holds(span text, span word) {
    for (size_t at = 0; at + word.len <= text.len; at++)
        if (span_istarts(span_slice(text, at, text.len), word)) return true;
    return false;
}

static bool speaks_of_a_secret(span name) {
    static const span words[] = {SPAN("auth"),   SPAN("key"),     SPAN("token"),
                                 SPAN("secret"), SPAN("cred"),    SPAN("pass"),
                                 SPAN("cookie"), SPAN("session"), SPAN("signature")};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (holds(name, words[i])) return true;
    return false;
}

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* "production", "Acme Corp", "on-call": letters, capital at the beginning of a word at most. */
static bool is_words(span text) {
    bool inside = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (!is_letter(c) && c != ' ' && c != '-' && c != '_' && c != '.') return false;
        if (inside && c >= 'A' && c <= 'Z') return false;
        inside = is_letter(c);
    }
    return true;
}

bool provider_header_is_secret(span name, span value) {
    if (value.len < SECRET_LEN_MIN || tells_of_the_caller(name)) return false;
    return speaks_of_a_secret(name) || value.len >= SECRET_WORDS_MIN || !is_words(value);
}

/* ---- what is in a value ---- */

static void add_bytes(secret_list *l, span bytes) {
    if (bytes.len < SECRET_LEN_MIN) return;
    secret *s = secret_new(bytes);
    secret_list_add(l, s);
    secret_unref(s);
}

/* RFC 7617: "user:password", and the password alone. */
static void add_login(secret_list *l, span base64) {
    size_t room = base64.len / 4 * 3 + 1;
    char *plain = mem_alloc(room);
    int n = base64.len % 4 || base64.len > INT32_MAX
                ? -1
                : EVP_DecodeBlock((unsigned char *)plain, (const unsigned char *)base64.ptr,
                                  (int)base64.len);
    if (n > 0) {
        size_t len = (size_t)n;
        for (size_t i = 1; i <= 2 && base64.ptr[base64.len - i] == '='; i++)
            len--;
        span login = span_from(plain, len);
        add_bytes(l, login);
        add_bytes(l, span_slice(login, span_find(login, 0, ':') + 1, login.len));
    }
    mem_wipe(plain, room);
    free(plain);
}

/* RFC 9110 section 11.4: a scheme and, of the forms there are, one word. */
static void add_value(secret_list *l, span value) {
    size_t blank = span_find(value, 0, ' ');
    span scheme = span_slice(value, 0, blank);
    span word = span_trim(span_slice(value, blank, value.len));
    add_bytes(l, value);
    if (!word.len || span_find(word, 0, ' ') < word.len || !is_words(scheme)) return;
    add_bytes(l, word);
    if (span_ieq(scheme, SPAN_OF("basic"))) add_login(l, word);
}

void provider_secrets(const config_provider *p, secret *proxy, secret_list *ret) {
    for (size_t i = 0; i < p->key_count; i++)
        secret_list_add(ret, p->keys[i]);
    for (size_t i = 0; i < p->header_count; i++)
        if (provider_header_is_secret(p->headers[i].name, p->headers[i].value))
            add_value(ret, p->headers[i].value);
    if (proxy) add_value(ret, secret_reveal(proxy));
}
