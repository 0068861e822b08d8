/* A run of a schema over a document. */
#include "schema/node.h"

#include <stdarg.h>

enum {
    STEPS_MAX = 1000000,
    DEPTH_MAX = 1200, /* of schemas within schemas: some 300 KB of stack */
    TOLD_MAX = 5,     /* problems */
    SAID_MAX = 60,    /* bytes of a value */
};

/* ---- messages ---- */

static bool is_plain(span name) {
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
        if (!letter && !(c >= '0' && c <= '9')) return false;
    }
    return name.len > 0 && name.len <= 100;
}

/* "stops[2].name" */
static void write_way(const schema_step *at, buf *out, size_t from) {
    if (!at) return;
    write_way(at->up, out, from);
    if (!at->name.ptr) {
        buf_addf(out, "[%zu]", at->index);
    } else if (is_plain(at->name)) {
        if (out->len > from) buf_add_char(out, '.');
        buf_add(out, at->name);
    } else {
        buf_add_char(out, '[');
        json_write_string(out, span_clip(at->name, SAID_MAX));
        buf_add_char(out, ']');
    }
}

bool schema_problem(schema_run *r, const char *fmt, ...) {
    va_list args;
    if (r->quiet || r->given_up || r->told >= r->most) return false;
    if (r->told++) buf_add_char(r->out, '\n');
    size_t from = r->out->len;
    write_way(r->at, r->out, from);
    if (r->out->len > from) buf_add_cstr(r->out, ": ");
    va_start(args, fmt);
    buf_vaddf(r->out, fmt, args);
    va_end(args);
    return false;
}

span schema_said(schema_run *r, const schema_value *v) {
    if (v->type == JSON_OBJECT) return SPAN_OF("an object");
    if (v->type == JSON_ARRAY) return SPAN_OF("an array");
    if (v->raw.len <= SAID_MAX) return v->raw;
    return arena_printf(r->arena, "%.*s…", SPAN_ARG(span_clip(v->raw, SAID_MAX)));
}

span schema_type_words(unsigned types, arena *a) {
    static const struct {
        unsigned types;
        const char *word;
    } words[] = {
        {1 << JSON_OBJECT, "an object"},  {1 << JSON_ARRAY, "an array"},
        {1 << JSON_STRING, "a string"},   {1 << JSON_NUMBER, "a number"},
        {SCHEMA_WHOLE, "a whole number"}, {SCHEMA_BOOL, "true or false"},
        {1 << JSON_NULL, "null"},
    };
    span out = SPAN_EMPTY;
    if (types & 1 << JSON_NUMBER) types &= ~(unsigned)SCHEMA_WHOLE;
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (!(types & words[i].types)) continue;
        out = out.len ? arena_printf(a, "%.*s or %s", SPAN_ARG(out), words[i].word)
                      : span_cstr(words[i].word);
    }
    return out;
}

void schema_reason(schema_run *r, const schema_node *n, const schema_value *v, buf *out) {
    buf why = BUF_EMPTY, *was = r->out;
    const schema_step *at = r->at;
    size_t told = r->told, most = r->most;
    r->out = &why;
    r->at = NULL;
    r->told = 0;
    r->most = 1;
    schema_seen seen = {0};
    (void)schema_eval(r, n, v, &seen);
    r->out = was;
    r->at = at;
    r->told = told;
    r->most = most;
    buf_add_excerpt(out, buf_span(&why), 200);
    buf_done(&why);
}

/* ---- going through ---- */

static bool give_up(schema_run *r) {
    r->given_up = true;
    return false;
}

bool schema_work(schema_run *r, size_t steps) {
    if (r->given_up) return false;
    r->steps += steps;
    return r->steps <= STEPS_MAX || give_up(r);
}

static bool eval_rules(schema_run *r, const schema_node *n, const schema_value *v,
                       schema_seen *seen) {
    bool ok = true;
    for (size_t i = 0; i < n->count && !r->given_up; i++) {
        if (n->rules[i].check(r, &n->rules[i], v, seen)) continue;
        ok = false;
        if (r->quiet) break;
    }
    return ok && !r->given_up;
}

bool schema_eval(schema_run *r, const schema_node *n, const schema_value *v, schema_seen *seen) {
    if (!schema_work(r, 1)) return false;
    if (n->fixed >= 0) return n->fixed || schema_problem(r, "nothing is allowed here");
    if (r->depth == DEPTH_MAX) return give_up(r);
    const schema_scope scope = {r->scope, n->place}, *before = r->scope;
    if (!before || before->place != n->place) r->scope = &scope;
    r->depth++;
    bool ok = eval_rules(r, n, v, seen);
    r->depth--;
    r->scope = before;
    return ok;
}

static schema_seen seen_new(schema_run *r, const schema_value *v) {
    schema_seen seen = {NULL, v->count};
    if (r->schema->marks && v->count) {
        (void)schema_work(r, v->count / 64);
        seen.marks = arena_zalloc(r->arena, v->count);
    }
    return seen;
}

static bool eval_at(schema_run *r, const schema_node *n, const schema_value *v, span name,
                    size_t index) {
    const schema_step step = {r->at, name, index}, *before = r->at;
    schema_seen seen = seen_new(r, v);
    r->at = &step;
    bool ok = schema_eval(r, n, v, &seen);
    r->at = before;
    return ok;
}

bool schema_eval_member(schema_run *r, const schema_node *n, const schema_value *v, size_t index) {
    return eval_at(r, n, &v->items[index], v->names[index], 0);
}

bool schema_eval_element(schema_run *r, const schema_node *n, const schema_value *v, size_t index) {
    return eval_at(r, n, &v->items[index], SPAN_EMPTY, index);
}

bool schema_try(schema_run *r, const schema_node *n, const schema_value *v, schema_seen *seen) {
    r->quiet++;
    bool ok = schema_eval(r, n, v, seen);
    r->quiet--;
    return ok;
}

bool schema_try_element(schema_run *r, const schema_node *n, const schema_value *v, size_t index) {
    r->quiet++;
    bool ok = schema_eval_element(r, n, v, index);
    r->quiet--;
    return ok;
}

static bool apply(schema_run *r, const schema_node *n, const schema_value *v, schema_seen *seen,
                  bool quiet) {
    schema_seen own = seen_new(r, v);
    bool ok = quiet ? schema_try(r, n, v, &own) : schema_eval(r, n, v, &own);
    for (size_t i = 0; ok && own.marks && i < v->count; i++)
        if (own.marks[i]) schema_mark(seen, i);
    return ok;
}

bool schema_apply(schema_run *r, const schema_node *n, const schema_value *v, schema_seen *seen) {
    return apply(r, n, v, seen, false);
}

bool schema_apply_quietly(schema_run *r, const schema_node *n, const schema_value *v,
                          schema_seen *seen) {
    return apply(r, n, v, seen, true);
}

bool schema_check(const schema *s, span document, buf *ret_why) {
    arena a;
    json_fault fault;
    schema_value root;
    arena_init(&a, 0);
    schema_run r = {.schema = s, .arena = &a, .out = ret_why, .most = TOLD_MAX};
    bool ok = schema_value_read(document, &a, &root, &fault);
    if (!ok) {
        span why = json_fault_text(&a, document, &fault);
        buf_addf(ret_why, "this is no JSON: %.*s", SPAN_ARG(why));
    } else {
        schema_seen seen = seen_new(&r, &root);
        ok = schema_eval(&r, s->root, &root, &seen) && !r.given_up;
        if (r.given_up) {
            if (r.told) buf_add_char(ret_why, '\n');
            buf_add_cstr(ret_why, "this is too large or too deep to be checked against the schema");
        }
    }
    arena_done(&a);
    return ok;
}
