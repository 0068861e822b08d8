#include "config/keys.h"

#include "base/mem.h"
#include "config/write.h"

#include <string.h>

enum { KEYS_MAX = 64, ARGS_MAX = 64 };

/* ---- command: a list of arguments ---- */

COLD static bool read_argv(reader *r, const option *o, span name, const yaml_node *node,
                           void *field) {
    if (node->kind != YAML_LIST) return reader_expected(r, o, name, node);
    if (node->count == 0 || node->count > ARGS_MAX) {
        reader_problem(r, node,
                       "%.*s has %zu entries; allowed 1 to %d: the program, then its arguments",
                       SPAN_ARG(name), node->count, ARGS_MAX);
        return false;
    }
    char **argv = arena_zalloc(r->arena, (node->count + 1) * sizeof *argv);
    size_t n = 0;
    for (const yaml_node *item = node->first; item; item = item->next) {
        span at = reader_name(r, "%.*s[%zu]", SPAN_ARG(name), n), text;
        if (!reader_text(r, &(option){.type = &type_text}, at, item, &text)) return false;
        if (text.len == 0 && n == 0) {
            reader_problem(r, item, "%.*s is empty; expected the program", SPAN_ARG(at));
            return false;
        }
        argv[n++] = (char *)text.ptr;
    }
    *(char ***)field = argv;
    return true;
}
const option_type type_argv = {"list of texts", "a list: the program, then its arguments",
                               read_argv, NULL, TELLS_TEXT};

/* ---- the text of a key ---- */

static span trim_line_ends(span s) {
    while (s.len && strchr("\r\n \t", s.ptr[s.len - 1]))
        s.len--;
    return s;
}

/* What a key may be is what a header field may carry. */
static bool make_secret(reader *r, span name, const yaml_node *node, const char *origin, span text,
                        secret **ret) {
    if (text.len == 0) {
        reader_problem(r, node, "%.*s: %s is empty; expected a key", SPAN_ARG(name), origin);
        return false;
    }
    if (text.len > SOURCE_KEY_BYTES_MAX) {
        reader_problem(r, node, "%.*s: %s has %zu bytes; a key may have %d", SPAN_ARG(name), origin,
                       text.len, SOURCE_KEY_BYTES_MAX);
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] > ' ' && text.ptr[i] < 0x7F) continue;
        reader_problem(r, node,
                       "%.*s: %s holds a character at byte %zu that no key may hold (a space, a "
                       "line end, or beyond ASCII)",
                       SPAN_ARG(name), origin, i + 1);
        return false;
    }
    *ret = secret_new(text);
    return true;
}

static void wipe(buf *b) {
    if (b->ptr) mem_wipe(b->ptr, b->cap);
    buf_done(b);
}

static bool from_file(reader *r, span name, const yaml_node *node, span path, secret **ret) {
    buf content = BUF_EMPTY;
    span why;
    bool ok = r->sources->read_file(r->sources, path.ptr, SOURCE_KEY_BYTES_MAX, &content,
                                    r->scratch, &why);
    if (ok)
        ok = make_secret(r, name, node, "the file", trim_line_ends(buf_span(&content)), ret);
    else
        reader_problem(r, node, "%.*s: cannot read the file: %.*s", SPAN_ARG(name), SPAN_ARG(why));
    wipe(&content);
    reader_watch(r, path);
    return ok;
}

static bool from_command(reader *r, span name, const yaml_node *node, const config_key_source *from,
                         secret **ret) {
    buf output = BUF_EMPTY;
    span why;
    bool ok = r->sources->run(r->sources, from->argv, from->timeout_ms, SOURCE_KEY_BYTES_MAX,
                              &output, r->scratch, &why);
    if (ok)
        ok = make_secret(r, name, node, "the command's output", trim_line_ends(buf_span(&output)),
                         ret);
    else
        reader_problem(r, node, "%.*s: the command gave no key: %.*s", SPAN_ARG(name),
                       SPAN_ARG(why));
    wipe(&output);
    config_own *own = r->config->own;
    if (from->refresh_ms && (!own->refresh_ms || from->refresh_ms < own->refresh_ms))
        own->refresh_ms = from->refresh_ms;
    return ok;
}

bool keys_from_source(reader *r, span name, const yaml_node *node, const config_key_source *from,
                      secret **ret) {
    if (!from->file.len == !from->argv) {
        reader_problem(r, node, "%.*s has %s; expected either file or command", SPAN_ARG(name),
                       from->argv ? "both file and command" : "neither file nor command");
        return false;
    }
    return from->argv ? from_command(r, name, node, from, ret)
                      : from_file(r, name, node, from->file, ret);
}

/* A provider's, which may stand there itself. */
static bool from_value(reader *r, span name, const yaml_node *node, config_key_source *from,
                       secret **ret) {
    if (!from->value || from->file.len || from->argv) {
        reader_problem(r, node, "%.*s has %s; expected value, file or command", SPAN_ARG(name),
                       !from->value ? "none of these"
                       : from->argv ? "value and command"
                                    : "value and file");
        return false;
    }
    *ret = from->value;
    from->value = NULL;
    return true;
}

static bool from_map(reader *r, const option *o, span name, const yaml_node *node, secret **ret,
                     unsigned *ret_weight) {
    const option_scope *scope = o->type == &type_keys ? &scope_key : &scope_secret;
    config_key_source from = {.weight = 1};
    reader_defaults(r, scope, &from);
    span prefix = reader_name(r, "%.*s.", SPAN_ARG(name));
    bool good = reader_scope(r, scope, prefix, node, &from);
    const bool here = from.value || (scope == &scope_key && !from.file.len && !from.argv);
    if (good)
        good = here ? from_value(r, name, node, &from, ret)
                    : keys_from_source(r, name, node, &from, ret);
    secret_unref(from.value);
    *ret_weight = from.weight;
    return good;
}

static bool read_value(reader *r, const option *o, span name, const yaml_node *node, void *field) {
    return keys_from_text(r, o, name, node, field);
}
const option_type type_key_value = {"key", "a key or a reference \"${NAME}\"", read_value, NULL,
                                    TELLS_SECRET};

bool keys_from_text(reader *r, const option *o, span name, const yaml_node *node, secret **ret) {
    span text;
    if (node->kind != YAML_SCALAR || yaml_is_null(node)) return reader_expected(r, o, name, node);
    if (!reader_expand(r, name, node, r->scratch, &text)) return false;
    bool literal = span_find_span(node->text, 0, SPAN_OF("${")) == node->text.len;
    if (literal && r->exposed && !node->setting)
        reader_warning(r, node,
                       "%.*s is written out in a file that others on this machine may read; write "
                       "\"${NAME}\" or {file: path}, or take their right away (chmod 600)",
                       SPAN_ARG(name));
    bool ok = make_secret(r, name, node, "its value", text, ret);
    if (text.len) mem_wipe((char *)text.ptr, text.len);
    return ok;
}

COLD static bool read_keys(reader *r, const option *o, span name, const yaml_node *node,
                           void *field) {
    config_provider *provider = CONTAINER_OF(field, config_provider, keys);
    bool list = node->kind == YAML_LIST;
    size_t count = list ? node->count : 1;
    if (count > KEYS_MAX) {
        reader_problem(r, node, "%.*s has %zu keys; allowed up to %d", SPAN_ARG(name), count,
                       KEYS_MAX);
        return false;
    }
    provider->keys = arena_zalloc(r->arena, (count + 1) * sizeof *provider->keys);
    provider->key_weights = arena_zalloc(r->arena, (count + 1) * sizeof *provider->key_weights);
    bool ok = true;
    for (const yaml_node *item = list ? node->first : node; item; item = list ? item->next : NULL) {
        span at = list ? reader_name(r, "%.*s[%zu]", SPAN_ARG(name), provider->key_count) : name;
        secret *key = NULL;
        unsigned weight = 1;
        if (item->kind == YAML_MAP ? from_map(r, o, at, item, &key, &weight)
                                   : keys_from_text(r, o, at, item, &key)) {
            provider->key_weights[provider->key_count] = weight;
            provider->keys[provider->key_count++] = key;
        } else {
            ok = false;
        }
    }
    return ok;
}
static void write_one(unsigned weight, buf *out) {
    if (weight == 1)
        buf_add_cstr(out, "(set)");
    else
        buf_addf(out, "{value: (set), weight: %u}", weight);
}

COLD static void write_keys(const option *o, const void *field, buf *out) {
    (void)o;
    const config_provider *provider = CONTAINER_OF(field, config_provider, keys);
    if (provider->key_count == 1) {
        write_one(provider->key_weights[0], out);
        return;
    }
    buf_add_char(out, '[');
    for (size_t i = 0; i < provider->key_count; i++) {
        if (i) buf_add_cstr(out, ", ");
        write_one(provider->key_weights[i], out);
    }
    buf_add_char(out, ']');
}
const option_type type_keys = {
    "key or keys",
    "a key, a reference \"${NAME}\", {file: path}, {command: [program, argument]} or "
    "a list of these",
    read_keys, write_keys, TELLS_SECRET};

/* ---- one key and no more ---- */

COLD bool keys_read_one(reader *r, const option *o, span name, const yaml_node *node,
                        key_fits_fn *fits, secret **field) {
    config_provider like = {0};
    if (yaml_is_null(node) || (node->kind == YAML_LIST && !node->count)) return true;
    if (node->kind == YAML_LIST) return reader_expected(r, o, name, node);
    const bool hidden = r->hidden;
    r->hidden = true;
    const bool ok = type_keys.read(r, o, name, node, &like.keys) && like.key_count == 1 &&
                    (!fits || fits(r, name, node, like.keys[0]));
    r->hidden = hidden;
    for (size_t i = 0; i < like.key_count && !ok; i++)
        secret_unref(like.keys[i]);
    if (!ok) return false;
    secret_unref(*field);
    *field = like.keys[0];
    return true;
}

COLD void keys_write_one(const option *o, const void *field, buf *out) {
    (void)o;
    buf_add_cstr(out, *(secret *const *)field ? "(set)" : "[]");
}
