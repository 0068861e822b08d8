/* A schema and, behind a zero byte, a document: whatever they are, compiling and checking end, and
 * the verdict is the same twice. */
#include "fuzz.h"

#include "schema/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    span all = span_from((const char *)data, size);
    size_t at = span_find(all, 0, '\0');
    span document = span_slice(all, at + 1, all.len);
    buf why = BUF_EMPTY;
    schema *s = schema_new(span_slice(all, 0, at), &why);
    HOLDS(s || why.len);
    if (s) {
        buf_clear(&why);
        bool ok = schema_check(s, document, &why);
        HOLDS(ok == !why.len);
        buf_clear(&why);
        HOLDS(schema_check(s, document, &why) == ok);
        HOLDS(span_is_utf8(buf_span(&why)));
    }
    schema_free(s);
    buf_done(&why);
    return 0;
}
