/* The reader and the writer of server-sent events: sse_read, sse_read_end, sse_write.
 *
 * The first two bytes choose the cuts and the limit. Holds: the events do not depend on how the
 * input is cut; what was read and written again reads the same.
 */
#include "fuzz.h"

#include "http/sse.h"

/* Events in a form that cannot be mistaken: lengths in front. With `written`, as sse_write() has
 * them too. */
static void tell(buf *out, buf *written, const sse_event *event) {
    buf_addf(out, "%zu,%zu:", event->name.len, event->data.len);
    buf_add(out, event->name);
    buf_add(out, event->data);
    if (written) sse_write(written, event);
}

static void read_all(span doc, size_t step, size_t limit, buf *out, buf *written) {
    sse_reader r;
    sse_event event;
    sse_result result = SSE_MORE;
    sse_reader_init(&r, limit);
    for (size_t at = 0; at < doc.len && result == SSE_MORE; at += step) {
        span piece = fuzz_piece(doc, at, step), input = piece;
        while ((result = sse_read(&r, &input, &event)) == SSE_EVENT)
            tell(out, written, &event);
        HOLDS(result == SSE_TOO_LARGE || input.len == 0);
        free((void *)piece.ptr);
    }
    if (result == SSE_MORE && sse_read_end(&r, &event) == SSE_EVENT) tell(out, written, &event);
    buf_addf(out, "end %d", result);
    sse_reader_done(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2) return 0;
    size_t step = data[0] + 1u, limit = data[1] < 0x80 ? data[1] : 1 << 20;
    span doc = span_from((const char *)data + 2, size - 2);
    buf whole = BUF_EMPTY, cut = BUF_EMPTY, written = BUF_EMPTY, again = BUF_EMPTY;

    read_all(doc, doc.len + 1, limit, &whole, &written);
    read_all(doc, step, limit, &cut, NULL);
    HOLDS(span_eq(buf_span(&whole), buf_span(&cut)));
    buf_clear(&cut);
    read_all(doc, 1, limit, &cut, NULL);
    HOLDS(span_eq(buf_span(&whole), buf_span(&cut)));

    read_all(buf_span(&written), step, 1 << 20, &again, NULL);
    size_t events = whole.len - strlen("end 0");
    HOLDS(span_eq(span_slice(buf_span(&again), 0, again.len - strlen("end 0")),
                  span_slice(buf_span(&whole), 0, events)));

    buf_done(&whole);
    buf_done(&cut);
    buf_done(&written);
    buf_done(&again);
    return 0;
}
