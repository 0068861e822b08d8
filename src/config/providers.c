/* providers: who answers. */
#include "config/address.h"
#include "config/header.h"
#include "config/kinds.h"
#include "config/reader.h"
#include "config/write.h"

#include <string.h>

enum { PROVIDERS_MAX = 256, HEADERS_MAX = 32 };

const config_kind config_kinds[] = {
#define X(kind, functions, url, key_env, max_tokens, ids)                                          \
    {SPAN(#kind), url, key_env, max_tokens, ids},
#include "config/kinds.def"
#undef X
};
const size_t config_kind_count = ARRAY_LEN(config_kinds);

static const char kind_names[] = /* ", openai, simulator" */
#define X(kind, functions, url, key_env, max_tokens, ids) ", " #kind
#include "config/kinds.def"
#undef X
    ;

const config_kind *config_kind_find(span name) {
    for (size_t i = 0; i < config_kind_count; i++)
        if (span_eq(config_kinds[i].name, name)) return &config_kinds[i];
    return NULL;
}

static span kind_at(const void *list, size_t i) {
    return ((const config_kind *)list)[i].name;
}

/* ---- url ---- */

static bool good_base(reader *r, span name, const yaml_node *node, const config_url *url) {
    const char *call = config_url_call(url);
    if (call) {
        reader_problem(r, node,
                       "%.*s ends in %s, which weir adds itself; expected where the API begins, "
                       "such as https://api.openai.com/v1",
                       SPAN_ARG(name), call);
        return false;
    }
    if (!url->path.len)
        reader_warning(r, node,
                       "%.*s has no path: most servers that speak OpenAI's API have it below /v1",
                       SPAN_ARG(name));
    return true;
}

COLD static bool read_url(reader *r, const option *o, span name, const yaml_node *node,
                          void *field) {
    span text;
    const char *why;
    if (!reader_text(r, o, name, node, &text)) return false;
    if (config_url_parse(text, r->arena, field, &why)) return good_base(r, name, node, field);
    reader_problem(r, node, "%.*s: %s", SPAN_ARG(name), why);
    return false;
}
COLD static void write_url(const option *o, const void *field, buf *out) {
    (void)o;
    write_string(((const config_url *)field)->text, out);
}
const option_type type_url = {"URL", "a URL such as https://api.openai.com/v1", read_url, write_url,
                              TELLS_TEXT};

/* ---- proxy ---- */

COLD static bool read_proxy(reader *r, const option *o, span name, const yaml_node *node,
                            void *field) {
    span text;
    config_url url;
    const char *why = "a proxy is http://host:port";
    if (!reader_text(r, o, name, node, &text)) return false;
    if (text.len == 0 || span_eq(text, SPAN_OF("none"))) {
        *(span *)field = text;
        return true;
    }
    bool ok = config_url_parse(text, r->scratch, &url, &why);
    if (ok && (url.tls || url.unix_path.len || url.path.len)) {
        why = "a proxy is http://host:port";
        ok = false;
    }
    if (!ok) {
        reader_problem(r, node, "%.*s: %s; expected %s", SPAN_ARG(name), why, o->type->expected);
        return false;
    }
    const char *open = span_find(url.host, 0, ':') < url.host.len ? "[" : "";
    *(span *)field = arena_printf(r->arena, "http://%s%.*s%s:%u", open, SPAN_ARG(url.host),
                                  *open ? "]" : "", url.port);
    return true;
}
COLD static void write_proxy(const option *o, const void *field, buf *out) {
    (void)o;
    write_string(*(const span *)field, out);
}
const option_type type_proxy = {"proxy", "http://host:port or none", read_proxy, write_proxy,
                                TELLS_TEXT};

/* ---- headers ---- */

/* Fields that weir or the connection sets, and that a fixed value would break. */
bool header_is_reserved(span name) {
    static const char *const reserved[] = {
        "host",    "content-length", "transfer-encoding", "connection",       "te",
        "trailer", "upgrade",        "keep-alive",        "proxy-connection", "proxy-authorization",
        "expect",  "cookie",         "content-type",      "accept-encoding",
    };
    for (size_t i = 0; i < ARRAY_LEN(reserved); i++)
        if (span_ieq(name, span_cstr(reserved[i]))) return true;
    return false;
}

/* RFC 9110 section 5.6.2. */
bool header_is_name(span s) {
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!alnum && !strchr("!#$%&'*+-.^_`|~", c)) return false;
    }
    return s.len > 0;
}

bool header_is_value(span s) {
    for (size_t i = 0; i < s.len; i++)
        if (((unsigned char)s.ptr[i] < ' ' && s.ptr[i] != '\t') || s.ptr[i] == 0x7F) return false;
    return span_eq(span_trim(s), s);
}

/* By its place: what stands for a field's name may be its value. */
static span header_place(reader *r, span name, const yaml_node *map, const yaml_node *key) {
    size_t at = 0;
    if (header_is_reserved(key->text)) return reader_member(r, name, map, key);
    for (const yaml_node *k = map->first; k != key; k = k->next)
        at++;
    return reader_name(r, "%.*s[%zu]", SPAN_ARG(name), at);
}

COLD static bool read_header(reader *r, span name, const yaml_node *map, const yaml_node *key,
                             config_header *ret) {
    span at = header_place(r, name, map, key), value;
    if (!header_is_name(key->text)) {
        reader_problem(r, key, "%.*s: this is no name of a header field", SPAN_ARG(at));
        return false;
    }
    if (header_is_reserved(key->text)) {
        reader_problem(r, key, "%.*s is set by weir itself and cannot be configured", SPAN_ARG(at));
        return false;
    }
    for (const yaml_node *other = map->first; other != key; other = other->next) {
        if (!span_ieq(other->text, key->text)) continue;
        reader_problem(r, key, "%.*s is written twice", SPAN_ARG(at));
        return false;
    }
    if (key->value->kind != YAML_SCALAR) {
        reader_problem(r, key->value, "%.*s is %s; expected a text", SPAN_ARG(at),
                       yaml_kind_name(key->value));
        return false;
    }
    if (!reader_expand(r, at, key->value, r->arena, &value)) return false;
    if (!header_is_value(value)) {
        reader_problem(r, key->value,
                       "%.*s holds a control character, or a blank at an end; no header field may",
                       SPAN_ARG(at));
        return false;
    }
    *ret = (config_header){arena_dup(r->arena, key->text), value};
    return true;
}

COLD static bool read_headers(reader *r, const option *o, span name, const yaml_node *node,
                              void *field) {
    config_provider *provider = CONTAINER_OF(field, config_provider, headers);
    if (node->kind != YAML_MAP || node->count > HEADERS_MAX)
        return reader_expected(r, o, name, node);
    config_header *headers = arena_zalloc(r->arena, (node->count + 1) * sizeof *headers);
    size_t n = 0;
    bool ok = true;
    for (const yaml_node *key = node->first; key; key = key->next)
        if (read_header(r, name, node, key, &headers[n]))
            n++;
        else
            ok = false;
    provider->headers = headers;
    provider->header_count = n;
    return ok;
}
COLD static void write_headers(const option *o, const void *field, buf *out) {
    (void)o;
    const config_provider *provider = CONTAINER_OF(field, config_provider, headers);
    buf_add_char(out, '{');
    for (size_t i = 0; i < provider->header_count; i++) {
        if (i) buf_add_cstr(out, ", ");
        write_string(provider->headers[i].name, out);
        buf_add_cstr(out, ": (set)");
    }
    buf_add_char(out, '}');
}
const option_type type_headers = {"mapping of texts",
                                  "a mapping of up to 32 header fields to their values",
                                  read_headers, write_headers, TELLS_SECRET};

/* ---- a provider ---- */

/* Neither says it where a provider is, nor its name: to take it for OpenAI would be to send OpenAI
 * another's key. */
static bool nowhere(reader *r, span name, const yaml_node *node, const config_provider *p) {
    name.len--; /* without its dot */
    span near = reader_nearest(p->name, kind_at, config_kinds, config_kind_count);
    if (near.len)
        reader_problem(r, node,
                       "%.*s has no url; set it, or name the provider '%.*s' if that is "
                       "meant",
                       SPAN_ARG(name), SPAN_ARG(near));
    else
        reader_problem(r, node,
                       "%.*s has no url; set where it is reached, or a kind that weir "
                       "knows the address of: %s",
                       SPAN_ARG(name), kind_names + 2);
    return false;
}

static bool settle_kind(reader *r, span name, const yaml_node *node, config_provider *p) {
    if (p->kind.len == 0) {
        bool known = config_kind_find(p->name);
        if (!known && !p->url.text.len) return nowhere(r, name, node, p);
        p->kind = known ? p->name : SPAN_OF("openai");
        return true;
    }
    if (config_kind_find(p->kind)) return true;
    node = yaml_get(node, SPAN_OF("kind"));
    span said = reader_said(r, node, "another word");
    span near = reader_nearest(p->kind, kind_at, config_kinds, config_kind_count);
    if (near.len)
        reader_problem(r, node, "%.*skind is %.*s; did you mean '%.*s'?", SPAN_ARG(name),
                       SPAN_ARG(said), SPAN_ARG(near));
    else
        reader_problem(r, node, "%.*skind is %.*s; expected what it speaks like: %s",
                       SPAN_ARG(name), SPAN_ARG(said), kind_names + 2);
    return false;
}

/* The kind's own URL, and for that URL alone the key that its users have in their environment. */
static bool settle_url(reader *r, span name, const yaml_node *node, config_provider *p) {
    const char *why;
    const config_kind *kind = config_kind_find(p->kind);
    if (p->url.text.len) return true;
    if (!config_url_parse(span_cstr(kind->url), r->arena, &p->url, &why)) return false;
    bool wants_key = p->auth != AUTH_NONE && kind->key_env && !p->keys;
    const char *value = wants_key ? r->sources->env(r->sources, kind->key_env) : NULL;
    if (!value || !*value) return true;
    yaml_node reference = {.kind = YAML_SCALAR, .line = node->line, .column = node->column};
    reference.text = reader_name(r, "${%s}", kind->key_env);
    const option *key = option_find(&scope_provider, SPAN_OF("key"));
    return key->type->read(r, key, reader_name(r, "%.*skey", SPAN_ARG(name)), &reference, &p->keys);
}

/* What is written rules, also where it says what would hold without it. */
static void settle_habits(const yaml_node *node, config_provider *p) {
    const config_kind *kind = config_kind_find(p->kind);
    if (!yaml_get(node, SPAN_OF("max_tokens_member"))) p->max_tokens = kind->max_tokens;
    if (!yaml_get(node, SPAN_OF("completion_ids"))) p->ids = kind->ids;
}

static void warn_provider(reader *r, span name, const yaml_node *node, const config_provider *p) {
    bool local = p->url.unix_path.len || address_is_loopback(p->url.host);
    if (p->key_count && !p->url.tls && !local)
        reader_warning(
            r, node,
            "%.*surl is plain http to another machine: the key crosses the network for anyone to "
            "read",
            SPAN_ARG(name));
    if (!p->key_count && p->auth != AUTH_NONE && span_eq(p->url.host, SPAN_OF("api.openai.com")))
        reader_warning(r, node, "%.*skey is not set, and OpenAI answers no call without one",
                       SPAN_ARG(name));
}

static bool good_provider_name(span name) {
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!alnum && !strchr("-_.", c)) return false;
    }
    return name.len > 0 && name.len <= 64;
}

COLD static bool read_provider(reader *r, const yaml_node *map, const yaml_node *key,
                               config_provider *p) {
    p->name = arena_dup(r->arena, key->text);
    reader_origin(r, p, key);
    if (!good_provider_name(p->name)) {
        span said = reader_quoted(r, key->text, "something else");
        reader_problem(
            r, key,
            "a provider is named %.*s; expected up to 64 letters, digits, dots, dashes or "
            "underscores",
            SPAN_ARG(said));
        return false;
    }
    span name = reader_member(r, SPAN_OF("providers"), map, key);
    name = reader_name(r, "%.*s.", SPAN_ARG(name));
    if (!reader_scope(r, &scope_provider, name, key->value, p)) return false;
    const yaml_node *at = key->value->line ? key->value : key;
    if (!settle_kind(r, name, at, p) || !settle_url(r, name, at, p)) return false;
    settle_habits(key->value, p);
    health_warn(r, name, key->value);
    warn_provider(r, name, key, p);
    return true;
}

COLD static bool read_providers(reader *r, const option *o, span name, const yaml_node *node,
                                void *field) {
    (void)field;
    if (yaml_is_null(node)) return true;
    if (node->kind != YAML_MAP) return reader_expected(r, o, name, node);
    if (node->count > PROVIDERS_MAX) {
        reader_problem(r, node, "%.*s has %zu entries; allowed up to %d", SPAN_ARG(name),
                       node->count, PROVIDERS_MAX);
        return false;
    }
    config *c = r->config;
    c->providers = arena_zalloc(r->arena, (node->count + 1) * sizeof *c->providers);
    bool ok = true, hidden = r->hidden;
    r->hidden = true;
    for (const yaml_node *key = node->first; key; key = key->next) {
        config_provider *p = &c->providers[c->provider_count++];
        reader_defaults(r, &scope_provider, p);
        ok &= read_provider(r, node, key, p);
    }
    r->hidden = hidden;
    return ok;
}
const option_type type_providers = {"mapping of providers", "a mapping from names to providers",
                                    read_providers, NULL, TELLS_PARTS};
