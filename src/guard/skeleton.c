/* No rules yet: what is fed is let go. */
#include "guard/guard.h"

#include "base/mem.h"

#include <stdlib.h>

struct guard_set {
    unsigned refs;
};
struct guard_policy {
    unsigned refs;
    guard_set *set;
};
struct guard_scratch {
    char unused;
};
struct guard_names {
    char unused;
};

guard_set *guard_set_new(bool shipped, const guard_rule_text *own, size_t count,
                         guard_complain *complain, void *ctx) {
    (void)shipped, (void)own, (void)count, (void)complain, (void)ctx;
    guard_set *s = mem_zalloc(sizeof *s);
    s->refs = 1;
    return s;
}
guard_set *guard_set_ref(guard_set *s) {
    s->refs++;
    return s;
}
void guard_set_unref(guard_set *s) {
    if (s && --s->refs == 0) free(s);
}
size_t guard_set_count(const guard_set *s) {
    (void)s;
    return 0;
}
const guard_rule *guard_set_rule(const guard_set *s, size_t i) {
    (void)s, (void)i;
    return NULL;
}
const guard_rule *guard_set_find(const guard_set *s, span name) {
    (void)s, (void)name;
    return NULL;
}
bool guard_set_knows(const guard_set *s, span name) {
    (void)s, (void)name;
    return false;
}

guard_policy *guard_policy_new(guard_set *s, guard_where where, guard_action otherwise,
                               const guard_override *overrides, size_t count) {
    (void)where, (void)otherwise, (void)overrides, (void)count;
    guard_policy *p = mem_zalloc(sizeof *p);
    *p = (guard_policy){1, guard_set_ref(s)};
    return p;
}
guard_policy *guard_policy_ref(guard_policy *p) {
    p->refs++;
    return p;
}
void guard_policy_unref(guard_policy *p) {
    if (!p || --p->refs) return;
    guard_set_unref(p->set);
    free(p);
}
bool guard_policy_looks(const guard_policy *p) {
    (void)p;
    return false;
}
guard_action guard_policy_action(const guard_policy *p, const guard_rule *rule) {
    (void)p, (void)rule;
    return GUARD_OFF;
}

guard_scratch *guard_scratch_new(void) {
    return mem_zalloc(sizeof(guard_scratch));
}
void guard_scratch_free(guard_scratch *s) {
    free(s);
}

void guard_lane_init(guard_lane *l, const guard_policy *policy, guard_scratch *scratch,
                     guard_form form) {
    *l = (guard_lane){.policy = policy, .scratch = scratch, .form = form};
}
void guard_lane_feed(guard_lane *l, span piece, bool end, const guard_sink *sink) {
    (void)end;
    l->told += piece.len;
    if (piece.len) sink->pass(sink->ctx, piece);
}
size_t guard_lane_held(const guard_lane *l) {
    return l->raw.len;
}
void guard_lane_done(guard_lane *l) {
    guard_lane_init(l, l->policy, l->scratch, l->form);
}

guard_names *guard_names_new(void) {
    return mem_zalloc(sizeof(guard_names));
}
void guard_names_free(guard_names *n) {
    free(n);
}
span guard_names_give(guard_names *n, const guard_rule *rule, span value, span original) {
    (void)n, (void)value, (void)original;
    return rule->label;
}
size_t guard_names_find(const guard_names *n, span text, size_t from, size_t *ret_len,
                        span *ret_original) {
    (void)n, (void)from, (void)ret_len, (void)ret_original;
    return text.len;
}
size_t guard_names_begun(const guard_names *n, span text) {
    (void)n, (void)text;
    return 0;
}
