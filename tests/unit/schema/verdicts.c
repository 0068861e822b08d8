/* Prints the checker's verdict on each pair of stdin, for compare_suite.py. A pair is a schema and
 * a document, each a 4-byte little-endian length and its bytes; a verdict is a line: 1 or 0, or R
 * and why the schema is refused. */
#include "base/buf.h"
#include "schema/schema.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

static bool read_text(buf *out) {
    uint32_t len;
    buf_clear(out);
    if (fread(&len, sizeof len, 1, stdin) != 1) return false;
    len = le32toh(len);
    if (fread(buf_reserve(out, len), 1, len, stdin) != len) return false;
    buf_grow(out, len);
    return true;
}

int main(void) {
    buf text = BUF_EMPTY, document = BUF_EMPTY, why = BUF_EMPTY;
    while (read_text(&text) && read_text(&document)) {
        buf_clear(&why);
        schema *s = schema_new(buf_span(&text), &why);
        if (s)
            puts(schema_check(s, buf_span(&document), &why) ? "1" : "0");
        else
            printf("R %.*s\n", SPAN_ARG(buf_span(&why)));
        schema_free(s);
    }
    buf_done(&text);
    buf_done(&document);
    buf_done(&why);
    return 0;
}
