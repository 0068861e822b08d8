/* Where records are kept. */
#include "config/reader.h"
#include "config/write.h"

static const span prefix = SPAN("sqlite:"), automatic = SPAN("auto");

static bool read_store(reader *r, const option *o, span name, const yaml_node *node, void *field) {
    span text;
    if (!reader_text(r, o, name, node, &text)) return false;
    if (span_eq(text, automatic)) {
        *(span *)field = SPAN_EMPTY;
        return true;
    }
    if (!span_starts(text, prefix) || text.len == prefix.len)
        return reader_expected(r, o, name, node);
    span path = reader_path(r, span_slice(text, prefix.len, text.len));
    *(span *)field = arena_join(r->arena, (span[]){prefix, path}, 2);
    return true;
}
static void write_store(const option *o, const void *field, buf *out) {
    (void)o;
    const span *store = field;
    if (store->len)
        write_string(*store, out);
    else
        buf_add(out, automatic);
}
const option_type type_store = {"store", "auto, or sqlite:PATH", read_store, write_store};
