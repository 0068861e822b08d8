#include "batch/results.h"

#include "batch/lines.h"
#include "json/json.h"

#include <inttypes.h>
#include <string.h>

#define ID_BEGIN "{\"id\":\"batch_req_"
enum { MARK_DIGITS = LINE_MARK_BITS / 4 };
/* Far above any file, far below where offsets overflow. */
#define LINE_MAX (UINT64_C(1) << 40)

static void write_begin(buf *out, const result_of *of) {
    buf_addf(out, ID_BEGIN "%" PRIu64 "_%0*" PRIx64 "\",\"custom_id\":", of->line, MARK_DIGITS,
             of->mark);
    buf_add(out, of->custom_id.len ? of->custom_id : SPAN_OF("null"));
}

static void write_body(buf *out, span body) {
    static const json_limits any_depth = {.depth = 100000};
    json_value root;
    json_fault fault;
    if (json_scan(body, &any_depth, &root, &fault))
        json_write_line(out, root.raw);
    else
        json_write_string(out, body);
}

void result_write_response(buf *out, const result_of *of, int status, span request_id, span body) {
    write_begin(out, of);
    buf_addf(out, ",\"response\":{\"status_code\":%d,\"request_id\":", status);
    json_write_string(out, request_id);
    buf_add_cstr(out, ",\"body\":");
    write_body(out, body);
    buf_add_cstr(out, "},\"error\":null}\n");
}

static void write_error(buf *out, const result_of *of, span code, span message) {
    write_begin(out, of);
    buf_add_cstr(out, ",\"response\":null,\"error\":{\"code\":");
    json_write_string(out, code);
    buf_add_cstr(out, ",\"message\":");
    json_write_string(out, message);
}

void result_write_error(buf *out, const result_of *of, span code, span message) {
    write_error(out, of, code, message);
    buf_add_cstr(out, "}}\n");
}

void result_write_bad_line(buf *out, const result_of *of, span code, span message) {
    write_error(out, of, code, message);
    buf_addf(out, ",\"line\":%" PRIu64 "}}\n", of->line);
}

/* ---- reading ---- */

static bool skip(span *rest, span text) {
    if (!span_starts(*rest, text)) return false;
    *rest = span_slice(*rest, text.len, rest->len);
    return true;
}

static span take_digits(span *rest) {
    size_t n = 0;
    while (n < rest->len && rest->ptr[n] >= '0' && rest->ptr[n] <= '9')
        n++;
    span digits = span_slice(*rest, 0, n);
    *rest = span_slice(*rest, n, rest->len);
    return digits;
}

static bool read_id(span *rest, result_head *ret) {
    unsigned char mark[MARK_DIGITS / 2];
    if (!skip(rest, SPAN_OF(ID_BEGIN)) || !span_u64(take_digits(rest), &ret->line)) return false;
    if (ret->line == 0 || ret->line > LINE_MAX || !skip(rest, SPAN_OF("_"))) return false;
    if (!hex_decode(span_slice(*rest, 0, MARK_DIGITS), mark, sizeof mark)) return false;
    *rest = span_slice(*rest, MARK_DIGITS, rest->len);
    for (size_t i = 0; i < sizeof mark; i++)
        ret->mark = ret->mark << 8 | mark[i];
    return skip(rest, SPAN_OF("\","));
}

static bool skip_string(span *rest) {
    if (!skip(rest, SPAN_OF("\""))) return false;
    for (size_t i = 0; i < rest->len; i++) {
        if (rest->ptr[i] == '\\') {
            i++; /* whatever is escaped does not end the string */
        } else if (rest->ptr[i] == '"') {
            *rest = span_slice(*rest, i + 1, rest->len);
            return true;
        }
    }
    return false;
}

static bool read_failed(span *rest, bool *ret) {
    uint64_t status;
    if (!skip(rest, SPAN_OF(",\"response\":"))) return false;
    *ret = true;
    if (skip(rest, SPAN_OF("null,"))) return true;
    if (!skip(rest, SPAN_OF("{\"status_code\":")) || !span_u64(take_digits(rest), &status))
        return false;
    *ret = status < 200 || status > 299;
    return skip(rest, SPAN_OF(","));
}

bool result_read(span head, result_head *ret) {
    result_head read = {0};
    if (!read_id(&head, &read) || !skip(&head, SPAN_OF("\"custom_id\":"))) return false;
    if (!skip(&head, SPAN_OF("null")) && !skip_string(&head)) return false;
    if (!read_failed(&head, &read.failed)) return false;
    *ret = read;
    return true;
}

/* Skips text, or all of rest where that ends within it. */
static bool skip_torn(span *rest, span text) {
    size_t len = rest->len < text.len ? rest->len : text.len;
    if (!span_eq(span_slice(*rest, 0, len), span_slice(text, 0, len))) return false;
    *rest = span_slice(*rest, len, rest->len);
    return true;
}

bool result_may_begin(span torn) {
    while (torn.len && torn.ptr[torn.len - 1] == '\0')
        torn.len--;
    if (!skip_torn(&torn, SPAN_OF(ID_BEGIN))) return false;
    span number = take_digits(&torn);
    if (torn.len && number.len == 0) return false;
    if (!skip_torn(&torn, SPAN_OF("_"))) return false;
    for (size_t i = 0; i < MARK_DIGITS && torn.len; i++) {
        if (!memchr("0123456789abcdefABCDEF", *torn.ptr, 22)) return false;
        torn = span_slice(torn, 1, torn.len);
    }
    return skip_torn(&torn, SPAN_OF("\",\"custom_id\":"));
}
