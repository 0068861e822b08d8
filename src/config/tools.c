/* tools: what models may call. */
#include "config/header.h"
#include "config/reader.h"
#include "config/tools.h"
#include "config/write.h"

#include "base/mem.h"

#include <string.h>

enum { TOOLS_MAX = 1000, PAIRS_MAX = 64, NAME_MAX_BYTES = 64, VALUE_BYTES_MAX = 32 << 10 };

/* ---- which options are whose ---- */

enum {
    OF_HTTP = 1 << CONFIG_TOOL_HTTP,
    OF_COMMAND = 1 << CONFIG_TOOL_COMMAND,
    OF_MCP = 1 << CONFIG_TOOL_MCP
};

typedef struct owned_option {
    const char *path;
    unsigned kinds;
    const char *whose;
} owned_option;

static const owned_option owned[] = {
    {"url", OF_HTTP | OF_MCP, "http or mcp"},
    {"method", OF_HTTP, "http"},
    {"headers", OF_HTTP | OF_MCP, "http or mcp"},
    {"ca_file", OF_HTTP | OF_MCP, "http or mcp"},
    {"allow_private", OF_HTTP | OF_MCP, "http or mcp"},
    {"command", OF_COMMAND | OF_MCP, "command or mcp"},
    {"env", OF_COMMAND | OF_MCP, "command or mcp"},
    {"folder", OF_COMMAND | OF_MCP, "command or mcp"},
    {"memory", OF_COMMAND | OF_MCP, "command or mcp"},
    {"sandbox", OF_COMMAND | OF_MCP, "command or mcp"},
};

/* NULL: any kind has it. */
static const owned_option *owner_of(span path) {
    for (size_t i = 0; i < ARRAY_LEN(owned); i++)
        if (span_eq(path, span_cstr(owned[i].path))) return &owned[i];
    return NULL;
}

bool tool_option_is_for(const option *o, config_tool_kind kind) {
    const owned_option *of = owner_of(span_cstr(o->path));
    if (of) return of->kinds >> kind & 1;
    if (kind == CONFIG_TOOL_MCP && strcmp(o->path, "description") == 0) return false;
    return o->type != &type_json || kind == CONFIG_TOOL_HTTP || kind == CONFIG_TOOL_COMMAND;
}

/* ---- url ---- */

static void fill_url(reader *r, span text, const config_url *url, config_tool_url *ret) {
    size_t scheme = span_find_span(text, 0, SPAN_OF("://"));
    size_t from = url->unix_path.len ? text.len : span_find(text, scheme + 3, '/');
    size_t query = span_find(text, 0, '?');
    from = from < query ? from : query;
    span path = url->unix_path.len ? url->path : span_slice(text, from, query);
    bool slash = !path.len;
    *ret = (config_tool_url){
        .tls = url->tls,
        .host = url->host,
        .port = url->port,
        .authority = url->authority,
        .unix_path = url->unix_path,
        .query = query < text.len,
        .text = arena_dup(r->arena, text),
        .path = arena_printf(r->arena, "%s%.*s%.*s", slash ? "/" : "", SPAN_ARG(path),
                             SPAN_ARG(span_slice(text, query, text.len))),
    };
}

/* RFC 3986 section 3.4. */
static bool is_query(span s) {
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] <= ' ' || s.ptr[i] >= 0x7F || strchr("\"#<>[]\\^`{|}", s.ptr[i])) return false;
    return true;
}

COLD static bool read_url(reader *r, const option *o, span name, const yaml_node *node,
                          void *field) {
    span text;
    config_url url;
    const char *why = "the query holds characters that need an escape";
    if (!reader_text(r, o, name, node, &text)) return false;
    size_t query = span_find(text, 0, '?');
    bool ok = is_query(span_slice(text, query, text.len)) &&
              config_url_parse(span_slice(text, 0, query), r->arena, &url, &why);
    if (ok) {
        fill_url(r, text, &url, field);
        return true;
    }
    reader_problem(r, node, "%.*s: %s", SPAN_ARG(name), why);
    return false;
}
/* A query may hold a key, and who knows the path of some may ask there. */
COLD static void write_url(const option *o, const void *field, buf *out) {
    (void)o;
    const config_tool_url *url = field;
    buf text = BUF_EMPTY;
    if (url->unix_path.len)
        buf_addf(&text, "unix:%.*s:/(set)", SPAN_ARG(url->unix_path));
    else if (url->text.len)
        buf_addf(&text, "%s://%.*s/(set)", url->tls ? "https" : "http", SPAN_ARG(url->authority));
    write_string(buf_span(&text), out);
    buf_done(&text);
}
const option_type type_tool_url = {"URL", "a URL such as https://example.com/weather", read_url,
                                   write_url, TELLS_PLACE};

/* ---- headers and env: names with values, which may be secret ---- */

static span trim_line_ends(span s) {
    while (s.len && strchr("\r\n", s.ptr[s.len - 1]))
        s.len--;
    return s;
}

COLD static bool read_value_file(reader *r, span name, const yaml_node *node, span *ret) {
    const yaml_node *file = yaml_get(node, SPAN_OF("file"));
    buf content = BUF_EMPTY;
    span why, text;
    if (!file || node->count != 1) {
        reader_problem(r, node, "%.*s is a mapping; expected a text or {file: path}",
                       SPAN_ARG(name));
        return false;
    }
    const option as_text = {.type = &type_text};
    if (!reader_text(r, &as_text, reader_name(r, "%.*s.file", SPAN_ARG(name)), file, &text))
        return false;
    span path = reader_path(r, text);
    reader_watch(r, path);
    bool ok =
        r->sources->read_file(r->sources, path.ptr, VALUE_BYTES_MAX, &content, r->scratch, &why);
    if (ok)
        *ret = arena_dup(r->arena, trim_line_ends(buf_span(&content)));
    else
        reader_problem(r, file, "%.*s: cannot read the file: %.*s", SPAN_ARG(name), SPAN_ARG(why));
    if (content.ptr) mem_wipe(content.ptr, content.cap);
    buf_done(&content);
    return ok;
}

static bool is_variable(span s) {
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && !(i && c >= '0' && c <= '9')) return false;
    }
    return s.len > 0 && s.len <= 128;
}

static bool good_name(reader *r, bool header, span at, const yaml_node *key) {
    if (header && header_is_reserved(key->text)) {
        reader_problem(r, key, "%.*s is set by weir itself and cannot be configured", SPAN_ARG(at));
        return false;
    }
    if (header ? header_is_name(key->text) : is_variable(key->text)) return true;
    reader_problem(r, key, "%.*s: this is no name of a %s", SPAN_ARG(at),
                   header ? "header field" : "variable");
    return false;
}

static bool written_before(const yaml_node *map, const yaml_node *key) {
    for (const yaml_node *other = map->first; other != key; other = other->next)
        if (span_ieq(other->text, key->text)) return true;
    return false;
}

COLD static bool read_pair(reader *r, bool header, span name, const yaml_node *map,
                           const yaml_node *key, config_tool_pair *ret) {
    span at = reader_member(r, name, map, key), value;
    if (!good_name(r, header, at, key)) return false;
    if (header && written_before(map, key)) {
        reader_problem(r, key, "%.*s is written twice", SPAN_ARG(at));
        return false;
    }
    const option as_text = {.type = &type_text};
    bool ok = key->value->kind == YAML_MAP ? read_value_file(r, at, key->value, &value)
                                           : reader_text(r, &as_text, at, key->value, &value);
    if (!ok) return false;
    if (header ? !header_is_value(value) : memchr(value.ptr, '\0', value.len) != NULL) {
        reader_problem(r, key->value, "%.*s holds a control character%s, which none may",
                       SPAN_ARG(at), header ? ", or a blank at an end" : "");
        return false;
    }
    *ret = (config_tool_pair){arena_dup(r->arena, key->text), value};
    return true;
}

COLD static bool read_pairs(reader *r, const option *o, span name, const yaml_node *node,
                            void *field) {
    if (node->kind != YAML_MAP || node->count > PAIRS_MAX) return reader_expected(r, o, name, node);
    config_tool_pairs pairs = {arena_zalloc(r->arena, (node->count + 1) * sizeof *pairs.items), 0};
    bool ok = true, header = strcmp(o->path, "headers") == 0;
    for (const yaml_node *key = node->first; key; key = key->next)
        if (read_pair(r, header, name, node, key, &pairs.items[pairs.count]))
            pairs.count++;
        else
            ok = false;
    *(config_tool_pairs *)field = pairs;
    return ok;
}
COLD static void write_pairs(const option *o, const void *field, buf *out) {
    (void)o;
    const config_tool_pairs *pairs = field;
    buf_add_char(out, '{');
    for (size_t i = 0; i < pairs->count; i++) {
        if (i) buf_add_cstr(out, ", ");
        write_string(pairs->items[i].name, out);
        buf_add_cstr(out, ": (set)");
    }
    buf_add_char(out, '}');
}
const option_type type_tool_pairs = {"mapping of texts",
                                     "a mapping of up to 64 names to their values", read_pairs,
                                     write_pairs, TELLS_SECRET};

/* ---- command, folder, sandbox ---- */

/* The next ${…} of text at or behind *at, which moves behind it. */
static bool next_reference(span text, size_t *at, span *ret) {
    for (size_t i = *at; (i = span_find(text, i, '$')) + 1 < text.len; i++) {
        if (text.ptr[i + 1] == '$')
            i++; /* "$$" stands for one */
        else if (text.ptr[i + 1] == '{') {
            *at = span_find(text, i, '}') + 1;
            *ret = span_slice(text, i, *at);
            return true;
        }
    }
    return false;
}

/* What each variable comes to: its name may say that this is a secret (tools/secrets.h). */
COLD static bool read_variables(reader *r, span name, const yaml_node *list,
                                config_tool_pairs *ret) {
    span found;
    size_t count = 0;
    for (const yaml_node *item = list->first; item; item = item->next)
        for (size_t at = 0; next_reference(item->text, &at, &found);)
            count++;
    *ret = (config_tool_pairs){arena_zalloc(r->arena, (count + 1) * sizeof *ret->items), 0};
    for (const yaml_node *item = list->first; item; item = item->next)
        for (size_t at = 0; next_reference(item->text, &at, &found);) {
            config_tool_pair *pair = &ret->items[ret->count++];
            yaml_node alone = *item;
            alone.text = found;
            if (!reader_expand(r, name, &alone, r->arena, &pair->value)) return false;
            found = span_slice(found, 2, found.len - 1);
            pair->name = arena_dup(r->arena, span_slice(found, 0, span_find(found, 0, ':')));
        }
    return true;
}

COLD static bool read_command(reader *r, const option *o, span name, const yaml_node *node,
                              void *field) {
    config_tool *t = CONTAINER_OF(field, config_tool, argv);
    return type_argv.read(r, o, name, node, field) && read_variables(r, name, node, &t->variables);
}
COLD static void write_command(const option *o, const void *field, buf *out) {
    (void)o;
    char *const *argv = *(char **const *)field;
    buf_add_char(out, '[');
    for (size_t i = 0; argv && argv[i]; i++) {
        if (i) buf_add_cstr(out, ", ");
        write_string(span_cstr(argv[i]), out);
    }
    buf_add_char(out, ']');
}
const option_type type_tool_command = {"list of texts", "a list: the program, then its arguments",
                                       read_command, write_command, TELLS_TEXT};

COLD static bool read_folder(reader *r, const option *o, span name, const yaml_node *node,
                             void *field) {
    span text;
    if (!reader_text(r, o, name, node, &text)) return false;
    if (!text.len || memchr(text.ptr, '\0', text.len)) return reader_expected(r, o, name, node);
    *(span *)field = reader_path(r, text);
    return true;
}
COLD static void write_folder(const option *o, const void *field, buf *out) {
    (void)o;
    write_string(*(const span *)field, out);
}
const option_type type_tool_folder = {"folder", "the path of a folder", read_folder, write_folder,
                                      TELLS_TEXT};

COLD static bool read_sandbox(reader *r, const option *o, span name, const yaml_node *node,
                              void *field) {
    struct {
        span *items;
        size_t count;
    } words = {0};
    config_tool_sandbox sandbox = {0};
    if (!type_texts.read(r, o, name, node, &words)) return false;
    for (size_t i = 0; i < words.count; i++) {
        if (span_eq(words.items[i], SPAN_OF("no_network")))
            sandbox.no_network = true;
        else if (span_eq(words.items[i], SPAN_OF("read_only")))
            sandbox.read_only = true;
        else
            return reader_expected(r, o, name, node);
    }
    *(config_tool_sandbox *)field = sandbox;
    return true;
}
COLD static void write_sandbox(const option *o, const void *field, buf *out) {
    (void)o;
    const config_tool_sandbox *s = field;
    buf_addf(out, "[%s%s%s]", s->no_network ? "no_network" : "",
             s->no_network && s->read_only ? ", " : "", s->read_only ? "read_only" : "");
}
const option_type type_tool_sandbox = {"list of words", "a list of no_network and read_only",
                                       read_sandbox, write_sandbox, TELLS_VALUE};

/* ---- a tool ---- */

static bool good_tool_name(span name) {
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!alnum && c != '-' && c != '_') return false;
    }
    return name.len > 0 && name.len <= NAME_MAX_BYTES;
}

static const char *kind_name(config_tool_kind kind) {
    return option_find(&scope_tool, SPAN_OF("kind"))->words[kind];
}

/* What is written for a tool of another kind would be passed over. */
static bool check_owners(reader *r, span name, const yaml_node *map, const config_tool *t) {
    bool ok = true;
    for (const yaml_node *key = map->first; key; key = key->next) {
        const option *o = option_find(&scope_tool, key->text);
        const owned_option *of = owner_of(key->text);
        if (!o || tool_option_is_for(o, t->kind)) continue;
        ok = false;
        if (of)
            reader_problem(r, key, "%.*s%s is for kind: %s; this tool is %s", SPAN_ARG(name),
                           o->path, of->whose, kind_name(t->kind));
        else
            reader_problem(r, key, "%.*s%s: %s", SPAN_ARG(name), o->path,
                           t->kind == CONFIG_TOOL_MCP ? "the tools of an MCP server have their own"
                                                      : "a builtin tool has its own");
    }
    return ok;
}

static bool check_needs(reader *r, span name, const yaml_node *node, const config_tool *t) {
    span builtin = SPAN_OF("get_current_time");
    if (t->kind == CONFIG_TOOL_HTTP && !t->url.text.len)
        reader_problem(r, node, "%.*surl is missing: where the tool is asked", SPAN_ARG(name));
    else if (t->kind == CONFIG_TOOL_COMMAND && !t->argv)
        reader_problem(r, node, "%.*scommand is missing: the program and its arguments",
                       SPAN_ARG(name));
    else if (t->kind == CONFIG_TOOL_MCP && !t->url.text.len && !t->argv)
        reader_problem(r, node, "%.*scommand or %.*surl is missing: how the MCP server is reached",
                       SPAN_ARG(name), SPAN_ARG(name));
    else if (t->kind == CONFIG_TOOL_BUILTIN && !span_eq(t->name, builtin))
        reader_problem(r, node, "%.*s: weir has no builtin tool of that name; it has %.*s",
                       SPAN_ARG(span_slice(name, 0, name.len - 1)), SPAN_ARG(builtin));
    else
        return true;
    return false;
}

/* Of the two ways to an MCP server one is meant, and the options of the other do nothing. */
static bool check_way(reader *r, span name, const yaml_node *map, config_tool *t) {
    bool ok = true;
    if (t->kind != CONFIG_TOOL_MCP) return true;
    /* Most are on this machine. */
    if (!yaml_get(map, SPAN_OF("allow_private"))) t->allow_private = true;
    for (const yaml_node *key = map->first; key; key = key->next) {
        const owned_option *of = owner_of(key->text);
        bool foreign = of && !(of->kinds & (t->argv ? OF_COMMAND : OF_HTTP));
        if (!foreign) continue;
        ok = false;
        reader_problem(r, key, "%.*s%s is for an MCP server with a %s; this one has a %s",
                       SPAN_ARG(name), of->path, t->argv ? "url" : "command",
                       t->argv ? "command" : "url");
    }
    return ok;
}

COLD static bool read_tool(reader *r, const yaml_node *map, const yaml_node *key, config_tool *t) {
    t->name = arena_dup(r->arena, key->text);
    reader_origin(r, t, key);
    if (!good_tool_name(t->name)) {
        span said = reader_quoted(r, key->text, "something else");
        reader_problem(r, key,
                       "a tool is named %.*s; expected up to 64 letters, digits, dashes or "
                       "underscores",
                       SPAN_ARG(said));
        return false;
    }
    span name = reader_member(r, SPAN_OF("tools"), map, key);
    name = reader_name(r, "%.*s.", SPAN_ARG(name));
    if (!reader_scope(r, &scope_tool, name, key->value, t)) return false;
    const yaml_node *at = key->value->line ? key->value : key;
    if (!check_owners(r, name, key->value, t) || !check_needs(r, name, at, t) ||
        !check_way(r, name, key->value, t))
        return false;
    private_url_warn(r, reader_name(r, "%.*surl", SPAN_ARG(name)),
                     yaml_get(key->value, SPAN_OF("url")), &t->url, t->allow_private);
    return true;
}

COLD static bool read_tools(reader *r, const option *o, span name, const yaml_node *node,
                            void *field) {
    config *c = CONTAINER_OF(field, config, tools);
    if (yaml_is_null(node)) return true;
    if (node->kind != YAML_MAP || node->count > TOOLS_MAX) return reader_expected(r, o, name, node);
    config_tool *tools = arena_zalloc(r->arena, (node->count + 1) * sizeof *tools);
    bool ok = true, hidden = r->hidden;
    size_t n = 0;
    r->hidden = true;
    for (const yaml_node *key = node->first; key; key = key->next) {
        reader_defaults(r, &scope_tool, &tools[n]);
        ok &= read_tool(r, node, key, &tools[n++]);
    }
    r->hidden = hidden;
    c->tools = tools;
    c->tool_count = n;
    return ok;
}
const option_type type_tools = {"mapping of tools", "a mapping from names to tools", read_tools,
                                NULL, TELLS_PARTS};

/* ---- what only the whole file can tell ---- */

static bool is_client(const config *c, span name) {
    for (size_t i = 0; i < c->client_count; i++)
        if (span_eq(c->clients[i].name, name)) return true;
    return false;
}

/* Tokens name their clients, and keys of the store have names of their own. Whether the store has
 * any nobody knows who reads a file that does not say so. */
static void tell_unknown(reader *r, const yaml_node *node, span tool, size_t place) {
    const config *c = r->config;
    if (config_has_unlisted(c)) return;
    if (c->keys == KEYS_AUTO && c->ledger.on)
        reader_warning(
            r, node,
            "tools.%.*s.clients: the name at place %zu is none of clients: nobody has it "
            "but a key of the store (keys: on says that there are such)",
            SPAN_ARG(tool), place);
    else
        reader_problem(r, node, "tools.%.*s.clients: there is no client of the name at place %zu",
                       SPAN_ARG(tool), place);
}

void tools_check(reader *r, const yaml_node *root) {
    const config *c = r->config;
    const yaml_node *clients = yaml_get(root, SPAN_OF("clients"));
    if (clients && clients->count > c->client_count) return; /* those have their own message */
    for (size_t i = 0; i < c->tool_count; i++)
        for (size_t k = 0; k < c->tools[i].client_count; k++) {
            const config_tool *t = &c->tools[i];
            if (is_client(c, t->clients[k])) continue;
            const yaml_node *node = yaml_get(yaml_get(root, SPAN_OF("tools")), t->name);
            tell_unknown(r, yaml_get(node, SPAN_OF("clients")), t->name, k + 1);
        }
}
