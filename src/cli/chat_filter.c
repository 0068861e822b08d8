#include "cli/chat_filter.h"

#include <inttypes.h>

enum {
    STATE_TEXT,
    STATE_ESCAPE,       /* after ESC */
    STATE_INTERMEDIATE, /* ESC and 0x20 to 0x2f: one more that ends it */
    STATE_CSI,          /* ESC [ : parameters, until a letter */
    STATE_STRING,       /* ESC ] and the like: until BEL or ST */
    STATE_STRING_ESCAPE /* ESC inside of it: the first half of ST */
};

enum {
    BEL = 0x07,
    CAN = 0x18,
    SUB = 0x1a,
    ESC = 0x1b,
    DEL = 0x7f,
    DCS = 0x90,
    SOS = 0x98,
    CSI = 0x9b,
    ST = 0x9c,
    OSC = 0x9d,
    PM = 0x9e,
    APC = 0x9f,
    REPLACEMENT = 0xfffd
};

static bool in_range(uint32_t c, uint32_t from, uint32_t to) {
    return c >= from && c <= to;
}

static bool is_control(uint32_t c) {
    return (c < 0x20 && c != '\n' && c != '\t') || in_range(c, DEL, 0x9f);
}

/* Embeddings, overrides and isolates: they show a text as another one. */
static bool turns_direction(uint32_t c) {
    return in_range(c, 0x202a, 0x202e) || in_range(c, 0x2066, 0x2069);
}

static int enter(chat_filter *f, int state) {
    f->state = state;
    f->hidden = 0;
    return state;
}

/* ---- one function a state; false: the character is to be looked at again, in the new state ----
 */

static bool take_text(chat_filter *f, uint32_t c, span bytes, buf *out) {
    if (c == ESC)
        enter(f, STATE_ESCAPE);
    else if (c == CSI)
        enter(f, STATE_CSI);
    else if (c == DCS || c == SOS || c == OSC || c == PM || c == APC)
        enter(f, STATE_STRING);
    else if (!is_control(c) && !turns_direction(c))
        buf_add(out, bytes);
    return true;
}

static bool take_escape(chat_filter *f, uint32_t c) {
    if (c == '[')
        enter(f, STATE_CSI);
    else if (c == ']' || c == 'P' || c == 'X' || c == '^' || c == '_')
        enter(f, STATE_STRING);
    else if (in_range(c, 0x20, 0x2f))
        enter(f, STATE_INTERMEDIATE);
    else
        return enter(f, STATE_TEXT), in_range(c, 0x30, 0x7e);
    return true;
}

static bool take_intermediate(chat_filter *f, uint32_t c) {
    if (in_range(c, 0x20, 0x2f) && ++f->hidden < CHAT_FILTER_HIDDEN_MAX) return true;
    enter(f, STATE_TEXT);
    return in_range(c, 0x30, 0x7e);
}

static bool take_csi(chat_filter *f, uint32_t c) {
    if (in_range(c, 0x20, 0x3f) && ++f->hidden < CHAT_FILTER_HIDDEN_MAX) return true;
    enter(f, STATE_TEXT);
    return in_range(c, 0x40, 0x7e);
}

static bool take_string(chat_filter *f, uint32_t c) {
    if (c == ESC) {
        f->state = STATE_STRING_ESCAPE;
        return true;
    }
    if (c == '\n') return enter(f, STATE_TEXT), false;
    if (c == BEL || c == ST || c == CAN || c == SUB || ++f->hidden >= CHAT_FILTER_HIDDEN_MAX)
        enter(f, STATE_TEXT);
    return true;
}

static bool take_string_escape(chat_filter *f, uint32_t c) {
    enter(f, c == '\\' ? STATE_TEXT : STATE_ESCAPE);
    return c == '\\';
}

static bool take_one(chat_filter *f, uint32_t c, span bytes, buf *out) {
    switch (f->state) {
    case STATE_ESCAPE: return take_escape(f, c);
    case STATE_INTERMEDIATE: return take_intermediate(f, c);
    case STATE_CSI: return take_csi(f, c);
    case STATE_STRING: return take_string(f, c);
    case STATE_STRING_ESCAPE: return take_string_escape(f, c);
    default: return take_text(f, c, bytes, out);
    }
}

/* Such characters stand in strings alone, where they may be escapes. */
static void take_json(uint32_t c, span bytes, buf *out) {
    if (is_control(c) || turns_direction(c))
        buf_addf(out, "\\u%04" PRIx32, c);
    else
        buf_add(out, bytes);
}

static void take(chat_filter *f, uint32_t c, span bytes, buf *out) {
    if (f->json) {
        take_json(c, bytes, out);
        return;
    }
    while (!take_one(f, c, bytes, out)) {}
}

/* ---- UTF-8, byte by byte ---- */

static void take_broken(chat_filter *f, buf *out) {
    f->held_len = 0;
    take(f, REPLACEMENT, SPAN_OF("\xef\xbf\xbd"), out);
}

static size_t length_of(unsigned char lead) {
    return in_range(lead, 0xc2, 0xdf)   ? 2
           : in_range(lead, 0xe0, 0xef) ? 3
           : in_range(lead, 0xf0, 0xf4) ? 4
                                        : 0;
}

/* Whether b may follow: the second byte rules out overlong forms, surrogates and what is beyond
 * U+10FFFF. */
static bool may_follow(const chat_filter *f, unsigned char b) {
    unsigned char lead = (unsigned char)f->held[0];
    if (f->held_len > 1) return in_range(b, 0x80, 0xbf);
    return in_range(b,
                    lead == 0xe0   ? 0xa0
                    : lead == 0xf0 ? 0x90
                                   : 0x80,
                    lead == 0xed   ? 0x9f
                    : lead == 0xf4 ? 0x8f
                                   : 0xbf);
}

static uint32_t code_of(const char *p, size_t len) {
    uint32_t c = (unsigned char)p[0] & (0xffu >> (len + 1));
    for (size_t i = 1; i < len; i++)
        c = c << 6 | ((unsigned char)p[i] & 0x3f);
    return c;
}

static void begin_character(chat_filter *f, char byte, buf *out) {
    unsigned char b = (unsigned char)byte;
    if (b < 0x80) {
        take(f, b, span_from(&byte, 1), out);
    } else if (length_of(b)) {
        f->held[0] = byte;
        f->held_len = 1;
    } else {
        take_broken(f, out);
    }
}

static void add_byte(chat_filter *f, char byte, buf *out) {
    if (f->held_len && !may_follow(f, (unsigned char)byte)) take_broken(f, out);
    if (!f->held_len) {
        begin_character(f, byte, out);
        return;
    }
    f->held[f->held_len++] = byte;
    if (f->held_len < length_of((unsigned char)f->held[0])) return;
    span whole = span_from(f->held, f->held_len);
    f->held_len = 0;
    take(f, code_of(whole.ptr, whole.len), whole, out);
}

void chat_filter_add(chat_filter *f, span text, buf *out) {
    for (size_t i = 0; i < text.len; i++)
        add_byte(f, text.ptr[i], out);
}

void chat_filter_end(chat_filter *f, buf *out) {
    if (f->held_len) take_broken(f, out);
    *f = (chat_filter){0};
}

void chat_filter_text(span text, buf *out) {
    chat_filter f = {0};
    chat_filter_add(&f, text, out);
    chat_filter_end(&f, out);
}

void chat_filter_json(span json, buf *out) {
    chat_filter f = {.json = true};
    chat_filter_add(&f, json, out);
    chat_filter_end(&f, out);
}
