#include "schema/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { EXACT_DIGITS = 18, EXPONENT_MAX = 1000000000 };

static int64_t read_exponent(span text) {
    bool minus = text.len && text.ptr[0] == '-';
    int64_t value = 0;
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] >= '0' && text.ptr[i] <= '9' && value < EXPONENT_MAX)
            value = value * 10 + (text.ptr[i] - '0');
    return minus ? -value : value;
}

schema_number schema_number_read(span text, arena *a) {
    schema_number n = {.negative = text.len && text.ptr[0] == '-'};
    size_t from = n.negative, end = from;
    while (end < text.len && (text.ptr[end] | 0x20) != 'e')
        end++;
    if (end < text.len) n.exponent = read_exponent(span_slice(text, end + 1, text.len));
    span mantissa = span_slice(text, from, end);
    size_t dot = span_find(mantissa, 0, '.');
    n.digits = mantissa;
    if (dot < mantissa.len) {
        const span parts[] = {span_slice(mantissa, 0, dot),
                              span_slice(mantissa, dot + 1, mantissa.len)};
        n.digits = arena_join(a, parts, 2);
        n.exponent -= (int64_t)parts[1].len;
    }
    while (n.digits.len && n.digits.ptr[n.digits.len - 1] == '0')
        n.digits.len--, n.exponent++;
    while (n.digits.len && n.digits.ptr[0] == '0')
        n.digits = span_slice(n.digits, 1, n.digits.len);
    if (!n.digits.len) n = (schema_number){0};
    return n;
}

/* Of the amounts, neither 0. */
static int compare_amounts(const schema_number *a, const schema_number *b) {
    int64_t x = (int64_t)a->digits.len + a->exponent, y = (int64_t)b->digits.len + b->exponent;
    if (x != y) return x < y ? -1 : 1;
    size_t len = a->digits.len < b->digits.len ? a->digits.len : b->digits.len;
    int order = memcmp(a->digits.ptr, b->digits.ptr, len);
    if (order) return order;
    return (a->digits.len > b->digits.len) - (a->digits.len < b->digits.len);
}

static int sign(const schema_number *n) {
    if (!n->digits.len) return 0;
    return n->negative ? -1 : 1;
}

int schema_number_compare(const schema_number *a, const schema_number *b) {
    int x = sign(a), y = sign(b);
    if (x != y || !x) return x - y;
    return x * compare_amounts(a, b);
}

bool schema_number_is_whole(const schema_number *n) {
    return n->exponent >= 0;
}

bool schema_number_size(const schema_number *n, size_t *ret) {
    if (!schema_number_is_whole(n) || sign(n) < 0) return false;
    size_t value = 0;
    bool large = n->digits.len + (uint64_t)n->exponent > EXACT_DIGITS;
    for (size_t i = 0; i < n->digits.len && !large; i++)
        value = value * 10 + (size_t)(n->digits.ptr[i] - '0');
    for (int64_t i = 0; i < n->exponent && !large; i++)
        value *= 10;
    *ret = large ? SIZE_MAX : value;
    return true;
}

/* ---- multiples ---- */

static uint64_t times(uint64_t a, uint64_t b, uint64_t modulus) {
    return (uint64_t)((unsigned __int128)a * b % modulus);
}

/* digits × 10^power, modulo modulus. */
static uint64_t remainder_of(span digits, uint64_t power, uint64_t modulus) {
    uint64_t value = 0, ten = 10 % modulus;
    for (size_t i = 0; i < digits.len; i++)
        value = (times(value, ten, modulus) + (uint64_t)(digits.ptr[i] - '0')) % modulus;
    for (; power; power >>= 1, ten = times(ten, ten, modulus))
        if (power & 1) value = times(value, ten, modulus);
    return value;
}

static double as_double(const schema_number *n) {
    char text[64];
    int len = n->digits.len < 32 ? (int)n->digits.len : 32;
    int64_t exponent = n->exponent + ((int64_t)n->digits.len - len);
    (void)snprintf(text, sizeof text, "%.*se%lld", len, n->digits.ptr, (long long)exponent);
    return strtod(text, NULL);
}

bool schema_number_is_multiple(const schema_number *n, const schema_number *of) {
    uint64_t modulus = 0;
    if (!n->digits.len) return true;
    /* Without a zero at its end it is no multiple of ten. */
    if (n->exponent < of->exponent) return false;
    if (of->digits.len > EXACT_DIGITS) return fmod(as_double(n), as_double(of)) == 0;
    for (size_t i = 0; i < of->digits.len; i++)
        modulus = modulus * 10 + (uint64_t)(of->digits.ptr[i] - '0');
    return remainder_of(n->digits, (uint64_t)(n->exponent - of->exponent), modulus) == 0;
}
