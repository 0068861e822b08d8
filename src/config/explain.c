/* weir check --explain: the effective configuration. What it writes is itself a configuration,
 * which reads back as the same one, secrets apart. */
#include "config/explain.h"

#include "config/reader.h"
#include "config/tools.h"
#include "config/write.h"

#include <string.h>

enum { ORIGIN_COLUMN = 48 };

static void start_line(explainer *e, unsigned depth, size_t *ret_start) {
    *ret_start = e->out->len;
    for (unsigned i = 0; i < depth; i++)
        buf_add_cstr(e->out, "  ");
}

static void end_line(explainer *e, size_t start, const void *field) {
    const config_origin *from = field ? config_origin_of(e->config, field) : NULL;
    if (field && !e->compared) {
        do
            buf_add_char(e->out, ' ');
        while (e->out->len - start < ORIGIN_COLUMN);
        if (from && from->setting.len)
            buf_addf(e->out, "# %.*s", SPAN_ARG(from->setting));
        else if (from)
            buf_addf(e->out, "# %.*s:%u", SPAN_ARG(e->config->own->file), from->line);
        else
            buf_add_cstr(e->out, "# default");
    }
    buf_add_char(e->out, '\n');
}

COLD static void write_line(explainer *e, unsigned depth, span text, const void *field) {
    size_t start;
    start_line(e, depth, &start);
    buf_add(e->out, text);
    end_line(e, start, field);
}

COLD static void write_heading(explainer *e, unsigned depth, span name, const void *field) {
    size_t start;
    start_line(e, depth, &start);
    write_string(name, e->out);
    buf_add_char(e->out, ':');
    end_line(e, start, field);
}

COLD static void write_scope(explainer *e, const option_scope *scope, span section,
                             const void *base, unsigned depth);

/* ---- what one option comes to ---- */

void explain_value(const explainer *e, const option *o, const void *base, buf *out) {
    const void *field = (const char *)base + o->offset;
    const span written = e->compared ? SPAN_EMPTY : config_written_of(e->config, o, field);
    if (written.len)
        buf_add(out, written);
    else if (!explain_parts(e, o, field, out))
        o->type->write(o, field, out);
}

bool explain_entry(const explainer *e, const void *entry, buf *out) {
    const span written = e->compared ? SPAN_EMPTY : config_written_of(e->config, NULL, entry);
    buf_add(out, written);
    return written.len > 0;
}

bool explain_says_nothing(const option *o, span written) {
    static const span nothing[] = {SPAN(""), SPAN("\"\""), SPAN("[]"), SPAN("{}"), SPAN("never")};
    for (size_t i = 0; i < ARRAY_LEN(nothing); i++)
        if (span_eq(written, nothing[i])) return true;
    return o->standard && span_eq(written, span_cstr(o->standard));
}

/* ---- lists and mappings of things ---- */

COLD static void write_listener(const config_listener *l, buf *out) {
    if (l->tls_cert.len) buf_add_cstr(out, "{address: ");
    write_string(l->text, out);
    if (!l->tls_cert.len) return;
    buf_add_cstr(out, ", tls: {cert: ");
    write_string(l->tls_cert, out);
    buf_add_cstr(out, ", key: ");
    write_string(l->tls_key, out);
    buf_add_cstr(out, "}}");
}

COLD static void write_listeners(explainer *e, unsigned depth) {
    const config *c = e->config;
    write_heading(e, depth, SPAN_OF("listen"), NULL);
    for (size_t i = 0; i < c->listener_count; i++) {
        const config_listener *l = &c->listeners[i];
        size_t start;
        start_line(e, depth + 1, &start);
        buf_add_cstr(e->out, "- ");
        if (!explain_entry(e, l, e->out)) write_listener(l, e->out);
        end_line(e, start, l);
    }
}

COLD static void write_providers(explainer *e, unsigned depth) {
    const config *c = e->config;
    if (c->provider_count == 0) {
        write_line(e, depth, SPAN_OF("providers: {}"), c);
        return;
    }
    write_heading(e, depth, SPAN_OF("providers"), NULL);
    for (size_t i = 0; i < c->provider_count; i++) {
        write_heading(e, depth + 1, c->providers[i].name, &c->providers[i]);
        write_scope(e, &scope_provider, SPAN_EMPTY, &c->providers[i], depth + 2);
    }
}

COLD static void write_target(const config_model *m, const config_target *t, buf *out) {
    const bool weighted = m->pick == PICK_WEIGHTED;
    if (weighted) buf_add_cstr(out, "{to: ");
    write_string(t->name, out);
    if (weighted) buf_addf(out, ", weight: %u}", t->weight);
}

COLD static void write_targets(explainer *e, const config_model *m, unsigned depth) {
    write_heading(e, depth, SPAN_OF("targets"), NULL);
    for (size_t i = 0; i < m->target_count; i++) {
        size_t start;
        start_line(e, depth + 1, &start);
        buf_add_cstr(e->out, "- ");
        if (!explain_entry(e, &m->targets[i], e->out)) write_target(m, &m->targets[i], e->out);
        end_line(e, start, NULL);
    }
}

COLD static void write_models(explainer *e, unsigned depth) {
    const config *c = e->config;
    if (c->model_count == 0)
        return; /* without providers alone; an empty mapping is no way to say it */
    write_heading(e, depth, SPAN_OF("models"), NULL);
    for (size_t i = 0; i < c->model_count; i++) {
        write_heading(e, depth + 1, c->models[i].name, &c->models[i]);
        write_scope(e, &scope_model, SPAN_EMPTY, &c->models[i], depth + 2);
    }
}

COLD static void write_prices(explainer *e, unsigned depth) {
    const config *c = e->config;
    if (c->price_count == 0) {
        write_line(e, depth, SPAN_OF("prices: {}"), &c->prices);
        return;
    }
    write_heading(e, depth, SPAN_OF("prices"), NULL);
    for (size_t i = 0; i < c->price_count; i++) {
        size_t start;
        start_line(e, depth + 1, &start);
        write_string(c->prices[i].pattern, e->out);
        buf_add_cstr(e->out, ": ");
        config_price_write(&c->prices[i], e->out);
        end_line(e, start, &c->prices[i]);
    }
}

/* The environment always, of the rest what is set. They are a client's options, and known by these:
 * scope_rights has the same for keys of the store. */
COLD static void write_rights(const explainer *e, const config_client *client) {
    buf text = BUF_EMPTY;
    for (size_t i = 0; i < scope_rights.count; i++) {
        const option *o = option_find(&scope_client, span_cstr(scope_rights.options[i].path));
        if (strchr(o->path, '.'))
            continue; /* of a section: the limits, which have their own form */
        buf_clear(&text);
        explain_value(e, o, client, &text);
        if (!i || !explain_says_nothing(o, buf_span(&text)))
            buf_addf(e->out, ", %s: %.*s", o->path, SPAN_ARG(buf_span(&text)));
    }
    buf_done(&text);
}

COLD static void write_client_limits(const config_client *client, buf *out) {
    const bool sizes = config_sizes_anything(&client->sizes);
    if (!sizes && !config_limits_anything(&client->limits)) return;
    buf_add_cstr(out, ", limits: ");
    config_limits_write(&client->limits, out);
    if (!sizes) return;
    out->len--;
    if (out->ptr[out->len - 1] != '{') buf_add_cstr(out, ", ");
    buf_add_cstr(out, "request: ");
    config_sizes_write(&client->sizes, out);
    buf_add_char(out, '}');
}

COLD static void write_value(explainer *e, const option *o, const void *base, unsigned depth);

COLD static void write_tools(explainer *e, unsigned depth) {
    const config *c = e->config;
    if (c->tool_count == 0) {
        write_line(e, depth, SPAN_OF("tools: {}"), &c->tools);
        return;
    }
    write_heading(e, depth, SPAN_OF("tools"), NULL);
    for (size_t i = 0; i < c->tool_count; i++) {
        const config_tool *t = &c->tools[i];
        write_heading(e, depth + 1, t->name, t);
        for (size_t k = 0; k < scope_tool.count; k++)
            if (tool_option_is_for(&scope_tool.options[k], t->kind))
                write_value(e, &scope_tool.options[k], t, depth + 2);
    }
}

COLD static void write_clients(explainer *e, unsigned depth) {
    const config *c = e->config;
    if (c->client_count == 0) {
        write_line(e, depth, SPAN_OF("clients: []"), c);
        return;
    }
    write_heading(e, depth, SPAN_OF("clients"), NULL);
    for (size_t i = 0; i < c->client_count; i++) {
        const config_client *client = &c->clients[i];
        size_t start;
        start_line(e, depth + 1, &start);
        buf_add_cstr(e->out, "- {name: ");
        explain_value(e, option_find(&scope_client, SPAN_OF("name")), client, e->out);
        buf_add_cstr(e->out, ", key: ");
        explain_value(e, option_find(&scope_client, SPAN_OF("key")), client, e->out);
        write_rights(e, client);
        write_client_limits(client, e->out);
        if (config_guard_says(&client->guard)) {
            buf_add_cstr(e->out, ", guard: ");
            config_guard_write(&client->guard, e->out);
        }
        if (config_answer_limited(&client->answer)) {
            buf_add_cstr(e->out, ", output: ");
            config_answer_write(&client->answer, e->out);
        }
        buf_add_char(e->out, '}');
        end_line(e, start, client);
    }
}

COLD static void write_limit_rules(explainer *e, span name, const config_limit_rules *rules,
                                   unsigned depth) {
    if (rules->count == 0) return;
    write_heading(e, depth, name, NULL);
    for (size_t i = 0; i < rules->count; i++) {
        size_t start;
        start_line(e, depth + 1, &start);
        write_string(rules->items[i].pattern, e->out);
        buf_add_cstr(e->out, ": ");
        config_limits_write(&rules->items[i].limits, e->out);
        end_line(e, start, &rules->items[i]);
    }
}

/* ---- single options ---- */

static span last_part(const char *path) {
    const char *dot = strrchr(path, '.');
    return span_cstr(dot ? dot + 1 : path);
}

/* What there is no way to write: an empty path, a deadline that is another scope's. */
static bool is_unset(const option *o, const void *base) {
    const void *field = (const char *)base + o->offset;
    if (o->inherits && o->words) return *(const int *)field == 0;
    if (o->inherits) return *(const int64_t *)field == 0;
    if (o->type == &type_guard_files) return ((const config_guard_files *)field)->count == 0;
    if (o->type == &type_guard_rules) return ((const config_guard_rules *)field)->count == 0;
    if (o->type == &type_guard_actions) return ((const config_guard_overrides *)field)->count == 0;
    if (o->type == &type_quotas || o->type == &type_spend_quotas)
        return ((const config_quotas *)field)->count == 0;
    bool is_text = o->type == &type_file || o->type == &type_json;
    return is_text && ((const span *)field)->len == 0;
}

COLD static void write_value(explainer *e, const option *o, const void *base, unsigned depth) {
    const char *field = (const char *)base + o->offset;
    size_t start;
    if (is_unset(o, base)) return;
    start_line(e, depth, &start);
    buf_add(e->out, last_part(o->path));
    buf_add_cstr(e->out, ": ");
    explain_value(e, o, base, e->out);
    end_line(e, start, field);
}

COLD static void write_option(explainer *e, const option *o, const void *base, unsigned depth) {
    if (o->type == &type_listen)
        write_listeners(e, depth);
    else if (o->type == &type_providers)
        write_providers(e, depth);
    else if (o->type == &type_models)
        write_models(e, depth);
    else if (o->type == &type_clients)
        write_clients(e, depth);
    else if (o->type == &type_limit_rules)
        write_limit_rules(e, last_part(o->path), (const void *)((const char *)base + o->offset),
                          depth);
    else if (o->type == &type_prices)
        write_prices(e, depth);
    else if (o->type == &type_tools)
        write_tools(e, depth);
    else if (o->type == &type_targets)
        write_targets(e, base, depth);
    else
        write_value(e, o, base, depth);
}

static bool is_on(const option_scope *scope, span section, const void *base) {
    const option *o = option_find(scope, section);
    return !o || *(const bool *)((const char *)base + o->offset);
}

/* Whether anything would be written of a section. */
static bool any_set(const option_scope *scope, span section, const void *base) {
    for (size_t i = 0; i < scope->count; i++) {
        const option *o = &scope->options[i];
        span path = span_cstr(o->path);
        bool inside =
            path.len > section.len && span_starts(path, section) && path.ptr[section.len] == '.';
        if (inside && !is_unset(o, base)) return true;
    }
    return false;
}

/* The options directly in section ("" or "retry"), and the sections in it. */
COLD static void write_scope(explainer *e, const option_scope *scope, span section,
                             const void *base, unsigned depth) {
    span last = SPAN_EMPTY;
    size_t skip = section.len ? section.len + 1 : 0;
    for (size_t i = 0; i < scope->count; i++) {
        const option *o = &scope->options[i];
        span path = span_cstr(o->path);
        bool inside = path.len > skip && span_starts(path, section) &&
                      (skip == 0 || path.ptr[section.len] == '.');
        if (!inside) continue;
        size_t dot = span_find(path, skip, '.');
        span inner = span_slice(path, 0, dot);
        if (dot == path.len && !(o->type == &type_section && is_on(scope, path, base))) {
            write_option(e, o, base, depth);
        } else if (dot < path.len && !span_eq(inner, last) && is_on(scope, inner, base) &&
                   any_set(scope, inner, base)) {
            last = inner;
            write_heading(e, depth, span_slice(inner, skip, inner.len), NULL);
            write_scope(e, scope, inner, base, depth + 1);
        }
    }
}

void config_explain(const config *c, buf *out) {
    explainer e = {.config = c, .out = out};
    if (c->path.len)
        buf_addf(out, "# The effective configuration, from %.*s\n", SPAN_ARG(c->path));
    else
        buf_add_cstr(out, "# The effective configuration, without a file\n");
    write_scope(&e, &scope_file, SPAN_EMPTY, c, 0);
}

bool config_needs_restart(const config *old, const config *fresh, buf *out) {
    bool any = false;
    buf a = BUF_EMPTY, b = BUF_EMPTY;
    for (size_t i = 0; i < scope_file.count; i++) {
        const option *o = &scope_file.options[i];
        if (!o->restart) continue;
        buf_clear(&a);
        buf_clear(&b);
        write_option(&(explainer){old, &a, true}, o, old, 0);
        write_option(&(explainer){fresh, &b, true}, o, fresh, 0);
        bool same_secret =
            (o->type != &type_store || span_eq(old->ledger.store, fresh->ledger.store)) &&
            (o->type != &type_audit_key || secret_eq(old->audit.key, fresh->audit.key)) &&
            (o->type != &type_redis || config_redis_same(&old->shared, &fresh->shared)) &&
            (o->type != &type_cache_store ||
             config_redis_same(&old->cache.store, &fresh->cache.store));
        if (span_eq(buf_span(&a), buf_span(&b)) && same_secret) continue;
        if (any) buf_add_cstr(out, ", ");
        buf_add_cstr(out, o->path);
        any = true;
    }
    buf_done(&a);
    buf_done(&b);
    return any;
}
