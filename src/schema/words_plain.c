/* Words for numbers and strings. */
#include "schema/node.h"

typedef bool schema_rule_check(schema_run *r, const schema_rule *rule, const schema_value *v,
                               schema_seen *seen);

/* ---- numbers ---- */

static bool check_minimum(schema_run *r, const schema_rule *rule, const schema_value *v,
                          schema_seen *seen) {
    (void)seen;
    if (v->type != JSON_NUMBER || schema_number_compare(&v->number, &rule->value->number) >= 0)
        return true;
    return schema_problem(r, "expected at least %.*s, got %.*s", SPAN_ARG(rule->value->raw),
                          SPAN_ARG(span_clip(v->raw, 60)));
}

static bool check_maximum(schema_run *r, const schema_rule *rule, const schema_value *v,
                          schema_seen *seen) {
    (void)seen;
    if (v->type != JSON_NUMBER || schema_number_compare(&v->number, &rule->value->number) <= 0)
        return true;
    return schema_problem(r, "expected at most %.*s, got %.*s", SPAN_ARG(rule->value->raw),
                          SPAN_ARG(span_clip(v->raw, 60)));
}

static bool check_above(schema_run *r, const schema_rule *rule, const schema_value *v,
                        schema_seen *seen) {
    (void)seen;
    if (v->type != JSON_NUMBER || schema_number_compare(&v->number, &rule->value->number) > 0)
        return true;
    return schema_problem(r, "expected more than %.*s, got %.*s", SPAN_ARG(rule->value->raw),
                          SPAN_ARG(span_clip(v->raw, 60)));
}

static bool check_below(schema_run *r, const schema_rule *rule, const schema_value *v,
                        schema_seen *seen) {
    (void)seen;
    if (v->type != JSON_NUMBER || schema_number_compare(&v->number, &rule->value->number) < 0)
        return true;
    return schema_problem(r, "expected less than %.*s, got %.*s", SPAN_ARG(rule->value->raw),
                          SPAN_ARG(span_clip(v->raw, 60)));
}

static bool check_multiple(schema_run *r, const schema_rule *rule, const schema_value *v,
                           schema_seen *seen) {
    (void)seen;
    if (v->type != JSON_NUMBER || schema_number_is_multiple(&v->number, &rule->value->number))
        return true;
    return schema_problem(r, "expected a multiple of %.*s, got %.*s", SPAN_ARG(rule->value->raw),
                          SPAN_ARG(span_clip(v->raw, 60)));
}

static bool add_number(schema_compiler *c, schema_node *n, const schema_value *v,
                       schema_rule_check *check) {
    if (v->type != JSON_NUMBER) return schema_refuse(c, "expected a number");
    *schema_rule_add(c, n) = (schema_rule){.check = check, .value = v};
    return true;
}

SCHEMA_WORD(minimum) {
    (void)of;
    return add_number(c, n, v, check_minimum);
}
SCHEMA_WORD(maximum) {
    (void)of;
    return add_number(c, n, v, check_maximum);
}
SCHEMA_WORD(exclusive_minimum) {
    (void)of;
    return add_number(c, n, v, check_above);
}
SCHEMA_WORD(exclusive_maximum) {
    (void)of;
    return add_number(c, n, v, check_below);
}
SCHEMA_WORD(multiple_of) {
    (void)of;
    const schema_number zero = {0};
    if (v->type == JSON_NUMBER && schema_number_compare(&v->number, &zero) <= 0)
        return schema_refuse(c, "expected a number above 0");
    return add_number(c, n, v, check_multiple);
}

/* ---- strings ---- */

static bool check_min_length(schema_run *r, const schema_rule *rule, const schema_value *v,
                             schema_seen *seen) {
    (void)seen;
    if (v->type != JSON_STRING || span_utf8_len(v->text) >= rule->size) return true;
    return schema_problem(r, "expected at least %zu characters, got %zu", rule->size,
                          span_utf8_len(v->text));
}

static bool check_max_length(schema_run *r, const schema_rule *rule, const schema_value *v,
                             schema_seen *seen) {
    (void)seen;
    if (v->type != JSON_STRING || span_utf8_len(v->text) <= rule->size) return true;
    return schema_problem(r, "expected at most %zu characters, got %zu", rule->size,
                          span_utf8_len(v->text));
}

static bool add_size(schema_compiler *c, schema_node *n, const schema_value *v,
                     schema_rule_check *check) {
    size_t size;
    if (v->type != JSON_NUMBER || !schema_number_size(&v->number, &size))
        return schema_refuse(c, "expected a whole number from 0 on");
    *schema_rule_add(c, n) = (schema_rule){.check = check, .size = size};
    return true;
}

SCHEMA_WORD(min_length) {
    (void)of;
    return add_size(c, n, v, check_min_length);
}
SCHEMA_WORD(max_length) {
    (void)of;
    return add_size(c, n, v, check_max_length);
}

static bool check_pattern(schema_run *r, const schema_rule *rule, const schema_value *v,
                          schema_seen *seen) {
    (void)seen;
    if (v->type != JSON_STRING) return true;
    size_t work;
    schema_found found = schema_pattern_find(rule->pattern, v->text, &work);
    if (!schema_work(r, work)) return false;
    if (found == SCHEMA_FOUND) return true;
    if (found == SCHEMA_TOO_LONG && r->quiet)
        r->given_up = true; /* a "not" would take it for a no */
    if (!schema_heard(r)) return false;
    span said = schema_said(r, v);
    if (found == SCHEMA_TOO_LONG)
        return schema_problem(r, "%.*s takes too long to compare with the pattern %.*s",
                              SPAN_ARG(said), SPAN_ARG(span_clip(rule->value->text, 200)));
    return schema_problem(r, "expected a match of the pattern %.*s, got %.*s",
                          SPAN_ARG(span_clip(rule->value->text, 200)), SPAN_ARG(said));
}

SCHEMA_WORD(pattern) {
    (void)of;
    if (v->type != JSON_STRING) return schema_refuse(c, "expected a string");
    schema_pattern *p = schema_keep_pattern(c, v->text);
    if (!p) return false;
    *schema_rule_add(c, n) = (schema_rule){.check = check_pattern, .pattern = p, .value = v};
    return true;
}

/* ---- how many elements or members ---- */

static bool check_min_items(schema_run *r, const schema_rule *rule, const schema_value *v,
                            schema_seen *seen) {
    (void)seen;
    if (v->type != JSON_ARRAY || v->count >= rule->size) return true;
    return schema_problem(r, "expected at least %zu elements, got %zu", rule->size, v->count);
}
static bool check_max_items(schema_run *r, const schema_rule *rule, const schema_value *v,
                            schema_seen *seen) {
    (void)seen;
    if (v->type != JSON_ARRAY || v->count <= rule->size) return true;
    return schema_problem(r, "expected at most %zu elements, got %zu", rule->size, v->count);
}
static bool check_min_members(schema_run *r, const schema_rule *rule, const schema_value *v,
                              schema_seen *seen) {
    (void)seen;
    if (v->type != JSON_OBJECT || v->count >= rule->size) return true;
    return schema_problem(r, "expected at least %zu members, got %zu", rule->size, v->count);
}
static bool check_max_members(schema_run *r, const schema_rule *rule, const schema_value *v,
                              schema_seen *seen) {
    (void)seen;
    if (v->type != JSON_OBJECT || v->count <= rule->size) return true;
    return schema_problem(r, "expected at most %zu members, got %zu", rule->size, v->count);
}

SCHEMA_WORD(min_items) {
    (void)of;
    return add_size(c, n, v, check_min_items);
}
SCHEMA_WORD(max_items) {
    (void)of;
    return add_size(c, n, v, check_max_items);
}
SCHEMA_WORD(min_properties) {
    (void)of;
    return add_size(c, n, v, check_min_members);
}
SCHEMA_WORD(max_properties) {
    (void)of;
    return add_size(c, n, v, check_max_members);
}
