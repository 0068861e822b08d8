#include "cache/numbers.h"

/* In their order. */
typedef struct signs {
    uint32_t from, to;
    bool digits; /* from is a zero, to the nine of the same script */
} signs;

static const signs table[] = {
#define DIGITS(zero)    {zero, zero + 9, true},
#define SIGNS(from, to) {from, to, false},
#include "cache/numbers.def"
#undef DIGITS
#undef SIGNS
};

/* NULL: it stands for no number. */
static const signs *find(uint32_t code) {
    size_t from = 0, to = ARRAY_LEN(table);
    while (from < to) {
        const size_t mid = from + (to - from) / 2;
        if (code > table[mid].to)
            from = mid + 1;
        else if (code < table[mid].from)
            to = mid;
        else
            return &table[mid];
    }
    return NULL;
}

/* As people write it: hyphen, minus, dash, raised, lowered, small and wide. */
static bool is_minus(uint32_t code) {
    static const uint32_t all[] = {'-', 0x2212, 0x2013, 0x207B, 0x208B, 0xFE63, 0xFF0D};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (code == all[i]) return true;
    return false;
}

static bool is_number_at(span text, size_t at) {
    uint32_t code;
    return at < text.len && span_utf8_at(text, at, &code) && find(code);
}

span numbers_in(span text, arena *a) {
    char *to = arena_alloc(a, 2 * text.len + 1); /* a blank before each is the most there is */
    size_t n = 0, len;
    uint32_t code;
    for (size_t at = 0; at < text.len; at += len) {
        if (!(len = span_utf8_at(text, at, &code))) {
            len = 1;
            continue;
        }
        const signs *s = find(code);
        if (s && s->digits) {
            to[n++] = (char)('0' + (code - s->from));
        } else if (s) {
            memcpy(to + n, text.ptr + at, len);
            n += len;
        } else {
            if (n && to[n - 1] != ' ') to[n++] = ' ';
            if (is_minus(code) && is_number_at(text, at + len)) to[n++] = '-';
        }
    }
    while (n && to[n - 1] == ' ')
        n--;
    return span_from(to, n);
}
