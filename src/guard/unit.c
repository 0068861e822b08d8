#include "guard/unit.h"

enum {
    NO_CODE = 0x110000, /* beside a byte: it is no UTF-8 */
    FIRST_HALF = 0xD800,
    SECOND_HALF = 0xDC00,
    LAST_HALF = 0xDFFF,
    HEX_DIGITS = 4,
};

/* One character, as its document says it. */
typedef struct letter {
    size_t len; /* 0: the text ends here */
    unsigned code;
    bool cut;
} letter;

static letter utf8_at(span text, size_t at) {
    if (at >= text.len) return (letter){.cut = true};
    const unsigned char *p = (const unsigned char *)text.ptr + at;
    size_t left = text.len - at;
    if (p[0] < 0x80) return (letter){1, p[0], false};
    size_t len = p[0] >= 0xF0 ? 4 : p[0] >= 0xE0 ? 3 : 2;
    letter bad = {1, NO_CODE + p[0], false};
    if (p[0] < 0xC2 || p[0] > 0xF4) return bad;
    unsigned code = p[0] & (0x7Fu >> len);
    for (size_t i = 1; i < len; i++) {
        if (i == left) return (letter){left, NO_CODE + p[0], true};
        if ((p[i] & 0xC0) != 0x80) return bad;
        code = code << 6 | (p[i] & 0x3F);
    }
    return (letter){len, code, false};
}

static letter letter_at(span text, size_t at, unsigned json);

static int hex_of(unsigned code) {
    if (code >= '0' && code <= '9') return (int)code - '0';
    if ((code | 0x20) >= 'a' && (code | 0x20) <= 'f') return (int)(code | 0x20) - 'a' + 10;
    return -1;
}

/* The digits behind "\u" at `at`, written in a document that is `json` deep. len 0: there are
 * none. */
static letter digits_at(span text, size_t at, unsigned json) {
    letter whole = {0};
    for (unsigned i = 0; i < HEX_DIGITS; i++) {
        letter digit = letter_at(text, at + whole.len, json);
        if (digit.cut) return (letter){.cut = true};
        int value = hex_of(digit.code);
        if (value < 0) return (letter){0};
        whole.len += digit.len;
        whole.code = whole.code << 4 | (unsigned)value;
    }
    return whole;
}

/* The second half of a pair: "\uDC00" at `at`. */
static letter half_at(span text, size_t at, unsigned json) {
    letter slash = letter_at(text, at, json), u;
    if (slash.cut) return (letter){.cut = true};
    if (slash.code != '\\') return (letter){0};
    u = letter_at(text, at + slash.len, json);
    if (u.cut) return (letter){.cut = true};
    if (u.code != 'u') return (letter){0};
    letter half = digits_at(text, at + slash.len + u.len, json);
    if (half.cut || !half.len) return half;
    if (half.code < SECOND_HALF || half.code > LAST_HALF) return (letter){0};
    half.len += slash.len + u.len;
    return half;
}

static letter code_at(span text, size_t at, size_t before, unsigned json) {
    letter code = digits_at(text, at, json);
    if (code.cut) return code;
    if (!code.len) return (letter){0};
    code.len += before;
    if (code.code < FIRST_HALF || code.code > LAST_HALF) return code;
    if (code.code >= SECOND_HALF) return (letter){code.len, NO_CODE + 0xFF, false};
    letter half = half_at(text, at + code.len - before, json);
    if (half.cut) return half;
    if (!half.len) return (letter){code.len, NO_CODE + 0xFF, false};
    unsigned high = code.code - FIRST_HALF, low = half.code - SECOND_HALF;
    return (letter){code.len + half.len, 0x10000 + (high << 10 | low), false};
}

/* What a letter behind a backslash stands for; 0: nothing. */
static unsigned escaped(unsigned code) {
    switch (code) {
    case '"':
    case '\\':
    case '/': return code;
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return 0;
    }
}

static letter letter_at(span text, size_t at, unsigned json) {
    if (!json) return utf8_at(text, at);
    letter c = letter_at(text, at, json - 1);
    if (c.cut || c.code != '\\') return c;
    letter next = letter_at(text, at + c.len, json - 1);
    if (next.cut) return (letter){.cut = true};
    unsigned code = escaped(next.code);
    if (code) return (letter){c.len + next.len, code, false};
    if (next.code != 'u') return c;
    letter said = code_at(text, at + c.len + next.len, c.len + next.len, json - 1);
    return said.cut || said.len ? said : c;
}

/* ---- what a character looks like ---- */

static guard_mark mark_of(unsigned code) {
    if (code < 0xAD) return MARK_NONE;
    if ((code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069)) return MARK_BIDI;
    if (code >= 0xE0000 && code <= 0xE007F) return MARK_TAG;
    bool invisible = code == 0xAD || code == 0x34F || code == 0x61C || code == 0x180E ||
                     (code >= 0x200B && code <= 0x200F) || (code >= 0x2060 && code <= 0x2064) ||
                     (code >= 0x206A && code <= 0x206F) || (code >= 0xFE00 && code <= 0xFE0F) ||
                     code == 0xFEFF;
    return invisible ? MARK_INVISIBLE : MARK_NONE;
}

typedef struct likeness {
    unsigned first;
    span looks;
} likeness;

static const likeness likenesses[] = {
#define LIKE(first, looks) {first, SPAN(looks)},
#include "guard/lookalikes.def"
#undef LIKE
};

enum { MATH_LETTERS = 0x1D400, MATH_DIGITS = 0x1D7CE, MATH_END = 0x1D7FF, LETTERS = 26 };

/* Mathematical letters come in alphabets, capitals first; Greek ones stand before the digits. */
static unsigned math_like(unsigned code) {
    if (code >= MATH_DIGITS) return '0' + (code - MATH_DIGITS) % 10;
    if (code > 0x1D6A3) return code;
    unsigned index = (code - MATH_LETTERS) % (2 * LETTERS);
    return index < LETTERS ? 'A' + index : 'a' + index - LETTERS;
}

static unsigned like(unsigned code) {
    if (code >= MATH_LETTERS && code <= MATH_END) return math_like(code);
    size_t from = 0, to = ARRAY_LEN(likenesses);
    while (from < to) {
        size_t middle = (from + to) / 2;
        const likeness *l = &likenesses[middle];
        if (code < l->first)
            to = middle;
        else if (code - l->first < l->looks.len)
            return (unsigned char)l->looks.ptr[code - l->first];
        else
            from = middle + 1;
    }
    return code;
}

static unsigned encode(unsigned code, unsigned char out[4]) {
    if (code >= NO_CODE) {
        out[0] = (unsigned char)(code - NO_CODE);
        return 1;
    }
    if (code < 0x80) {
        out[0] = (unsigned char)code;
        return 1;
    }
    unsigned count = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (unsigned i = count; --i > 0; code >>= 6)
        out[i] = (unsigned char)(0x80 | (code & 0x3F));
    out[0] = (unsigned char)((0xF00u >> count & 0xFF) | code);
    return count;
}

guard_unit guard_unit_at(span text, size_t at, unsigned json, bool last) {
    letter c = letter_at(text, at, json);
    if (c.cut && !last) return (guard_unit){.cut = true};
    if (c.cut)
        return (guard_unit){
            .len = 1, .count = 1, .bytes = {(unsigned char)text.ptr[at]}, .same = true};
    guard_unit unit = {.len = c.len, .mark = mark_of(c.code)};
    if (unit.mark) return unit;
    unit.count = encode(c.code < 0x80 ? c.code : like(c.code), unit.bytes);
    unit.same = unit.count == unit.len && memcmp(unit.bytes, text.ptr + at, unit.len) == 0;
    return unit;
}

typedef unsigned char bytes16 __attribute__((vector_size(16)));
typedef uint64_t words2 __attribute__((vector_size(16)));

/* Whether one of as many times sixteen bytes is not plain. */
static inline __attribute__((always_inline)) bool ends_within(const unsigned char *p, size_t times,
                                                              unsigned char slash) {
    bytes16 high = {0}, slashes = {0};
#pragma GCC unroll 4
    for (size_t i = 0; i < times; i++) {
        bytes16 block;
        memcpy(&block, p + 16 * i, sizeof block);
        high |= block;
        slashes |= (bytes16)(block == slash);
    }
    const words2 ends = (words2)((high & 0x80) | slashes);
    return ends[0] | ends[1];
}

size_t guard_plain_run(span text, size_t at, unsigned json) {
    const unsigned char *p = (const unsigned char *)text.ptr;
    const unsigned char slash = json ? '\\' : 0x80; /* else one that ends it anyhow */
    size_t i = at;
    while (i + 64 <= text.len && !ends_within(p + i, 4, slash)) /* most are plain throughout */
        i += 64;
    while (i + 16 <= text.len && !ends_within(p + i, 1, slash))
        i += 16;
    if (i > at + 16 && text.len - i < 16 && !ends_within(p + text.len - 16, 1, slash))
        return text.len - at; /* the last few, with some before them */
    while (i < text.len && p[i] < 0x80 && !(json && p[i] == '\\'))
        i++;
    return i - at;
}
