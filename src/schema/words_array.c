/* Words for arrays. */
#include "schema/node.h"

#include "base/mem.h"

#include <stdlib.h>

/* ---- items, prefixItems, additionalItems ---- */

/* The first elements, each by a schema of its own. */
static bool check_prefix(schema_run *r, const schema_rule *rule, const schema_value *v,
                         schema_seen *seen) {
    bool ok = true;
    if (v->type != JSON_ARRAY) return true;
    for (size_t i = 0; i < v->count && i < rule->nodes.count; i++) {
        ok &= schema_eval_element(r, rule->nodes.items[i], v, i);
        schema_mark(seen, i);
    }
    return ok;
}

/* Those behind them, all by one. */
static bool check_rest(schema_run *r, const schema_rule *rule, const schema_value *v,
                       schema_seen *seen) {
    bool ok = true;
    if (v->type != JSON_ARRAY) return true;
    if (rule->node->fixed == 0 && v->count > rule->size)
        return schema_problem(r, "expected at most %zu elements, got %zu", rule->size, v->count);
    for (size_t i = rule->size; i < v->count && !r->given_up && (ok || schema_heard(r)); i++) {
        ok &= schema_eval_element(r, rule->node, v, i);
        schema_mark(seen, i);
    }
    return ok;
}

static bool add_prefix(schema_compiler *c, schema_node *n, schema_value *v) {
    schema_nodes nodes = {arena_alloc(schema_arena(c), (v->count + 1) * sizeof *nodes.items),
                          v->count};
    for (size_t i = 0; i < v->count; i++) {
        schema_step step;
        schema_enter(c, &step, SPAN_EMPTY, i);
        nodes.items[i] = schema_part(c, &v->items[i]);
        schema_leave(c);
        if (!nodes.items[i]) return false;
    }
    *schema_rule_add(c, n) = (schema_rule){.check = check_prefix, .nodes = nodes};
    return true;
}

static bool add_rest(schema_compiler *c, schema_node *n, schema_value *v, size_t from) {
    schema_node *node = schema_part(c, v);
    if (!node) return false;
    *schema_rule_add(c, n) = (schema_rule){.check = check_rest, .node = node, .size = from};
    return true;
}

SCHEMA_WORD(prefix_items) {
    (void)of;
    if (v->type != JSON_ARRAY) return schema_refuse(c, "expected an array of schemas");
    return schema_is_old(n) || add_prefix(c, n, v);
}

/* Before 2020-12 a list in items was what prefixItems is, and additionalItems what items is. */
SCHEMA_WORD(items) {
    const schema_value *prefix = schema_value_get(of, SPAN_OF("prefixItems"));
    bool prefixed = prefix && prefix->type == JSON_ARRAY && !schema_is_old(n);
    if (v->type != JSON_ARRAY) return add_rest(c, n, v, prefixed ? prefix->count : 0);
    if (prefixed) return schema_refuse(c, "a list of schemas does not go with prefixItems");
    schema_value *more = schema_value_get(of, SPAN_OF("additionalItems"));
    return add_prefix(c, n, v) && (!more || add_rest(c, n, more, v->count));
}

static bool check_unevaluated(schema_run *r, const schema_rule *rule, const schema_value *v,
                              schema_seen *seen) {
    bool ok = true;
    if (v->type != JSON_ARRAY) return true;
    for (size_t i = 0; i < v->count && !r->given_up && seen->marks; i++) {
        if (seen->marks[i]) continue;
        ok &= schema_eval_element(r, rule->node, v, i);
        seen->marks[i] = true;
    }
    return ok;
}

SCHEMA_WORD(unevaluated_items) {
    (void)of;
    if (schema_is_old(n)) return true;
    schema_node *node = schema_part(c, v);
    if (!node) return false;
    schema_wants_marks(c);
    *schema_rule_add(c, n) = (schema_rule){.check = check_unevaluated, .node = node};
    return true;
}

/* ---- contains ---- */

static bool check_contains(schema_run *r, const schema_rule *rule, const schema_value *v,
                           schema_seen *seen) {
    size_t found = 0;
    if (v->type != JSON_ARRAY) return true;
    for (size_t i = 0; i < v->count && !r->given_up; i++) {
        if (!schema_try_element(r, rule->node, v, i)) continue;
        found++;
        schema_mark(seen, i);
    }
    if (found >= rule->least && found <= rule->most) return true;
    if (found > rule->most)
        return schema_problem(r, "%zu elements are of a kind of which there may be %zu", found,
                              rule->most);
    return schema_problem(r, "%zu elements are of a kind of which there must be %zu", found,
                          rule->least);
}

/* false: told why. */
static bool get_size(schema_compiler *c, const schema_value *of, const char *word, size_t *ret) {
    const schema_value *v = schema_value_get(of, span_cstr(word));
    if (!v) return true;
    if (v->type == JSON_NUMBER && schema_number_size(&v->number, ret)) return true;
    return schema_refuse(c, "%s: expected a whole number from 0 on", word);
}

SCHEMA_WORD(contains) {
    schema_rule rule = {.check = check_contains, .least = 1, .most = SIZE_MAX};
    if (!schema_is_old(n) && (!get_size(c, of, "minContains", &rule.least) ||
                              !get_size(c, of, "maxContains", &rule.most)))
        return false;
    rule.node = schema_part(c, v);
    if (!rule.node) return false;
    *schema_rule_add(c, n) = rule;
    return true;
}

/* ---- uniqueItems ---- */

static int by_hash(const void *a, const void *b) {
    const schema_value *x = *(const schema_value *const *)a, *y = *(const schema_value *const *)b;
    if (x->hash != y->hash) return x->hash < y->hash ? -1 : 1;
    return (x > y) - (x < y);
}

static bool check_unique(schema_run *r, const schema_rule *rule, const schema_value *v,
                         schema_seen *seen) {
    (void)rule, (void)seen;
    if (v->type != JSON_ARRAY || v->count < 2) return true;
    if (!schema_work(r, v->count / 8)) return false;
    const schema_value **all = mem_zalloc_array(v->count, sizeof *all);
    for (size_t i = 0; i < v->count; i++)
        all[i] = &v->items[i];
    qsort(all, v->count, sizeof *all, by_hash);
    const schema_value *first = NULL, *again = NULL;
    for (size_t i = 1; i < v->count && !again; i++)
        if (schema_value_eq(all[i - 1], all[i])) first = all[i - 1], again = all[i];
    free(all);
    if (!again) return true;
    return schema_problem(r, "the elements %zu and %zu are equal; each may be there once",
                          (size_t)(first - v->items), (size_t)(again - v->items));
}

SCHEMA_WORD(unique_items) {
    (void)of;
    if (v->type == JSON_FALSE) return true;
    if (v->type != JSON_TRUE) return schema_refuse(c, "expected true or false");
    *schema_rule_add(c, n) = (schema_rule){.check = check_unique};
    return true;
}
