/* guard: what is done about texts that a rule matches, and the operator's own rules. What their
 * patterns mean is for guard/ to say, which compiles them. */
#include "config/reader.h"
#include "config/units.h"
#include "config/write.h"

enum { RULES_MAX = 10000, ACTIONS_MAX = 1000, FILES_MAX = 100, SHOW_MAX = 4096 };

static const char *const action_words[] = {"", "off", "flag", "redact", "block"};
static const char *const restore_words[] = {"", "false", "true"};

/* ---- how much may be seen ---- */

COLD static bool read_show(reader *r, const option *o, span name, const yaml_node *node,
                           void *field) {
    span text;
    int64_t bytes;
    if (!reader_text(r, o, name, node, &text)) return false;
    const bool lead = span_eq(text, SPAN_OF("lead"));
    if (!lead && (!unit_count(text, &bytes) || bytes > SHOW_MAX))
        return reader_expected(r, o, name, node);
    *(unsigned *)field = lead ? 0 : (unsigned)bytes + 1;
    return true;
}

COLD static void write_show(const option *o, const void *field, buf *out) {
    const unsigned show = *(const unsigned *)field;
    (void)o;
    if (show)
        buf_addf(out, "%u", show - 1);
    else
        buf_add_cstr(out, "lead");
}

const option_type type_guard_show = {"count or word", "lead, or a number of bytes up to 4096",
                                     read_show, write_show, TELLS_VALUE};

/* ---- rules in files ---- */

COLD static bool read_files(reader *r, const option *o, span name, const yaml_node *node,
                            void *field) {
    config_guard_files *files = field;
    if (yaml_is_null(node)) return true;
    const bool list = node->kind == YAML_LIST;
    if ((!list && node->kind != YAML_SCALAR) || node->count > FILES_MAX)
        return reader_expected(r, o, name, node);
    span *items = arena_zalloc(r->arena, (node->count + 1) * sizeof *items);
    bool ok = true;
    size_t n = 0;
    for (const yaml_node *item = list ? node->first : node; item; item = list ? item->next : NULL) {
        const span at = list ? reader_name(r, "%.*s[%zu]", SPAN_ARG(name), n) : name;
        ok &= type_file.read(r, o, at, item, &items[n]);
        reader_origin(r, &items[n++], item);
    }
    *files = (config_guard_files){items, n};
    return ok;
}

COLD static void write_files(const option *o, const void *field, buf *out) {
    type_texts.write(o, field, out);
}

const option_type type_guard_files = {"file or files", "the path of a file, or a list of these",
                                      read_files, write_files, TELLS_TEXT};

/* ---- single rules and kinds ---- */

COLD static bool read_actions(reader *r, const option *o, span name, const yaml_node *node,
                              void *field) {
    static const char *const words[] = {"", "off", "flag", "redact", "block", NULL};
    const option word = {.path = o->path, .type = &type_word, .words = words, .inherits = true};
    config_guard_overrides *all = field;
    if (yaml_is_null(node)) return true;
    if (node->kind != YAML_MAP || node->count > ACTIONS_MAX)
        return reader_expected(r, o, name, node);
    config_guard_override *items = arena_zalloc(r->arena, (node->count + 1) * sizeof *items);
    bool ok = true;
    size_t n = 0;
    for (const yaml_node *key = node->first; key; key = key->next, n++) {
        items[n].rule = arena_dup(r->arena, key->text);
        reader_origin(r, &items[n], key);
        ok &= type_word.read(r, &word, reader_member(r, name, node, key), key->value,
                             &items[n].action);
    }
    *all = (config_guard_overrides){items, n};
    return ok;
}

COLD static void write_actions(const option *o, const void *field, buf *out) {
    const config_guard_overrides *all = field;
    (void)o;
    buf_add_char(out, '{');
    for (size_t i = 0; i < all->count; i++) {
        if (i) buf_add_cstr(out, ", ");
        write_string(all->items[i].rule, out);
        buf_addf(out, ": %s", action_words[all->items[i].action]);
    }
    buf_add_char(out, '}');
}

const option_type type_guard_actions = {
    "mapping of actions", "a mapping from rules or kinds to block, redact, flag or off",
    read_actions, write_actions, TELLS_VALUE};

/* ---- rules ---- */

COLD static bool read_rules(reader *r, const option *o, span name, const yaml_node *node,
                            void *field) {
    config_guard_rules *rules = field;
    if (yaml_is_null(node)) return true;
    if (node->kind != YAML_LIST || node->count > RULES_MAX)
        return reader_expected(r, o, name, node);
    config_guard_rule *items = arena_zalloc(r->arena, (node->count + 1) * sizeof *items);
    bool ok = true;
    size_t n = 0;
    for (const yaml_node *item = node->first; item; item = item->next, n++) {
        span at = reader_name(r, "%.*s[%zu]", SPAN_ARG(name), n);
        reader_defaults(r, &scope_guard_rule, &items[n]);
        reader_origin(r, &items[n], item);
        ok &= reader_scope(r, &scope_guard_rule, reader_name(r, "%.*s.", SPAN_ARG(at)), item,
                           &items[n]);
    }
    *rules = (config_guard_rules){items, n};
    return ok;
}

const option_type type_guard_rules = {"list of rules",
                                      "a list of rules, each a mapping with a name and a pattern",
                                      read_rules, NULL, TELLS_PARTS};

/* ---- as it is written ---- */

COLD static void add_member(const char *name, buf *out) {
    if (out->ptr[out->len - 1] != '{') buf_add_cstr(out, ", ");
    buf_add_cstr(out, name);
    buf_add_cstr(out, ": ");
}

bool config_guard_says(const config_guard_use *u) {
    return u->in || u->out || u->restore;
}

void config_guard_write(const config_guard_use *u, buf *out) {
    buf_add_char(out, '{');
    if (u->in) {
        add_member("in", out);
        buf_add_cstr(out, action_words[u->in]);
    }
    if (u->out) {
        add_member("out", out);
        buf_add_cstr(out, action_words[u->out]);
    }
    if (u->restore) {
        add_member("restore", out);
        buf_add_cstr(out, restore_words[u->restore]);
    }
    buf_add_char(out, '}');
}

/* ---- what is in force ---- */

static bool looks(const config_guard_use *u) {
    return u->in > CONFIG_GUARD_OFF || u->out > CONFIG_GUARD_OFF;
}

/* Rules of the operator's own, or what he says of single ones and kinds. */
static bool single_rules_act(const config_guard *g) {
    if (g->use.in == CONFIG_GUARD_OFF && g->use.out == CONFIG_GUARD_OFF) return false;
    if (g->files.count) return true; /* what they say is not known yet */
    for (size_t i = 0; i < g->rules.count; i++)
        if (g->rules.items[i].action > CONFIG_GUARD_OFF) return true;
    for (size_t i = 0; i < g->actions.count; i++)
        if (g->actions.items[i].action > CONFIG_GUARD_OFF) return true;
    return false;
}

/* Somewhere: what is done where a rule says nothing. */
static bool all_rules_act(const config *c) {
    bool any = looks(&c->guard.use);
    for (size_t i = 0; i < c->model_count; i++)
        any |= looks(&c->models[i].guard);
    for (size_t i = 0; i < c->client_count; i++)
        any |= looks(&c->clients[i].guard);
    return any;
}

/* By guard.actions. What changes a rule that weir brings is of that rule's kind, which is not known
 * here: any may be it. */
static bool is_named(const config_guard *g, const config_guard_rule *rule) {
    const span kind = rule->kind.len ? rule->kind : SPAN_OF("own");
    if (!rule->pattern.len && !rule->kind.len && g->actions.count) return true;
    for (size_t i = 0; i < g->actions.count; i++) {
        const span name = g->actions.items[i].rule;
        if (span_eq(name, rule->name) || span_eq(name, kind)) return true;
    }
    return false;
}

bool guard_looks_for(const config *c, const config_guard_rule *rule) {
    return rule->action != CONFIG_GUARD_UNSET || is_named(&c->guard, rule) || all_rules_act(c) ||
           config_keeps_bodies(c);
}

bool config_keeps_bodies(const config *c) {
    return c->audit.on && c->audit.bodies == AUDIT_BODIES_REDACTED;
}

static bool redacts(const config_guard_use *u) {
    return u->in == CONFIG_GUARD_REDACT;
}

bool guard_redacts_requests(const config *c) {
    const config_guard *g = &c->guard;
    bool any = redacts(&g->use) || g->files.count;
    for (size_t i = 0; i < c->model_count; i++)
        any |= redacts(&c->models[i].guard);
    for (size_t i = 0; i < c->client_count; i++)
        any |= redacts(&c->clients[i].guard);
    for (size_t i = 0; i < g->rules.count; i++)
        any |= g->rules.items[i].action == CONFIG_GUARD_REDACT;
    for (size_t i = 0; i < g->actions.count; i++)
        any |= g->actions.items[i].action == CONFIG_GUARD_REDACT;
    return any;
}

void guard_settle(reader *r) {
    config *c = r->config;
    config_guard *g = &c->guard;
    g->any = all_rules_act(c) || single_rules_act(g);
    if (!g->any && g->rules.count && !config_keeps_bodies(c))
        reader_warning(r, NULL,
                       "guard has rules, but nothing is looked at: neither guard.in nor guard.out "
                       "says block, redact or flag, and no rule has an action of its own");
}

static config_guard_action stricter(config_guard_action a, config_guard_action b,
                                    config_guard_action otherwise) {
    const config_guard_action most = a > b ? a : b;
    return most ? most : otherwise;
}

config_guard_use config_guard_of(const config *c, const config_model *m, const config_client *who) {
    static const config_guard_use nothing = {0};
    const config_guard_use *f = &c->guard.use, *a = m ? &m->guard : &nothing,
                           *b = who ? &who->guard : &nothing;
    config_guard_use u = {.in = stricter(a->in, b->in, f->in),
                          .out = stricter(a->out, b->out, f->out)};
    /* What is not to be put back by one of them is not. */
    u.restore = a->restore && (!b->restore || a->restore < b->restore) ? a->restore : b->restore;
    if (!u.restore) u.restore = c->guard.restore ? CONFIG_GUARD_RESTORE : CONFIG_GUARD_RESTORE_NOT;
    return u;
}

bool config_guard_looks(const config *c, const config_model *m, const config_client *who) {
    const config_guard *g = &c->guard;
    const config_guard_action in = config_guard_of(c, m, who).in;
    if (g->external.tool.len && g->external.in != EXTERNAL_OFF) return true;
    return in == CONFIG_GUARD_UNSET ? single_rules_act(g) : in > CONFIG_GUARD_OFF;
}
