/* weir check --explain: values that have options of their own and stand on one line. */
#include "config/explain.h"

/* Opens the mapping, or parts what stands in it already. */
COLD static void add_name(const char *name, buf *out) {
    if (out->ptr[out->len - 1] != '{') buf_add_cstr(out, ", ");
    buf_addf(out, "%s: ", name);
}

COLD static void add_option(const explainer *e, const option *o, const void *base, buf *out) {
    add_name(o->path, out);
    explain_value(e, o, base, out);
}

/* ---- webhooks ---- */

COLD static void write_webhook(const explainer *e, const config_webhook *hook, buf *out) {
    buf text = BUF_EMPTY;
    buf_add_char(out, '{');
    for (size_t i = 0; i < scope_webhook.count; i++) {
        const option *o = &scope_webhook.options[i];
        buf_clear(&text);
        explain_value(e, o, hook, &text);
        if (!o->required && explain_says_nothing(o, buf_span(&text))) continue;
        add_name(o->path, out);
        buf_add(out, buf_span(&text));
    }
    buf_add_char(out, '}');
    buf_done(&text);
}

COLD static void write_webhooks(const explainer *e, const config_alerts *a, buf *out) {
    buf_add_char(out, '[');
    for (size_t i = 0; i < a->webhook_count; i++) {
        if (i) buf_add_cstr(out, ", ");
        write_webhook(e, &a->webhooks[i], out);
    }
    buf_add_char(out, ']');
}

/* ---- rules of a guard ---- */

/* What has its default is left out. */
COLD static bool says(const config_guard_rule *rule, const option *o) {
    const void *field = (const char *)rule + o->offset;
    if (o->type == &type_text) return ((const span *)field)->len > 0;
    if (o->type == &type_texts) return *(span *const *)field != NULL;
    if (o->type == &type_number) return *(const double *)field > 0;
    return *(const unsigned *)field != 0; /* words and counts */
}

COLD static void write_guard_rules(const explainer *e, const config_guard_rules *rules, buf *out) {
    buf_add_char(out, '[');
    for (size_t i = 0; i < rules->count; i++) {
        buf_add_cstr(out, i ? ", {" : "{");
        for (size_t k = 0; k < scope_guard_rule.count; k++)
            if (says(&rules->items[i], &scope_guard_rule.options[k]))
                add_option(e, &scope_guard_rule.options[k], &rules->items[i], out);
        buf_add_char(out, '}');
    }
    buf_add_char(out, ']');
}

/* ---- servers of Redis ---- */

COLD static void write_redis(const explainer *e, const option_scope *scope, const config_redis *c,
                             buf *out) {
    if (!c->on) {
        buf_add_cstr(out, "off");
        return;
    }
    buf_add_char(out, '{');
    for (size_t i = 0; i < scope->count; i++) {
        const option *o = &scope->options[i];
        if (o->type == &type_redis_password) continue; /* told with the address */
        if (o->type == &type_file && !c->ca_file.len) continue;
        add_option(e, o, c, out);
    }
    buf_add_char(out, '}');
}

/* Of one that is the server of `shared` only how long it is waited for is its own. */
COLD static void write_cache_store(const explainer *e, const config_cache *c, buf *out) {
    if (!c->store_of_shared) {
        write_redis(e, &scope_cache_store, &c->store, out);
        return;
    }
    buf_add_char(out, '{');
    add_option(e, option_find(&scope_cache_store, SPAN_OF("timeout")), &c->store, out);
    buf_add_char(out, '}');
}

bool explain_parts(const explainer *e, const option *o, const void *field, buf *out) {
    if (o->type == &type_webhooks)
        write_webhooks(e, CONTAINER_OF(field, config_alerts, webhooks), out);
    else if (o->type == &type_guard_rules)
        write_guard_rules(e, field, out);
    else if (o->type == &type_redis)
        write_redis(e, &scope_redis, field, out);
    else if (o->type == &type_cache_store)
        write_cache_store(e, CONTAINER_OF(field, config_cache, store), out);
    else
        return false;
    return true;
}
