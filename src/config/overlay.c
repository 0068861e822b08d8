/* Values laid over a file: each is parsed for itself and put into the file's tree at its path, and
 * from there on is read like any other. */
#include "config/problems.h"
#include "config/reader.h"
#include "config/shown.h"

#include <string.h>

enum { PATH_BYTES_MAX = 2048 };

/* Cuts the first part off *rest, into the scratch arena without its quotes. false: none is there.
 * *rest is empty (ptr NULL) behind the last one. */
static bool cut_part(reader *r, span *rest, span *ret) {
    char quote = rest->len ? rest->ptr[0] : '\0';
    if (quote != '\'' && quote != '"') return span_cut(rest, '.', ret) && ret->len > 0;
    char *text = arena_alloc(r->scratch, rest->len);
    size_t len = 0, at = 1;
    for (;; at++) {
        size_t end = span_find(*rest, at, quote);
        if (end == rest->len) return false;
        memcpy(text + len, rest->ptr + at, end - at);
        len += end - at;
        at = end + 1;
        if (at == rest->len || rest->ptr[at] != quote) break;
        text[len++] = quote;
    }
    if (at < rest->len && rest->ptr[at] != '.') return false;
    *rest = at < rest->len ? span_slice(*rest, at + 1, rest->len) : SPAN_EMPTY;
    *ret = span_from(text, len);
    return len > 0;
}

typedef struct parts {
    span items[YAML_DEPTH_MAX];
    size_t count;
} parts;

static bool split_path(reader *r, const yaml_node *at, const char *path, parts *ret) {
    span rest = span_cstr(path);
    ret->count = 0;
    bool good = rest.len > 0 && rest.len <= PATH_BYTES_MAX && span_is_utf8(rest);
    while (good && rest.ptr) {
        span part;
        good = ret->count < YAML_DEPTH_MAX && cut_part(r, &rest, &part) && part.len <= YAML_KEY_MAX;
        if (good) ret->items[ret->count++] = part;
    }
    if (!good)
        reader_problem(r, at,
                       "no path of an option; expected names with dots between them such as "
                       "retry.retries, and in quotes what has dots of its own: models.'gpt-4.1'");
    return good;
}

static void mark(yaml_node *node, unsigned setting) {
    node->setting = setting;
    for (yaml_node *inner = node->first; inner; inner = inner->next)
        mark(inner, setting);
    if (node->value) mark(node->value, setting);
}

/* An option that is a text needs no quotes: nothing but a text can be meant. */
static bool is_plain_text(const char *path, span value) {
    const option *o = option_find(&scope_file, span_cstr(path));
    bool quoted = value.len && (value.ptr[0] == '"' || value.ptr[0] == '\'');
    return o && o->type == &type_text && !quoted && span_is_utf8(value);
}

/* NULL after reporting. */
static yaml_node *parse_value(reader *r, const yaml_node *at, const char *path, const char *value) {
    if (is_plain_text(path, span_cstr(value))) {
        yaml_node *text = arena_alloc(r->scratch, sizeof *text);
        *text = *at;
        text->text = arena_dup(r->scratch, span_cstr(value));
        return text;
    }
    size_t before = r->problems->count;
    span name = r->settings[at->setting - 1];
    yaml_node *node = yaml_parse_value(span_cstr(value), name, r->scratch, r->problems);
    if (node) mark(node, at->setting);
    for (size_t i = before; i < r->problems->count; i++) {
        r->problems->items[i].setting = at->setting;
        r->problems->items[i].excerpt = SPAN_EMPTY; /* it may be a key */
    }
    return node;
}

static yaml_node *find_key(const yaml_node *map, span name) {
    yaml_node *key = map->first;
    while (key && !span_eq(key->text, name))
        key = key->next;
    return key;
}

/* The key of that name in map, which is put at its end where there is none. */
static yaml_node *take_key(reader *r, yaml_node *map, span name, const yaml_node *at) {
    yaml_node *key = find_key(map, name), **end = &map->first;
    if (key) return key;
    while (*end)
        end = &(*end)->next;
    key = *end = arena_alloc(r->scratch, sizeof *key);
    *key = *at;
    key->text = arena_dup(r->scratch, name);
    map->count++;
    return key;
}

static void graft(reader *r, yaml_node *root, const parts *path, yaml_node *value,
                  const yaml_node *at) {
    yaml_node *map = root;
    for (size_t i = 0;; i++) {
        yaml_node *key = take_key(r, map, path->items[i], at);
        if (i + 1 == path->count) {
            key->setting = at->setting;
            key->line = at->line;
            key->column = at->column;
            key->value = value;
            return;
        }
        if (!key->value || key->value->kind != YAML_MAP) {
            key->value = arena_alloc(r->scratch, sizeof *key->value);
            *key->value = *at;
            key->value->kind = YAML_MAP;
        }
        map = key->value;
    }
}

/* "setting retry.retries", or by its number: where path and value are mixed up, the path is a key.
 */
static span label(reader *r, const char *path, size_t number) {
    span text = span_cstr(path);
    if (text.len == 0 || !shown_may(text)) return reader_name(r, "setting %zu", number);
    return reader_name(r, "setting %.*s", SPAN_ARG(text));
}

void overlay_settings(reader *r, const config_setting *settings, size_t count, yaml_node *root) {
    r->settings = arena_alloc(r->scratch, (count + 1) * sizeof *r->settings);
    for (size_t i = 0; i < count; i++) {
        yaml_node at = {.kind = YAML_SCALAR, .line = 1, .column = 1, .setting = (unsigned)i + 1};
        parts path;
        r->settings[i] = label(r, settings[i].path, i + 1);
        bool good = split_path(r, &at, settings[i].path, &path);
        yaml_node *value = parse_value(r, &at, settings[i].path, settings[i].value);
        if (good && value && root && root->kind == YAML_MAP) graft(r, root, &path, value, &at);
    }
}
