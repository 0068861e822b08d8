/* What is written and holds for nothing, as something else says otherwise. Each is warned of: who
 * wrote it counts on it. */
#include "config/reader.h"

/* Of several parts; NULL: it is not written. */
static const yaml_node *written(const yaml_node *at, span path) {
    span part;
    while (at && span_cut(&path, '.', &part))
        at = yaml_get(at, part);
    return at && !yaml_is_null(at) ? at : NULL;
}

/* ---- authorities of what is asked without TLS ---- */

static void check_ca(reader *r, span name, const yaml_node *map, bool tls) {
    const yaml_node *file = written(map, SPAN_OF("ca_file"));
    if (file && !tls)
        reader_warning(r, file, "%.*sca_file has no effect: what is asked is no https address",
                       SPAN_ARG(name));
}

static void check_providers(reader *r, const yaml_node *root) {
    const yaml_node *all = written(root, SPAN_OF("providers"));
    for (size_t i = 0; i < r->config->provider_count; i++) {
        const config_provider *p = &r->config->providers[i];
        const span name = reader_name(r, "providers.%.*s.", SPAN_ARG(p->name));
        check_ca(r, name, written(all, p->name), p->url.tls);
    }
}

static void check_tools(reader *r, const yaml_node *root) {
    const yaml_node *all = written(root, SPAN_OF("tools"));
    for (size_t i = 0; i < r->config->tool_count; i++) {
        const config_tool *t = &r->config->tools[i];
        const span name = reader_name(r, "tools.%.*s.", SPAN_ARG(t->name));
        if (t->url.text.len) check_ca(r, name, written(all, t->name), t->url.tls);
    }
}

static void check_webhooks(reader *r, const yaml_node *root) {
    const yaml_node *all = written(root, SPAN_OF("alerts.webhooks"));
    const bool list = all && all->kind == YAML_LIST;
    const yaml_node *item = list ? all->first : all;
    for (size_t i = 0; item && i < r->config->alerts.webhook_count; i++, item = item->next) {
        const span at = reader_name(r, "alerts.webhooks[%zu].", i);
        check_ca(r, list ? at : SPAN_OF("alerts.webhooks."), item,
                 r->config->alerts.webhooks[i].url.tls);
    }
}

static void check_authorities(reader *r, const yaml_node *root) {
    const config *c = r->config;
    check_providers(r, root);
    check_tools(r, root);
    check_webhooks(r, root);
    if (c->functions.approval.webhook.url.text.len)
        check_ca(r, SPAN_OF("functions.approval."), written(root, SPAN_OF("functions.approval")),
                 c->functions.approval.webhook.url.tls);
    if (c->jwt.url.text.len)
        check_ca(r, SPAN_OF("auth.jwt."), written(root, SPAN_OF("auth.jwt")), c->jwt.url.tls);
    check_ca(r, SPAN_OF("telemetry."), written(root, SPAN_OF("telemetry")),
             c->telemetry.endpoint.tls);
}

/* ---- options that another one switches on ---- */

static bool has_no_approver(const config *c, const yaml_node *root) {
    (void)c;
    return !written(root, SPAN_OF("functions.approval.url")); /* off: somebody has said so */
}

static bool has_key_file(const config *c, const yaml_node *root) {
    (void)root;
    return c->jwt.on && !c->jwt.url.text.len;
}

static bool has_no_group(const config *c, const yaml_node *root) {
    (void)root;
    return c->cache.scope != CACHE_SCOPE_GROUP;
}

static bool has_no_origin(const config *c, const yaml_node *root) {
    return !c->cors.origin_count && !written(root, SPAN_OF("cors.origins"));
}

static bool tells_nothing(const config *c, const yaml_node *root) {
    (void)root;
    return c->telemetry.on && !c->telemetry.traces && !c->telemetry.metrics;
}

static bool sends_no_spans(const config *c, const yaml_node *root) {
    (void)root;
    return c->telemetry.on && !c->telemetry.traces && c->telemetry.metrics;
}

static bool sends_no_metrics(const config *c, const yaml_node *root) {
    (void)root;
    return c->telemetry.on && c->telemetry.traces && !c->telemetry.metrics;
}

static bool puts_nothing_back(const config *c, const yaml_node *root) {
    (void)root;
    return c->guard.restore && !guard_redacts_requests(c);
}

static bool looks_at_nothing(const config *c, const yaml_node *root) {
    (void)root;
    return c->guard.encoded && !c->guard.any && !config_keeps_bodies(c);
}

static bool asks_nobody(const config *c, const yaml_node *root) {
    (void)c;
    return !written(root, SPAN_OF("guard.external.tool")); /* empty: somebody has said so */
}

static const struct {
    const char *path;
    bool (*holds)(const config *c, const yaml_node *root);
    const char *why;
} options[] = {
    {"functions.approval.secret", has_no_approver, "without functions.approval.url"},
    {"functions.approval.allow_private", has_no_approver, "without functions.approval.url"},
    {"functions.approval.ca_file", has_no_approver, "without functions.approval.url"},
    {"functions.approval.timeout", has_no_approver, "without functions.approval.url"},
    {"functions.approval.failed", has_no_approver, "without functions.approval.url"},
    {"auth.jwt.refresh", has_key_file, "where auth.jwt.jwks is a file"},
    {"auth.jwt.timeout", has_key_file, "where auth.jwt.jwks is a file"},
    {"auth.jwt.ca_file", has_key_file, "where auth.jwt.jwks is a file"},
    {"cache.group", has_no_group, "without cache.scope: group"},
    {"cors.credentials", has_no_origin, "without cors.origins"},
    {"cors.max_age", has_no_origin, "without cors.origins"},
    {"guard.restore", puts_nothing_back,
     "where nothing of requests is redacted: guard.in is not redact, and no rule says it"},
    {"guard.encoded", looks_at_nothing,
     "where nothing is looked at: neither guard.in nor guard.out says block, redact or flag"},
    {"guard.external.in", asks_nobody, "without guard.external.tool"},
    {"guard.external.out", asks_nobody, "without guard.external.tool"},
    {"guard.external.on_failure", asks_nobody, "without guard.external.tool"},
    {"telemetry", tells_nothing, "where both its traces and its metrics are off"},
    {"telemetry.sample", sends_no_spans, "where telemetry.traces is off"},
    {"telemetry.content", sends_no_spans, "where telemetry.traces is off"},
    {"telemetry.interval", sends_no_metrics, "where telemetry.metrics is off"},
};

/* ---- rules that nothing is done about ---- */

/* Where none is looked for one warning is enough, of all of them (guard_settle()). */
static void check_rules(reader *r, const yaml_node *root) {
    const config *c = r->config;
    const yaml_node *all = written(root, SPAN_OF("guard.rules"));
    const yaml_node *item = all ? all->first : NULL;
    for (size_t i = 0; c->guard.any && item && i < c->guard.rules.count; i++, item = item->next)
        if (!guard_looks_for(c, &c->guard.rules.items[i]))
            reader_warning(r, item,
                           "guard.rules[%zu] has no action, and neither guard.in nor guard.out "
                           "says one: it is not looked for",
                           i);
}

/* ---- lists of nobody and nothing ---- */

static void check_list(reader *r, const yaml_node *map, span name, const char *member,
                       const char *all) {
    const yaml_node *list = written(map, span_cstr(member));
    if (list && list->kind == YAML_LIST && !list->count)
        reader_warning(r, list, "%.*s.%s is empty, which stands for %s: leave it out, or name some",
                       SPAN_ARG(name), member, all);
}

static void check_empty(reader *r, const yaml_node *root) {
    const yaml_node *clients = written(root, SPAN_OF("clients"));
    const yaml_node *tools = written(root, SPAN_OF("tools"));
    size_t i = 0;
    if (clients && clients->kind == YAML_LIST)
        for (const yaml_node *at = clients->first; at; at = at->next, i++) {
            const span name = reader_name(r, "clients[%zu]", i);
            check_list(r, at, name, "models", "all models");
            check_list(r, at, name, "endpoints", "all endpoints");
            check_list(r, at, name, "addresses", "any address");
        }
    if (tools && tools->kind == YAML_MAP)
        for (const yaml_node *key = tools->first; key; key = key->next)
            check_list(r, key->value, reader_member(r, SPAN_OF("tools"), tools, key), "clients",
                       "all clients");
}

/* ---- references in names ---- */

/* A name is taken as it is written, and a variable is nothing there. */
static void check_names(reader *r, const yaml_node *node) {
    for (const yaml_node *at = node->first; at; at = at->next) {
        if (node->kind == YAML_MAP && span_find_span(at->text, 0, SPAN_OF("${")) < at->text.len)
            reader_warning(r, at,
                           "a name has a ${…}, which stands as it is: variables are for values");
        check_names(r, node->kind == YAML_MAP ? at->value : at);
    }
}

COLD void unused_warn(reader *r, const yaml_node *root) {
    const bool hidden = r->hidden;
    r->hidden = true; /* beside it there may stand a key, or a path that is one */
    check_authorities(r, root);
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        const yaml_node *node = written(root, span_cstr(options[i].path));
        if (node && options[i].holds(r->config, root))
            reader_warning(r, node, "%s has no effect %s", options[i].path, options[i].why);
    }
    check_rules(r, root);
    check_empty(r, root);
    check_names(r, root);
    r->hidden = hidden;
}
