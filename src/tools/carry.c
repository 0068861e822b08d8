#include "tools/carry.h"

#include "base/attr.h"

const span carry_mark = SPAN("weir-run-");

/* ---- base64url, without padding (RFC 4648 section 5) ---- */

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static size_t encoded_len(size_t bytes) {
    return bytes / 3 * 4 + (bytes % 3 ? bytes % 3 + 1 : 0);
}

static void encode(span bytes, buf *out) {
    char *to = buf_reserve(out, encoded_len(bytes.len));
    size_t n = 0;
    for (size_t i = 0; i < bytes.len; i += 3) {
        const size_t left = bytes.len - i;
        uint32_t group = (uint32_t)(unsigned char)bytes.ptr[i] << 16;
        if (left > 1) group |= (uint32_t)(unsigned char)bytes.ptr[i + 1] << 8;
        if (left > 2) group |= (unsigned char)bytes.ptr[i + 2];
        for (size_t k = 0; k < (left > 2 ? 4 : left + 1); k++)
            to[n++] = letters[group >> (18 - 6 * k) & 63];
    }
    buf_grow(out, n);
}

static int value_of(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

static bool decode(span text, buf *out) {
    uint32_t bits = 0;
    unsigned count = 0;
    for (size_t i = 0; i < text.len; i++) {
        int value = value_of(text.ptr[i]);
        if (value < 0) return false;
        bits = bits << 6 | (uint32_t)value;
        count += 6;
        if (count < 8) continue;
        count -= 8;
        buf_add_char(out, (char)(bits >> count & 255));
    }
    return true;
}

/* ---- making it short enough ---- */

static const span cut_mark = SPAN(" … (cut: it is too long to be kept)");

/* A string's value, of at most so many bytes. */
static void put_text(json_writer *w, span text, size_t most) {
    if (text.len <= most) {
        json_put_string(w, text);
        return;
    }
    buf cut = BUF_EMPTY;
    buf_add(&cut, span_clip(text, most));
    buf_add(&cut, cut_mark);
    json_put_string(w, buf_span(&cut));
    buf_done(&cut);
}

static void put_key(json_writer *w, span key) {
    if (w->comma) buf_add_char(w->out, ',');
    buf_add_char(w->out, '"');
    buf_add(w->out, key);
    buf_add_cstr(w->out, "\":");
    w->comma = false;
}

static void put_short(json_writer *w, span key, json_value v, size_t most, arena *a);

static void put_object(json_writer *w, json_value v, size_t most, arena *a) {
    json_iter it = json_iter_of(v);
    json_open_object(w);
    for (json_member m; json_next_member(&it, &m);) {
        put_key(w, m.key);
        put_short(w, m.key, m.value, most, a);
    }
    json_close_object(w);
}

/* Arguments stay an object. */
static void put_short(json_writer *w, span key, json_value v, size_t most, arena *a) {
    if (v.type == JSON_STRING && span_eq(key, SPAN_OF("arguments"))) {
        span text = json_string(v, a);
        json_put_string(w, text.len <= most ? text : SPAN_OF("{\"cut\":\"too long to be kept\"}"));
    } else if (v.type == JSON_STRING) {
        put_text(w, json_string(v, a), most);
    } else if (v.type == JSON_OBJECT) {
        put_object(w, v, most, a);
    } else if (v.type == JSON_ARRAY) {
        json_iter it = json_iter_of(v);
        json_open_array(w);
        for (json_value e; json_next_element(&it, &e);)
            put_short(w, SPAN_EMPTY, e, most, a);
        json_close_array(w);
    } else {
        json_put_raw(w, v.raw);
    }
}

/* ---- writing ---- */

/* id, line end, messages. */
static void write_plain(const carried *c, size_t most, buf *out) {
    buf_clear(out);
    buf_add(out, c->id);
    buf_add_char(out, '\n');
    if (!most) {
        buf_add(out, c->messages);
        return;
    }
    arena a;
    buf all = BUF_EMPTY;
    arena_init(&a, 0);
    buf_add_char(&all, '[');
    buf_add(&all, c->messages);
    buf_add_char(&all, ']');
    json_iter it = json_iter_of((json_value){JSON_ARRAY, buf_span(&all)});
    json_writer w = json_writer_of(out);
    for (json_value e; json_next_element(&it, &e);)
        put_object(&w, e, most, &a);
    arena_done(&a);
    buf_done(&all);
}

bool carry_write(const carried *c, buf *out) {
    static const size_t lengths[] = {0, 2000, 400, 80};
    buf plain = BUF_EMPTY;
    bool fits = false;
    for (size_t i = 0; i < ARRAY_LEN(lengths) && !fits; i++) {
        write_plain(c, lengths[i], &plain);
        fits = carry_mark.len + encoded_len(plain.len) <= CARRY_BYTES_MAX;
    }
    if (fits) {
        buf_add(out, carry_mark);
        encode(buf_span(&plain), out);
    }
    buf_done(&plain);
    return fits;
}

/* ---- reading ---- */

static bool is_messages(span messages, arena *a) {
    static const json_limits limits = {.members = 4096};
    const span parts[] = {SPAN("["), messages, SPAN("]")};
    json_value root, m;
    json_fault fault;
    size_t count = 0;
    if (!json_scan(arena_join(a, parts, ARRAY_LEN(parts)), &limits, &root, &fault)) return false;
    json_iter it = json_iter_of(root);
    for (; json_next_element(&it, &m); count++) {
        json_value role = json_get(m, SPAN_OF("role")), type = json_get(m, SPAN_OF("type"));
        if (!json_is(role, SPAN_OF("assistant")) && !json_is(role, SPAN_OF("tool")) &&
            !(role.type == JSON_NONE && json_is(type, SPAN_OF("function_call_output"))))
            return false;
    }
    return count && count <= CARRY_MESSAGES_MAX;
}

bool carry_read(span id, arena *a, carried *ret) {
    if (!span_starts(id, carry_mark) || id.len > CARRY_BYTES_MAX) return false;
    buf plain = BUF_EMPTY;
    bool ok = decode(span_slice(id, carry_mark.len, id.len), &plain);
    span all = ok ? arena_dup(a, buf_span(&plain)) : SPAN_EMPTY;
    buf_done(&plain);
    size_t end = span_find(all, 0, '\n');
    if (end >= all.len) return false;
    *ret = (carried){span_slice(all, 0, end), span_slice(all, end + 1, all.len)};
    return span_is_utf8(ret->id) && is_messages(ret->messages, a);
}
