/* What holds for every outline, for unit tests and the fuzz target: the first rule that is broken,
 * or NULL. */
#ifndef WEIR_TEST_OUTLINE_CHECK_H
#define WEIR_TEST_OUTLINE_CHECK_H

#include "dialect/outline.h"

#define OUTLINE_RULE(condition)                                                                    \
    if (!(condition)) return #condition

static inline bool outline_within(json_value part, json_value whole) {
    return part.raw.ptr >= whole.raw.ptr &&
           part.raw.ptr + part.raw.len <= whole.raw.ptr + whole.raw.len;
}

static inline bool outline_string_within(json_value part, json_value whole) {
    return part.type == JSON_STRING && part.raw.len >= 2 && part.raw.ptr[0] == '"' &&
           part.raw.ptr[part.raw.len - 1] == '"' && outline_within(part, whole);
}

static inline bool outline_may_be_string(json_value part, json_value whole) {
    return part.type == JSON_NONE || outline_string_within(part, whole);
}

static inline const char *outline_broken_part(const outline_part *p, const outline_turn *t) {
    OUTLINE_RULE(outline_within(p->source, t->source));
    OUTLINE_RULE(outline_may_be_string(p->value, p->source));
    OUTLINE_RULE(outline_may_be_string(p->id, t->source));
    OUTLINE_RULE(outline_may_be_string(p->name, t->source));
    OUTLINE_RULE(outline_may_be_string(p->signature, p->source));
    switch (p->kind) {
    case OUTLINE_TEXT:
    case OUTLINE_IMAGE:
    case OUTLINE_FILE:
    case OUTLINE_AUDIO:
    case OUTLINE_REFUSAL: OUTLINE_RULE(p->value.type == JSON_STRING); break;
    case OUTLINE_TOOL_CALL: OUTLINE_RULE(p->name.type == JSON_STRING); break;
    case OUTLINE_TOOL_RESULT:
    case OUTLINE_REASONING: break;
    case OUTLINE_OPAQUE: OUTLINE_RULE(p->value.type == JSON_NONE); break;
    }
    return NULL;
}

static inline const char *outline_broken_turn(const request_outline *o, const outline_turn *t) {
    OUTLINE_RULE(t->from <= t->to && t->to <= o->part_count);
    OUTLINE_RULE(outline_may_be_string(t->name, t->source));
    const char *behind = t->source.raw.ptr; /* the part before */
    for (size_t i = t->from; i < t->to; i++) {
        const outline_part *p = &o->parts[i];
        const char *broken = outline_broken_part(p, t);
        if (broken) return broken;
        OUTLINE_RULE(p->source.raw.ptr >= behind);
        behind = p->source.raw.ptr + p->source.raw.len;
    }
    return NULL;
}

/* Every text stands in a value of those in which one may. */
typedef struct outline_sought {
    dialect d;
    json_value root, text;
} outline_sought;

static inline bool outline_is_elsewhere(void *user, json_value value) {
    return !outline_within(((outline_sought *)user)->text, value);
}

static inline bool outline_has_value(void *user, const outline_text *text) {
    outline_sought *s = user;
    s->text = text->value;
    return !outline_each_value(s->d, s->root, outline_is_elsewhere, s);
}

static inline bool outline_texts_have_values(dialect d, json_value root, const request_outline *o) {
    return outline_each_text(o, outline_has_value, &(outline_sought){.d = d, .root = root});
}

static inline const char *outline_broken(json_value root, const request_outline *o,
                                         const outline_limits *l) {
    OUTLINE_RULE(o->param_count <= l->params && o->turn_count <= l->turns);
    OUTLINE_RULE(o->part_count <= l->parts && o->tool_count <= l->tools);
    for (size_t i = 0; i < o->param_count; i++) {
        OUTLINE_RULE(outline_string_within(o->params[i].key, root));
        OUTLINE_RULE(outline_within(o->params[i].value, root));
    }
    size_t parts = 0;
    for (size_t i = 0; i < o->turn_count; i++) {
        OUTLINE_RULE(outline_within(o->turns[i].source, root));
        OUTLINE_RULE(o->turns[i].from == parts);
        const char *broken = outline_broken_turn(o, &o->turns[i]);
        if (broken) return broken;
        parts = o->turns[i].to;
    }
    OUTLINE_RULE(parts == o->part_count);
    for (size_t i = 0; i < o->tool_count; i++) {
        const outline_tool *t = &o->tools[i];
        OUTLINE_RULE(outline_within(t->source, root));
        OUTLINE_RULE((t->name.type == JSON_NONE) == (t->kind == TOOL_IS_OPAQUE));
        OUTLINE_RULE(outline_may_be_string(t->name, t->source));
        OUTLINE_RULE(outline_may_be_string(t->description, t->source));
        OUTLINE_RULE(!t->parameters.type || outline_within(t->parameters, t->source));
        OUTLINE_RULE(!t->strict.type || outline_within(t->strict, t->source));
    }
    return NULL;
}

/* ---- texts in their places ---- */

typedef struct outline_editor {
    json_splice splice;
    json_value root;
    bool parts_alone; /* only texts of known parts are edited */
    size_t texts;
    bool refused; /* a text is no string of the body, or overlaps another */
} outline_editor;

static inline bool outline_edit_text(void *user, const outline_text *text) {
    outline_editor *e = user;
    if (e->parts_alone && text->place != TEXT_IN_PART) return true;
    e->texts++;
    e->refused |= !outline_string_within(text->value, e->root) ||
                  !json_splice_value(&e->splice, e->root.raw, text->value, SPAN_OF("\"x\""));
    return !e->refused;
}

/* The body with an "x" in the place of each text. */
static inline bool outline_edit(json_value root, const request_outline *o, bool parts_alone,
                                arena *a, span *ret, size_t *ret_texts) {
    outline_editor e = {.root = root, .parts_alone = parts_alone};
    json_splice_init(&e.splice, a);
    bool whole = outline_each_text(o, outline_edit_text, &e);
    size_t count;
    const span *pieces = json_splice_pieces(&e.splice, root.raw, &count);
    *ret = arena_join(a, pieces, count);
    *ret_texts = e.texts;
    return whole && !e.refused && e.splice.count == e.texts;
}

#endif
