#include "http/head_parse.h"

#include "http/chars.h"

#include <string.h>

/* ---- llhttp over the whole head: it fills spans and decides nothing ---- */

typedef struct pass {
    llhttp_t llhttp;
    http_header *next; /* the field whose name and value come next */
    http_header *end;  /* of the room, which is one for each line of the head */
    span url;
    bool complete;
} pass;

static pass *pass_of(llhttp_t *l) {
    return CONTAINER_OF(l, pass, llhttp);
}

/* llhttp may report one text in several runs; they are neighbours, as the head is fed whole. */
static inline void extend(span *s, const char *at, size_t len) {
    if (s->ptr)
        s->len = (size_t)(at - s->ptr) + len;
    else
        *s = span_from(at, len);
}

static int on_url(llhttp_t *l, const char *at, size_t len) {
    extend(&pass_of(l)->url, at, len);
    return 0;
}

static int on_name(llhttp_t *l, const char *at, size_t len) {
    pass *p = pass_of(l);
    if (p->next == p->end) return -1;
    extend(&p->next->name, at, len);
    return 0;
}

static int on_value(llhttp_t *l, const char *at, size_t len) {
    pass *p = pass_of(l);
    if (p->next == p->end) return -1;
    extend(&p->next->value, at, len);
    return 0;
}

static int on_value_end(llhttp_t *l) {
    pass *p = pass_of(l);
    if (p->next == p->end) return -1;
    span *value = &p->next->value;
    if (!value->ptr) *value = SPAN_OF("");
    while (value->len && (value->ptr[value->len - 1] == ' ' || value->ptr[value->len - 1] == '\t'))
        value->len--;
    p->next++;
    return 0;
}

static int on_head_end(llhttp_t *l) {
    pass_of(l)->complete = true;
    return HPE_PAUSED; /* bodies are not llhttp's business here */
}

static const llhttp_settings_t settings = {
    .on_url = on_url,
    .on_header_field = on_name,
    .on_header_value = on_value,
    .on_header_value_complete = on_value_end,
    .on_headers_complete = on_head_end,
};

static bool refuse(error_id id, const char *why, http_parse_error *ret_error) {
    *ret_error = (http_parse_error){id, why};
    return false;
}

static bool malformed(const char *why, http_parse_error *ret_error) {
    return refuse(ERR_BAD_HTTP, why, ret_error);
}

static bool run(pass *p, llhttp_type_t type, const http_parse_input *in, http_parsed *out,
                http_parse_error *ret_error) {
    llhttp_init(&p->llhttp, type, &settings);
    if (in->fields) memset(out->fields, 0, in->fields * sizeof out->fields[0]);
    p->next = out->fields;
    p->end = out->fields + in->fields;
    out->head = (http_head){.content_length = -1, .headers = {out->fields, in->fields}};
    llhttp_errno_t err = llhttp_execute(&p->llhttp, in->bytes.ptr, in->bytes.len);
    if (!p->complete) {
        const char *why = err == HPE_OK ? NULL : llhttp_get_error_reason(&p->llhttp);
        return malformed(why && *why ? why : "The message head is malformed.", ret_error);
    }
    /* Two views of where the head ends or how many lines it has must not differ. */
    if (llhttp_get_error_pos(&p->llhttp) != in->bytes.ptr + in->bytes.len || p->next != p->end)
        return malformed("The message head is malformed.", ret_error);
    return true;
}

/* ---- header fields, both directions ---- */

typedef struct facts {
    unsigned hosts;
    unsigned authorizations;
    unsigned origins;
    unsigned lengths;
    unsigned codings;
    span host;
    span type;
    span length;
    span coding;
    bool types_differ;
    unsigned hops; /* what Connection names, empty names too */
    bool close;
    bool keep_alive;
} facts;

/* name is a token of wanted's length, wanted in lower case: setting one bit folds the case of
 * letters and changes no other byte of a token into one of wanted's. */
static inline bool is_field(span name, const char *wanted) {
    for (size_t i = 0; i < name.len; i++)
        if ((name.ptr[i] | 0x20) != wanted[i]) return false;
    return true;
}

static void note_connection(facts *f, span names) {
    for (span name; f->hops <= HTTP_HOPS_MAX && span_cut(&names, ',', &name); f->hops++) {
        name = span_trim(name);
        f->close |= span_ieq(name, SPAN_OF("close"));
        f->keep_alive |= span_ieq(name, SPAN_OF("keep-alive"));
    }
}

static void note(facts *f, http_head *head, const http_header *h) {
    switch (h->name.len) {
    case 4:
        if (!is_field(h->name, "host")) return;
        f->hosts++;
        f->host = h->value;
        return;
    case 6:
        if (is_field(h->name, "expect"))
            head->expect_continue = span_ieq(h->value, SPAN_OF("100-continue"));
        else if (is_field(h->name, "origin"))
            f->origins++;
        return;
    case 10:
        if (is_field(h->name, "connection")) note_connection(f, h->value);
        return;
    case 12:
        if (!is_field(h->name, "content-type")) return;
        f->types_differ |= f->type.ptr && !span_eq(f->type, h->value);
        f->type = h->value;
        return;
    case 13:
        if (is_field(h->name, "authorization")) f->authorizations++;
        return;
    case 14:
        if (!is_field(h->name, "content-length")) return;
        f->lengths++;
        f->length = h->value;
        return;
    case 16:
        if (is_field(h->name, "content-encoding")) head->coded = true;
        return;
    case 17:
        if (!is_field(h->name, "transfer-encoding")) return;
        f->codings++;
        f->coding = h->value;
        return;
    default: return;
    }
}

static bool read_fields(http_parsed *p, facts *f, http_parse_error *ret_error) {
    for (size_t i = 0; i < p->head.headers.count; i++) {
        const http_header *h = &p->fields[i];
        /* llhttp's strict mode lets tokens alone stand before the colon, but also nothing. */
        if (h->name.len == 0 || h->name.ptr[-1] != '\n' || h->name.ptr[h->name.len] != ':')
            return malformed("A header line is not a name, a colon and a value.", ret_error);
        note(f, &p->head, h);
    }
    if (f->hops > HTTP_HOPS_MAX)
        return malformed("Connection names more than 32 fields.", ret_error);
    p->head.keep_alive = !f->close && (p->head.minor == 1 || f->keep_alive);
    if (p->head.minor == 0) p->head.expect_continue = false;
    return true;
}

/* What a Transfer-Encoding says (RFC 9112 sections 6.1, 6.3, 7): its names have no case. Beside
 * `chunked` alone it is an error of framing, unless `chunked` ends the list, once, and what stands
 * before are names of codings, which nobody here knows. */
static bool read_coding(span coding, bool is_request, http_parse_error *ret_error) {
    const span chunked = SPAN_OF("chunked");
    if (span_ieq(coding, chunked)) return true;
    span rest = coding, last = SPAN_EMPTY;
    bool foreign = is_request;
    for (span name; span_cut(&rest, ',', &name); last = name) {
        name = span_trim(name);
        foreign &= http_is_token(name) && !span_ieq(last, chunked);
    }
    if (!foreign || !span_ieq(last, chunked))
        return malformed("Transfer-Encoding is not exactly \"chunked\".", ret_error);
    return refuse(ERR_UNKNOWN_CODING,
                  "Transfer-Encoding has another coding than chunked, which is not supported.",
                  ret_error);
}

/* Sets content_length and chunked, or refuses what could be framed in two ways. */
static bool read_framing(http_head *head, const facts *f, http_parse_error *ret_error) {
    if (f->lengths > 1) return malformed("Content-Length is given more than once.", ret_error);
    if (f->codings > 1) return malformed("Transfer-Encoding is given more than once.", ret_error);
    if (f->codings && f->lengths)
        return malformed("Both Content-Length and Transfer-Encoding are given.", ret_error);
    if (f->lengths) {
        uint64_t length;
        if (!span_u64(f->length, &length) || length > INT64_MAX)
            return malformed("Content-Length is not a plain decimal number.", ret_error);
        if (head->is_request && f->length.len > 1 && f->length.ptr[0] == '0')
            return malformed("Content-Length has leading zeros.", ret_error);
        head->content_length = (int64_t)length;
    }
    if (f->codings) {
        if (head->minor == 0)
            return malformed("Transfer-Encoding is not allowed in HTTP/1.0.", ret_error);
        if (!read_coding(f->coding, head->is_request, ret_error)) return false;
        head->chunked = true;
    }
    head->has_body = head->chunked || head->content_length > 0;
    return true;
}

/* ---- requests ---- */

static const span http_1 = SPAN("HTTP/1.");

static bool read_version(span s, int *ret_minor) {
    if (s.len != http_1.len + 1 || !span_starts(s, http_1)) return false;
    char digit = s.ptr[http_1.len];
    if (digit != '0' && digit != '1') return false;
    *ret_minor = digit - '0';
    return true;
}

span http_parse_partial_target(span bytes) {
    span line = span_slice(bytes, 0, span_find(bytes, 0, '\r'));
    size_t from = span_find(line, 0, ' ') + 1;
    return span_slice(line, from, span_find(line, from, ' '));
}

/* method SP request-target SP HTTP/1.x, single blanks and nothing else. */
static bool read_request_line(span line, size_t url_bytes, http_head *head,
                              http_parse_error *ret_error) {
    size_t method_end = span_find(line, 0, ' ');
    size_t target_end = span_find(line, method_end + 1, ' ');
    if (target_end >= line.len)
        return malformed("The request line is not a method, a target and a version.", ret_error);
    head->method_text = span_slice(line, 0, method_end);
    head->target = span_slice(line, method_end + 1, target_end);
    if (head->target.len > url_bytes)
        return refuse(ERR_URL_TOO_LONG, "The request target is too long.", ret_error);
    if (!http_is_token(head->method_text))
        return malformed("The request method is malformed.", ret_error);
    if (!http_is_target(head->target))
        return malformed("The request target contains a byte that is not allowed there.",
                         ret_error);
    if (!read_version(span_slice(line, target_end + 1, line.len), &head->minor))
        return malformed("The HTTP version is not 1.0 or 1.1.", ret_error);
    return true;
}

static http_method method_of(uint8_t method) {
    switch (method) {
    case HTTP_GET: return HTTP_GET_M;
    case HTTP_HEAD: return HTTP_HEAD_M;
    case HTTP_POST: return HTTP_POST_M;
    case HTTP_PUT: return HTTP_PUT_M;
    case HTTP_DELETE: return HTTP_DELETE_M;
    case HTTP_OPTIONS: return HTTP_OPTIONS_M;
    case HTTP_PATCH: return HTTP_PATCH_M;
    default: return HTTP_OTHER_M;
    }
}

/* http(s)://authority[/path][?query]: splits it, false when it is none. */
static bool split_absolute(span target, span *ret_authority, span *ret_rest) {
    span scheme = span_istarts(target, SPAN_OF("http://"))    ? span_slice(target, 0, 7)
                  : span_istarts(target, SPAN_OF("https://")) ? span_slice(target, 0, 8)
                                                              : SPAN_EMPTY;
    if (scheme.len == 0) return false;
    size_t end = scheme.len;
    while (end < target.len && target.ptr[end] != '/' && target.ptr[end] != '?')
        end++;
    *ret_authority = span_slice(target, scheme.len, end);
    *ret_rest = span_slice(target, end, target.len);
    return http_is_authority(*ret_authority);
}

static void split_query(span target, http_head *head) {
    size_t mark = span_find(target, 0, '?');
    head->path = mark ? span_slice(target, 0, mark) : SPAN_OF("/");
    head->query = span_slice(target, mark + 1, target.len);
}

static bool read_target(http_head *head, const facts *f, http_parse_error *ret_error) {
    if (span_eq(head->target, SPAN_OF("*"))) {
        head->path = head->target;
        if (head->method == HTTP_OPTIONS_M) return true;
        return malformed("The target * is for OPTIONS alone.", ret_error);
    }
    if (head->target.ptr[0] == '/') {
        split_query(head->target, head);
        return true;
    }
    span authority, rest;
    if (!split_absolute(head->target, &authority, &rest))
        return malformed("The request target is neither a path nor an http address.", ret_error);
    if (f->hosts && !span_ieq(authority, f->host))
        return malformed("The request target names another host than the Host header.", ret_error);
    head->host = authority;
    split_query(rest, head);
    return true;
}

static bool check_request_fields(const http_head *head, const facts *f,
                                 http_parse_error *ret_error) {
    if (f->hosts == 0 && head->minor == 1) return malformed("There is no Host header.", ret_error);
    if (f->hosts > 1) return malformed("There is more than one Host header.", ret_error);
    if (f->hosts && !http_is_authority(f->host))
        return malformed("The Host header is malformed.", ret_error);
    if (f->authorizations > 1)
        return malformed("There is more than one Authorization header.", ret_error);
    /* By either it is decided who may call, and a second would be another answer. */
    if (f->origins > 1) return malformed("There is more than one Origin header.", ret_error);
    if (f->types_differ) return malformed("There are Content-Type headers that differ.", ret_error);
    return true;
}

bool http_parse_request(const http_parse_input *in, http_parsed *ret, http_parse_error *ret_error) {
    http_head line = {0};
    span first = span_slice(in->bytes, 0, span_find(in->bytes, 0, '\r'));
    if (!read_request_line(first, in->url_bytes, &line, ret_error)) return false;
    pass p = {.complete = false};
    if (!run(&p, HTTP_REQUEST, in, ret, ret_error)) return false;
    if (p.llhttp.method == HTTP_CONNECT) return malformed("CONNECT is not served here.", ret_error);
    if (!span_eq(p.url, line.target)) return malformed("The request line is malformed.", ret_error);

    http_head *head = &ret->head;
    head->is_request = true;
    head->method = method_of(p.llhttp.method);
    head->method_text = line.method_text;
    head->target = line.target;
    head->minor = line.minor;
    facts f = {0};
    if (!read_fields(ret, &f, ret_error) || !check_request_fields(head, &f, ret_error) ||
        !read_framing(head, &f, ret_error))
        return false;
    head->host = f.host;
    return read_target(head, &f, ret_error);
}

/* ---- answers ---- */

/* HTTP/1.x SP 3DIGIT [SP [reason]] */
static bool read_status_line(span line, http_head *head, http_parse_error *ret_error) {
    if (!read_version(span_slice(line, 0, http_1.len + 1), &head->minor))
        return malformed("The answer does not begin with HTTP/1.0 or HTTP/1.1.", ret_error);
    span rest = span_slice(line, http_1.len + 1, line.len);
    uint64_t status;
    if (rest.len < 4 || rest.ptr[0] != ' ' || !span_u64(span_slice(rest, 1, 4), &status) ||
        status < 100 || (rest.len > 4 && rest.ptr[4] != ' '))
        return malformed("The answer's status is not a number of three digits.", ret_error);
    head->status = (int)status;
    head->reason = span_trim(span_slice(rest, 4, rest.len));
    return true;
}

static bool is_bodiless(const http_head *head, bool no_body) {
    return no_body || head->status < 200 || head->status == 204 || head->status == 304;
}

static void frame_answer(http_head *head, bool no_body) {
    if (is_bodiless(head, no_body)) {
        /* Some servers send the body all the same: what follows could not be trusted. */
        if (head->status == 204 && head->has_body) head->keep_alive = false;
        head->has_body = head->chunked = false;
        return;
    }
    if (head->chunked || head->content_length >= 0) return;
    head->until_close = head->has_body = true;
    head->keep_alive = false;
}

bool http_parse_answer(const http_parse_input *in, http_parsed *ret, http_parse_error *ret_error) {
    http_head line = {0};
    span first = span_slice(in->bytes, 0, span_find(in->bytes, 0, '\r'));
    if (!read_status_line(first, &line, ret_error)) return false;
    if (line.status == 101)
        return malformed("The answer switches to another protocol unasked.", ret_error);
    pass p = {.complete = false};
    if (!run(&p, HTTP_RESPONSE, in, ret, ret_error)) return false;

    http_head *head = &ret->head;
    head->minor = line.minor;
    head->status = line.status;
    head->reason = line.reason;
    facts f = {0};
    if (!read_fields(ret, &f, ret_error) || !read_framing(head, &f, ret_error)) return false;
    head->expect_continue = false;
    frame_answer(head, in->no_body);
    return true;
}
