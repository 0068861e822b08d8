/* What a model says on its way to a terminal: chat_filter_add, chat_filter_end, chat_filter_json.
 *
 * The first byte chooses the cuts. Holds: what comes out is UTF-8 without control characters but
 * line ends and tabs, does not depend on the cuts, keeps every line end, and passes a second time
 * unchanged. What is JSON stays so.
 */
#include "fuzz.h"

#include "cli/chat_filter.h"
#include "json/json.h"

static void filter(span text, size_t step, buf *out) {
    chat_filter f = {0};
    for (size_t at = 0; at < text.len; at += step) {
        span piece = fuzz_piece(text, at, step);
        chat_filter_add(&f, piece, out);
        free((void *)piece.ptr);
    }
    chat_filter_end(&f, out);
}

static size_t count_lines(span text) {
    size_t lines = 0;
    for (size_t i = 0; i < text.len; i++)
        lines += text.ptr[i] == '\n';
    return lines;
}

static bool is_harmless(span text) {
    if (!span_is_utf8(text)) return false;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f) return false;
        if (c == 0xc2 && (unsigned char)text.ptr[i + 1] < 0xa0) return false; /* C1 */
    }
    return true;
}

static void filter_json(span text) {
    json_value before, after;
    json_fault fault;
    buf out = BUF_EMPTY, line = BUF_EMPTY;
    chat_filter_json(text, &out);
    HOLDS(is_harmless(buf_span(&out)));
    HOLDS(count_lines(buf_span(&out)) == count_lines(text));
    buf_clear(&out);
    if (json_scan(text, NULL, &before, &fault)) {
        json_write_line(&line, before.raw);
        chat_filter_json(buf_span(&line), &out);
        HOLDS(json_scan(buf_span(&out), NULL, &after, &fault) && after.type == before.type);
    }
    buf_done(&out);
    buf_done(&line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1) return 0;
    span text = span_from((const char *)data + 1, size - 1);
    buf whole = BUF_EMPTY, cut = BUF_EMPTY, again = BUF_EMPTY;
    filter(text, text.len + 1, &whole);
    filter(text, data[0] + 1u, &cut);
    filter(buf_span(&whole), 1, &again);
    HOLDS(is_harmless(buf_span(&whole)));
    HOLDS(span_eq(buf_span(&whole), buf_span(&cut)));
    HOLDS(span_eq(buf_span(&whole), buf_span(&again)));
    HOLDS(count_lines(buf_span(&whole)) == count_lines(text));
    filter_json(text);
    buf_done(&whole);
    buf_done(&cut);
    buf_done(&again);
    return 0;
}
