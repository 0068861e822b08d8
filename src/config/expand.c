/* ${NAME}, ${NAME:-default} and $$ in values. */
#include "config/reader.h"

#include "base/mem.h"
#include "config/shown.h"

#include <stdlib.h>
#include <string.h>

enum { EXPANDED_MAX = 64 << 10 };

/* What stands between ${ and }. */
COLD static bool add_reference(reader *r, span name, const yaml_node *node, span inside, buf *out) {
    size_t at = span_find_span(inside, 0, SPAN_OF(":-"));
    if (r->sealed) {
        reader_problem(r, node,
                       "%.*s has a ${…}, which stands for an environment variable in the "
                       "configuration's file alone; write $$ for a $",
                       SPAN_ARG(name));
        return false;
    }
    span variable = span_slice(inside, 0, at);
    if (!shown_is_variable(variable)) {
        reader_problem(r, node,
                       "%.*s has a ${…} whose text is no name of an environment variable; expected "
                       "${NAME} or ${NAME:-default} ($$ stands for a $)",
                       SPAN_ARG(name));
        return false;
    }
    if (span_find_span(inside, at, SPAN_OF("${")) < inside.len) {
        reader_problem(
            r, node, "%.*s has a ${…} within another, which is not looked into; $$ stands for a $",
            SPAN_ARG(name));
        return false;
    }
    const char *value = r->sources->env(r->sources, arena_dup(r->scratch, variable).ptr);
    if (at < inside.len) {
        buf_add(out, value && *value ? span_cstr(value) : span_slice(inside, at + 2, inside.len));
        return true;
    }
    if (!value) {
        if (!shown_variable(variable)) variable = SPAN_OF("…");
        reader_problem(r, node,
                       "%.*s refers to the environment variable %.*s, which is not set; set it or "
                       "write ${%.*s:-default}",
                       SPAN_ARG(name), SPAN_ARG(variable), SPAN_ARG(variable));
        return false;
    }
    buf_add_cstr(out, value);
    return true;
}

/* Whether it warned: "$NAME", as shells have it, where ${NAME} may be meant. A text may have a $ of
 * its own, so what follows is taken for a name where it looks like one, and said where there is
 * such a variable. */
static bool warn_bare(reader *r, span name, const yaml_node *node, span rest) {
    size_t len = 0;
    while (len < rest.len && shown_is_variable(span_slice(rest, 0, len + 1)))
        len++;
    span variable = span_slice(rest, 0, len);
    bool capital = len > 1;
    for (size_t i = 0; i < len; i++)
        capital &= !(variable.ptr[i] >= 'a' && variable.ptr[i] <= 'z');
    bool set = len && r->sources->env(r->sources, arena_dup(r->scratch, variable).ptr);
    if (!capital && !set) return false;
    if (!set) variable = SPAN_OF("NAME");
    reader_warning(
        r, node,
        "%.*s has a $ before a name, which stands as it is; for the environment variable "
        "write ${%.*s}, for a $ write $$",
        SPAN_ARG(name), SPAN_ARG(variable));
    return true;
}

static bool expand_into(reader *r, span name, const yaml_node *node, buf *out) {
    span text = node->text;
    bool warned = false;
    for (size_t at = 0; at < text.len;) {
        size_t dollar = span_find(text, at, '$');
        buf_add(out, span_slice(text, at, dollar));
        char after = dollar + 1 < text.len ? text.ptr[dollar + 1] : '\0';
        at = dollar + 2;
        if (dollar == text.len) break;
        if (after == '{') {
            size_t end = span_find(text, at, '}');
            if (end == text.len) {
                reader_problem(r, node, "%.*s holds a ${ without its }; $$ stands for a $",
                               SPAN_ARG(name));
                return false;
            }
            if (!add_reference(r, name, node, span_slice(text, at, end), out)) return false;
            at = end + 1;
        } else {
            buf_add_char(out, '$');
            if (after != '$') at--;
            if (after != '$' && !warned)
                warned = warn_bare(r, name, node, span_slice(text, at, text.len));
        }
        if (out->len > EXPANDED_MAX) {
            reader_problem(r, node, "%.*s is longer than %d bytes", SPAN_ARG(name), EXPANDED_MAX);
            return false;
        }
    }
    return true;
}

bool reader_expand(reader *r, span name, const yaml_node *node, arena *a, span *ret) {
    if (span_find(node->text, 0, '$') == node->text.len) {
        *ret = arena_dup(a, node->text);
        return true;
    }
    buf out = BUF_EMPTY;
    bool ok = expand_into(r, name, node, &out);
    if (ok) *ret = arena_dup(a, buf_span(&out));
    if (out.ptr) mem_wipe(out.ptr, out.cap); /* it may have been a key */
    buf_done(&out);
    return ok;
}
