/* What was written in protobuf, for people: each field by its number, messages within braces, so
 * that a test compares it whole. `shape` names the fields that are messages, by their path:
 * "/1/2/". */
#ifndef WEIR_TELEMETRY_DECODE_H
#define WEIR_TELEMETRY_DECODE_H

#include "unit.h"

#include "telemetry/protobuf.h"

#include <ctype.h>

static inline bool decode_is_plain(span s) {
    for (size_t i = 0; i < s.len; i++)
        if (!isprint((unsigned char)s.ptr[i])) return false;
    return true;
}

static inline void decode_bytes(span s, buf *out) {
    if (decode_is_plain(s)) {
        buf_addf(out, "'%.*s'", SPAN_ARG(s));
        return;
    }
    for (size_t i = 0; i < s.len; i++)
        buf_addf(out, "%02x", (unsigned char)s.ptr[i]);
}

/* messages: paths such as "1.2", each between blanks: " 1 1.2 ". */
static inline void decode_message(span message, const char *path, const char *messages, buf *out) {
    pb_field f;
    bool good = true;
    const char *between = "";
    while (pb_next(&message, &f, &good)) {
        char here[64], wanted[70];
        snprintf(here, sizeof here, "%s%s%u", path, *path ? "." : "", f.number);
        snprintf(wanted, sizeof wanted, " %.60s ", here);
        buf_addf(out, "%s%u", between, f.number);
        between = " ";
        if (f.bytes.ptr && strstr(messages, wanted)) {
            buf_add_char(out, '{');
            decode_message(f.bytes, here, messages, out);
            buf_add_char(out, '}');
        } else if (f.bytes.ptr) {
            buf_add_char(out, '=');
            decode_bytes(f.bytes, out);
        } else {
            buf_addf(out, "=%llu", (unsigned long long)f.value);
        }
    }
    if (!good) buf_add_cstr(out, " torn");
}

#define assert_message(bytes, messages, expected)                                                  \
    do {                                                                                           \
        buf decoded_ = BUF_EMPTY;                                                                  \
        decode_message(bytes, "", messages, &decoded_);                                            \
        assert_string_equal(buf_cstr(&decoded_), expected);                                        \
        buf_done(&decoded_);                                                                       \
    } while (0)

#endif
