/* What no single option can tell: rules across options, and what is derived where nothing is said.
 * Runs after the whole file was read. */
#include "config/model_index.h"
#include "config/reader.h"
#include "config/tools.h"
#include "config/units.h"

#include <string.h>

/* The value at a dotted path, or NULL where the file does not have it. */
static const yaml_node *find_value(const yaml_node *root, span path) {
    span part;
    while (root && span_cut(&path, '.', &part))
        root = yaml_get(root, part);
    return root;
}

static const yaml_node *find_item(const yaml_node *node, size_t i) {
    if (!node || node->kind != YAML_LIST) return node;
    const yaml_node *item = node->first;
    while (item && i--)
        item = item->next;
    return item;
}

/* Turns are one process's own. */
COLD static void check_wait(reader *r, const yaml_node *root) {
    if (!r->config->limits.wait || !r->config->shared.on) return;
    reader_problem(
        r, find_value(root, SPAN_OF("limits.wait")),
        "limits.wait is on and limits are shared: turns are one weir's own, and a shared "
        "limit refuses; take limits.wait or shared away");
}

/* What is in the trail is what gets into the store. */
COLD static void check_audit(reader *r, const yaml_node *root) {
    if (!r->config->audit.on || r->config->ledger.on) return;
    reader_problem(r, find_value(root, SPAN_OF("audit")),
                   "audit is on and ledger is off: the trail is made of the ledger's records; "
                   "switch the ledger on, or audit off");
}

COLD static void check_keys(reader *r, const yaml_node *root) {
    if (r->config->keys != KEYS_ON || r->config->ledger.on) return;
    reader_problem(r, find_value(root, SPAN_OF("keys")),
                   "keys is on and ledger is off: the keys are in the ledger's store; switch the "
                   "ledger on, or keys off");
}

/* Somebody has to be asked. */
COLD static void check_approver(reader *r, const yaml_node *root) {
    const config *c = r->config;
    const config_webhook *hook = &c->functions.approval.webhook;
    private_url_warn(r, SPAN_OF("functions.approval.url"),
                     find_value(root, SPAN_OF("functions.approval.url")), &hook->url,
                     hook->allow_private);
    if (hook->url.text.len) return;
    for (size_t i = 0; i < c->tool_count; i++) {
        if (c->tools[i].approve != CONFIG_APPROVE_WEBHOOK) continue;
        reader_problem(r, find_value(root, SPAN_OF("tools")),
                       "tools.%.*s.approve is webhook, and functions.approval.url, which would be "
                       "asked, is not set",
                       SPAN_ARG(c->tools[i].name));
        return;
    }
}

/* A run that waits has to wait somewhere. */
COLD static void check_approvals(reader *r, const yaml_node *root) {
    const config *c = r->config;
    for (size_t i = 0; i < c->tool_count; i++) {
        if (c->tools[i].approve != CONFIG_APPROVE_ASK || c->ledger.on) continue;
        reader_problem(r, find_value(root, SPAN_OF("ledger")),
                       "ledger is off, and tools.%.*s.approve is ask: a run that waits is kept in "
                       "the ledger's store; switch the ledger on, or approve off",
                       SPAN_ARG(c->tools[i].name));
        return;
    }
}

COLD static void check_external_guard(reader *r, const yaml_node *root) {
    const config *c = r->config;
    const span name = c->guard.external.tool;
    const yaml_node *node = find_value(root, SPAN_OF("guard.external.tool"));
    const span said = reader_quoted(r, name, "another one");
    for (size_t i = 0; i < c->tool_count; i++) {
        const config_tool_kind kind = c->tools[i].kind;
        if (!span_eq(c->tools[i].name, name)) continue;
        if (kind == CONFIG_TOOL_HTTP || kind == CONFIG_TOOL_COMMAND) return;
        reader_problem(r, node,
                       "guard.external.tool is %.*s, which is neither an http nor a command tool",
                       SPAN_ARG(said));
        return;
    }
    if (name.len)
        reader_problem(r, node, "guard.external.tool is %.*s, and tools has none of that name",
                       SPAN_ARG(said));
}

COLD static void check_listeners(reader *r, const yaml_node *root) {
    const config *c = r->config;
    const yaml_node *clients = find_value(root, SPAN_OF("clients"));
    /* Entries that could not be read have their own message. */
    bool some = config_asks_keys(c) || (clients && clients->count);
    if (some && c->server.open)
        reader_warning(r, find_value(root, SPAN_OF("server.open")),
                       "server.open has no effect where there are clients: a key is asked for");
    if (some && c->server.host_count)
        reader_warning(r, find_value(root, SPAN_OF("server.hosts")),
                       "server.hosts has no effect where there are clients: a key is asked for");
    if (some || c->server.open) return;
    const yaml_node *listen = find_value(root, SPAN_OF("listen"));
    for (size_t i = 0; i < c->listener_count; i++) {
        if (c->listeners[i].loopback) continue;
        const yaml_node *item = find_item(listen, i);
        span said = reader_number(r, listen_address(item), "an address");
        reader_problem(r, item,
                       "listen is %.*s, which other machines reach, but there are no clients; add "
                       "clients with their keys, or set server.open: true to serve anyone",
                       SPAN_ARG(said));
    }
}

/* "weir.internal", "*.internal" or "*". */
static bool is_host_pattern(span text) {
    if (span_eq(text, SPAN_OF("*"))) return true;
    if (span_starts(text, SPAN_OF("*."))) text = span_slice(text, 2, text.len);
    if (span_ends(text, SPAN_OF("."))) text.len--;
    static const char *const good =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    for (size_t i = 0; i < text.len; i++)
        if (!text.ptr[i] || !strchr(good, text.ptr[i])) return false;
    return text.len && text.ptr[0] != '.' && span_find_span(text, 0, SPAN_OF("..")) == text.len;
}

COLD static void check_hosts(reader *r, const yaml_node *root) {
    const config *c = r->config;
    const yaml_node *node = find_value(root, SPAN_OF("server.hosts"));
    for (size_t i = 0; i < c->server.host_count; i++) {
        if (is_host_pattern(c->server.hosts[i])) continue;
        const yaml_node *item = find_item(node, i);
        span said = reader_said(r, item, "another text");
        reader_problem(r, item,
                       "server.hosts has %.*s; expected a name without a port such as "
                       "weir.internal, *.internal for all below it, or \"*\"",
                       SPAN_ARG(said));
    }
}

/* Who has a key of both would see more than he knows, or less. */
COLD static void check_admin(reader *r, const yaml_node *root) {
    const config *c = r->config;
    const yaml_node *node = find_value(root, SPAN_OF("admin.keys"));
    for (size_t i = 0; i < c->admin.key_count; i++)
        for (size_t k = 0; k < c->client_count; k++)
            for (size_t n = 0; n < c->clients[k].key_count; n++)
                if (!memcmp(c->admin.keys[i], c->clients[k].keys[n], sizeof c->admin.keys[i]))
                    reader_problem(
                        r, find_item(node, i),
                        "admin.keys has a key that is a client's, too; each has its own");
}

/* "tauri://localhost", "chrome-extension://abcdef": of pages that come with an app. */
static bool is_app_origin(span scheme, span host) {
    static const char *const names = "abcdefghijklmnopqrstuvwxyz0123456789-.";
    for (size_t i = 0; i < scheme.len; i++)
        if (!scheme.ptr[i] || !strchr(names, scheme.ptr[i])) return false;
    for (size_t i = 0; i < host.len; i++)
        if (!host.ptr[i] || !strchr(names, host.ptr[i])) return false;
    return scheme.len && host.len && !span_eq(scheme, SPAN_OF("http")) &&
           !span_eq(scheme, SPAN_OF("https"));
}

/* "https://app.example.com", as browsers send it (RFC 6454 section 6.2): no path, no slash. */
static bool is_origin(reader *r, span text) {
    config_url url;
    const char *why;
    size_t scheme = span_find_span(text, 0, SPAN_OF("://"));
    if (scheme == text.len || span_find(text, scheme + 3, '/') < text.len) return false;
    if (is_app_origin(span_slice(text, 0, scheme), span_slice(text, scheme + 3, text.len)))
        return true;
    return config_url_parse(text, r->scratch, &url, &why) && span_eq(url.text, text);
}

COLD static void check_cors(reader *r, const yaml_node *root) {
    const config_cors *cors = &r->config->cors;
    const yaml_node *node = find_value(root, SPAN_OF("cors.origins"));
    for (size_t i = 0; i < cors->origin_count; i++) {
        span origin = cors->origins[i];
        const yaml_node *at = find_item(node, i);
        if (span_eq(origin, SPAN_OF("*"))) {
            if (cors->origin_count > 1)
                reader_problem(r, at,
                               "cors.origins has \"*\" beside other origins; \"*\" stands alone");
            if (cors->credentials)
                reader_problem(
                    r, at,
                    "cors.origins is \"*\" while cors.credentials is true; browsers refuse "
                    "that: name the origins, or set credentials: false");
        } else if (!is_origin(r, origin)) {
            span said = reader_said(r, at, "another text");
            reader_problem(
                r, at,
                "cors.origins has %.*s; expected an origin such as "
                "https://app.example.com (lower case, no path, no default port), or \"*\"",
                SPAN_ARG(said));
        }
    }
}

static bool is_passthrough(span path) {
    if (!span_starts(path, SPAN_OF("/v1/")) || path.len < 5) return false;
    if (span_find(path, 0, '*') + 1 < path.len) return false;
    for (size_t i = 0; i < path.len; i++)
        if (path.ptr[i] <= ' ' || path.ptr[i] >= 0x7F || strchr("?#%\\\"", path.ptr[i]))
            return false;
    return span_find_span(path, 0, SPAN_OF("..")) == path.len &&
           span_find_span(path, 0, SPAN_OF("//")) == path.len;
}

COLD static void check_passthrough(reader *r, const yaml_node *root) {
    const config *c = r->config;
    const yaml_node *node = find_value(root, SPAN_OF("passthrough"));
    for (size_t i = 0; i < c->passthrough_count; i++) {
        if (is_passthrough(c->passthrough[i])) continue;
        const yaml_node *item = find_item(node, i);
        span said = reader_said(r, item, "another text");
        reader_problem(
            r, item,
            "passthrough has %.*s; expected a path such as /v1/audio/speech or /v1/audio/*",
            SPAN_ARG(said));
    }
}

/* As the file says it, or else its default. */
static span number_of(reader *r, const yaml_node *root, const char *path) {
    const yaml_node *node = find_value(root, span_cstr(path));
    const option *o = option_find(&scope_file, span_cstr(path));
    return node ? reader_number(r, node, "out of range") : span_cstr(o->standard);
}

/* low may not be above high. */
COLD static void check_order(reader *r, const yaml_node *root, bool wrong, const char *low,
                             const char *high) {
    if (!wrong) return;
    const yaml_node *node = find_value(root, span_cstr(low));
    if (!node) node = find_value(root, span_cstr(high));
    span is = number_of(r, root, low), most = number_of(r, root, high);
    reader_problem(r, node, "%s is %.*s; allowed up to %s, which is %.*s", low, SPAN_ARG(is), high,
                   SPAN_ARG(most));
}

COLD static void check_orders(reader *r, const yaml_node *root) {
    const config *c = r->config;
    check_order(r, root, c->retry.base_ms > c->retry.cap_ms, "retry.base", "retry.cap");
    check_order(r, root, c->chat.max_tokens > c->chat.max_tokens_limit, "chat.max_tokens",
                "chat.max_tokens_limit");
    check_order(r, root, c->chat.temperature > c->chat.temperature_limit, "chat.temperature",
                "chat.temperature_limit");
    check_order(r, root, c->limits.url_bytes > c->limits.head_bytes, "limits.url", "limits.head");
}

/* No models: everything goes to the first provider, under its own name. */
static void derive_models(reader *r) {
    config *c = r->config;
    if (c->models || c->provider_count == 0) return;
    c->models = arena_zalloc(r->arena, sizeof *c->models);
    c->models->name = SPAN_OF("*");
    c->models->targets = arena_zalloc(r->arena, sizeof *c->models->targets);
    *c->models->targets =
        (config_target){.provider = &c->providers[0], .weight = 1, .name = c->providers[0].name};
    c->models->target_count = 1;
    c->model_count = 1;
    c->model_index = model_index_new(r->arena, c->models, 1);
}

COLD static void check_chat_model(reader *r, const yaml_node *root) {
    const config *c = r->config;
    if (c->model_count == 0 || config_find_model(c, c->chat.model)) return;
    const yaml_node *node = find_value(root, SPAN_OF("chat.model"));
    span said = node ? reader_said(r, node, "a model")
                     : reader_quoted(r, c->chat.model, "a model"); /* the default */
    reader_warning(r, node,
                   "chat.model is %.*s, which no entry of models serves: /chat works only where a "
                   "request names a model",
                   SPAN_ARG(said));
}

/* A body for which there is never room. */
COLD static void check_memory(reader *r, const yaml_node *root) {
    const config_limits *limits = &r->config->limits;
    if (limits->body_bytes <= limits->memory_bytes) return;
    buf text = BUF_EMPTY;
    buf_add_cstr(&text, "limits.body is ");
    unit_write_size((int64_t)limits->body_bytes, &text);
    buf_add_cstr(&text, ", more than limits.memory, which is ");
    unit_write_size((int64_t)limits->memory_bytes, &text);
    if (!limits->memory_told) buf_add_cstr(&text, " of what memory there is");
    const yaml_node *node = find_value(root, SPAN_OF("limits.memory"));
    reader_warning(r, node ? node : find_value(root, SPAN_OF("limits.body")),
                   "%.*s: larger bodies are refused", SPAN_ARG(buf_span(&text)));
    buf_done(&text);
}

/* So that a call need not ask each where there are none. */
static void derive_quotas(config_limits *l) {
    l->quotas = config_limits_anything(&l->user) || config_limits_anything(&l->address) ||
                l->model.count || l->tag.count;
}

void rules_check(reader *r, const yaml_node *root) {
    check_audit(r, root);
    check_wait(r, root);
    check_keys(r, root);
    check_approver(r, root);
    check_approvals(r, root);
    check_external_guard(r, root);
    check_listeners(r, root);
    check_hosts(r, root);
    check_admin(r, root);
    check_cors(r, root);
    check_passthrough(r, root);
    clients_check(r, root);
    check_orders(r, root);
    (void)sizes_check(r, SPAN_EMPTY, root);
    derive_models(r);
    timeouts_settle(r->config);
    memory_settle(r->config);
    derive_quotas(&r->config->limits);
    auth_check(r, root);
    telemetry_settle(r, root);
    tools_check(r, root);
    cache_check(r, root);
    guard_settle(r);
    check_memory(r, root);
    check_chat_model(r, root);
}
