/* What a later run reads in the files of results: result_read, result_may_begin.
 *
 * Holds: what is a result begins like one, in all its beginnings; and only its beginning counts.
 */
#include "fuzz.h"

#include "base/buf.h"
#include "batch/results.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    span text = span_from((const char *)data, size);
    result_head head = {.line = 7}, again;
    if (!result_read(text, &head)) {
        HOLDS(head.line == 7);
        (void)result_may_begin(text);
        return 0;
    }
    HOLDS(head.line > 0 && head.mark >> 48 == 0);
    for (size_t len = 0; len <= size; len++)
        HOLDS(result_may_begin(span_slice(text, 0, len)));
    buf longer = BUF_EMPTY;
    buf_add(&longer, text);
    buf_add_cstr(&longer, "\"}\\ more");
    HOLDS(result_read(buf_span(&longer), &again));
    HOLDS(again.line == head.line && again.mark == head.mark && again.failed == head.failed);
    buf_done(&longer);
    return 0;
}
