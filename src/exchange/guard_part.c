#include "exchange/guard_part.h"

#include "base/mem.h"

#include <stdlib.h>

enum { USES = CONFIG_GUARD_BLOCK + 1 };

typedef struct made {
    guard_set *set;                  /* NULL: nothing is looked at */
    guard_policy *policies[2][USES]; /* in, out */
} made;

/* ---- the rules ---- */

static guard_rule_text text_of(const config_guard_rule *r) {
    return (guard_rule_text){
        .name = r->name,
        .label = r->label,
        .kind = r->kind,
        .pattern = r->pattern,
        .leads = r->leads,
        .lead_count = r->lead_count,
        .start = r->start,
        .near = r->near,
        .near_count = r->near_count,
        .stop = r->stop,
        .stop_count = r->stop_count,
        .check = r->check,
        .entropy = r->entropy,
        .action = r->action ? (guard_action)(r->action - CONFIG_GUARD_OFF) : GUARD_OFF,
        .has_action = r->action != CONFIG_GUARD_UNSET,
        .where = r->where,
        .show = (int)r->show - 1,
        .score = r->score,
        .source = r->source,
    };
}

typedef struct faults {
    const config *config;
    guard_fault *fault;
    void *ctx;
    size_t count;
} faults;

static void tell(faults *f, const void *field, buf *text) {
    f->fault(f->ctx, field, buf_span(text));
    f->count++;
    buf_done(text);
}

static void on_complaint(void *ctx, size_t rule, const char *member, const char *message) {
    faults *f = ctx;
    buf text = BUF_EMPTY;
    buf_addf(&text, "guard.rules[%zu].%s %s", rule, member, message);
    tell(f, &f->config->guard.rules.items[rule], &text);
}

static guard_set *compile(const config *c, faults *f) {
    const config_guard_rules *own = &c->guard.rules;
    guard_rule_text *texts = mem_zalloc_array(own->count + 1, sizeof *texts);
    for (size_t i = 0; i < own->count; i++)
        texts[i] = text_of(&own->items[i]);
    guard_set *set = guard_set_new(c->guard.shipped, texts, own->count, on_complaint, f);
    free(texts);
    const config_guard_overrides *all = &c->guard.actions;
    for (size_t i = 0; set && i < all->count; i++) {
        buf text = BUF_EMPTY;
        if (guard_set_knows(set, all->items[i].rule)) continue;
        buf_addf(
            &text,
            "guard.actions[%zu] is of no rule and no kind of rules; `weir guard list` names them",
            i);
        tell(f, &all->items[i], &text);
    }
    if (!f->count) return set;
    guard_set_unref(set);
    return NULL;
}

/* ---- the policies ---- */

static bool says_what_to_do(const config *c, span rule) {
    for (size_t i = 0; i < c->guard.rules.count; i++) {
        const config_guard_rule *r = &c->guard.rules.items[i];
        if (r->action && span_eq(r->name, rule)) return true;
    }
    return false;
}

/* Where nothing is said of a text's own action, only rules that have one are looked for. */
static guard_policy *policy_of(const config *c, guard_set *set, guard_where way,
                               config_guard_action use) {
    const config_guard_overrides *all = &c->guard.actions;
    guard_override *overrides =
        mem_zalloc_array(guard_set_count(set) + all->count + 1, sizeof *overrides);
    size_t n = 0;
    for (size_t i = 0; use == CONFIG_GUARD_UNSET && i < guard_set_count(set); i++) {
        const span name = guard_set_rule(set, i)->name;
        if (!says_what_to_do(c, name)) overrides[n++] = (guard_override){name, GUARD_OFF};
    }
    for (size_t i = 0; i < all->count; i++)
        overrides[n++] = (guard_override){all->items[i].rule,
                                          (guard_action)(all->items[i].action - CONFIG_GUARD_OFF)};
    const guard_action otherwise =
        use == CONFIG_GUARD_UNSET ? GUARD_FLAG : (guard_action)(use - CONFIG_GUARD_OFF);
    guard_policy *p = guard_policy_new(set, way, otherwise, overrides, n);
    free(overrides);
    return p;
}

static void free_guard(void *what, const config *c) {
    made *m = what;
    (void)c;
    for (size_t i = 0; i < 2; i++)
        for (size_t k = 0; k < USES; k++)
            guard_policy_unref(m->policies[i][k]);
    guard_set_unref(m->set);
    free(m);
}

static void on_first(void *ctx, const void *field, span text) {
    buf *why = ctx;
    (void)field;
    if (!why->len) buf_add(why, text);
}

static void *make_guard(const config *c, buf *ret_why) {
    made *m = mem_zalloc(sizeof *m);
    if (!c->guard.any) return m;
    faults f = {.config = c, .fault = on_first, .ctx = ret_why};
    m->set = compile(c, &f);
    if (!m->set) {
        free(m);
        return NULL;
    }
    for (size_t i = 0; i < 2; i++)
        for (size_t k = 0; k < USES; k++)
            if (k != CONFIG_GUARD_OFF)
                m->policies[i][k] =
                    policy_of(c, m->set, i ? GUARD_OUT : GUARD_IN, (config_guard_action)k);
    return m;
}

const snapshot_part guard_part = {"guard", make_guard, free_guard};

const guard_policy *snapshot_guard(const snapshot *s, guard_where way, config_guard_action use) {
    const made *m = snapshot_made(s, &guard_part);
    const guard_policy *p = m && m->set ? m->policies[way == GUARD_OUT][use] : NULL;
    return p && guard_policy_looks(p) ? p : NULL;
}

const guard_set *snapshot_guard_set(const snapshot *s) {
    const made *m = snapshot_made(s, &guard_part);
    return m ? m->set : NULL;
}

void guard_check(const config *c, guard_fault *fault, void *ctx) {
    faults f = {.config = c, .fault = fault, .ctx = ctx};
    if (c->guard.rules.count || c->guard.actions.count || c->guard.any)
        guard_set_unref(compile(c, &f));
}
