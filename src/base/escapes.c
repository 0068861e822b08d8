#include "base/escapes.h"

#include "base/hash.h"

#include <string.h>

enum { CODE_LEN = 4, FIRST_HALF = 0xD800, LAST_HALF = 0xDFFF, NO_CHARACTER = 0xFF };

/* Backslashes from at on, as far as they count. */
static size_t run_at(span text, size_t at) {
    size_t n = 0;
    while (n < ESCAPE_RUN_MAX && at + n < text.len && text.ptr[at + n] == '\\')
        n++;
    return n;
}

static bool code_at(span text, size_t at, unsigned *ret) {
    unsigned char code[CODE_LEN / 2];
    if (at >= text.len || text.ptr[at] != 'u' ||
        !hex_decode(span_slice(text, at + 1, at + 1 + CODE_LEN), code, sizeof code))
        return false;
    *ret = (unsigned)code[0] << 8 | code[1];
    return true;
}

static escaped_unit unit_of_code(unsigned code, size_t len) {
    if (code == '\\') return (escaped_unit){.len = len};
    if (code < 0x80) return (escaped_unit){len, 1, {(unsigned char)code}};
    if (code >= FIRST_HALF && code <= LAST_HALF) return (escaped_unit){len, 1, {NO_CHARACTER}};
    unsigned char last = (unsigned char)(0x80 | (code & 0x3F));
    if (code < 0x800) return (escaped_unit){len, 2, {(unsigned char)(0xC0 | code >> 6), last}};
    return (escaped_unit){
        len,
        3,
        {(unsigned char)(0xE0 | code >> 12), (unsigned char)(0x80 | (code >> 6 & 0x3F)), last}};
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

escaped_unit escaped_unit_at(span text, size_t at) {
    size_t run = run_at(text, at), end = at + run;
    unsigned code;
    if (!run) return (escaped_unit){1, 1, {(unsigned char)text.ptr[at]}};
    if (code_at(text, end, &code)) return unit_of_code(code, run + 1 + CODE_LEN);
    unsigned char byte = end < text.len ? escaped_byte(text.ptr[end]) : 0;
    return byte ? (escaped_unit){run + 1, 1, {byte}} : (escaped_unit){.len = run};
}

bool escaped_unit_is_cut(span text, size_t at) {
    size_t run = run_at(text, at);
    if (!run) return false;
    span rest = span_slice(text, at + run, at + run + 1 + CODE_LEN);
    if (!rest.len) return true;
    if (rest.ptr[0] != 'u' || rest.len == 1 + CODE_LEN) return false;
    for (size_t i = 1; i < rest.len; i++)
        if (!strchr("0123456789abcdefABCDEF", rest.ptr[i]) || !rest.ptr[i]) return false;
    return true;
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
    if (is_escaped(text, at))
        return escaped_byte(text.ptr[at]) || code_at(text, at, &code) ? at - 1 : at;
    for (size_t back = 1; back <= CODE_LEN && back < at; back++)
        if (code_at(text, at - back, &code) && is_escaped(text, at - back)) return at - back - 1;
    return at;
}
