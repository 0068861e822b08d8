/* Words that hold the same value against other schemas. */
#include "schema/node.h"

enum { ALTERNATIVES_TOLD = 4 };

/* ---- references ---- */

static bool check_ref(schema_run *r, const schema_rule *rule, const schema_value *v,
                      schema_seen *seen) {
    return schema_apply(r, rule->node, v, seen);
}

SCHEMA_WORD(ref) {
    span anchor;
    (void)of;
    if (v->type != JSON_STRING) return schema_refuse(c, "expected a string");
    schema_node *node = schema_refer(c, n, v->text, false, &anchor);
    if (!node) return false;
    *schema_rule_add(c, n) = (schema_rule){.check = check_ref, .node = node};
    return true;
}

static const schema_node *anchored(const schema_place *p, span name) {
    for (const schema_anchor *a = p->anchors; a; a = a->next)
        if (a->dynamic && span_eq(a->name, name)) return a->node;
    return NULL;
}

/* The outermost place on the way here that has the anchor. Source: core section 8.2.3.2. */
static bool check_dynamic_ref(schema_run *r, const schema_rule *rule, const schema_value *v,
                              schema_seen *seen) {
    const schema_node *to = rule->node;
    for (const schema_scope *s = r->scope; s && rule->anchor.ptr; s = s->up) {
        const schema_node *found = anchored(s->place, rule->anchor);
        if (found) to = found;
    }
    return schema_apply(r, to, v, seen);
}

SCHEMA_WORD(dynamic_ref) {
    span anchor;
    (void)of;
    if (schema_is_old(n)) return true;
    if (v->type != JSON_STRING) return schema_refuse(c, "expected a string");
    schema_node *node = schema_refer(c, n, v->text, true, &anchor);
    if (!node) return false;
    *schema_rule_add(c, n) =
        (schema_rule){.check = check_dynamic_ref, .node = node, .anchor = anchor};
    return true;
}

SCHEMA_WORD(unsupported) {
    (void)of, (void)v;
    return schema_is_old(n) || schema_refuse(c, "this word of draft 2019-09 is not supported");
}

/* ---- allOf, anyOf, oneOf, not ---- */

static bool compile_list(schema_compiler *c, schema_value *v, schema_nodes *ret) {
    if (v->type != JSON_ARRAY || !v->count) return schema_refuse(c, "expected an array of schemas");
    ret->items = arena_alloc(schema_arena(c), v->count * sizeof *ret->items);
    ret->count = v->count;
    for (size_t i = 0; i < v->count; i++) {
        schema_step step;
        schema_enter(c, &step, SPAN_EMPTY, i);
        ret->items[i] = schema_part(c, &v->items[i]);
        schema_leave(c);
        if (!ret->items[i]) return false;
    }
    return true;
}

static bool check_all(schema_run *r, const schema_rule *rule, const schema_value *v,
                      schema_seen *seen) {
    bool ok = true;
    for (size_t i = 0; i < rule->nodes.count && !r->given_up && (ok || schema_heard(r)); i++)
        ok &= schema_apply(r, rule->nodes.items[i], v, seen);
    return ok;
}

SCHEMA_WORD(all_of) {
    (void)of;
    schema_rule rule = {.check = check_all};
    if (!compile_list(c, v, &rule.nodes)) return false;
    *schema_rule_add(c, n) = rule;
    return true;
}

COLD static bool no_alternative(schema_run *r, const schema_rule *rule, const schema_value *v) {
    buf why = BUF_EMPTY;
    if (!schema_heard(r)) return false;
    for (size_t i = 0; i < rule->nodes.count && i < ALTERNATIVES_TOLD; i++) {
        buf_addf(&why, "%s(%zu) ", i ? "; " : "", i + 1);
        schema_reason(r, rule->nodes.items[i], v, &why);
    }
    if (rule->nodes.count > ALTERNATIVES_TOLD) buf_add_cstr(&why, "; …");
    (void)schema_problem(r, "none of %zu alternatives fits: %.*s", rule->nodes.count,
                         SPAN_ARG(buf_span(&why)));
    buf_done(&why);
    return false;
}

static bool check_any(schema_run *r, const schema_rule *rule, const schema_value *v,
                      schema_seen *seen) {
    bool ok = false;
    for (size_t i = 0; i < rule->nodes.count && !(ok && !r->schema->marks); i++)
        ok |= schema_apply_quietly(r, rule->nodes.items[i], v, seen);
    return ok || no_alternative(r, rule, v);
}

SCHEMA_WORD(any_of) {
    (void)of;
    schema_rule rule = {.check = check_any};
    if (!compile_list(c, v, &rule.nodes)) return false;
    *schema_rule_add(c, n) = rule;
    return true;
}

static bool check_one(schema_run *r, const schema_rule *rule, const schema_value *v,
                      schema_seen *seen) {
    size_t fits = 0;
    for (size_t i = 0; i < rule->nodes.count && fits < 2; i++)
        fits += schema_apply_quietly(r, rule->nodes.items[i], v, seen);
    if (fits == 1) return true;
    if (!fits) return no_alternative(r, rule, v);
    return schema_problem(r, "more than one of %zu alternatives fits, and exactly one may",
                          rule->nodes.count);
}

SCHEMA_WORD(one_of) {
    (void)of;
    schema_rule rule = {.check = check_one};
    if (!compile_list(c, v, &rule.nodes)) return false;
    *schema_rule_add(c, n) = rule;
    return true;
}

static bool check_not(schema_run *r, const schema_rule *rule, const schema_value *v,
                      schema_seen *seen) {
    (void)seen;
    if (!schema_apply_quietly(r, rule->node, v, NULL)) return !r->given_up;
    if (!schema_heard(r)) return false;
    span said = schema_said(r, v);
    return schema_problem(r, "%.*s is just what is not allowed", SPAN_ARG(said));
}

SCHEMA_WORD(not ) {
    (void)of;
    schema_node *node = schema_part(c, v);
    if (!node) return false;
    *schema_rule_add(c, n) = (schema_rule){.check = check_not, .node = node};
    return true;
}

/* ---- if, then, else ---- */

static bool check_if(schema_run *r, const schema_rule *rule, const schema_value *v,
                     schema_seen *seen) {
    const schema_node *next =
        schema_apply_quietly(r, rule->node, v, seen) ? rule->then : rule->otherwise;
    return !next || schema_apply(r, next, v, seen);
}

SCHEMA_WORD(if) {
    schema_rule rule = {.check = check_if};
    schema_value *then = schema_value_get(of, SPAN_OF("then"));
    schema_value *otherwise = schema_value_get(of, SPAN_OF("else"));
    if (!(rule.node = schema_part(c, v))) return false;
    if (then && !(rule.then = schema_part(c, then))) return false;
    if (otherwise && !(rule.otherwise = schema_part(c, otherwise))) return false;
    *schema_rule_add(c, n) = rule;
    return true;
}
