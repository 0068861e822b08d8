/* What is counted of any bytes: dialect/tokens.h, dialect/image_size.h.
 *
 * The first byte chooses the family and where the rest is cut. Holds: cut there, and byte by byte,
 * it counts as when it comes whole; no byte counts more than its bound; what stands behind
 * `data:image/x;base64,` has a size or none, and the longer text does not take a size away.
 */
#include "fuzz.h"

#include "dialect/image_size.h"
#include "dialect/tokens.h"

static void check_count(token_family family, span text, size_t cut) {
    token_count whole = tokens_begin(family), halves = whole, bytes = whole;
    tokens_add(&whole, text);
    tokens_add(&halves, span_slice(text, 0, cut));
    tokens_add(&halves, span_slice(text, cut, text.len));
    for (size_t i = 0; i < text.len; i++)
        tokens_add(&bytes, span_slice(text, i, i + 1));
    HOLDS(whole.hundredths == halves.hundredths);
    HOLDS(whole.hundredths == bytes.hundredths);
    HOLDS(tokens_total(&whole) >= 0 && (uint64_t)tokens_total(&whole) <= 5 * text.len);
}

static void check_image(span text, size_t cut) {
    buf whole = BUF_EMPTY;
    unsigned width = 0, height = 0, part_width = 0, part_height = 0;
    buf_add_cstr(&whole, "\"data:image/x;base64,");
    size_t head = whole.len;
    buf_add(&whole, text);
    span part = span_from(whole.ptr, head + cut);
    bool told = image_size_read((json_value){JSON_STRING, buf_span(&whole)}, &width, &height);
    HOLDS(!told || (width && height));
    /* A string's last byte is its closing quote. */
    if (image_size_read((json_value){JSON_STRING, part}, &part_width, &part_height))
        HOLDS(told && part_width == width && part_height == height);
    buf_done(&whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) return 0;
    span text = span_from((const char *)data + 1, size - 1);
    size_t cut = text.len ? data[0] / TOKENS_FAMILIES % (text.len + 1) : 0;
    check_count((token_family)(data[0] % TOKENS_FAMILIES), text, cut);
    check_image(text, cut);
    return 0;
}
