/* What undoes content codings: http_decode, http_decoder_complete, http_coding_of.
 *
 * The first byte chooses the coding and how the rest is cut. Whatever the cut, the same bytes come,
 * as far as they come at all, and the same is said of the whole; and never more than is allowed.
 */
#include "fuzz.h"

#include "base/buf.h"
#include "http/decode.h"

typedef struct outcome {
    buf text;
    http_decode_result said;
    bool complete;
} outcome;

static outcome decode(http_coding coding, span doc, size_t step) {
    outcome o = {.said = HTTP_DECODE_MORE};
    http_decoder *d = http_decoder_new(coding);
    HOLDS(http_decoder_complete(d));
    for (size_t at = 0; at < doc.len && o.said == HTTP_DECODE_MORE; at += step) {
        span piece = fuzz_piece(doc, at, step), input = piece, text;
        while ((o.said = http_decode(d, &input, &text)) == HTTP_DECODE_PIECE) {
            HOLDS(text.len);
            buf_add(&o.text, text);
        }
        HOLDS(o.said != HTTP_DECODE_MORE || input.len == 0);
        free((void *)piece.ptr);
    }
    HOLDS(o.text.len <= doc.len * HTTP_DECODE_RATIO + HTTP_DECODE_SLACK + 16 * 1024);
    o.complete = http_decoder_complete(d);
    HOLDS(!o.complete || o.said == HTTP_DECODE_MORE);
    http_decoder_free(d);
    return o;
}

static void check_names(span value) {
    http_header header = {SPAN("Content-Encoding"), value};
    HOLDS(http_coding_of((http_headers){&header, 1}) <= HTTP_CODING_UNKNOWN);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1) return 0;
    http_coding coding = HTTP_CODING_GZIP + data[0] % 4;
    size_t step = data[0] / 4u + 1;
    span doc = span_from((const char *)data + 1, size - 1);
    outcome whole = decode(coding, doc, doc.len + 1), cut = decode(coding, doc, step);

    HOLDS(whole.complete == cut.complete);
    HOLDS((whole.said == HTTP_DECODE_MORE) == (cut.said == HTTP_DECODE_MORE));
    /* What is found to be wrong is dropped with what was made together with it. */
    size_t both = whole.text.len < cut.text.len ? whole.text.len : cut.text.len;
    HOLDS(whole.said != HTTP_DECODE_MORE || whole.text.len == cut.text.len);
    HOLDS(both == 0 || memcmp(whole.text.ptr, cut.text.ptr, both) == 0);
    check_names(doc);

    buf_done(&whole.text);
    buf_done(&cut.text);
    return 0;
}
