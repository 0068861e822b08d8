#include "base/escapes.h"

#include "base/hash.h"

#include <string.h>

enum { CODE_LEN = 4, BACKSLASH = 0x5C, FIRST_HALF = 0xD800, LAST_HALF = 0xDFFF };

static bool code_at(span text, size_t at, unsigned *ret) {
    unsigned char code[CODE_LEN / 2];
    if (at >= text.len || text.ptr[at] != 'u' ||
        !hex_decode(span_slice(text, at + 1, at + 1 + CODE_LEN), code, sizeof code))
        return false;
    *ret = (unsigned)code[0] << 8 | code[1];
    return true;
}

/* Backslashes from a place on, as far as they count and one more. */
typedef struct run {
    size_t count;
    size_t end;
} run;

static run run_at(span text, size_t at, size_t most) {
    run r = {.end = at};
    unsigned code;
    while (r.count <= most && r.end < text.len) {
        if (text.ptr[r.end] == '\\')
            r.end++;
        else if (r.count && code_at(text, r.end, &code) && code == BACKSLASH)
            r.end += 1 + CODE_LEN;
        else
            break;
        r.count++;
    }
    return r;
}

static escaped_unit unit_of_code(unsigned code, size_t len) {
    if (code < 0x80) return (escaped_unit){len, 1, {(unsigned char)code}, false};
    if (code >= FIRST_HALF && code <= LAST_HALF)
        return (escaped_unit){len, 1, {ESCAPE_NO_BYTE}, false};
    unsigned char last = (unsigned char)(0x80 | (code & 0x3F));
    if (code < 0x800)
        return (escaped_unit){len, 2, {(unsigned char)(0xC0 | code >> 6), last}, false};
    unsigned char middle = (unsigned char)(0x80 | (code >> 6 & 0x3F));
    return (escaped_unit){len, 3, {(unsigned char)(0xE0 | code >> 12), middle, last}, false};
}

/* What a letter behind a backslash stands for; 0: nothing. */
static unsigned char escaped_byte(char c) {
    switch (c) {
    case '"':
    case '/': return (unsigned char)c;
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return 0;
    }
}

/* Whether text ends there, or within a code. */
static bool is_cut(span text, size_t at) {
    span rest = span_slice(text, at, at + 1 + CODE_LEN);
    if (!rest.len) return true;
    if (rest.ptr[0] != 'u' || rest.len == 1 + CODE_LEN) return false;
    for (size_t i = 1; i < rest.len; i++)
        if (!strchr("0123456789abcdefABCDEF", rest.ptr[i]) || !rest.ptr[i]) return false;
    return true;
}

escaped_unit escaped_unit_at(span text, size_t at, size_t most) {
    unsigned code;
    if (text.ptr[at] != '\\') return (escaped_unit){1, 1, {(unsigned char)text.ptr[at]}, false};
    run r = run_at(text, at, most);
    if (r.count > most) return (escaped_unit){1, 1, {ESCAPE_NO_BYTE}, false};
    if (code_at(text, r.end, &code)) return unit_of_code(code, r.end + 1 + CODE_LEN - at);
    unsigned char byte = r.end < text.len ? escaped_byte(text.ptr[r.end]) : 0;
    if (byte) return (escaped_unit){r.end + 1 - at, 1, {byte}, false};
    return (escaped_unit){.len = r.end - at, .cut = is_cut(text, r.end)};
}

/* Whether a backslash before `at` escapes what stands there. */
static bool is_escaped(span text, size_t at) {
    size_t n = 0;
    while (n < at && text.ptr[at - 1 - n] == '\\')
        n++;
    return n % 2 == 1;
}

size_t escaped_unit_begin(span text, size_t at) {
    unsigned code;
    if (is_escaped(text, at)) {
        bool any = text.ptr[at] == '\\' || escaped_byte(text.ptr[at]) || code_at(text, at, &code);
        return any ? at - 1 : at;
    }
    for (size_t back = 1; back <= CODE_LEN && back < at; back++)
        if (code_at(text, at - back, &code) && is_escaped(text, at - back)) return at - back - 1;
    return at;
}
