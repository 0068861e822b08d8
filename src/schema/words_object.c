/* Words for objects. */
#include "schema/node.h"

/* ---- properties, patternProperties, additionalProperties ---- */

static bool compile_named(schema_compiler *c, schema_value *v, bool patterns, schema_named **ret) {
    schema_named *all = arena_zalloc(schema_arena(c), (v->count + 1) * sizeof *all);
    for (size_t i = 0; i < v->count; i++) {
        schema_step step;
        schema_enter(c, &step, v->names[i], i);
        all[i].name = v->names[i];
        bool ok = !patterns || (all[i].pattern = schema_keep_pattern(c, v->names[i]));
        ok = ok && (all[i].node = schema_part(c, &v->items[i]));
        schema_leave(c);
        if (!ok) return false;
    }
    *ret = all;
    return true;
}

/* The place of a member, or v->count. */
static size_t find_member(const schema_value *v, span name) {
    const schema_value *found = schema_value_get(v, name);
    return found ? (size_t)(found - v->items) : v->count;
}

static bool check_properties(schema_run *r, const schema_rule *rule, const schema_value *v,
                             schema_seen *seen) {
    bool ok = true;
    if (v->type != JSON_OBJECT) return true;
    for (size_t i = 0; i < rule->named_count && !r->given_up; i++) {
        size_t at = find_member(v, rule->named[i].name);
        if (at == v->count) continue;
        ok &= schema_eval_member(r, rule->named[i].node, v, at);
        schema_mark(seen, at);
    }
    return ok;
}

SCHEMA_WORD(properties) {
    (void)of;
    schema_rule rule = {.check = check_properties, .named_count = v->count};
    if (v->type != JSON_OBJECT) return schema_refuse(c, "expected an object of schemas");
    if (!compile_named(c, v, false, &rule.named)) return false;
    *schema_rule_add(c, n) = rule;
    return true;
}

static bool found(schema_run *r, const schema_named *p, span name) {
    size_t work;
    schema_found how = schema_pattern_find(p->pattern, name, &work);
    if (!schema_work(r, work)) return false;
    if (how == SCHEMA_TOO_LONG) r->given_up = true;
    return how == SCHEMA_FOUND;
}

static bool check_patterns(schema_run *r, const schema_rule *rule, const schema_value *v,
                           schema_seen *seen) {
    bool ok = true;
    if (v->type != JSON_OBJECT) return true;
    for (size_t i = 0; i < v->count; i++)
        for (size_t k = 0; k < rule->pattern_count && schema_work(r, 1); k++) {
            if (!found(r, &rule->patterns[k], v->names[i])) continue;
            ok &= schema_eval_member(r, rule->patterns[k].node, v, i);
            schema_mark(seen, i);
        }
    return ok && !r->given_up;
}

SCHEMA_WORD(pattern_properties) {
    (void)of;
    schema_rule rule = {.check = check_patterns, .pattern_count = v->count};
    if (v->type != JSON_OBJECT) return schema_refuse(c, "expected an object of schemas");
    if (!compile_named(c, v, true, &rule.patterns)) return false;
    *schema_rule_add(c, n) = rule;
    return true;
}

static bool is_named(schema_run *r, const schema_rule *rule, span name) {
    if (rule->value && schema_value_get(rule->value, name)) return true;
    for (size_t i = 0; i < rule->pattern_count && schema_work(r, 1); i++)
        if (found(r, &rule->patterns[i], name)) return true;
    return false;
}

/* Names what would be right: a model mostly mistook a name. */
COLD static bool unknown_member(schema_run *r, const schema_rule *rule, span name) {
    buf known = BUF_EMPTY;
    if (!schema_heard(r)) return false;
    for (size_t i = 0; rule->value && i < rule->value->count && i < 30; i++) {
        buf_add_cstr(&known, i ? ", " : "; known here: ");
        buf_add_excerpt(&known, rule->value->names[i], 60);
    }
    span clipped = span_clip(name, 60);
    (void)schema_problem(r, "there is no member '%.*s'%.*s", SPAN_ARG(clipped),
                         SPAN_ARG(buf_span(&known)));
    buf_done(&known);
    return false;
}

static bool check_additional(schema_run *r, const schema_rule *rule, const schema_value *v,
                             schema_seen *seen) {
    bool ok = true;
    if (v->type != JSON_OBJECT) return true;
    for (size_t i = 0; i < v->count && !r->given_up; i++) {
        if (is_named(r, rule, v->names[i])) continue;
        ok &= rule->node->fixed == 0 ? unknown_member(r, rule, v->names[i])
                                     : schema_eval_member(r, rule->node, v, i);
        schema_mark(seen, i);
    }
    return ok && !r->given_up;
}

SCHEMA_WORD(additional_properties) {
    schema_rule rule = {.check = check_additional};
    rule.value = schema_value_get(of, SPAN_OF("properties"));
    schema_value *patterns = schema_value_get(of, SPAN_OF("patternProperties"));
    if (patterns && patterns->type == JSON_OBJECT) {
        if (!compile_named(c, patterns, true, &rule.patterns)) return false;
        rule.pattern_count = patterns->count;
    }
    rule.node = schema_part(c, v);
    if (!rule.node) return false;
    *schema_rule_add(c, n) = rule;
    return true;
}

static bool check_unevaluated(schema_run *r, const schema_rule *rule, const schema_value *v,
                              schema_seen *seen) {
    bool ok = true;
    if (v->type != JSON_OBJECT) return true;
    for (size_t i = 0; i < v->count && !r->given_up && seen->marks; i++) {
        if (seen->marks[i]) continue;
        ok &= rule->node->fixed == 0 ? unknown_member(r, rule, v->names[i])
                                     : schema_eval_member(r, rule->node, v, i);
        seen->marks[i] = true;
    }
    return ok;
}

SCHEMA_WORD(unevaluated_properties) {
    (void)of;
    if (schema_is_old(n)) return true;
    schema_node *node = schema_part(c, v);
    if (!node) return false;
    schema_wants_marks(c);
    *schema_rule_add(c, n) = (schema_rule){.check = check_unevaluated, .node = node};
    return true;
}

/* ---- propertyNames ---- */

static bool check_names(schema_run *r, const schema_rule *rule, const schema_value *v,
                        schema_seen *seen) {
    bool ok = true;
    (void)seen;
    for (size_t i = 0; v->type == JSON_OBJECT && i < v->count && !r->given_up; i++) {
        buf raw = BUF_EMPTY;
        json_fault fault;
        schema_value name;
        schema_seen none = {0};
        json_write_string(&raw, v->names[i]);
        span copy = arena_dup(r->arena, buf_span(&raw));
        buf_done(&raw);
        if (!schema_value_read(copy, r->arena, &name, &fault)) continue; /* never */
        if (schema_try(r, rule->node, &name, &none)) continue;
        ok = false;
        if (!schema_heard(r)) break;
        buf why = BUF_EMPTY;
        schema_reason(r, rule->node, &name, &why);
        (void)schema_problem(r, "'%.*s' is no name that a member may have: %.*s",
                             SPAN_ARG(span_clip(v->names[i], 60)), SPAN_ARG(buf_span(&why)));
        buf_done(&why);
    }
    return ok;
}

SCHEMA_WORD(property_names) {
    (void)of;
    schema_node *node = schema_part(c, v);
    if (!node) return false;
    *schema_rule_add(c, n) = (schema_rule){.check = check_names, .node = node};
    return true;
}

/* ---- required, dependencies ---- */

static bool compile_names(schema_compiler *c, const schema_value *v, span **ret) {
    if (v->type != JSON_ARRAY) return schema_refuse(c, "expected an array of strings");
    span *names = arena_alloc(schema_arena(c), (v->count + 1) * sizeof *names);
    for (size_t i = 0; i < v->count; i++) {
        if (v->items[i].type != JSON_STRING)
            return schema_refuse(c, "expected an array of strings");
        names[i] = v->items[i].text;
    }
    *ret = names;
    return true;
}

static bool check_required(schema_run *r, const schema_rule *rule, const schema_value *v,
                           schema_seen *seen) {
    bool ok = true;
    (void)seen;
    if (v->type != JSON_OBJECT) return true;
    for (size_t i = 0; i < rule->name_count; i++) {
        if (schema_value_get(v, rule->names[i])) continue;
        ok = schema_problem(r, "'%.*s' is missing", SPAN_ARG(span_clip(rule->names[i], 100)));
    }
    return ok;
}

SCHEMA_WORD(required) {
    (void)of;
    schema_rule rule = {.check = check_required, .name_count = v->count};
    if (!compile_names(c, v, &rule.names)) return false;
    *schema_rule_add(c, n) = rule;
    return true;
}

static bool check_dependency(schema_run *r, const schema_dependency *d, const schema_value *v,
                             schema_seen *seen) {
    bool ok = true;
    if (d->node) return schema_apply(r, d->node, v, seen);
    for (size_t i = 0; i < d->count; i++) {
        if (schema_value_get(v, d->needed[i])) continue;
        ok = schema_problem(r, "'%.*s' is missing, which goes with '%.*s'",
                            SPAN_ARG(span_clip(d->needed[i], 100)),
                            SPAN_ARG(span_clip(d->name, 100)));
    }
    return ok;
}

static bool check_dependencies(schema_run *r, const schema_rule *rule, const schema_value *v,
                               schema_seen *seen) {
    bool ok = true;
    if (v->type != JSON_OBJECT) return true;
    for (size_t i = 0; i < rule->size && !r->given_up; i++)
        if (schema_value_get(v, rule->dependencies[i].name))
            ok &= check_dependency(r, &rule->dependencies[i], v, seen);
    return ok;
}

/* Of each member its dependency: names, or a schema. */
static bool add_dependencies(schema_compiler *c, schema_node *n, schema_value *v) {
    schema_rule rule = {.check = check_dependencies, .size = v->count};
    if (v->type != JSON_OBJECT) return schema_refuse(c, "expected an object");
    rule.dependencies = arena_zalloc(schema_arena(c), (v->count + 1) * sizeof *rule.dependencies);
    for (size_t i = 0; i < v->count; i++) {
        schema_dependency *d = &rule.dependencies[i];
        schema_value *item = &v->items[i];
        schema_step step;
        schema_enter(c, &step, v->names[i], i);
        *d = (schema_dependency){.name = v->names[i], .count = item->count};
        bool ok = item->type == JSON_ARRAY ? compile_names(c, item, &d->needed)
                                           : (d->node = schema_part(c, item)) != NULL;
        schema_leave(c);
        if (!ok) return false;
    }
    *schema_rule_add(c, n) = rule;
    return true;
}

SCHEMA_WORD(dependencies) {
    (void)of;
    return add_dependencies(c, n, v);
}

SCHEMA_WORD(dependent_required) {
    (void)of;
    for (size_t i = 0; v->type == JSON_OBJECT && i < v->count; i++)
        if (v->items[i].type != JSON_ARRAY) return schema_refuse(c, "expected arrays of strings");
    return add_dependencies(c, n, v);
}
