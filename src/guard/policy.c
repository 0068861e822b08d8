#include "guard/rule.h"

#include "base/mem.h"

#include <stdlib.h>

static guard_action action_of(const guard_rule *rule, guard_where where, guard_action otherwise,
                              const guard_override *overrides, size_t count) {
    if (otherwise == GUARD_OFF || !(rule->where & where)) return GUARD_OFF;
    guard_action action = rule->has_action ? rule->action : otherwise;
    for (size_t i = 0; i < count; i++)
        if (span_eq(overrides[i].rule, rule->name) || span_eq(overrides[i].rule, rule->kind))
            action = overrides[i].action;
    /* Of many words none is the one to hide. */
    return rule->score && action == GUARD_REDACT ? GUARD_FLAG : action;
}

/* Of addresses the beginning is held back before there is anything to match. */
static void note_mailbox(guard_policy *p, const rule_code *r, guard_action action) {
    if (r->shape != SHAPE_AT || action < GUARD_REDACT) return;
    int show = r->show < 0 ? 0 : r->show;
    if (p->mailbox_show >= 0 && p->mailbox_show <= show) return;
    p->mailbox_show = show;
    p->mailbox_rule = r->says.index;
}

guard_policy *guard_policy_new(guard_set *s, guard_where where, guard_action otherwise,
                               const guard_override *overrides, size_t count) {
    static atomic_uint_fast64_t numbers;
    guard_policy *p = mem_zalloc(sizeof *p + s->count);
    atomic_init(&p->refs, 1);
    p->number = atomic_fetch_add_explicit(&numbers, 1, memory_order_relaxed) + 1;
    p->set = guard_set_ref(s);
    p->mailbox_show = -1;
    for (size_t i = 0; i < s->count; i++) {
        guard_action action = action_of(&s->rules[i].says, where, otherwise, overrides, count);
        p->actions[i] = (uint8_t)action;
        p->looks = p->looks || action != GUARD_OFF;
        note_mailbox(p, &s->rules[i], action);
    }
    return p;
}

guard_policy *guard_policy_ref(guard_policy *p) {
    atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
    return p;
}

void guard_policy_unref(guard_policy *p) {
    if (!p || atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) != 1) return;
    guard_set_unref(p->set);
    free(p);
}

void guard_policy_decode(guard_policy *p) {
    p->decodes = true;
}

bool guard_policy_looks(const guard_policy *p) {
    return p->looks;
}

guard_action guard_policy_action(const guard_policy *p, const guard_rule *rule) {
    return (guard_action)p->actions[rule->index];
}
