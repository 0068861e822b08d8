/* alerts: what is told by itself, and to which webhooks. */
#include "config/alerts.h"

#include "config/keys.h"
#include "config/reader.h"
#include "config/units.h"
#include "config/write.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

enum { SECRET_MIN = 16, ALL_KINDS = (1u << ALERT_KINDS) - 1 };

const char *alert_kind_name(alert_kind k) {
    static const char *const names[] = {
#define X(id, name, level, again, sentence) name,
#include "config/alert_kinds.def"
#undef X
    };
    return names[k];
}

/* Where a value, or several with commas, or a list of them stands. */
typedef bool item_fn(reader *r, const option *o, span name, const yaml_node *node, span item,
                     void *field);

COLD static bool read_items(reader *r, const option *o, span name, const yaml_node *node,
                            item_fn *each, void *field) {
    const yaml_node *first = node->kind == YAML_LIST ? node->first : node;
    bool ok = true;
    if (node->kind == YAML_MAP || yaml_is_null(node)) return reader_expected(r, o, name, node);
    for (const yaml_node *item = first; item; item = node->kind == YAML_LIST ? item->next : NULL) {
        span rest, part;
        if (!reader_text(r, o, name, item, &rest)) return false;
        if (span_starts(rest, SPAN_OF("[")) && span_ends(rest, SPAN_OF("]")))
            rest = span_slice(rest, 1, rest.len - 1); /* a default, which is a text */
        while (span_cut(&rest, ',', &part))
            ok = ok && each(r, o, name, item, span_trim(part), field);
    }
    return ok;
}

/* ---- which kinds ---- */

static unsigned kinds_of(span word) {
    unsigned mask = 0;
    const bool any_rest = span_ends(word, SPAN_OF("*"));
    const span stem = span_slice(word, 0, word.len - any_rest);
    if (span_eq(word, SPAN_OF("all"))) return ALL_KINDS;
    for (unsigned k = 0; k < ALERT_KINDS; k++) {
        const span name = span_cstr(alert_kind_name((alert_kind)k));
        if (any_rest ? span_starts(name, stem) : span_eq(name, stem)) mask |= 1u << k;
    }
    return mask;
}

COLD static bool read_event(reader *r, const option *o, span name, const yaml_node *node, span item,
                            void *field) {
    (void)o;
    const unsigned mask = kinds_of(item);
    *(unsigned *)field |= mask;
    if (mask) return true;
    const span said = reader_quoted(r, item, "something else");
    buf all = BUF_EMPTY;
    for (unsigned k = 0; k < ALERT_KINDS; k++)
        buf_addf(&all, "%s%s", k ? ", " : "", alert_kind_name((alert_kind)k));
    reader_problem(r, node,
                   "%.*s names %.*s; expected all, or some of %.*s, or the beginning of some with "
                   "a * at its end",
                   SPAN_ARG(name), SPAN_ARG(said), SPAN_ARG(buf_span(&all)));
    buf_done(&all);
    return false;
}

COLD static bool read_events(reader *r, const option *o, span name, const yaml_node *node,
                             void *field) {
    unsigned mask = 0;
    const bool hidden = r->hidden;
    r->hidden = false;
    bool ok = read_items(r, o, name, node, read_event, &mask);
    if (ok && !mask) ok = reader_expected(r, o, name, node);
    r->hidden = hidden;
    if (ok) *(unsigned *)field = mask;
    return ok;
}
COLD static void write_events(const option *o, const void *field, buf *out) {
    (void)o;
    const unsigned mask = *(const unsigned *)field;
    bool more = false;
    if (mask == ALL_KINDS) {
        buf_add_cstr(out, "all");
        return;
    }
    buf_add_char(out, '[');
    for (unsigned k = 0; k < ALERT_KINDS; k++) {
        if (!(mask >> k & 1u)) continue;
        buf_addf(out, "%s%s", more ? ", " : "", alert_kind_name((alert_kind)k));
        more = true;
    }
    buf_add_char(out, ']');
}
const option_type type_alert_events = {"list of kinds", "all, or a list of kinds of alerts",
                                       read_events, write_events, TELLS_VALUE};

/* ---- shares of a budget ---- */

COLD static bool read_threshold(reader *r, const option *o, span name, const yaml_node *node,
                                span item, void *field) {
    config_thresholds *t = field;
    double share;
    if (!unit_ratio(item, &share) || share <= 0 || share > 1 || t->count == ALERT_THRESHOLDS_MAX)
        return reader_expected(r, o, name, node);
    if (t->count && t->items[t->count - 1] >= share) {
        reader_problem(r, node, "%.*s: each share is above the one before it", SPAN_ARG(name));
        return false;
    }
    t->items[t->count++] = share;
    return true;
}

COLD static bool read_thresholds(reader *r, const option *o, span name, const yaml_node *node,
                                 void *field) {
    config_thresholds t = {.count = 0};
    const bool off = node->kind == YAML_SCALAR && span_eq(node->text, SPAN_OF("off"));
    if (!off && !read_items(r, o, name, node, read_threshold, &t)) return false;
    *(config_thresholds *)field = t;
    return true;
}
COLD static void write_thresholds(const option *o, const void *field, buf *out) {
    (void)o;
    const config_thresholds *t = field;
    buf_add_char(out, '[');
    for (size_t i = 0; i < t->count; i++) {
        if (i) buf_add_cstr(out, ", ");
        unit_write_ratio(t->items[i], out);
    }
    buf_add_char(out, ']');
}
const option_type type_thresholds = {
    "percentages", "up to 8 percentages above 0 up to 100%, each above the one before, or off",
    read_thresholds, write_thresholds, TELLS_VALUE};

/* ---- a webhook's address and secret ---- */

COLD static bool read_url(reader *r, const option *o, span name, const yaml_node *node,
                          void *field) {
    const bool hidden = r->hidden;
    if (o->zero && node->kind == YAML_SCALAR && span_eq(node->text, span_cstr(o->zero)))
        return true;
    r->hidden = true;
    bool ok = type_tool_url.read(r, o, name, node, field);
    r->hidden = hidden;
    return ok;
}
/* Who knows the path of one of Slack's may post there: it is hidden as any tool's is. */
COLD static void write_url(const option *o, const void *field, buf *out) {
    const config_tool_url *url = field;
    if (!url->text.len && o->zero)
        buf_add_cstr(out, o->zero);
    else
        type_tool_url.write(o, field, out);
}
const option_type type_webhook_url = {"URL", "a URL such as https://example.com/alerts", read_url,
                                      write_url, TELLS_PLACE};

/* Of the form that Standard Webhooks gives secrets: whsec_ and base64 of 24 to 64 bytes. */
static bool good_secret(span text) {
    enum { LEAST = 24, MOST = 64 };
    static const span prefix = SPAN("whsec_");
    unsigned char bytes[4 * MOST];
    if (!span_starts(text, prefix)) return text.len >= SECRET_MIN;
    const span code = span_slice(text, prefix.len, text.len);
    if (!code.len || code.len % 4 || code.len > sizeof bytes) return false;
    int n = EVP_DecodeBlock(bytes, (const unsigned char *)code.ptr, (int)code.len);
    for (size_t i = 1; n > 0 && i <= 2 && code.ptr[code.len - i] == '='; i++)
        n--;
    OPENSSL_cleanse(bytes, sizeof bytes);
    return n >= LEAST && n <= MOST;
}

static bool is_secret(reader *r, span name, const yaml_node *node, const secret *key) {
    if (good_secret(secret_reveal(key))) return true;
    reader_problem(r, node,
                   "%.*s is too short or no whole one; expected at least %d characters that "
                   "nobody can guess, or whsec_ and the base64 of 24 to 64 bytes",
                   SPAN_ARG(name), SECRET_MIN);
    return false;
}

COLD static bool read_secret(reader *r, const option *o, span name, const yaml_node *node,
                             void *field) {
    return keys_read_one(r, o, name, node, is_secret, field);
}
const option_type type_webhook_secret = {"key", KEYS_ONE_EXPECTED, read_secret, keys_write_one,
                                         TELLS_SECRET};

/* ---- webhooks ---- */

COLD static bool read_webhook(reader *r, const option *o, span at, const yaml_node *node,
                              config_webhook *hook) {
    const option *url = option_find(&scope_webhook, SPAN_OF("url"));
    reader_defaults(r, &scope_webhook, hook);
    reader_origin(r, hook, node);
    if (node->kind == YAML_SCALAR) {
        if (!read_url(r, url, at, node, &hook->url)) return false;
        reader_written(r, url, &hook->url, node);
        private_url_warn(r, at, node, &hook->url, false);
        return true;
    }
    if (node->kind != YAML_MAP) return reader_expected(r, o, at, node);
    const span prefix = reader_name(r, "%.*s.", SPAN_ARG(at));
    if (!reader_scope(r, &scope_webhook, prefix, node, hook)) return false;
    private_url_warn(r, reader_name(r, "%.*surl", SPAN_ARG(prefix)), yaml_get(node, SPAN_OF("url")),
                     &hook->url, hook->allow_private);
    if (hook->format != WEBHOOK_SLACK || !hook->secret) return true;
    reader_warning(r, node, "%.*s.secret signs what Slack does not verify", SPAN_ARG(at));
    return true;
}

COLD static bool read_webhooks(reader *r, const option *o, span name, const yaml_node *node,
                               void *field) {
    config_alerts *a = CONTAINER_OF(field, config_alerts, webhooks);
    const bool list = node->kind == YAML_LIST, hidden = r->hidden;
    const size_t count = list ? node->count : 1;
    bool ok = true;
    if (yaml_is_null(node) || !count) return true;
    if (count > ALERT_WEBHOOKS_MAX) {
        reader_problem(r, node, "%.*s has %zu entries; allowed up to %d", SPAN_ARG(name), count,
                       ALERT_WEBHOOKS_MAX);
        return false;
    }
    a->webhooks = arena_zalloc(r->arena, count * sizeof *a->webhooks);
    r->hidden = true;
    for (const yaml_node *item = list ? node->first : node; item; item = list ? item->next : NULL) {
        const span at = list ? reader_name(r, "%.*s[%zu]", SPAN_ARG(name), a->webhook_count) : name;
        ok &= read_webhook(r, o, at, item, &a->webhooks[a->webhook_count++]);
    }
    r->hidden = hidden;
    return ok;
}

const option_type type_webhooks = {"list of webhooks", "a URL, a mapping or a list of these",
                                   read_webhooks, NULL, TELLS_PARTS};
