/* From a schema's text to nodes. */
#include "schema/compile.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdlib.h>

/* ---- messages ---- */

void schema_enter(schema_compiler *c, schema_step *step, span name, size_t index) {
    *step = (schema_step){c->at, name, index};
    c->at = step;
}

void schema_leave(schema_compiler *c) {
    c->at = c->at->up;
}

/* As JSON pointers are written, without their escapes: "/properties/city". */
static void write_place(const schema_step *at, buf *out) {
    if (!at) return;
    write_place(at->up, out);
    buf_add_char(out, '/');
    if (at->name.ptr)
        buf_add_excerpt(out, at->name, 80);
    else
        buf_add_u64(out, at->index);
}

bool schema_refuse(schema_compiler *c, const char *fmt, ...) {
    va_list args;
    write_place(c->at, c->why);
    if (c->at) buf_add_cstr(c->why, ": ");
    va_start(args, fmt);
    buf_vaddf(c->why, fmt, args);
    va_end(args);
    return false;
}

/* ---- nodes ---- */

arena *schema_arena(schema_compiler *c) {
    return &c->schema->arena;
}

void schema_wants_marks(schema_compiler *c) {
    c->schema->marks = true;
}

bool schema_is_old(const schema_node *n) {
    return n->place->old;
}

/* Rules are moved as they become more: nobody keeps a pointer to one while more are added. */
schema_rule *schema_rule_add(schema_compiler *c, schema_node *n) {
    if ((n->count & (n->count - 1)) == 0) {
        size_t cap = n->count ? 2 * n->count : 1;
        schema_rule *more = arena_zalloc(&c->schema->arena, cap * sizeof *more);
        if (n->count) memcpy(more, n->rules, n->count * sizeof *more);
        n->rules = more;
    }
    return &n->rules[n->count++];
}

schema_pattern *schema_keep_pattern(schema_compiler *c, span text) {
    buf why = BUF_EMPTY;
    schema_pattern *p = NULL;
    if (++c->patterns > SCHEMA_PATTERNS_MAX)
        buf_addf(&why, "the schema has more than %d patterns", SCHEMA_PATTERNS_MAX);
    else
        p = schema_pattern_new(text, &why);
    if (!p) {
        schema_refuse(c, "%.*s", SPAN_ARG(buf_span(&why)));
    } else {
        schema_kept *kept = arena_zalloc(&c->schema->arena, sizeof *kept);
        *kept = (schema_kept){c->schema->patterns, p};
        c->schema->patterns = kept;
    }
    buf_done(&why);
    return p;
}

static bool compile_word(schema_compiler *c, const schema_word *word, schema_node *n,
                         schema_value *of) {
    schema_value *v = word->compile ? schema_value_get(of, span_cstr(word->name)) : NULL;
    if (!v) return true;
    schema_step step;
    schema_enter(c, &step, span_cstr(word->name), 0);
    bool ok = word->compile(c, n, of, v);
    schema_leave(c);
    return ok;
}

static bool compile_words(schema_compiler *c, schema_node *n, schema_value *v) {
    bool ref_alone = n->place->old && schema_value_get(v, SPAN_OF("$ref"));
    for (size_t i = 0; i < (ref_alone ? 1 : schema_word_count); i++)
        if (!compile_word(c, &schema_words[i], n, v)) return false;
    return true;
}

/* v->place is set. A node that is being compiled is found again by what refers to it. */
static schema_node *compile_value(schema_compiler *c, schema_value *v) {
    if (v->node) return v->node;
    bool is_bool = v->type == JSON_TRUE || v->type == JSON_FALSE;
    if (!is_bool && v->type != JSON_OBJECT) {
        schema_refuse(c, "expected a schema: an object, true or false");
        return NULL;
    }
    if (++c->nodes > SCHEMA_NODES_MAX) {
        schema_refuse(c, "the schema has more than %d parts", SCHEMA_NODES_MAX);
        return NULL;
    }
    schema_node *n = arena_zalloc(&c->schema->arena, sizeof *n);
    v->node = n;
    n->place = v->place;
    n->fixed = is_bool ? v->type == JSON_TRUE : -1;
    return is_bool || compile_words(c, n, v) ? n : NULL;
}

schema_node *schema_part(schema_compiler *c, schema_value *v) {
    return compile_value(c, v);
}

schema_node *schema_refer(schema_compiler *c, const schema_node *from, span reference, bool dynamic,
                          span *ret_anchor) {
    schema_place *place;
    schema_value *v = schema_find(c, from->place, reference, &place, ret_anchor);
    if (!v) return NULL;
    if (!dynamic) *ret_anchor = SPAN_EMPTY;
    if (v->node) return v->node;
    const schema_step *at = c->at;
    schema_step step;
    c->at = NULL;
    schema_enter(c, &step, reference, 0);
    schema_node *n = schema_find_places(c, v, place) ? compile_value(c, v) : NULL;
    c->at = at;
    return n;
}

/* ---- the whole ---- */

static bool compile_anchors(schema_compiler *c) {
    for (schema_place *p = c->schema->places; p; p = p->next)
        for (schema_anchor *a = p->anchors; a; a = a->next)
            if (a->dynamic && !(a->node = compile_value(c, a->at))) return false;
    return true;
}

static bool compile(schema_compiler *c) {
    schema *s = c->schema;
    json_fault fault;
    if (s->text.len > SCHEMA_BYTES_MAX)
        return schema_refuse(c, "the schema has more than %d bytes", SCHEMA_BYTES_MAX);
    if (!schema_value_read(s->text, &s->arena, &s->document, &fault)) {
        span why = json_fault_text(&s->arena, s->text, &fault);
        return schema_refuse(c, "it is no JSON: %.*s", SPAN_ARG(why));
    }
    schema_place *place = schema_first_place(c, &s->document);
    return schema_find_places(c, &s->document, place) &&
           (s->root = compile_value(c, &s->document)) && compile_anchors(c);
}

schema *schema_new(span text, buf *ret_why) {
    schema *s = mem_zalloc(sizeof *s);
    arena_init(&s->arena, 4096);
    s->text = arena_dup(&s->arena, text);
    schema_compiler c = {.schema = s, .why = ret_why};
    if (compile(&c)) return s;
    schema_free(s);
    return NULL;
}

void schema_free(schema *s) {
    if (!s) return;
    for (schema_kept *k = s->patterns; k; k = k->next)
        schema_pattern_free(k->pattern);
    arena_done(&s->arena);
    free(s);
}
