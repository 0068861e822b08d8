/* limits of how much in how long: of clients, users, addresses, models, targets and tags. */
#include "config/quota.h"

#include "config/reader.h"
#include "config/units.h"
#include "config/write.h"

enum { RULES_MAX = 10000, RULE_NAME_MAX = 200 };
#define AMOUNT_MAX ((int64_t)1000 * 1000 * 1000 * 1000)
/* Nano units: nine million, which a double still holds to the unit (limit/shared.lua). */
#define MONEY_MAX ((int64_t)9000 * 1000 * 1000 * 1000 * 1000)

const span config_period_names[CONFIG_PERIODS] = {
    [PERIOD_SECOND] = SPAN("s"), [PERIOD_MINUTE] = SPAN("m"),    [PERIOD_HOUR] = SPAN("h"),
    [PERIOD_DAY] = SPAN("d"),    [PERIOD_MONTH] = SPAN("month"),
};

int64_t config_period_us(config_period per) {
    static const int64_t seconds[CONFIG_PERIODS] = {1, 60, 3600, 86400, 30 * 86400};
    return seconds[per] * 1000 * 1000;
}

bool config_limits_anything(const config_limit_set *s) {
    return s->requests.count || s->tokens.count || s->spend.count || s->parallel;
}

/* ---- one quota ---- */

static bool parse_period(span word, config_period *ret) {
    for (size_t i = 0; i < CONFIG_PERIODS; i++)
        if (span_eq(word, config_period_names[i])) {
            *ret = (config_period)i;
            return true;
        }
    return false;
}

typedef bool parse_amount(span text, int64_t *ret);

static bool parse_quota(span text, parse_amount *amount, int64_t most, config_quota *ret) {
    size_t slash = span_find(text, 0, '/');
    return slash < text.len && amount(span_slice(text, 0, slash), &ret->amount) &&
           ret->amount > 0 && ret->amount <= most &&
           parse_period(span_slice(text, slash + 1, text.len), &ret->per);
}

static bool parse_count_quota(span text, config_quota *ret) {
    return parse_quota(text, unit_count, AMOUNT_MAX, ret);
}

/* A budget is money by the calendar. */
static bool parse_spend_quota(span text, config_quota *ret) {
    return parse_quota(text, unit_money, MONEY_MAX, ret) && ret->per >= PERIOD_DAY;
}

/* ---- one, or a list of them ---- */

typedef bool parse_one(span text, config_quota *ret);

COLD static bool add_quota(reader *r, const option *o, span name, const yaml_node *node,
                           parse_one *parse, config_quotas *q) {
    span text;
    config_quota one;
    if (!reader_text(r, o, name, node, &text)) return false;
    if (!parse(text, &one)) return reader_expected(r, o, name, node);
    for (unsigned i = 0; i < q->count; i++) {
        if (q->items[i].per != one.per) continue;
        reader_problem(r, node, "%.*s has a second limit per %.*s; expected one for each period",
                       SPAN_ARG(name), SPAN_ARG(config_period_names[one.per]));
        return false;
    }
    q->items[q->count++] = one;
    return true;
}

COLD static bool read_quotas(reader *r, const option *o, span name, const yaml_node *node,
                             parse_one *parse, config_quotas *ret) {
    config_quotas q = {0};
    size_t n = 0;
    if (node->kind != YAML_LIST) {
        if (!add_quota(r, o, name, node, parse, &q)) return false;
    } else if (node->count > QUOTAS_MAX) {
        reader_problem(r, node, "%.*s has %zu limits; allowed up to %d", SPAN_ARG(name),
                       node->count, QUOTAS_MAX);
        return false;
    }
    for (const yaml_node *i = node->kind == YAML_LIST ? node->first : NULL; i; i = i->next)
        if (!add_quota(r, o, reader_name(r, "%.*s[%zu]", SPAN_ARG(name), n++), i, parse, &q))
            return false;
    *ret = q;
    return true;
}

COLD static bool read_counts(reader *r, const option *o, span name, const yaml_node *node,
                             void *field) {
    return read_quotas(r, o, name, node, parse_count_quota, field);
}

COLD static bool read_spends(reader *r, const option *o, span name, const yaml_node *node,
                             void *field) {
    return read_quotas(r, o, name, node, parse_spend_quota, field);
}

typedef void write_amount(int64_t amount, buf *out);

COLD static void write_count(int64_t amount, buf *out) {
    buf_add_i64(out, amount);
}

COLD static void write_quotas(const config_quotas *q, write_amount *amount, buf *out) {
    if (q->count != 1) buf_add_char(out, '[');
    for (unsigned i = 0; i < q->count; i++) {
        if (i) buf_add_cstr(out, ", ");
        amount(q->items[i].amount, out);
        buf_add_char(out, '/');
        buf_add(out, config_period_names[q->items[i].per]);
    }
    if (q->count != 1) buf_add_char(out, ']');
}

COLD static void write_counts(const option *o, const void *field, buf *out) {
    (void)o;
    write_quotas(field, write_count, out);
}

COLD static void write_spends(const option *o, const void *field, buf *out) {
    (void)o;
    write_quotas(field, unit_write_money, out);
}

const option_type type_quotas = {
    "limit or limits", "a limit such as 60/m or 1000/d (s, m, h, d, month), or a list of these",
    read_counts, write_counts, TELLS_VALUE};
const option_type type_spend_quotas = {
    "budget or budgets",
    "a budget such as 5/d or 100.50/month (d or month), up to 9000000, or a list of these",
    read_spends, write_spends, TELLS_VALUE};

/* ---- a set of them ---- */

COLD static void add_member(const char *name, buf *out) {
    if (out->ptr[out->len - 1] != '{') buf_add_cstr(out, ", ");
    buf_add_cstr(out, name);
    buf_add_cstr(out, ": ");
}

void config_limits_write(const config_limit_set *s, buf *out) {
    buf_add_char(out, '{');
    if (s->requests.count) {
        add_member("requests", out);
        write_quotas(&s->requests, write_count, out);
    }
    if (s->tokens.count) {
        add_member("tokens", out);
        write_quotas(&s->tokens, write_count, out);
    }
    if (s->spend.count) {
        add_member("spend", out);
        write_quotas(&s->spend, unit_write_money, out);
    }
    if (s->parallel) {
        add_member("parallel", out);
        buf_addf(out, "%u", s->parallel);
    }
    buf_add_char(out, '}');
}

/* ---- rules by name ---- */

static bool good_pattern(span text) {
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < ' ' || text.ptr[i] == 0x7F) return false;
    return text.len > 0 && text.len <= RULE_NAME_MAX && span_find(text, 0, '*') + 1 >= text.len;
}

COLD static bool read_rule(reader *r, span name, const yaml_node *map, const yaml_node *key,
                           config_limit_rule *rule) {
    span full = reader_member(r, name, map, key);
    rule->pattern = arena_dup(r->arena, key->text);
    reader_origin(r, rule, key);
    reader_defaults(r, &scope_limit, rule);
    if (!good_pattern(rule->pattern)) {
        reader_problem(r, key,
                       "%.*s is no such name; expected 1 to %d printable characters, and a * only "
                       "at the end",
                       SPAN_ARG(full), RULE_NAME_MAX);
        return false;
    }
    span prefix = reader_name(r, "%.*s.", SPAN_ARG(full));
    if (!reader_scope(r, &scope_limit, prefix, key->value, rule)) return false;
    if (config_limits_anything(&rule->limits)) return true;
    reader_problem(r, key, "%.*s limits nothing; expected requests, tokens, spend or parallel",
                   SPAN_ARG(full));
    return false;
}

COLD static bool read_rules(reader *r, const option *o, span name, const yaml_node *node,
                            void *field) {
    config_limit_rules *rules = field;
    if (yaml_is_null(node)) return true;
    if (node->kind != YAML_MAP || node->count > RULES_MAX) return reader_expected(r, o, name, node);
    config_limit_rule *items = arena_zalloc(r->arena, (node->count + 1) * sizeof *items);
    bool ok = true;
    size_t n = 0;
    for (const yaml_node *key = node->first; key; key = key->next)
        ok &= read_rule(r, name, node, key, &items[n++]);
    *rules = (config_limit_rules){.items = items, .count = n};
    if (ok) limit_rules_index(rules, r->arena);
    return ok;
}
const option_type type_limit_rules = {"mapping of limits", "a mapping from names to their limits",
                                      read_rules, NULL, TELLS_PARTS};
