/* telemetry: where traces and metrics are sent, and what OpenTelemetry's own variables say of it
 * where the file says nothing.
 *
 * Source   opentelemetry.io/docs/specs/otel/protocol/exporter,
 * …/configuration/sdk-environment-variables. */
#include "config/address.h"
#include "config/reader.h"
#include "config/write.h"

#include "base/hash.h"

#include <string.h>

enum { RESOURCE_MAX = 32, RESOURCE_KEY_MAX = 128, RESOURCE_VALUE_MAX = 1024 };

/* ---- endpoint ---- */

/* What weir adds itself. */
static bool good_base(reader *r, span name, const yaml_node *node, const config_url *url) {
    static const char *const ends[] = {"/v1/traces", "/v1/metrics", "/v1/logs"};
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        if (!span_ends(url->path, span_cstr(ends[i]))) continue;
        reader_problem(r, node,
                       "%.*s ends in %s, which weir adds itself; expected what stands before it, "
                       "such as http://localhost:4318",
                       SPAN_ARG(name), ends[i]);
        return false;
    }
    return true;
}

COLD static bool read_endpoint(reader *r, const option *o, span name, const yaml_node *node,
                               void *field) {
    span text;
    config_url url = {0};
    const char *why;
    if (!reader_text(r, o, name, node, &text)) return false;
    if (!config_url_parse(text, r->arena, &url, &why)) {
        reader_problem(r, node, "%.*s: %s", SPAN_ARG(name), why);
        return false;
    }
    if (!good_base(r, name, node, &url)) return false;
    *(config_url *)field = url;
    return true;
}
COLD static void write_endpoint(const option *o, const void *field, buf *out) {
    (void)o;
    write_string(((const config_url *)field)->text, out);
}
const option_type type_endpoint = {"URL", "a URL such as http://localhost:4318", read_endpoint,
                                   write_endpoint, TELLS_TEXT};

/* ---- headers: as a provider's ---- */

static bool is_nothing(const yaml_node *node) {
    return yaml_is_null(node) || (node->kind == YAML_LIST && !node->count);
}

COLD static bool read_headers(reader *r, const option *o, span name, const yaml_node *node,
                              void *field) {
    config_telemetry *t = CONTAINER_OF(field, config_telemetry, headers);
    config_provider like = {0};
    if (is_nothing(node)) return true;
    bool hidden = r->hidden;
    r->hidden = true;
    bool ok = type_headers.read(r, o, name, node, &like.headers);
    r->hidden = hidden;
    if (!ok) return false;
    t->headers = like.headers;
    t->header_count = like.header_count;
    return true;
}
COLD static void write_headers(const option *o, const void *field, buf *out) {
    const config_telemetry *t = CONTAINER_OF(field, config_telemetry, headers);
    config_header items[RESOURCE_MAX];
    config_provider like = {.headers = items, .header_count = t->header_count};
    for (size_t i = 0; i < t->header_count && i < ARRAY_LEN(items); i++)
        items[i] = t->headers[i];
    type_headers.write(o, &like.headers, out);
}
const option_type type_telemetry_headers = {"mapping of texts",
                                            "a mapping of up to 32 header fields to their values",
                                            read_headers, write_headers, TELLS_SECRET};

/* ---- resource ---- */

COLD static bool read_attribute(reader *r, const option *o, span name, const yaml_node *map,
                                const yaml_node *key, config_header *ret) {
    span at = reader_member(r, name, map, key), value;
    if (!key->text.len || key->text.len > RESOURCE_KEY_MAX) {
        reader_problem(r, key, "%.*s: expected a name of up to %d bytes", SPAN_ARG(at),
                       RESOURCE_KEY_MAX);
        return false;
    }
    if (key->value->kind != YAML_SCALAR) {
        reader_problem(r, key->value, "%.*s is %s; expected a text", SPAN_ARG(at),
                       yaml_kind_name(key->value));
        return false;
    }
    if (!reader_text(r, o, at, key->value, &value)) return false;
    if (value.len > RESOURCE_VALUE_MAX) {
        reader_problem(r, key->value, "%.*s has %zu bytes; allowed up to %d", SPAN_ARG(at),
                       value.len, RESOURCE_VALUE_MAX);
        return false;
    }
    *ret = (config_header){arena_dup(r->arena, key->text), value};
    return true;
}

COLD static bool read_resource(reader *r, const option *o, span name, const yaml_node *node,
                               void *field) {
    config_telemetry *t = CONTAINER_OF(field, config_telemetry, resource);
    if (is_nothing(node)) return true;
    if (node->kind != YAML_MAP || node->count > RESOURCE_MAX)
        return reader_expected(r, o, name, node);
    config_header *items = arena_zalloc(r->arena, (node->count + 1) * sizeof *items);
    size_t n = 0;
    bool ok = true;
    for (const yaml_node *key = node->first; key; key = key->next)
        if (read_attribute(r, o, name, node, key, &items[n]))
            n++;
        else
            ok = false;
    t->resource = items;
    t->resource_count = n;
    return ok;
}
COLD static void write_resource(const option *o, const void *field, buf *out) {
    (void)o;
    const config_telemetry *t = CONTAINER_OF(field, config_telemetry, resource);
    buf_add_char(out, '{');
    for (size_t i = 0; i < t->resource_count; i++) {
        if (i) buf_add_cstr(out, ", ");
        write_string(t->resource[i].name, out);
        buf_add_cstr(out, ": ");
        write_string(t->resource[i].value, out);
    }
    buf_add_char(out, '}');
}
const option_type type_resource = {"mapping of texts", "a mapping of up to 32 names to texts",
                                   read_resource, write_resource, TELLS_TEXT};

/* ---- the variables ---- */

static const char *variable(const reader *r, const char *name) {
    const char *value = r->sources->env(r->sources, name);
    return value && *value ? value : NULL;
}

/* Percent-encoding undone, and for the reader each $ doubled. */
static span decoded(reader *r, span text) {
    char *out = arena_alloc(r->scratch, 2 * text.len + 1);
    size_t n = 0;
    for (size_t at = 0; at < text.len; n++) {
        unsigned char c = (unsigned char)text.ptr[at];
        at += c == '%' && hex_decode(span_slice(text, at + 1, at + 3), &c, 1) ? 3 : 1;
        if (c == '$') out[n++] = '$';
        out[n] = (char)c;
    }
    return span_from(out, n);
}

/* "name=value,name=value" as the mapping that a file would have. */
static yaml_node *pairs_node(reader *r, const char *value) {
    yaml_node *map = arena_zalloc(r->scratch, sizeof *map), **end = &map->first;
    span rest = span_cstr(value), pair;
    map->kind = YAML_MAP;
    while (span_cut(&rest, ',', &pair)) {
        size_t at = span_find(pair, 0, '=');
        span name = span_trim(span_slice(pair, 0, at));
        if (!name.len) continue;
        yaml_node *key = arena_zalloc(r->scratch, sizeof *key);
        yaml_node *text = arena_zalloc(r->scratch, sizeof *text);
        key->kind = text->kind = YAML_SCALAR;
        key->text = arena_dup(r->scratch, name);
        text->text = decoded(r, span_trim(span_slice(pair, at + 1, pair.len)));
        key->value = text;
        *end = key;
        end = &key->next;
        map->count++;
    }
    return map;
}

static yaml_node *text_node(reader *r, const char *name) {
    yaml_node *node = arena_zalloc(r->scratch, sizeof *node);
    node->kind = YAML_SCALAR;
    node->text = reader_name(r, "${%s}", name);
    return node;
}

typedef struct stand_in {
    const char *variable, *option;
    bool pairs;
} stand_in;

/* Whatever else uses the variable may understand it: what weir does not is told, and passed over.
 */
COLD static bool read_node(reader *r, const stand_in *s, const yaml_node *node) {
    const option *o = option_find(&scope_file, span_cstr(s->option));
    config_problems *problems = r->problems;
    size_t reported = r->reported;
    r->problems = r->warnings;
    void *field = (char *)r->config + o->offset;
    bool ok = o->type->read(r, o, span_cstr(s->variable), node, field);
    if (ok) reader_written(r, o, field, node);
    r->problems = problems;
    r->reported = reported;
    return ok;
}

COLD static bool read_variable(reader *r, const stand_in *s) {
    const char *value = variable(r, s->variable);
    if (!value) return false;
    return read_node(r, s, s->pairs ? pairs_node(r, value) : text_node(r, s->variable));
}

static bool says(const yaml_node *section, const char *path) {
    const char *dot = strchr(path, '.');
    return section && section->kind == YAML_MAP && yaml_get(section, span_cstr(dot + 1));
}

/* Whether the file, or a variable, says it. */
static bool settle_option(reader *r, const yaml_node *section, const stand_in *s) {
    return says(section, s->option) || read_variable(r, s);
}

static void settle_protocol(reader *r, const yaml_node *section) {
    static const stand_in protocol = {"OTEL_EXPORTER_OTLP_PROTOCOL", "telemetry.protocol", false};
    const char *value = variable(r, protocol.variable);
    if (!value || says(section, protocol.option)) return;
    span said = span_cstr(value), prefix = SPAN_OF("http/");
    size_t from = span_starts(said, prefix) ? prefix.len : 0;
    const yaml_node word = {.kind = YAML_SCALAR, .text = span_slice(said, from, said.len)};
    if (span_eq(said, SPAN_OF("grpc")))
        reader_warning(r, NULL,
                       "OTEL_EXPORTER_OTLP_PROTOCOL is grpc, which weir does not speak: it sends "
                       "protobuf over HTTP, which collectors take at port 4318");
    else
        (void)!read_node(r, &protocol, &word);
}

/* It is told as it stands in the resource. */
static void tell_service(reader *r, const yaml_node *section) {
    const yaml_node *resource = section ? yaml_get(section, SPAN_OF("resource")) : NULL;
    const yaml_node *name = resource ? yaml_get(resource, SPAN_OF("service.name")) : NULL;
    const option *o = option_find(&scope_file, SPAN_OF("telemetry.service"));
    if (name) reader_written(r, o, &r->config->telemetry.service, name);
}

static void settle_service(reader *r, const yaml_node *section) {
    static const stand_in service = {"OTEL_SERVICE_NAME", "telemetry.service", false},
                          resource = {"OTEL_RESOURCE_ATTRIBUTES", "telemetry.resource", true};
    config_telemetry *t = &r->config->telemetry;
    bool named = settle_option(r, section, &service);
    (void)!settle_option(r, section, &resource);
    for (size_t i = 0; i < t->resource_count && !named; i++) {
        if (!span_eq(t->resource[i].name, SPAN_OF("service.name"))) continue;
        t->service = t->resource[i].value;
        tell_service(r, section);
    }
}

static void warn_exposed(reader *r, const yaml_node *section) {
    const config_telemetry *t = &r->config->telemetry;
    bool local = t->endpoint.unix_path.len || address_is_loopback(t->endpoint.host) ||
                 span_ieq(t->endpoint.host, SPAN_OF("localhost"));
    if (t->header_count && !t->endpoint.tls && !local)
        reader_warning(r, section,
                       "telemetry.endpoint is plain http to another machine: telemetry.headers "
                       "cross the network for anyone to read");
}

/* Of a process that has several exporters, or knobs that weir has under another name. */
static const struct {
    const char *variable, *option;
    const char *common; /* a value that changes nothing here; NULL: none */
    bool begins;        /* somebody who sets it wants to be sent something */
} unread[] = {
    {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "telemetry.endpoint", NULL, true},
    {"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "telemetry.endpoint", NULL, true},
    {"OTEL_EXPORTER_OTLP_TRACES_HEADERS", "telemetry.headers", NULL, false},
    {"OTEL_EXPORTER_OTLP_METRICS_HEADERS", "telemetry.headers", NULL, false},
    {"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "telemetry.protocol", NULL, false},
    {"OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "telemetry.protocol", NULL, false},
    {"OTEL_EXPORTER_OTLP_CERTIFICATE", "telemetry.ca_file", NULL, false},
    {"OTEL_EXPORTER_OTLP_COMPRESSION", "telemetry.compression", "none", false},
    {"OTEL_EXPORTER_OTLP_TIMEOUT", "telemetry.timeout", "10000", false},
    {"OTEL_METRIC_EXPORT_INTERVAL", "telemetry.interval", "60000", false},
    {"OTEL_TRACES_EXPORTER", "telemetry.traces", "otlp", false},
    {"OTEL_METRICS_EXPORTER", "telemetry.metrics", "otlp", false},
    {"OTEL_TRACES_SAMPLER", "telemetry.sample", "parentbased_always_on", false},
};

COLD static void warn_unread(reader *r, const yaml_node *section, bool on) {
    for (size_t i = 0; i < ARRAY_LEN(unread); i++) {
        const char *value = variable(r, unread[i].variable);
        if (!value || says(section, unread[i].option) || !(on || unread[i].begins)) continue;
        if (unread[i].common && !strcmp(value, unread[i].common)) continue;
        reader_warning(r, NULL, "%s is set, which weir does not read: %s says it",
                       unread[i].variable, unread[i].option);
    }
}

void telemetry_settle(reader *r, const yaml_node *root) {
    static const stand_in endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT", "telemetry.endpoint", false},
                          headers = {"OTEL_EXPORTER_OTLP_HEADERS", "telemetry.headers", true};
    config_telemetry *t = &r->config->telemetry;
    const yaml_node *section = yaml_get(root, SPAN_OF("telemetry"));
    bool silent = !section || yaml_is_null(section);
    const char *disabled = variable(r, "OTEL_SDK_DISABLED");
    if (silent && disabled && span_ieq(span_cstr(disabled), SPAN_OF("true"))) return;
    const bool on = silent ? variable(r, endpoint.variable) != NULL : t->on;
    if (on || silent) warn_unread(r, section, on);
    if (!on) return;
    bool told = settle_option(r, section, &endpoint);
    if (silent && !told) return; /* nobody knows where to */
    t->on = true;
    settle_protocol(r, section);
    (void)!settle_option(r, section, &headers);
    settle_service(r, section);
    warn_exposed(r, section);
}
