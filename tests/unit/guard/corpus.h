/* Texts with and without what a guard looks for, made from a seed. The values are random ones of
 * the right form, with right check digits: nobody's. */
#ifndef WEIR_TEST_GUARD_CORPUS_H
#define WEIR_TEST_GUARD_CORPUS_H

#include "base/buf.h"

typedef struct dice {
    uint64_t x;
} dice;

static inline uint64_t roll(dice *d, uint64_t n) {
    d->x ^= d->x << 13, d->x ^= d->x >> 7, d->x ^= d->x << 17;
    return (d->x >> 11) % n;
}

/* One of a list of words. */
#define PICK(d, ...)                                                                               \
    (((const char *const[]){                                                                       \
        __VA_ARGS__})[roll(d, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))])

static inline void put_digits(buf *b, dice *d, size_t n) {
    for (size_t i = 0; i < n; i++)
        buf_add_char(b, (char)('0' + roll(d, 10)));
}

static inline const char *alphabet(char which) {
    switch (which) {
    case 'a': return "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    case 'u': return "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    case 'w': return "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
    case 'h': return "0123456789abcdef";
    case 'H': return "0123456789abcdefABCDEF";
    case 'U': return "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    case 'b': return "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    case 'l': return "abcdefghijklmnopqrstuvwxyz0123456789";
    case 's': return "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    case 'c': return "abcdefghijklmnopqrstuvwxyz";
    case 'C': return "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    default: return "0123456789";
    }
}

/* A form as forms.def has them. */
static inline void put_form(buf *b, dice *d, const char *form) {
    for (const char *p = form; *p; p++) {
        char *end;
        size_t n = p[0] == '{' ? strtoul(p + 2, &end, 10) : 0;
        if (!n) {
            buf_add_char(b, *p);
            continue;
        }
        const char *from = alphabet(p[1]);
        size_t len = strlen(from);
        for (size_t i = 0; i < n; i++)
            buf_add_char(b, from[roll(d, len)]);
        p = end;
    }
}

/* ---- sentences around a value ---- */

static inline const char *opening(dice *d) {
    return PICK(d, "", "Please use ", "My old one was ", "Here it is: ", "config:\n  value: ", "> ",
                "The customer wrote: ", "I found (", "see \"", "value=", "Then I typed ", "| ",
                "* ", "Notice that ", "{\"x\": \"", "It is called ");
}
static inline const char *closing(dice *d) {
    return PICK(d, "", " and nothing else.", ". Thanks!", "\nnext line", " |", "\", 1]",
                ", please.", " (that is all)", "; then go on", " — see above", "!", " works for me",
                "\n\n");
}

#endif
