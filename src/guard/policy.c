#include "guard/rule.h"

#include "base/hash.h"
#include "base/mem.h"

#include <stdlib.h>

/* Where the last word on a rule's name, or on a kind, stands among the overrides: of very many
 * rules each is found at once. Open addressing, at most half full. */
typedef struct last_words {
    const guard_override *items;
    uint32_t *slots; /* place among the items + 1; 0: none */
    size_t mask;
} last_words;

/* Of its name, or the free slot where that would be. */
static uint32_t *slot_of(const last_words *w, span name) {
    size_t slot = hash_span(name) & w->mask;
    while (w->slots[slot] && !span_eq(w->items[w->slots[slot] - 1].rule, name))
        slot = (slot + 1) & w->mask;
    return &w->slots[slot];
}

static last_words last_words_of(const guard_override *items, size_t count) {
    size_t room = 2;
    while (room < 2 * count)
        room *= 2;
    const last_words w = {items, mem_zalloc_array(room, sizeof *w.slots), room - 1};
    for (size_t i = 0; i < count; i++)
        *slot_of(&w, items[i].rule) = (uint32_t)i + 1;
    return w;
}

static guard_action action_of(const guard_rule *rule, guard_where where, guard_action otherwise,
                              const last_words *overrides) {
    if (otherwise == GUARD_OFF || !(rule->where & where)) return GUARD_OFF;
    guard_action action = rule->has_action ? rule->action : otherwise;
    const uint32_t by_name = *slot_of(overrides, rule->name);
    const uint32_t by_kind = *slot_of(overrides, rule->kind);
    const uint32_t last = by_name > by_kind ? by_name : by_kind;
    if (last) action = overrides->items[last - 1].action;
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
    p->number = atomic_fetch_add_explicit(&numbers, 1, memory_order_relaxed) + 1;
    p->set = guard_set_ref(s);
    p->mailbox_show = -1;
    const last_words words = last_words_of(overrides, count);
    for (size_t i = 0; i < s->count; i++) {
        guard_action action = action_of(&s->rules[i].says, where, otherwise, &words);
        p->actions[i] = (uint8_t)action;
        p->looks = p->looks || action != GUARD_OFF;
        note_mailbox(p, &s->rules[i], action);
    }
    free(words.slots);
    return p;
}

void guard_policy_free(guard_policy *p) {
    if (!p) return;
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
