#include "http/chunked.h"

#include "http/chars.h"

#include <string.h>

/* What is awaited. */
enum state {
    SIZE,        /* a hex digit of the size, or what ends it */
    EXT_NAME,    /* the first byte of an extension's name */
    EXT_NAME_ON, /* more of the name, or what ends it */
    EXT_VALUE,   /* the first byte of an extension's value */
    EXT_TOKEN,   /* more of an unquoted value, or what ends it */
    EXT_QUOTED,  /* more of a quoted value, or the closing quote */
    EXT_CLOSED,  /* what follows a quoted value */
    SIZE_LF,     /* LF of the size line */
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER, /* the first byte of a trailer line, or CR of the blank line */
    TRAILER_NAME,
    TRAILER_VALUE,
    TRAILER_LF,
    END_LF, /* LF of the blank line */
    DONE,
};

enum { MAX_SIZE_DIGITS = 16 };

void http_chunked_init(http_chunked *c) {
    *c = (http_chunked){.state = SIZE};
}

static int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

static bool is_quotable(char c) {
    return (unsigned char)c >= 0x20 && c != 0x7f;
}

static const char *take_digit(http_chunked *c, int digit) {
    if (c->digits == MAX_SIZE_DIGITS) return "A chunk size has more than 16 digits.";
    c->digits++;
    c->left = c->left << 4 | (unsigned)digit;
    return c->left > INT64_MAX ? "A chunk size is too large." : NULL;
}

static const char *take_size(http_chunked *c, char byte) {
    int digit = hex_value(byte);
    if (digit >= 0) return take_digit(c, digit);
    if (c->digits == 0) return "A chunk does not begin with its size in hexadecimal digits.";
    if (byte == ';') {
        c->state = EXT_NAME;
    } else if (byte == '\r') {
        c->state = SIZE_LF;
    } else {
        return "A chunk size is followed by something other than CRLF or an extension.";
    }
    return NULL;
}

/* What may follow a complete extension. */
static const char *take_ext_end(http_chunked *c, char byte) {
    if (byte == ';') {
        c->state = EXT_NAME;
    } else if (byte == '\r') {
        c->state = SIZE_LF;
    } else {
        return "A chunk extension is malformed.";
    }
    return NULL;
}

static const char *take_ext(http_chunked *c, char byte) {
    bool tchar = http_is_tchar(byte);
    switch (c->state) {
    case EXT_NAME:
        if (!tchar) return "A chunk extension has no name.";
        c->state = EXT_NAME_ON;
        return NULL;
    case EXT_NAME_ON:
        if (tchar) return NULL;
        if (byte != '=') return take_ext_end(c, byte);
        c->state = EXT_VALUE;
        return NULL;
    case EXT_VALUE:
        if (!tchar && byte != '"') return "A chunk extension has no value after '='.";
        c->state = tchar ? EXT_TOKEN : EXT_QUOTED;
        return NULL;
    case EXT_TOKEN: return tchar ? NULL : take_ext_end(c, byte);
    case EXT_QUOTED:
        if (!is_quotable(byte)) return "A chunk extension contains a control byte.";
        /* A reader that knows no escapes would end the value elsewhere. */
        if (byte == '\\') return "A chunk extension contains an escape.";
        if (byte == '"') c->state = EXT_CLOSED;
        return NULL;
    default: return take_ext_end(c, byte);
    }
}

static const char *take_size_lf(http_chunked *c, char byte) {
    if (byte != '\n') return "A chunk's size line contains CR without LF.";
    c->state = c->left ? DATA : TRAILER;
    c->digits = 0;
    c->ext = 0;
    return NULL;
}

static const char *take_data_end(http_chunked *c, char byte) {
    bool cr = c->state == DATA_CR;
    if (byte != (cr ? '\r' : '\n')) return "A chunk's data is not followed by CRLF.";
    c->state = cr ? DATA_LF : SIZE;
    return NULL;
}

static const char *take_trailer(http_chunked *c, char byte) {
    switch (c->state) {
    case TRAILER:
        if (byte == '\r') {
            c->state = END_LF;
            return NULL;
        }
        if (!http_is_tchar(byte)) return "A trailer field's name is malformed.";
        c->state = TRAILER_NAME;
        return NULL;
    case TRAILER_NAME:
        if (byte == ':')
            c->state = TRAILER_VALUE;
        else if (!http_is_tchar(byte))
            return "A trailer field's name is malformed.";
        return NULL;
    case TRAILER_VALUE:
        if (byte == '\r')
            c->state = TRAILER_LF;
        else if (byte != '\t' && !is_quotable(byte))
            return "A trailer contains a control byte.";
        return NULL;
    default: /* TRAILER_LF, END_LF */
        if (byte != '\n') return "A trailer contains CR without LF.";
        c->state = c->state == END_LF ? DONE : TRAILER;
        return NULL;
    }
}

static const char *take(http_chunked *c, const http_chunked_limits *limits, char byte) {
    if (c->state == SIZE) return take_size(c, byte);
    if (c->state < SIZE_LF) {
        if (++c->ext > limits->ext_bytes) return "A chunk's extensions are too long.";
        if (++c->ext_total > limits->ext_total_bytes)
            return "The chunk extensions of the message are too long.";
        return take_ext(c, byte);
    }
    if (c->state == SIZE_LF) return take_size_lf(c, byte);
    if (c->state < TRAILER) return take_data_end(c, byte);
    if (++c->trailer > limits->trailer_bytes) return "The trailers are too long.";
    return take_trailer(c, byte);
}

static span take_data(http_chunked *c, span *input) {
    size_t n = input->len < c->left ? input->len : (size_t)c->left;
    span piece = span_from(input->ptr, n);
    *input = span_from(input->ptr + n, input->len - n);
    c->left -= n;
    if (c->left == 0) c->state = DATA_CR;
    return piece;
}

/* Nearly all size lines come whole, and have no extension; the end of a chunk's data comes whole
 * too. false: not here; byte by byte it is seen why. */
static bool take_short_size(http_chunked *c, span *input) {
    enum { SHORT = 6 };
    uint64_t size = 0;
    size_t n = 0;
    for (int digit; n < input->len && n < SHORT && (digit = hex_value(input->ptr[n])) >= 0; n++)
        size = size << 4 | (unsigned)digit;
    if (!n || input->len - n < 2 || memcmp(input->ptr + n, "\r\n", 2) != 0) return false;
    *input = span_from(input->ptr + n + 2, input->len - n - 2);
    c->left = size;
    c->state = size ? DATA : TRAILER;
    return true;
}

static bool take_short_end(http_chunked *c, span *input) {
    if (input->len < 2 || memcmp(input->ptr, "\r\n", 2) != 0) return false;
    *input = span_from(input->ptr + 2, input->len - 2);
    c->state = SIZE;
    return true;
}

http_chunked_result http_chunked_read(http_chunked *c, const http_chunked_limits *limits,
                                      span *input, span *ret_piece, const char **ret_why) {
    while (c->state != DONE) {
        if (input->len == 0) return HTTP_CHUNKED_MORE;
        if (c->state == DATA) {
            *ret_piece = take_data(c, input);
            return HTTP_CHUNKED_DATA;
        }
        if (c->state == DATA_CR && take_short_end(c, input)) continue;
        if (c->state == SIZE && !c->digits && take_short_size(c, input)) continue;
        const char *why = take(c, limits, input->ptr[0]);
        if (why) {
            *ret_why = why;
            return HTTP_CHUNKED_BAD;
        }
        *input = span_from(input->ptr + 1, input->len - 1);
    }
    return HTTP_CHUNKED_END;
}
