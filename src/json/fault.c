#include "json/json.h"

span json_fault_text(arena *a, span doc, const json_fault *fault) {
    span before = span_slice(doc, 0, fault->offset);
    size_t line = 1, line_from = 0;
    for (size_t at = span_find(before, 0, '\n'); at < before.len;
         at = span_find(before, line_from, '\n')) {
        line++;
        line_from = at + 1;
    }
    size_t column = span_utf8_len(span_slice(before, line_from, before.len)) + 1;
    return arena_printf(a, "%s, at byte %zu (line %zu, column %zu)", fault->what, fault->offset,
                        line, column);
}
