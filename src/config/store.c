/* Where records are kept. */
#include "config/store.h"

#include "config/reader.h"
#include "config/write.h"

#include <ctype.h>

static const span prefix = SPAN("sqlite:"), automatic = SPAN("auto");
static const span schemes[] = {SPAN("postgres://"), SPAN("postgresql://")};

/* ---- PostgreSQL ---- */

static bool names_scheme(span name) {
    return span_starts(name, schemes[0]) || span_starts(name, schemes[1]);
}

static bool is_escape(span s, size_t at) {
    return at + 2 < s.len && isxdigit((unsigned char)s.ptr[at + 1]) &&
           isxdigit((unsigned char)s.ptr[at + 2]);
}

bool store_is_postgres(span name) {
    if (!names_scheme(name)) return false;
    size_t at = span_find(name, 0, ':') + 3, user_ends = 0;
    bool in_path = false;
    for (size_t i = at; i < name.len; i++) {
        unsigned char c = (unsigned char)name.ptr[i];
        if (c <= ' ' || c >= 0x7F || (c == '%' && !is_escape(name, i))) return false;
        if (c == '/' || c == '?') in_path = true;
        if (c != '@') continue;
        if (in_path || user_ends) return false;
        user_ends = i;
    }
    return name.len > at;
}

/* ---- the option ---- */

/* An address is a secret, also where it is mistyped, and what the environment holds may be one. */
static bool is_secret(const yaml_node *node) {
    static const span marks[] = {SPAN("://"), SPAN("@"), SPAN("${")};
    for (size_t i = 0; node->kind == YAML_SCALAR && i < ARRAY_LEN(marks); i++)
        if (span_find_span(node->text, 0, marks[i]) < node->text.len) return true;
    return false;
}

static void warn_exposed(reader *r, span name, const yaml_node *node) {
    bool literal = span_find_span(node->text, 0, SPAN_OF("${")) == node->text.len;
    if (literal && r->exposed && !node->setting)
        reader_warning(r, node,
                       "%.*s holds a database's address in a file that others on this machine may "
                       "read; write \"${NAME}\", or take their right away (chmod 600)",
                       SPAN_ARG(name));
}

COLD static bool read_name(reader *r, const option *o, span name, const yaml_node *node,
                           void *field) {
    span text;
    if (!reader_text(r, o, name, node, &text)) return false;
    if (span_eq(text, automatic)) {
        *(span *)field = SPAN_EMPTY;
        return true;
    }
    if (store_is_postgres(text)) {
        warn_exposed(r, name, node);
        *(span *)field = text;
        return true;
    }
    if (!span_starts(text, prefix) || text.len == prefix.len)
        return reader_expected(r, o, name, node);
    span path = reader_path(r, span_slice(text, prefix.len, text.len));
    *(span *)field = arena_join(r->arena, (span[]){prefix, path}, 2);
    return true;
}
COLD static bool read_store(reader *r, const option *o, span name, const yaml_node *node,
                            void *field) {
    bool hidden = r->hidden;
    r->hidden = hidden || is_secret(node);
    bool ok = read_name(r, o, name, node, field);
    r->hidden = hidden;
    return ok;
}
COLD static void write_store(const option *o, const void *field, buf *out) {
    (void)o;
    const span *store = field;
    if (names_scheme(*store))
        buf_add_cstr(out, "(set)");
    else if (store->len)
        write_string(*store, out);
    else
        buf_add(out, automatic);
}
const option_type type_store = {"store",
                                "auto, sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE",
                                read_store, write_store, TELLS_PLACE};
