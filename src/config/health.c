/* providers.NAME.health: what a provider is asked to learn whether it is up. */
#include "config/reader.h"
#include "config/write.h"

#include <string.h>

enum { PATH_MAX_BYTES = 1024 };

/* What may stand in a request line as a path with its query (RFC 9112 section 3.2.1). Two slashes
 * at the beginning would be another server's name to some. */
static bool is_path(span text) {
    if (!span_starts(text, SPAN_OF("/")) || span_starts(text, SPAN_OF("//"))) return false;
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] <= ' ' || text.ptr[i] >= 0x7F || strchr("#\\\"<>", text.ptr[i]))
            return false;
    return text.len <= PATH_MAX_BYTES;
}

COLD static bool read_path(reader *r, const option *o, span name, const yaml_node *node,
                           void *field) {
    span text;
    if (!reader_text(r, o, name, node, &text)) return false;
    if (text.len && !is_path(text)) return reader_expected(r, o, name, node);
    *(span *)field = text;
    return true;
}

COLD static void write_path(const option *o, const void *field, buf *out) {
    (void)o;
    write_string(*(const span *)field, out);
}

const option_type type_path = {"path", "a path such as /health", read_path, write_path, TELLS_TEXT};

/* An empty path is a word, too: it is switched off. */
void health_warn(reader *r, span name, const yaml_node *node) {
    const yaml_node *said = yaml_get(node, SPAN_OF("health"));
    if (!said || !said->count || yaml_get(said, SPAN_OF("path"))) return;
    reader_warning(r, said, "%.*shealth has no effect without a path", SPAN_ARG(name));
}
