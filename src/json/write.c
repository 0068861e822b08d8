#include "json/json.h"

#include "json/number.h"
#include "json/token.h"
#include "json/utf8.h"

static void write_escape(buf *out, char c) {
    static const char hex[] = "0123456789abcdef";
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    const char *brief = c ? strchr(from, c) : NULL;
    buf_add_char(out, '\\');
    if (brief) {
        buf_add_char(out, to[brief - from]);
        return;
    }
    char text[5] = {'u', '0', '0', hex[c >> 4], hex[c & 15]}; /* c is a control, below 0x20 */
    buf_add(out, span_from(text, sizeof text));
}

/* The first line's end of Unicode's that is none of JSON's, or end: U+0085, U+2028, U+2029. p to
 * end is UTF-8. */
static const char *find_line_end(const char *p, const char *end) {
    for (; p < end; p++) {
        unsigned char c = (unsigned char)*p;
        if (c == 0xC2 && (unsigned char)p[1] == 0x85) break;
        if (c == 0xE2 && (unsigned char)p[1] == 0x80 && ((unsigned char)p[2] | 1) == 0xA9) break;
    }
    return p;
}

/* JSON lets them stand, and clients that read a stream by lines (with httpx 0.28 or Python's own
 * strings) cut it in two there. */
static void write_characters(buf *out, const char *p, const char *end) {
    for (;;) {
        const char *at = find_line_end(p, end);
        buf_add(out, span_from(p, (size_t)(at - p)));
        if (at == end) return;
        bool next_line = (unsigned char)*at == 0xC2;
        buf_add_cstr(out, next_line                      ? "\\u0085"
                          : (unsigned char)at[2] == 0xA8 ? "\\u2028"
                                                         : "\\u2029");
        p = at + (next_line ? 2 : 3);
    }
}

/* Copies text without quotes, backslashes and controls; U+FFFD for what is no character. */
static void write_text(buf *out, const char *p, const char *end) {
    for (;;) {
        const char *bad = json_utf8_skip(p, end);
        write_characters(out, p, bad);
        if (bad == end) return;
        buf_add(out, SPAN_OF("\xEF\xBF\xBD"));
        p = bad + json_utf8_bad_len(bad, end);
    }
}

/* Nothing in it needs a closer look. */
static void write_plain(buf *out, span text) {
    char *to = buf_reserve(out, text.len + 2);
    to[0] = to[text.len + 1] = '"';
    if (text.len) memcpy(to + 1, text.ptr, text.len);
    buf_grow(out, text.len + 2);
}

void json_write_string(buf *out, span text) {
    const char *p = text.len ? text.ptr : "", *end = p + text.len;
    if (json_skip_plain(p, end) == end) {
        write_plain(out, text);
        return;
    }
    (void)buf_reserve(out, text.len + 2);
    buf_add_char(out, '"');
    for (;;) {
        const char *stop = json_skip_text(p, end);
        write_text(out, p, stop);
        if (stop == end) break;
        write_escape(out, *stop);
        p = stop + 1;
    }
    buf_add_char(out, '"');
}

static void blank_out(char *at, const char *end, char what) {
    while ((at = memchr(at, what, (size_t)(end - at))))
        *at++ = ' ';
}

void json_write_line(buf *out, span json) {
    if (!json.len) return;
    char *to = buf_reserve(out, json.len);
    memcpy(to, json.ptr, json.len);
    blank_out(to, to + json.len, '\n');
    blank_out(to, to + json.len, '\r');
    buf_grow(out, json.len);
}

/* ---- The writer. Every value begins with begin(), which sets the comma that is due. ---- */

static buf *begin(json_writer *w) {
    if (w->comma) buf_add_char(w->out, ',');
    w->comma = true;
    return w->out;
}

static void open_container(json_writer *w, char bracket) {
    buf_add_char(begin(w), bracket);
    w->comma = false;
}

static void close_container(json_writer *w, char bracket) {
    buf_add_char(w->out, bracket);
    w->comma = true;
}

void json_open_object(json_writer *w) {
    open_container(w, '{');
}

void json_close_object(json_writer *w) {
    close_container(w, '}');
}

void json_open_array(json_writer *w) {
    open_container(w, '[');
}

void json_close_array(json_writer *w) {
    close_container(w, ']');
}

void json_key(json_writer *w, const char *key) {
    buf *out = begin(w);
    buf_add_char(out, '"');
    buf_add_cstr(out, key);
    buf_add(out, SPAN_OF("\":"));
    w->comma = false;
}

void json_put_string(json_writer *w, span text) {
    json_write_string(begin(w), text);
}

void json_put_i64(json_writer *w, int64_t value) {
    buf_add_i64(begin(w), value);
}

void json_put_u64(json_writer *w, uint64_t value) {
    buf_add_u64(begin(w), value);
}

void json_put_double(json_writer *w, double value) {
    json_write_double(begin(w), value);
}

void json_put_fixed(json_writer *w, double value, int decimals) {
    json_write_fixed(begin(w), value, decimals);
}

void json_put_bool(json_writer *w, bool value) {
    buf_add_cstr(begin(w), value ? "true" : "false");
}

void json_put_null(json_writer *w) {
    buf_add_cstr(begin(w), "null");
}

void json_put_raw(json_writer *w, span json) {
    json_write_line(begin(w), json);
}

void json_put_name(json_writer *w, json_value name) {
    buf *out = begin(w);
    buf_add(out, name.raw);
    buf_add_char(out, ':');
    w->comma = false;
}

void json_put_member(json_writer *w, const json_member *member) {
    json_put_name(w, json_member_name(member));
    json_put_raw(w, member->value.raw);
}
