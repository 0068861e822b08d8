#include "http/form.h"

#include "base/hash.h"
#include "http/chars.h"
#include "http/nearly.h"

#include <string.h>

typedef struct form_reader {
    http_form form;
    span body;
    const span *names;
    size_t count;
    http_form_field *fields;
    arena *arena;
    http_form_fault *fault;
    bool is_form_data; /* some read no fields in what else is multipart */
} form_reader;

static bool fail(form_reader *r, size_t offset, const char *what) {
    *r->fault = (http_form_fault){what, offset};
    return false;
}

/* Of a part of the body. */
static bool fail_at(form_reader *r, span where, const char *what) {
    return fail(r, (size_t)(where.ptr - r->body.ptr), what);
}

/* ---- parameters of a header field ---- */

typedef struct parameter {
    span name, value; /* value: without its quotes */
    bool escaped;     /* it has a backslash: an escape to some */
} parameter;

typedef enum parameter_result { PARAMETER, PARAMETERS_END, PARAMETERS_BAD } parameter_result;

static size_t token_len(span s) {
    size_t n = 0;
    while (n < s.len && http_is_tchar(s.ptr[n]))
        n++;
    return n;
}

/* Behind the opening quote. To some `\"` is a quote within, to others it ends the string. */
static bool quoted_len(span s, size_t *ret_len, bool *ret_escaped) {
    size_t i = 0;
    *ret_escaped = false;
    while (i < s.len && s.ptr[i] != '"') {
        const bool escape = s.ptr[i] == '\\';
        if (escape && i + 1 < s.len && s.ptr[i + 1] == '"') return false;
        *ret_escaped |= escape;
        i += escape ? 2 : 1;
    }
    *ret_len = i;
    return i < s.len;
}

static parameter_result next_parameter(span *rest, parameter *ret) {
    span s = span_trim(*rest);
    if (!s.len) return PARAMETERS_END;
    if (s.ptr[0] != ';') return PARAMETERS_BAD;
    s = span_trim(span_slice(s, 1, s.len));
    if (!s.len) return PARAMETERS_END;
    const size_t name = token_len(s);
    if (!name || name == s.len || s.ptr[name] != '=') return PARAMETERS_BAD;
    *ret = (parameter){.name = span_slice(s, 0, name)};
    s = span_slice(s, name + 1, s.len);
    const bool quoted = s.len && s.ptr[0] == '"';
    if (quoted) s = span_slice(s, 1, s.len);
    size_t len = quoted ? 0 : token_len(s);
    if (quoted ? !quoted_len(s, &len, &ret->escaped) : !len) return PARAMETERS_BAD;
    ret->value = span_slice(s, 0, len);
    *rest = span_slice(s, len + quoted, s.len);
    return PARAMETER;
}

/* Some undo it before they look for names and values. */
static bool is_plain_charset(span charset) {
    static const span known[] = {SPAN("utf-8"), SPAN("utf8"), SPAN("us-ascii"), SPAN("ascii")};
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (span_ieq(charset, known[i])) return true;
    return false;
}

/* ---- the type ---- */

#define PAIRS SPAN("application/x-www-form-urlencoded")

static bool mentions(span type, span word) {
    for (size_t i = 0; i + word.len <= type.len; i++)
        if (span_ieq(span_slice(type, i, i + word.len), word)) return true;
    return false;
}

http_form_kind http_form_kind_of(span type) {
    if (mentions(type, SPAN_OF("multipart"))) return HTTP_FORM_PARTS;
    return mentions(type, SPAN_OF("form-urlencoded")) ? HTTP_FORM_PAIRS : HTTP_FORM_NONE;
}

static bool is_boundary(const parameter *p) {
    enum { MOST = 70 };
    static const bool fits[256] = {
        ['a' ... 'z'] = true, ['A' ... 'Z'] = true, ['0' ... '9'] = true, ['\''] = true,
        ['('] = true,         [')'] = true,         ['+'] = true,         ['_'] = true,
        [','] = true,         ['-'] = true,         ['.'] = true,         ['/'] = true,
        [':'] = true,         ['='] = true,         ['?'] = true,         [' '] = true};
    const span b = p->value;
    for (size_t i = 0; i < b.len; i++)
        if (!fits[(unsigned char)b.ptr[i]]) return false;
    return b.len && b.len <= MOST && b.ptr[0] != ' ' && b.ptr[b.len - 1] != ' ';
}

/* Without its parameters it is what its kind's name is. */
static bool is_media_type(span media, http_form_kind kind) {
    static const span multipart = SPAN("multipart/");
    if (kind == HTTP_FORM_PAIRS) return span_ieq(media, (span)PAIRS);
    return span_istarts(media, multipart) &&
           http_is_token(span_slice(media, multipart.len, media.len));
}

static bool read_type(form_reader *r, span type, span *ret_boundary) {
    static const char unlike[] = "not every reader takes its Content-Type for the same";
    const size_t to = span_find(type, 0, ';');
    span rest = span_slice(type, to, type.len);
    const span media = span_trim(span_slice(type, 0, to));
    if (!is_media_type(media, r->form.kind)) return fail(r, 0, unlike);
    r->is_form_data = span_ieq(media, SPAN_OF("multipart/form-data"));
    parameter p;
    parameter_result got;
    *ret_boundary = SPAN_EMPTY;
    while ((got = next_parameter(&rest, &p)) == PARAMETER) {
        const bool boundary = span_ieq(p.name, SPAN_OF("boundary"));
        const bool charset = span_ieq(p.name, SPAN_OF("charset"));
        if (!boundary && !charset) return fail(r, 0, unlike); /* some look for what ends like it */
        if (charset && !is_plain_charset(p.value)) return fail(r, 0, "its charset is not UTF-8");
        if (boundary && ret_boundary->len) return fail(r, 0, "its Content-Type has two boundaries");
        if (boundary && !is_boundary(&p))
            return fail(r, 0, "the boundary in its Content-Type is none");
        if (boundary) *ret_boundary = p.value;
    }
    return (got == PARAMETERS_END && !span_ends(span_trim(type), SPAN_OF(";"))) ||
           fail(r, 0, unlike);
}

/* ---- fields ---- */

static bool is_nearly(http_form_kind kind, span name, span wanted) {
    return http_is_nearly(name, kind == HTTP_FORM_PAIRS, wanted);
}

static bool is_exactly(http_form_kind kind, span name, span wanted) {
    size_t at = 0, n = 0;
    while (at < name.len && n < wanted.len &&
           http_next_byte(name, kind == HTTP_FORM_PAIRS, &at) == (unsigned char)wanted.ptr[n])
        n++;
    return n == wanted.len && at == name.len;
}

/* By which some read all the others. */
static bool is_charset_field(const form_reader *r, span name) {
    return is_nearly(r->form.kind, name, SPAN_OF("_charset_"));
}

/* Which of the names that are asked for it is, or count. */
static size_t wanted_index(const form_reader *r, span name) {
    size_t i = 0;
    while (i < r->count && !is_nearly(r->form.kind, name, r->names[i]))
        i++;
    return i;
}

static bool take_field(form_reader *r, size_t index, span name, span raw, span text) {
    http_form_field *f = &r->fields[index];
    if (!is_exactly(r->form.kind, name, r->names[index]))
        return fail_at(r, raw, "a field has a name that some readers take for another");
    if (f->raw.ptr) return fail_at(r, raw, "a field comes twice");
    if (http_find_control(text, 0) < text.len || !span_is_utf8(text))
        return fail_at(r, raw, "a field has control characters, or bytes that are no UTF-8");
    *f = (http_form_field){raw, text};
    return true;
}

/* ---- parts ---- */

enum { PART_HEAD_BYTES = 16 * 1024 };

typedef struct part_head {
    span disposition, type, coding; /* ptr NULL: there is no such line */
} part_head;

static bool read_line(form_reader *r, span line, part_head *ret) {
    const size_t colon = span_find(line, 0, ':');
    const span name = span_slice(line, 0, colon),
               value = span_trim(span_slice(line, colon + 1, line.len));
    if (colon == line.len || !http_is_token(name) || !http_is_field_value(line))
        return fail_at(r, line, "a line of a part's header is none");
    span *known = span_ieq(name, SPAN_OF("content-disposition"))         ? &ret->disposition
                  : span_ieq(name, SPAN_OF("content-type"))              ? &ret->type
                  : span_ieq(name, SPAN_OF("content-transfer-encoding")) ? &ret->coding
                                                                         : NULL;
    if (!known) return true;
    if (known->ptr) return fail_at(r, line, "a line of a part's header comes twice");
    *known = value;
    return true;
}

static bool read_head(form_reader *r, span head, part_head *ret) {
    *ret = (part_head){0};
    while (head.len) {
        const size_t to = span_find_span(head, 0, SPAN_OF("\r\n"));
        if (!read_line(r, span_slice(head, 0, to), ret)) return false;
        head = span_slice(head, to + 2, head.len);
    }
    return true;
}

/* ret_name->ptr NULL: it has none. */
static bool read_disposition(form_reader *r, span d, span *ret_name, bool *ret_file) {
    const size_t type = token_len(d);
    span rest = span_slice(d, type, d.len);
    parameter p;
    parameter_result got;
    *ret_name = SPAN_EMPTY;
    *ret_file = false;
    while ((got = next_parameter(&rest, &p)) == PARAMETER) {
        const bool name = span_ieq(p.name, SPAN_OF("name"));
        const bool file =
            span_ieq(p.name, SPAN_OF("filename")) || span_ieq(p.name, SPAN_OF("filename*"));
        *ret_file |= file;
        if (name && ret_name->ptr) return fail_at(r, p.name, "a part has two names");
        const bool within = mentions(p.value, SPAN_OF("name=")) ||
                            mentions(p.value, SPAN_OF("name*")); /* to who looks for them there */
        if ((!name && !file) || (name && p.escaped) || within)
            return fail_at(r, p.name, "not every reader takes a part's name for the same");
        if (name) *ret_name = p.value;
    }
    const bool open =
        span_ends(span_trim(d), SPAN_OF(";")); /* to some a parameter without a name */
    if (got == PARAMETERS_BAD || !type || open)
        return fail_at(r, d, "not every reader takes a part's Content-Disposition for the same");
    if (ret_name->ptr && !span_ieq(span_slice(d, 0, type), SPAN_OF("form-data")))
        return fail_at(r, d, "a part with a name is not called form-data");
    return true;
}

static bool is_plain_coding(span coding) {
    static const span plain[] = {SPAN("7bit"), SPAN("8bit"), SPAN("binary")};
    for (size_t i = 0; i < ARRAY_LEN(plain); i++)
        if (span_ieq(coding, plain[i])) return true;
    return !coding.ptr;
}

/* What has another type is a file to some. */
static bool is_plain_type(span type) {
    const size_t to = span_find(type, 0, ';');
    span rest = span_slice(type, to, type.len);
    if (type.ptr && !span_ieq(span_trim(span_slice(type, 0, to)), SPAN_OF("text/plain")))
        return false;
    parameter p;
    parameter_result got;
    while ((got = next_parameter(&rest, &p)) == PARAMETER)
        if (span_istarts(p.name, SPAN_OF("charset")) &&
            (p.name.len != strlen("charset") || !is_plain_charset(p.value)))
            return false;
    return got == PARAMETERS_END;
}

static bool read_part(form_reader *r, span head, span content) {
    part_head h;
    span name;
    bool file;
    if (head.len > PART_HEAD_BYTES) return fail_at(r, head, "a part's header is too large");
    if (!read_head(r, head, &h)) return false;
    if (!h.disposition.ptr) return true;
    if (!read_disposition(r, h.disposition, &name, &file)) return false;
    if (!name.ptr) return true;
    if (is_charset_field(r, name)) return fail_at(r, head, "it names the charset of its fields");
    const size_t index = wanted_index(r, name);
    if (index == r->count) return true;
    if (!r->is_form_data) return fail_at(r, head, "it has fields, and is no multipart/form-data");
    if (file) return fail_at(r, head, "a field that is a text comes as a file");
    if (!is_plain_coding(h.coding) || !is_plain_type(h.type))
        return fail_at(r, head, "a field that is a text is encoded");
    return take_field(r, index, name, content, content);
}

/* Line ends behind the last boundary are nothing to anybody. */
static bool read_end(form_reader *r, size_t at) {
    while (at < r->body.len && (r->body.ptr[at] == '\r' || r->body.ptr[at] == '\n'))
        at++;
    return at == r->body.len || fail(r, at, "something follows its last boundary");
}

/* The delimiter stands in the body where a part begins or ends, and nowhere else: some take it for
 * one wherever it stands. */
static bool read_parts(form_reader *r, span boundary) {
    static const span line_end = SPAN("\r\n"), blank_line = SPAN("\r\n\r\n");
    const span body = r->body;
    size_t at = 0;
    if (!boundary.len) return fail(r, 0, "its Content-Type has no boundary");
    while (span_starts(span_slice(body, at, body.len), line_end)) /* some clients begin with one */
        at += line_end.len;
    if (!span_starts(span_slice(body, at, body.len), SPAN_OF("--")) ||
        !span_starts(span_slice(body, at + 2, body.len), boundary))
        return fail(r, at, "it does not begin with its boundary");
    const span delimiter = span_slice(body, at, at + 2 + boundary.len);
    r->form.delimiter = delimiter;
    r->form.begins = at;
    for (at += delimiter.len;;) {
        const span behind = span_slice(body, at, body.len);
        if (span_starts(behind, SPAN_OF("--"))) return read_end(r, at + 2);
        if (!span_starts(behind, line_end)) return fail(r, at, "a boundary does not end its line");
        const size_t from = at + line_end.len, next = span_find_span(body, from, delimiter);
        if (next == body.len) return fail(r, next, "it does not end with its boundary");
        const size_t to = next - line_end.len;
        if (to < from || !span_starts(span_slice(body, to, next), line_end))
            return fail(r, next, "a boundary does not begin its line");
        const size_t blank = span_find_span(span_slice(body, 0, to), at, blank_line);
        if (blank == to) return fail(r, from, "a part has no blank line behind its header");
        const size_t head_to = blank > from ? blank : from;
        if (!read_part(r, span_slice(body, from, head_to),
                       span_slice(body, blank + blank_line.len, to)))
            return false;
        at = next + delimiter.len;
    }
}

/* ---- pairs ---- */

/* A wanted one is a word or an identifier. */
enum { PAIR_BYTES = 16 * 1024 };

static span undo_escapes(arena *a, span s) {
    if (span_find(s, 0, '%') == s.len && span_find(s, 0, '+') == s.len) return s;
    char *to = arena_alloc(a, s.len);
    size_t n = 0;
    for (size_t at = 0; at < s.len;)
        to[n++] = (char)http_next_byte(s, true, &at);
    return span_from(to, n);
}

/* Without what some leave as it stands, take for another charset's, or for the end of a name. */
static bool is_escaped_well(span raw) {
    unsigned char c;
    if (span_find_span(raw, 0, SPAN_OF("]=")) < raw.len) return false;
    for (size_t i = 0; i < raw.len; i++)
        if ((unsigned char)raw.ptr[i] >= 0x80 ||
            (raw.ptr[i] == '%' && !hex_decode(span_slice(raw, i + 1, i + 3), &c, 1)))
            return false;
    return true;
}

/* odd: a ';' stands beside it, which to some ends a pair as well. */
static bool read_pair(form_reader *r, span pair, bool odd) {
    const size_t eq = span_find(pair, 0, '=');
    const span name = span_slice(pair, 0, eq), raw = span_slice(pair, eq + 1, pair.len);
    if (!name.len) return true;
    if (is_charset_field(r, name)) return fail_at(r, pair, "it names the charset of its fields");
    const size_t index = wanted_index(r, name);
    if (index == r->count) return true;
    if (odd) return fail_at(r, pair, "a ';' stands beside a field");
    if (eq == pair.len) return fail_at(r, pair, "a field has a name alone");
    if (raw.len > PAIR_BYTES)
        return fail_at(r, pair, "a field that is a word has more than 16 KiB");
    if (!is_escaped_well(raw)) return fail_at(r, raw, "a field has bytes that are to be escaped");
    return take_field(r, index, name, raw, undo_escapes(r->arena, raw));
}

static bool read_pairs(form_reader *r) {
    bool odd = false;
    for (size_t from = 0; from <= r->body.len;) {
        size_t to = from;
        while (to < r->body.len && r->body.ptr[to] != '&' && r->body.ptr[to] != ';')
            to++;
        const bool ends_odd = to < r->body.len && r->body.ptr[to] == ';';
        if (!read_pair(r, span_slice(r->body, from, to), odd || ends_odd)) return false;
        odd = ends_odd;
        from = to + 1;
    }
    return true;
}

bool http_form_read(span type, span body, const span *names, size_t count, arena *a, http_form *ret,
                    http_form_field *ret_fields, http_form_fault *ret_fault) {
    form_reader r = {.form = {.kind = http_form_kind_of(type)},
                     .body = body,
                     .names = names,
                     .count = count,
                     .fields = ret_fields,
                     .arena = a,
                     .fault = ret_fault};
    span boundary;
    for (size_t i = 0; i < count; i++)
        ret_fields[i] = (http_form_field){SPAN_EMPTY, SPAN_EMPTY};
    if (!read_type(&r, type, &boundary)) return false;
    if (!(r.form.kind == HTTP_FORM_PARTS ? read_parts(&r, boundary) : read_pairs(&r))) return false;
    *ret = r.form;
    return true;
}

/* ---- writing ---- */

/* In a pair anything can be written. */
bool http_form_takes(const http_form *f, span text) {
    return f->kind == HTTP_FORM_PAIRS || (http_find_control(text, 0) == text.len &&
                                          span_find_span(text, 0, f->delimiter) == text.len);
}

static bool is_unreserved(unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           memchr("-._*", c, 4);
}

void http_form_put_value(const http_form *f, span text, buf *out) {
    if (f->kind == HTTP_FORM_PARTS) buf_add(out, text);
    for (size_t i = 0; f->kind == HTTP_FORM_PAIRS && i < text.len; i++) {
        const unsigned char c = (unsigned char)text.ptr[i];
        if (is_unreserved(c))
            buf_add_char(out, (char)c);
        else
            buf_addf(out, "%%%02X", c);
    }
}

void http_form_put_field(const http_form *f, span name, span text, buf *out) {
    if (f->kind == HTTP_FORM_PARTS)
        buf_addf(out, "%.*s\r\nContent-Disposition: form-data; name=\"%.*s\"\r\n\r\n",
                 SPAN_ARG(f->delimiter), SPAN_ARG(name));
    else
        buf_addf(out, "%.*s=", SPAN_ARG(name));
    http_form_put_value(f, text, out);
    buf_add_cstr(out, f->kind == HTTP_FORM_PARTS ? "\r\n" : "&");
}
