#include "http/head_scan.h"

#include "http/chars.h"

static head_scan_result bad(const char *why, const char **ret_why) {
    *ret_why = why;
    return HEAD_SCAN_BAD;
}

/* The first byte of a TLS record that begins a handshake, or refuses one: RFC 8446 section 5.1. */
static bool begins_as_tls(span bytes) {
    enum { ALERT = 21, HANDSHAKE = 22 };
    return bytes.ptr[0] == ALERT || bytes.ptr[0] == HANDSHAKE;
}

static bool begins_with_blank(const head_scan *s, span bytes) {
    if (s->at != s->line || s->at == bytes.len) return false;
    char c = bytes.ptr[s->at];
    return c == ' ' || c == '\t';
}

head_scan_result head_scan_run(head_scan *s, span bytes, unsigned max_fields, size_t *ret_end,
                               const char **ret_why) {
    for (;;) {
        if (begins_with_blank(s, bytes))
            return bad("A line of the head begins with a blank (obsolete line folding).", ret_why);
        size_t i = http_find_control(bytes, s->at);
        s->at = i;
        if (i == bytes.len) return HEAD_SCAN_MORE;
        char c = bytes.ptr[i];
        if (c == '\t' && s->lines > 0) {
            s->at = i + 1;
            continue;
        }
        if (c == '\n') return bad("A line of the head ends in LF without CR.", ret_why);
        if (i == 0 && begins_as_tls(bytes))
            return bad("This is TLS and no HTTP: one side speaks https, the other http.", ret_why);
        if (c != '\r') return bad("The head contains a control byte.", ret_why);
        if (i + 1 == bytes.len) return HEAD_SCAN_MORE;
        if (bytes.ptr[i + 1] != '\n') return bad("The head contains CR without LF.", ret_why);
        if (i == s->line) {
            if (s->lines == 0) return bad("The head begins with a blank line.", ret_why);
            *ret_end = i + 2;
            return HEAD_SCAN_END;
        }
        s->lines++;
        if (s->lines > 1 && s->lines - 1 > max_fields) return HEAD_SCAN_TOO_MANY;
        s->at = s->line = i + 2;
    }
}
