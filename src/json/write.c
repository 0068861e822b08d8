#include "json/json.h"

#include "json/lex.h"
#include "json/number.h"

static void write_control(buf *out, unsigned char c) {
    static const char hex[] = "0123456789abcdef";
    switch (c) {
    case '\b': buf_add(out, SPAN_OF("\\b")); return;
    case '\f': buf_add(out, SPAN_OF("\\f")); return;
    case '\n': buf_add(out, SPAN_OF("\\n")); return;
    case '\r': buf_add(out, SPAN_OF("\\r")); return;
    case '\t': buf_add(out, SPAN_OF("\\t")); return;
    default: break;
    }
    char text[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
    buf_add(out, span_from(text, sizeof text));
}

/* Copies the characters beyond ASCII that begin at p, or U+FFFD for what is no character. Returns
 * the byte behind them. */
static const char *write_beyond_ascii(buf *out, const char *p, const char *end) {
    const char *from = p;
    for (size_t n; p < end && (unsigned char)*p >= 0x80 && (n = json_utf8_len(p, end)) > 0;)
        p += n;
    buf_add(out, span_from(from, (size_t)(p - from)));
    if (p > from) return p;
    buf_add(out, SPAN_OF("\xEF\xBF\xBD"));
    return p + json_utf8_bad_len(p, end);
}

void json_write_string(buf *out, span text) {
    const char *p = text.len ? text.ptr : "", *end = p + text.len;
    (void)buf_reserve(out, text.len + 2);
    buf_add_char(out, '"');
    while (p < end) {
        const char *stop = json_skip_plain(p, end);
        buf_add(out, span_from(p, (size_t)(stop - p)));
        p = stop;
        if (p == end) break;
        if ((unsigned char)*p >= 0x80) {
            p = write_beyond_ascii(out, p, end);
            continue;
        }
        if (*p == '"' || *p == '\\') {
            buf_add_char(out, '\\');
            buf_add_char(out, *p);
        } else {
            write_control(out, (unsigned char)*p);
        }
        p++;
    }
    buf_add_char(out, '"');
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
    buf_add(begin(w), json);
}
