/* Words for values of any type: type, enum, const. */
#include "schema/node.h"

/* ---- type ---- */

static unsigned type_of(const schema_value *v) {
    bool whole = v->type == JSON_NUMBER && schema_number_is_whole(&v->number);
    return 1u << v->type | (whole ? SCHEMA_WHOLE : 0);
}

static bool check_type(schema_run *r, const schema_rule *rule, const schema_value *v,
                       schema_seen *seen) {
    (void)seen;
    if (rule->types & type_of(v)) return true;
    if (!schema_heard(r)) return false;
    span wanted = schema_type_words(rule->types, r->arena), said = schema_said(r, v);
    return schema_problem(r, "expected %.*s, got %.*s", SPAN_ARG(wanted), SPAN_ARG(said));
}

static bool type_named(schema_compiler *c, const schema_value *v, unsigned *types) {
    static const struct {
        span name;
        unsigned types;
    } names[] = {
        {SPAN("object"), 1 << JSON_OBJECT}, {SPAN("array"), 1 << JSON_ARRAY},
        {SPAN("string"), 1 << JSON_STRING}, {SPAN("number"), 1 << JSON_NUMBER},
        {SPAN("integer"), SCHEMA_WHOLE},    {SPAN("boolean"), SCHEMA_BOOL},
        {SPAN("null"), 1 << JSON_NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(names) && v->type == JSON_STRING; i++) {
        if (!span_eq(names[i].name, v->text)) continue;
        *types |= names[i].types;
        return true;
    }
    return schema_refuse(c, "%.*s is no type", SPAN_ARG(span_clip(v->raw, 80)));
}

SCHEMA_WORD(type) {
    unsigned types = 0;
    (void)of;
    if (v->type != JSON_ARRAY) {
        if (!type_named(c, v, &types)) return false;
    } else {
        for (size_t i = 0; i < v->count; i++)
            if (!type_named(c, &v->items[i], &types)) return false;
    }
    *schema_rule_add(c, n) = (schema_rule){.check = check_type, .types = types};
    return true;
}

/* ---- enum, const ---- */

static bool check_enum(schema_run *r, const schema_rule *rule, const schema_value *v,
                       schema_seen *seen) {
    (void)seen;
    const schema_value *all = rule->value;
    for (size_t i = 0; i < all->count; i++)
        if (schema_value_eq(&all->items[i], v)) return true;
    if (!schema_heard(r)) return schema_work(r, all->count / 16) && false;
    buf list = BUF_EMPTY;
    for (size_t i = 0; i < all->count && i < 20; i++) {
        buf_add_cstr(&list, i ? ", " : "");
        buf_add_excerpt(&list, all->items[i].raw, 60);
    }
    if (all->count > 20) buf_add_cstr(&list, " …");
    span said = schema_said(r, v);
    (void)schema_problem(r, "expected one of %.*s, got %.*s", SPAN_ARG(buf_span(&list)),
                         SPAN_ARG(said));
    buf_done(&list);
    return false;
}

SCHEMA_WORD(enum) {
    (void)of;
    if (v->type != JSON_ARRAY) return schema_refuse(c, "expected an array");
    *schema_rule_add(c, n) = (schema_rule){.check = check_enum, .value = v};
    return true;
}

static bool check_const(schema_run *r, const schema_rule *rule, const schema_value *v,
                        schema_seen *seen) {
    (void)seen;
    if (schema_value_eq(rule->value, v)) return true;
    span said = schema_heard(r) ? schema_said(r, v) : SPAN_EMPTY;
    return schema_problem(r, "expected %.*s, got %.*s", SPAN_ARG(span_clip(rule->value->raw, 200)),
                          SPAN_ARG(said));
}

SCHEMA_WORD(const) {
    (void)of;
    *schema_rule_add(c, n) = (schema_rule){.check = check_const, .value = v};
    return true;
}
