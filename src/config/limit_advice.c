/* What holds for nothing: limits of what is no model, target or tag that there can be, and lists of
 * models of which there is none. And budgets that a start forgets. */
#include "config/pattern.h"
#include "config/reader.h"
#include "config/rights.h"
#include "config/units.h"

typedef bool can_be(const config *c, span pattern);

static bool is_asked_for(const config *c, span pattern) {
    for (size_t i = 0; i < c->model_count; i++)
        if (patterns_meet(pattern, c->models[i].name)) return true;
    return !c->model_count;
}

/* PROVIDER/MODEL; of a beginning that ends before the slash there may be more. */
static bool is_target(const config *c, span pattern) {
    const span stem = pattern_stem(pattern);
    const size_t slash = span_find(stem, 0, '/');
    const span provider = span_slice(stem, 0, slash);
    if (slash == stem.len && !pattern_is_open(pattern)) return false;
    for (size_t i = 0; i < c->provider_count; i++) {
        const span name = c->providers[i].name;
        if (slash == stem.len ? span_starts(name, stem) : span_eq(name, provider)) return true;
    }
    return !c->provider_count;
}

static bool is_tag(const config *c, span pattern) {
    (void)c;
    return pattern_is_open(pattern) || span_find(pattern, 0, '=') < pattern.len;
}

/* ---- lists of models ---- */

/* From a variable may come whatever names there are. */
static bool is_none(const config *c, const yaml_node *pattern) {
    return pattern->kind == YAML_SCALAR && !yaml_is_null(pattern) &&
           span_find(pattern->text, 0, '$') == pattern->text.len && pattern->text.len &&
           !is_asked_for(c, pattern->text);
}

COLD static void check_pattern(reader *r, span name, const yaml_node *pattern) {
    if (is_none(r->config, pattern))
        reader_warning(r, pattern,
                       "%.*s fits no model: the names that clients ask for stand under models",
                       SPAN_ARG(name));
}

/* One pattern, or a list of them. */
COLD static void check_patterns(reader *r, span name, const yaml_node *map) {
    const yaml_node *models = map ? yaml_get(map, SPAN_OF("models")) : NULL;
    size_t at = 0;
    if (!models) return;
    check_pattern(r, name, models);
    if (models->kind != YAML_LIST) return;
    for (const yaml_node *item = models->first; item; item = item->next)
        check_pattern(r, reader_name(r, "%.*s[%zu]", SPAN_ARG(name), at++), item);
}

COLD void models_advice_give(reader *r, const yaml_node *root) {
    const yaml_node *cache = yaml_get(root, SPAN_OF("cache"));
    const yaml_node *clients = yaml_get(root, SPAN_OF("clients"));
    size_t at = 0;
    if (cache && cache->kind == YAML_MAP) check_patterns(r, SPAN_OF("cache.models"), cache);
    if (!clients || clients->kind != YAML_LIST) return;
    for (const yaml_node *c = clients->first; c; c = c->next, at++)
        if (c->kind == YAML_MAP) check_patterns(r, reader_name(r, "clients[%zu].models", at), c);
}

/* ---- limits ---- */

COLD void limit_advice_give(reader *r, const yaml_node *root) {
    static const struct {
        const char *section;
        can_be *can_be;
        const char *expected;
    } kinds[] = {
        {"model", is_asked_for, "the names that clients ask for stand under models"},
        {"target", is_target, "a target is PROVIDER/MODEL, and PROVIDER/* all of a provider"},
        {"tag", is_tag, "a tag is name=value, and name=* each of a name"},
    };
    const yaml_node *limits = yaml_get(root, SPAN_OF("limits"));
    if (!limits) return;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        const yaml_node *all = yaml_get(limits, span_cstr(kinds[i].section));
        const span name = reader_name(r, "limits.%s", kinds[i].section);
        for (const yaml_node *key = all && all->kind == YAML_MAP ? all->first : NULL; key;
             key = key->next)
            if (!kinds[i].can_be(r->config, key->text))
                reader_warning(r, key, "%.*s holds for no call: %s",
                               SPAN_ARG(reader_member(r, name, all, key)), kinds[i].expected);
    }
}

/* ---- budgets ---- */

/* That of the longest period. */
typedef struct longest {
    span name; /* empty: there is none */
    config_period per;
    bool may; /* it may be for that, or shorter */
} longest;

static void note_budget(longest *l, span name, const config_limit_set *s) {
    for (unsigned i = 0; i < s->spend.count; i++)
        if (!l->name.len || s->spend.items[i].per > l->per)
            *l = (longest){.name = name, .per = s->spend.items[i].per};
}

/* Of addresses there are no records to begin with. A token may have one for a month, whose budget
 * nobody knows before it comes. */
static longest longest_budget(reader *r) {
    const config_limits *all = &r->config->limits;
    const struct {
        const char *name;
        const config_limit_rules *rules;
    } named[] = {{"model", &all->model}, {"target", &all->target}, {"tag", &all->tag}};
    longest l = {.per = PERIOD_DAY};
    note_budget(&l, SPAN_OF("limits.user.spend"), &all->user);
    for (size_t i = 0; i < ARRAY_LEN(named); i++)
        for (size_t k = 0; k < named[i].rules->count; k++) {
            const config_limit_rule *rule = &named[i].rules->items[k];
            if (rule->limits.spend.count)
                note_budget(
                    &l,
                    reader_name(r, "limits.%s.%.*s.spend", named[i].name, SPAN_ARG(rule->pattern)),
                    &rule->limits);
        }
    for (size_t i = 0; i < r->config->client_count; i++)
        if (r->config->clients[i].limits.spend.count)
            note_budget(&l, reader_name(r, "clients[%zu].limits.spend", i),
                        &r->config->clients[i].limits);
    if (r->config->jwt.on && r->config->jwt.limits.len && !(l.name.len && l.per == PERIOD_MONTH))
        l = (longest){SPAN_OF("auth.jwt.claims.limits"), PERIOD_MONTH, .may = true};
    return l;
}

/* A budget begins, after a start, with what the records of its day or month come to; or with the
 * sum that weirs have in common. */
COLD static bool is_forgotten(const config *c, longest l, buf *ret_why) {
    enum { DAY_MS = 24 * 3600 * 1000, LONGEST_MONTH = 31 };
    const bool month = l.per == PERIOD_MONTH;
    const int64_t needs_ms = (int64_t)DAY_MS * (month ? LONGEST_MONTH : 1);
    if (!l.name.len || c->shared.on) return false;
    if (!c->ledger.on) {
        buf_addf(ret_why, "ledger is off: a budget (%.*s) begins anew whenever weir is started",
                 SPAN_ARG(l.name));
        return true;
    }
    if (!c->ledger.keep_ms || c->ledger.keep_ms >= needs_ms) return false;
    buf_add_cstr(ret_why, "ledger.keep is ");
    unit_write_duration(c->ledger.keep_ms, ret_why);
    buf_addf(ret_why,
             ", and %.*s %s for a %s: whenever weir is started, what was spent before that is "
             "forgotten",
             SPAN_ARG(l.name), l.may ? "may be" : "is", month ? "month" : "day");
    return true;
}

bool config_rights_are_forgotten(const config *c, const config_client *rights, buf *ret_why) {
    longest l = {.per = PERIOD_DAY};
    note_budget(&l, SPAN_OF("limits.spend"), &rights->limits);
    return is_forgotten(c, l, ret_why);
}

COLD void budget_advice_give(reader *r, const yaml_node *root) {
    buf why = BUF_EMPTY;
    if (is_forgotten(r->config, longest_budget(r), &why))
        reader_warning(r, yaml_get(root, SPAN_OF("ledger")), "%.*s", SPAN_ARG(buf_span(&why)));
    buf_done(&why);
}
