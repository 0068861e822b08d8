/* One spelling of JSON: json_write_canonical().
 *
 * Holds, of whatever the scanner accepts: what is written is JSON, without a blank outside of a
 * string; spelled once more it is the same; and it is no longer than some times the document.
 */
#include "fuzz.h"

#include "json/canonical.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *copy = malloc(size ? size : 1);
    memcpy(copy, data, size);
    const json_limits limits = {.members = 1000};
    json_value root, again;
    json_fault fault;
    if (json_scan(span_from(copy, size), &limits, &root, &fault)) {
        buf once = BUF_EMPTY, twice = BUF_EMPTY;
        json_write_canonical(root, NULL, 0, &once);
        HOLDS(json_scan(buf_span(&once), NULL, &again, &fault));
        HOLDS(again.raw.len == once.len);
        json_write_canonical(again, NULL, 0, &twice);
        HOLDS(span_eq(buf_span(&once), buf_span(&twice)));
        HOLDS(once.len <= 30 * (size + 1));
        buf_done(&once);
        buf_done(&twice);
    }
    free(copy);
    return 0;
}
