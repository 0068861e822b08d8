#include "guard/shape.h"

/* Nothing here looks further back than SHAPE_BACK bytes. */

static bool is_digit(unsigned char c) {
    return c >= '0' && c <= '9';
}
static bool is_letter(unsigned char c) {
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}
static bool is_hex(unsigned char c) {
    return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}
static bool is_word(unsigned char c) {
    return is_digit(c) || is_letter(c) || c == '_';
}
bool guard_parts_digits(unsigned char c) {
    return c == ' ' || c == '-' || c == '.' || c == '/';
}

bool guard_in_mailbox(unsigned char c) {
    return is_word(c) || c == '.' || c == '%' || c == '+' || c == '-';
}

/* Of the byte at i, or 0 before the text. */
static unsigned char byte(span text, size_t i) {
    return i < text.len ? (unsigned char)text.ptr[i] : 0;
}

/* The index before i: SIZE_MAX before the first, of which byte() says 0. */
static size_t before(size_t i) {
    return i - 1;
}

/* ---- each shape, from the byte that makes it known backwards ---- */

enum { SHOWN_FIRST = 4 }; /* characters before the one that makes digits known */

static bool digits_begin(span text, size_t at, size_t *ret) {
    size_t i = at;
    for (unsigned n = 0; n < SHOWN_FIRST; n++) {
        i = before(i);
        if (guard_parts_digits(byte(text, i))) i = before(i);
        if (!is_digit(byte(text, i))) return false;
    }
    if (is_word(byte(text, before(i)))) return false;
    *ret = i;
    return true;
}

enum { CAPITALS_MAX = 6 };

/* Offices print them with a blank or a dash behind the letters. */
static bool capitals_begin(span text, size_t at, size_t *ret) {
    const unsigned char last = byte(text, before(at));
    const size_t end = last == ' ' || last == '-' ? at - 1 : at;
    size_t i = end;
    while (end - i <= CAPITALS_MAX && byte(text, before(i)) >= 'A' && byte(text, before(i)) <= 'Z')
        i--;
    if (i == end || end - i > CAPITALS_MAX || is_word(byte(text, before(i)))) return false;
    *ret = i;
    return true;
}

static bool iban_begin(span text, size_t at, size_t *ret) {
    if (at < 3 || !is_digit(byte(text, at - 1)) || !is_letter(byte(text, at - 2)) ||
        !is_letter(byte(text, at - 3)))
        return false;
    if (at > 3 && is_word(byte(text, at - 4))) return false;
    *ret = at - 3;
    return true;
}

/* Of the one that ends before `end`; end: there is none. */
static size_t mailbox_begin(span text, size_t end) {
    size_t from = end;
    while (from > 0 && end - from <= MAILBOX_MAX && guard_in_mailbox(byte(text, from - 1)))
        from--;
    if (end - from > MAILBOX_MAX) return end;
    while (from < end && !is_word(byte(text, from)))
        from++;
    return from;
}

static bool at_begin(span text, size_t at, size_t *ret) {
    size_t from = mailbox_begin(text, at);
    if (from == at) return false;
    *ret = from;
    return true;
}

static bool plus_begin(span text, size_t at, size_t *ret) {
    if (byte(text, before(at)) != '+') return false;
    if (is_word(byte(text, before(at - 1)))) return false;
    *ret = at - 1;
    return true;
}

static bool paren_begin(span text, size_t at, size_t *ret) {
    size_t i = at;
    while (at - i < 6 && is_digit(byte(text, before(i))))
        i--;
    if (at - i < 2 || at - i > 5 || byte(text, before(i)) != '(') return false;
    *ret = i - 1;
    return true;
}

enum { USER_MAX = 40, SCHEME_MAX = 15 };

static bool ends_user(unsigned char c) {
    return c <= ' ' || c == ':' || c == '@' || c == '/' || c == '"' || c == '\'' || c == '<' ||
           c == '>';
}

static bool userinfo_begin(span text, size_t at, size_t *ret) {
    size_t i = at;
    while (at - i < USER_MAX && !ends_user(byte(text, before(i))))
        i--;
    if (i < 3 || memcmp(text.ptr + i - 3, "://", 3) != 0) return false;
    size_t end = i - 3, from = end;
    while (end - from < SCHEME_MAX &&
           (is_letter(byte(text, before(from))) || is_digit(byte(text, before(from))) ||
            byte(text, before(from)) == '+'))
        from--;
    *ret = from;
    return from < end;
}

/* Back over a group of 1 to 3 digits and the dot behind it. */
static bool back_over_number(span text, size_t *i) {
    if (byte(text, before(*i)) != '.') return false;
    size_t end = *i - 1, from = end;
    while (end - from < 3 && is_digit(byte(text, before(from))))
        from--;
    *i = from;
    return from < end;
}

static bool ipv4_begin(span text, size_t at, size_t *ret) {
    size_t i = at;
    if (!back_over_number(text, &i) || !back_over_number(text, &i)) return false;
    unsigned char first = byte(text, before(i));
    if (is_word(first) || first == '.') return false;
    *ret = i;
    return true;
}

static bool colons_begin(span text, size_t at, size_t *ret) {
    size_t i = at;
    for (unsigned groups = 0; groups < 2; groups++) {
        size_t end = i;
        while (end - i < 4 && is_hex(byte(text, before(i))))
            i--;
        if (end == i && groups) return false; /* "::" is an end by itself */
        if (groups == 0) {
            if (byte(text, before(i)) != byte(text, at)) return false;
            i--;
        }
    }
    unsigned char first = byte(text, before(i));
    if (is_word(first) || first == ':' || first == '-') return false;
    *ret = i;
    return true;
}

/* ---- the table ---- */

typedef struct shape_row {
    span name, bytes;
    bool (*begin)(span text, size_t at, size_t *ret);
} shape_row;

#define DIGITS "0123456789"
static const shape_row rows[SHAPE_COUNT] = {
    [SHAPE_DIGITS] = {SPAN("digits"), SPAN(DIGITS), digits_begin},
    [SHAPE_CAPITALS] = {SPAN("capitals"), SPAN(DIGITS), capitals_begin},
    [SHAPE_IBAN] = {SPAN("iban"), SPAN(DIGITS), iban_begin},
    [SHAPE_AT] = {SPAN("at"), SPAN("@"), at_begin},
    [SHAPE_PLUS] = {SPAN("plus"), SPAN(DIGITS), plus_begin},
    [SHAPE_PAREN] = {SPAN("paren"), SPAN(")"), paren_begin},
    [SHAPE_USERINFO] = {SPAN("userinfo"), SPAN(":"), userinfo_begin},
    [SHAPE_IPV4] = {SPAN("ipv4"), SPAN(DIGITS), ipv4_begin},
    [SHAPE_COLONS] = {SPAN("colons"), SPAN(":-"), colons_begin},
    [SHAPE_INVISIBLE] = {SPAN("invisible"), SPAN_EMPTY, NULL},
    [SHAPE_BIDI] = {SPAN("bidi"), SPAN_EMPTY, NULL},
    [SHAPE_TAG] = {SPAN("tags"), SPAN_EMPTY, NULL},
};

bool guard_shape_read(span word, guard_shape *ret) {
    for (unsigned i = 0; word.len && i < SHAPE_COUNT; i++) {
        if (!span_eq(word, rows[i].name)) continue;
        *ret = (guard_shape)i;
        return true;
    }
    return false;
}

span guard_shape_bytes(guard_shape shape) {
    return rows[shape].bytes;
}

bool guard_shape_at(guard_shape shape, span text, size_t at, size_t *ret_begin) {
    return rows[shape].begin && rows[shape].begin(text, at, ret_begin);
}

guard_digits guard_digits_from(span text, size_t at, bool ended) {
    const size_t end = text.len - at < DIGITS_LOOK ? text.len : at + DIGITS_LOOK;
    size_t count = 0, run = SIZE_MAX, i = at;
    for (; i < end; i++) {
        const unsigned char c = (unsigned char)text.ptr[i];
        if (!is_digit(c) && run == SIZE_MAX) run = count;
        if (!is_digit(c) && !guard_parts_digits(c)) return (guard_digits){count, run};
        count += is_digit(c);
    }
    if (i < text.len || !ended) return (guard_digits){SIZE_MAX, run};
    return (guard_digits){count, run == SIZE_MAX ? count : run};
}

size_t guard_shape_shown(span match, size_t show) {
    size_t seen = 0, i = 0;
    for (; i < match.len; i++) {
        unsigned char c = (unsigned char)match.ptr[i];
        if (!is_digit(c) && !is_letter(c)) continue;
        if (seen++ == show) return i;
    }
    return i;
}

size_t guard_mailbox_begun(span text) {
    return mailbox_begin(text, text.len);
}
