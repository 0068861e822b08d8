/* What a receiver of OTLP answers, otlp_read_rejected() and otlp_read_error(), and what a client
 * says of its trace, trace_read_parent() and trace_state_is_good().
 *
 * The first byte chooses the encoding. Holds: no more is rejected than a request could have; words
 * are within their bound, and those of an error UTF-8 without controls but blanks; a field is never
 * outside its message, and reading comes to an end; what is read of a trace and written again is
 * read as the same.
 */
#include "fuzz.h"

#include "observe/trace_context.h"
#include "telemetry/otlp.h"
#include "telemetry/protobuf.h"

static void check_fields(span message) {
    pb_field f;
    bool good;
    for (span rest = message; pb_next(&rest, &f, &good);) {
        HOLDS(f.number > 0 && good);
        HOLDS(rest.len < message.len);
        if (f.bytes.ptr)
            HOLDS(f.bytes.ptr >= message.ptr &&
                  f.bytes.ptr + f.bytes.len <= message.ptr + message.len);
    }
}

static void check_answer(config_telemetry_protocol p, span body) {
    arena a;
    span message;
    arena_init(&a, 0);
    HOLDS(otlp_read_rejected(p, body, &a, &message) <= INT64_MAX);
    HOLDS(message.len <= body.len);
    span error = otlp_read_error(p, body, &a);
    HOLDS(error.len <= OTLP_ERROR_MAX && span_is_utf8(error));
    HOLDS(!memchr(error.ptr ? error.ptr : "x", '\0', error.len));
    arena_done(&a);
}

static void check_trace(span text) {
    trace_context t = {0}, again = {0};
    char out[TRACEPARENT_LEN + 1];
    (void)trace_state_is_good(text);
    if (!trace_read_parent(text, &t)) return;
    trace_write_parent(&t, t.parent, out);
    HOLDS(trace_read_parent(span_from(out, TRACEPARENT_LEN), &again));
    HOLDS(memcmp(t.trace_id, again.trace_id, TRACE_ID_LEN) == 0);
    HOLDS(t.parent == again.parent && t.flags == again.flags);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) return 0;
    span body = span_from((const char *)data + 1, size - 1);
    check_answer(data[0] & 1 ? TELEMETRY_JSON : TELEMETRY_PROTOBUF, body);
    check_fields(body);
    check_trace(body);
    return 0;
}
