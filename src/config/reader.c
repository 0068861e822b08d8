#include "config/reader.h"

#include "config/nearest.h"

#include "config/problems.h"
#include "config/shown.h"
#include "config/write.h"

#include <string.h>

/* Of a setting the place is told where it is not its beginning, and never its text: it may be a
 * key, which nothing beside it gives away. */
COLD static void add_problem(reader *r, config_problems *to, const yaml_node *node, const char *fmt,
                             va_list args) {
    if (!node || !node->setting) {
        problems_vadd(to, r->file, r->hidden ? SPAN_EMPTY : r->source, node ? node->line : 0,
                      node ? node->column : 0, fmt, args);
        return;
    }
    bool beginning = node->line == 1 && node->column == 1;
    problems_vadd(to, r->settings[node->setting - 1], SPAN_EMPTY, beginning ? 0 : node->line,
                  beginning ? 0 : node->column, fmt, args);
    to->items[to->count - 1].setting = node->setting;
}

void reader_problem(reader *r, const yaml_node *node, const char *fmt, ...) {
    va_list args;
    r->reported++;
    va_start(args, fmt);
    add_problem(r, r->problems, node, fmt, args);
    va_end(args);
}

void reader_warning(reader *r, const yaml_node *node, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    add_problem(r, r->warnings, node, fmt, args);
    va_end(args);
}

span reader_name(reader *r, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    span name = arena_vprintf(r->scratch, fmt, args);
    va_end(args);
    return name;
}

static bool may_say(const reader *r, const yaml_node *node) {
    if (node->kind != YAML_SCALAR || yaml_is_null(node)) return false;
    return r->hidden ? shown_proven(node->text) : shown_may(node->text);
}

span reader_quoted(reader *r, span text, const char *otherwise) {
    return shown_may(text) ? reader_name(r, "'%.*s'", SPAN_ARG(text)) : span_cstr(otherwise);
}

span reader_said(reader *r, const yaml_node *node, const char *otherwise) {
    if (may_say(r, node)) return reader_name(r, "'%.*s'", SPAN_ARG(node->text));
    bool other = node->kind == YAML_SCALAR && !yaml_is_null(node);
    return span_cstr(other ? otherwise : yaml_kind_name(node));
}

span reader_number(reader *r, const yaml_node *node, const char *otherwise) {
    bool reference = span_find(node->text, 0, '$') < node->text.len;
    return !reference && may_say(r, node) ? node->text : reader_said(r, node, otherwise);
}

span reader_member(reader *r, span name, const yaml_node *map, const yaml_node *key) {
    size_t at = 0;
    if (shown_may(key->text))
        return reader_name(r, "%.*s.%.*s", SPAN_ARG(name), SPAN_ARG(key->text));
    for (const yaml_node *k = map->first; k && k != key; k = k->next)
        at++;
    return reader_name(r, "%.*s[%zu]", SPAN_ARG(name), at);
}

bool reader_expected(reader *r, const option *o, span name, const yaml_node *node) {
    const char *or_zero = o->zero ? ", or " : "", *zero = o->zero ? o->zero : "";
    span said = reader_said(r, node, "another value");
    buf near = BUF_EMPTY;
    bool literal = node->kind == YAML_SCALAR && span_find(node->text, 0, '$') == node->text.len;
    if (literal && may_say(r, node) && nearest_value(o->type, node->text, &near)) {
        reader_problem(r, node, "%.*s is %.*s; did you mean %.*s?", SPAN_ARG(name), SPAN_ARG(said),
                       SPAN_ARG(buf_span(&near)));
        buf_done(&near);
        return false;
    }
    reader_problem(r, node, "%.*s is %.*s; expected %s%s%s", SPAN_ARG(name), SPAN_ARG(said),
                   o->type->expected, or_zero, zero);
    return false;
}

bool reader_text(reader *r, const option *o, span name, const yaml_node *node, span *ret) {
    if (node->kind != YAML_SCALAR || yaml_is_null(node)) return reader_expected(r, o, name, node);
    return reader_expand(r, name, node, r->arena, ret);
}

void reader_origin(reader *r, const void *field, const yaml_node *node) {
    if (!node->line) return;
    config_origin *origin = arena_zalloc(r->arena, sizeof *origin);
    *origin = (config_origin){r->config->own->origins, field, node->line, node->column, SPAN_EMPTY};
    if (node->setting) origin->setting = arena_dup(r->arena, r->settings[node->setting - 1]);
    r->config->own->origins = origin;
}

const config_origin *config_origin_of(const config *c, const void *field) {
    for (const config_origin *o = c->own->origins; o; o = o->next)
        if (o->field == field) return o;
    return NULL;
}

void reader_written(reader *r, const option *o, const void *field, const yaml_node *node) {
    const option_tells tells = o ? o->type->tells : TELLS_TEXT;
    if ((tells != TELLS_TEXT && tells != TELLS_PLACE) || !yaml_has_reference(node)) return;
    buf text = BUF_EMPTY;
    if (tells == TELLS_PLACE)
        buf_add_cstr(&text, "(set)");
    else
        write_written(node, &text);
    config_written *written = arena_alloc(r->arena, sizeof *written);
    *written =
        (config_written){r->config->own->written, o, field, arena_dup(r->arena, buf_span(&text))};
    r->config->own->written = written;
    buf_done(&text);
}

span config_written_of(const config *c, const option *o, const void *field) {
    for (const config_written *w = c->own->written; w; w = w->next)
        if (w->field == field && w->option == o) return w->text;
    return SPAN_EMPTY;
}

config_problem config_problem_at(const config *c, const void *field, span text) {
    const config_origin *o = config_origin_of(c, field);
    config_problem p = {.file = c->own->file, .text = text};
    if (o && o->setting.len)
        p.file = o->setting;
    else if (o)
        p.line = o->line, p.column = o->column;
    return p;
}

span reader_path(reader *r, span path) {
    if (r->folder.len == 0 || span_starts(path, SPAN_OF("/"))) return arena_dup(r->arena, path);
    return arena_printf(r->arena, "%.*s%.*s", SPAN_ARG(r->folder), SPAN_ARG(path));
}

void reader_watch(reader *r, span path) {
    config_own *own = r->config->own;
    for (const config_path *p = own->watch; p; p = p->next)
        if (span_eq(p->path, path)) return;
    config_path *entry = arena_alloc(r->arena, sizeof *entry);
    *entry = (config_path){own->watch, path};
    own->watch = entry;
    own->watch_count++;
}

void reader_defaults(reader *r, const option_scope *scope, void *base) {
    for (size_t i = 0; i < scope->count; i++) {
        const option *o = &scope->options[i];
        if (!o->standard) continue;
        yaml_node node = {.kind = YAML_SCALAR, .text = span_cstr(o->standard)};
        /* The table's own values are right: a unit test reads every row. */
        (void)o->type->read(r, o, span_cstr(o->path), &node, (char *)base + o->offset);
    }
}

/* ---- names that are not known ---- */

/* Two neighbours changed places: "kye". */
static bool is_swap(span a, span b) {
    size_t i = 0;
    if (a.len != b.len) return false;
    while (i < a.len && a.ptr[i] == b.ptr[i])
        i++;
    return i + 1 < a.len && a.ptr[i] == b.ptr[i + 1] && a.ptr[i + 1] == b.ptr[i] &&
           span_eq(span_slice(a, i + 2, a.len), span_slice(b, i + 2, b.len));
}

span reader_nearest(span word, span (*name)(const void *list, size_t i), const void *list,
                    size_t count) {
    span best = SPAN_EMPTY;
    size_t best_distance = word.len <= 4 ? 2 : word.len <= 6 ? 3 : 4; /* one less is near enough */
    for (size_t i = 0; i < count; i++) {
        size_t distance = is_swap(word, name(list, i)) ? 1 : span_distance(word, name(list, i));
        if (distance >= best_distance) continue;
        best_distance = distance;
        best = name(list, i);
    }
    return best;
}

typedef struct names {
    span items[64];
    size_t count;
} names;

static span names_get(const void *list, size_t i) {
    return ((const names *)list)->items[i];
}

/* The names that may stand in a section ("" or "retry."), each once. */
static void names_in(const option_scope *scope, span section, names *ret) {
    ret->count = 0;
    for (size_t i = 0; i < scope->count && ret->count < ARRAY_LEN(ret->items); i++) {
        span path = span_cstr(scope->options[i].path);
        if (!span_starts(path, section)) continue;
        path = span_slice(path, section.len, path.len);
        path = span_slice(path, 0, span_find(path, 0, '.'));
        if (ret->count && span_eq(ret->items[ret->count - 1], path)) continue;
        ret->items[ret->count++] = path;
    }
}

/* An option of that very name in another section, or in none: `total` stands under timeouts,
 * `listen` under nothing. */
static span found_elsewhere(const option_scope *scope, span key) {
    for (size_t i = 0; i < scope->count; i++) {
        span path = span_cstr(scope->options[i].path);
        if (span_ends(path, key) &&
            (path.len == key.len || path.ptr[path.len - key.len - 1] == '.'))
            return path;
    }
    return SPAN_EMPTY;
}

/* A known name with something before or behind it: api_key, body_size. */
static span found_inside(span word, const names *list) {
    span part;
    while (span_cut(&word, '_', &part))
        for (size_t i = 0; i < list->count; i++)
            if (span_eq(part, list->items[i])) return part;
    return SPAN_EMPTY;
}

/* What is limited is said in more than one place, and none of their names is near. */
static const char *meant_by(span path) {
    static const struct {
        span path;
        const char *says;
    } rows[] = {
        {SPAN("limits.client"), "a client's limits stand in its entry, clients[].limits"},
        {SPAN("limits.clients"), "a client's limits stand in its entry, clients[].limits"},
        {SPAN("limits.requests"), "say whose: limits.user.requests, clients[].limits.requests …"},
        {SPAN("limits.tokens"), "say whose: limits.user.tokens, clients[].limits.tokens …"},
        {SPAN("limits.spend"), "say whose: limits.user.spend, clients[].limits.spend …"},
        {SPAN("limits.parallel"), "say whose: limits.user.parallel, clients[].limits.parallel …"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (span_eq(rows[i].path, path)) return rows[i].says;
    return NULL;
}

static span join_names(reader *r, const names *list) {
    buf all = BUF_EMPTY;
    for (size_t i = 0; i < list->count; i++) {
        if (i) buf_add_cstr(&all, ", ");
        buf_add(&all, list->items[i]);
    }
    span joined = arena_dup(r->scratch, buf_span(&all));
    buf_done(&all);
    return joined;
}

COLD static void report_unknown(reader *r, const option_scope *scope, span name, span section,
                                const yaml_node *key) {
    names here;
    names_in(scope, section, &here);
    span at = reader_name(r, "%.*s%.*s", SPAN_ARG(name), SPAN_ARG(section));
    span near = reader_nearest(key->text, names_get, &here, here.count);
    /* In place of an option's name there may be a key: `key: {sk-…}` is a mapping. */
    bool shown = near.len || (r->hidden ? shown_proven(key->text) : shown_may(key->text));
    span word = shown ? key->text : SPAN_OF("…");
    if (near.len == 0) near = found_inside(key->text, &here);
    span elsewhere = found_elsewhere(scope, key->text);
    const char *meant = meant_by(reader_name(r, "%.*s%.*s", SPAN_ARG(at), SPAN_ARG(key->text)));
    if (meant) {
        reader_problem(r, key, "unknown option '%.*s%.*s'; %s", SPAN_ARG(at), SPAN_ARG(word),
                       meant);
    } else if (near.len == 0 && elsewhere.len) {
        reader_problem(r, key, "unknown option '%.*s%.*s'; did you mean '%.*s%.*s'?", SPAN_ARG(at),
                       SPAN_ARG(word), SPAN_ARG(name), SPAN_ARG(elsewhere));
    } else if (near.len) {
        reader_problem(r, key, "unknown option '%.*s%.*s'; did you mean '%.*s%.*s'?", SPAN_ARG(at),
                       SPAN_ARG(word), SPAN_ARG(at), SPAN_ARG(near));
    } else {
        span all = join_names(r, &here);
        reader_problem(r, key, "unknown option '%.*s%.*s'; known here: %.*s", SPAN_ARG(at),
                       SPAN_ARG(word), SPAN_ARG(all));
    }
}

/* ---- walking ---- */

const option *option_find(const option_scope *scope, span path) {
    for (size_t i = 0; i < scope->count; i++)
        if (span_eq(span_cstr(scope->options[i].path), path)) return &scope->options[i];
    return NULL;
}

bool option_is_section(const option_scope *scope, span path) {
    for (size_t i = 0; i < scope->count; i++) {
        span other = span_cstr(scope->options[i].path);
        if (other.len > path.len && span_starts(other, path) && other.ptr[path.len] == '.')
            return true;
    }
    return false;
}

COLD static void read_members(reader *r, const option_scope *scope, span name, span section,
                              const yaml_node *map, void *base);

COLD static void read_section(reader *r, const option_scope *scope, span name, span path,
                              const option *on, const yaml_node *node, void *base) {
    if (on && node->kind == YAML_MAP) {
        bool *field = (bool *)((char *)base + on->offset);
        *field = true;
        reader_origin(r, field, node);
    }
    span section = reader_name(r, "%.*s.", SPAN_ARG(path));
    if (node->kind == YAML_MAP) {
        read_members(r, scope, name, section, node, base);
    } else if (!yaml_is_null(node)) {
        span said = reader_said(r, node, "another value");
        reader_problem(r, node, "%.*s%.*s is %.*s; expected %s", SPAN_ARG(name), SPAN_ARG(path),
                       SPAN_ARG(said), on ? on->type->expected : "a mapping of options");
    }
}

COLD static void read_member(reader *r, const option_scope *scope, span name, span section,
                             const yaml_node *key, void *base) {
    span path = reader_name(r, "%.*s%.*s", SPAN_ARG(section), SPAN_ARG(key->text));
    const option *o = option_find(scope, path);
    bool dotted = span_find(key->text, 0, '.') < key->text.len;
    if (dotted && o) {
        size_t dot = span_find(key->text, 0, '.');
        span rest = span_slice(key->text, dot + 1, key->text.len);
        reader_problem(r, key, "%.*s%.*s: options stand in their mapping; write %.*s: {%.*s: …}",
                       SPAN_ARG(name), SPAN_ARG(path), SPAN_ARG(span_slice(key->text, 0, dot)),
                       SPAN_ARG(rest));
    } else if (dotted || (!o && !option_is_section(scope, path))) {
        report_unknown(r, scope, name, section, key);
    } else if (!o || (o->type == &type_section && key->value->kind != YAML_SCALAR)) {
        read_section(r, scope, name, path, o, key->value, base);
    } else {
        void *field = (char *)base + o->offset;
        span full = reader_name(r, "%.*s%.*s", SPAN_ARG(name), SPAN_ARG(path));
        const yaml_node *from = key->value->line ? key->value : key;
        if (!o->type->read(r, o, full, key->value, field)) return;
        reader_origin(r, field, from);
        reader_written(r, o, field, key->value);
    }
}

COLD static void read_members(reader *r, const option_scope *scope, span name, span section,
                              const yaml_node *map, void *base) {
    for (const yaml_node *key = map->first; key; key = key->next)
        read_member(r, scope, name, section, key, base);
}

COLD static void add_missing(reader *r, span name, const yaml_node *map, const option *o) {
    buf words = BUF_EMPTY;
    for (size_t i = 0; o->words && o->words[i]; i++)
        buf_addf(&words, "%s%s", i ? ", " : "one of ", o->words[i]);
    if (!words.len) buf_add_cstr(&words, o->type->expected);
    reader_problem(r, map, "%.*s%s is missing; expected %.*s", SPAN_ARG(name), o->path,
                   SPAN_ARG(buf_span(&words)));
    buf_done(&words);
}

bool reader_scope(reader *r, const option_scope *scope, span name, const yaml_node *map,
                  void *base) {
    size_t before = r->reported;
    if (map->kind != YAML_MAP && !yaml_is_null(map)) {
        span bare = span_slice(name, 0, name.len ? name.len - 1 : 0);
        if (bare.len == 0) bare = SPAN_OF("the configuration");
        reader_problem(r, map, "%.*s is %s; expected a mapping of options", SPAN_ARG(bare),
                       yaml_kind_name(map));
        return false;
    }
    read_members(r, scope, name, SPAN_EMPTY, map, base);
    for (size_t i = 0; i < scope->count; i++) {
        const option *o = &scope->options[i];
        if (!o->required || yaml_get(map, span_cstr(o->path))) continue;
        add_missing(r, name, map, o);
    }
    return r->reported == before;
}
