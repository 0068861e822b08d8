/* Prints the scanner's verdict on each document of stdin, for compare_python.py. A document is a
 * 4-byte little-endian length and its bytes; a verdict is a line: the type of the root, or 0. */
#include "base/buf.h"
#include "json/json.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

int main(void) {
    buf doc = BUF_EMPTY;
    uint32_t len;
    while (fread(&len, sizeof len, 1, stdin) == 1) {
        len = le32toh(len);
        buf_clear(&doc);
        if (fread(buf_reserve(&doc, len), 1, len, stdin) != len) return 1;
        buf_grow(&doc, len);
        json_value root = {JSON_NONE, SPAN_EMPTY};
        json_fault fault;
        if (!json_scan(buf_span(&doc), NULL, &root, &fault)) root.type = JSON_NONE;
        printf("%d\n", root.type);
    }
    buf_done(&doc);
    return 0;
}
