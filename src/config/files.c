/* Paths of files that weir reads: certificates, keys. That they can be read is checked at once. */
#include "config/reader.h"
#include "config/write.h"

COLD static bool read_file_path(reader *r, const option *o, span name, const yaml_node *node,
                                void *field) {
    span text, why;
    if (!reader_text(r, o, name, node, &text)) return false;
    if (text.len == 0) return reader_expected(r, o, name, node);
    span path = reader_path(r, text);
    reader_watch(r, path);
    if (!r->sources->check_file(r->sources, path.ptr, r->scratch, &why)) {
        span said = reader_number(r, node, "it names");
        if (said.ptr == node->text.ptr) said = path; /* as it is written, and where that is */
        reader_problem(r, node, "%.*s: cannot read the file %.*s: %.*s", SPAN_ARG(name),
                       SPAN_ARG(said), SPAN_ARG(why));
        return false;
    }
    *(span *)field = path;
    return true;
}
COLD static void write_file_path(const option *o, const void *field, buf *out) {
    (void)o;
    write_string(*(const span *)field, out);
}
const option_type type_file = {"file", "the path of a file", read_file_path, write_file_path,
                               TELLS_TEXT};
