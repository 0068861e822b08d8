/* Outlines as lines of text, so that a test is a table of bodies and what they come to. In bodies
 * and lines ' stands for ". */
#ifndef WEIR_TEST_OUTLINE_UNIT_H
#define WEIR_TEST_OUTLINE_UNIT_H

#include "heap.h"

#include "outline_check.h"

static inline void outline_put_value(buf *out, const char *name, json_value value) {
    if (value.type == JSON_NONE) return;
    buf_addf(out, " %s=", name);
    for (size_t i = 0; i < value.raw.len; i++)
        buf_add_char(out, value.raw.ptr[i] == '"' ? '\'' : value.raw.ptr[i]);
}

/* "text='hi'", and where that is only a part of it: "of={'type':'text','text':'hi'}". */
static inline void outline_put_part(buf *out, const outline_part *p) {
    static const char *const kinds[] = {
        [OUTLINE_TEXT] = "text",           [OUTLINE_IMAGE] = "image",
        [OUTLINE_FILE] = "file",           [OUTLINE_AUDIO] = "audio",
        [OUTLINE_TOOL_CALL] = "call",      [OUTLINE_TOOL_RESULT] = "result",
        [OUTLINE_REASONING] = "reasoning", [OUTLINE_REFUSAL] = "refusal",
        [OUTLINE_OPAQUE] = "opaque",
    };
    buf_addf(out, "\n  %s", kinds[p->kind]);
    outline_put_value(out, "says", p->value);
    outline_put_value(out, "id", p->id);
    outline_put_value(out, "name", p->name);
    outline_put_value(out, "signature", p->signature);
    if (p->source.raw.ptr != p->value.raw.ptr) outline_put_value(out, "of", p->source);
}

static inline void outline_put_turn(buf *out, const request_outline *o, const outline_turn *t) {
    static const char *const roles[] = {
        [ROLE_SYSTEM] = "system",       [ROLE_DEVELOPER] = "developer", [ROLE_USER] = "user",
        [ROLE_ASSISTANT] = "assistant", [ROLE_TOOL] = "tool",           [ROLE_OTHER] = "other",
    };
    if (out->len) buf_add_char(out, '\n');
    buf_add_cstr(out, roles[t->role]);
    outline_put_value(out, "name", t->name);
    for (size_t i = t->from; i < t->to; i++)
        outline_put_part(out, &o->parts[i]);
}

static inline void outline_put_tool(buf *out, const outline_tool *t) {
    static const char *const kinds[] = {"function", "custom", "opaque"};
    buf_addf(out, "%stool %s", out->len ? "\n" : "", kinds[t->kind]);
    outline_put_value(out, "name", t->name);
    outline_put_value(out, "about", t->description);
    outline_put_value(out, "takes", t->parameters);
    outline_put_value(out, "strict", t->strict);
    if (t->kind == TOOL_IS_OPAQUE) outline_put_value(out, "of", t->source);
}

static inline void outline_put_param(buf *out, const outline_param *p) {
    static const char *const ids[] = {
        [PARAM_UNKNOWN] = "unknown",
        [PARAM_CONTENT] = "content",
        [PARAM_INSTRUCTIONS] = "instructions",
        [PARAM_TEMPLATE] = "template",
        [PARAM_PREDICTION] = "prediction",
        [PARAM_SUFFIX] = "suffix",
        [PARAM_MODEL] = "model",
        [PARAM_STREAM] = "stream",
        [PARAM_STREAM_OPTIONS] = "stream options",
        [PARAM_MAX_TOKENS] = "max tokens",
        [PARAM_TEMPERATURE] = "temperature",
        [PARAM_TOP_P] = "top p",
        [PARAM_STOP] = "stop",
        [PARAM_N] = "n",
        [PARAM_SEED] = "seed",
        [PARAM_TOOLS] = "tools",
        [PARAM_TOOL_CHOICE] = "tool choice",
        [PARAM_PARALLEL_CALLS] = "parallel",
        [PARAM_FORMAT] = "format",
        [PARAM_EFFORT] = "effort",
        [PARAM_USER] = "user",
        [PARAM_STATE] = "state",
        [PARAM_SETTING] = "setting",
    };
    buf_addf(out, "%sparam %s", out->len ? "\n" : "", ids[p->id]);
    outline_put_value(out, "key", p->key);
    outline_put_value(out, "is", p->value);
}

static inline bool outline_put_text(void *user, const outline_text *text) {
    static const char *const places[] = {
        [TEXT_IN_PART] = "part",     [TEXT_IN_OPAQUE] = "opaque", [TEXT_IN_DESCRIPTION] = "about",
        [TEXT_IN_SCHEMA] = "schema", [TEXT_IN_PARAM] = "param",
    };
    outline_put_value(user, places[text->place], text->value);
    return true;
}

typedef enum outline_look { LOOK_TURNS, LOOK_TOOLS, LOOK_PARAMS, LOOK_TEXTS } outline_look;

static inline void outline_put(buf *out, const request_outline *o, outline_look look) {
    switch (look) {
    case LOOK_TURNS:
        for (size_t i = 0; i < o->turn_count; i++)
            outline_put_turn(out, o, &o->turns[i]);
        break;
    case LOOK_TOOLS:
        for (size_t i = 0; i < o->tool_count; i++)
            outline_put_tool(out, &o->tools[i]);
        break;
    case LOOK_PARAMS:
        for (size_t i = 0; i < o->param_count; i++)
            outline_put_param(out, &o->params[i]);
        break;
    case LOOK_TEXTS: outline_each_text(o, outline_put_text, out); break;
    }
}

/* The document with ' for ", scanned. In the arena. */
static inline json_value outline_scan(const char *body, arena *a) {
    span doc = arena_dup(a, span_cstr(body));
    for (size_t i = 0; i < doc.len; i++)
        if (doc.ptr[i] == '\'') ((char *)doc.ptr)[i] = '"';
    json_value root;
    json_fault fault;
    if (!json_scan(doc, NULL, &root, &fault)) fail_msg("%s: %s", body, fault.what);
    return root;
}

static inline request_outline outline_of(dialect d, json_value root, arena *a) {
    request_outline o;
    outline_fault fault;
    assert_true(outline_read(d, root, &outline_limits_usual, a, &o, &fault));
    const char *broken = outline_broken(root, &o, &outline_limits_usual);
    if (broken) {
        print_error("%.*s\n", (int)root.raw.len, root.raw.ptr ? root.raw.ptr : "");
        fail_msg("does not hold: %s", broken);
    }
    assert_true(outline_texts_have_values(d, root, &o));
    return o;
}

typedef struct outline_row {
    const char *body;
    const char *says;
} outline_row;

static inline void outline_check_rows(dialect d, outline_look look, const outline_row *rows,
                                      size_t count) {
    for (size_t i = 0; i < count; i++) {
        arena a;
        arena_init(&a, 0);
        request_outline o = outline_of(d, outline_scan(rows[i].body, &a), &a);
        buf out = BUF_EMPTY;
        outline_put(&out, &o, look);
        assert_span(buf_span(&out), rows[i].says);
        buf_done(&out);
        arena_done(&a);
    }
}

#define CHECK_ROWS(dialect, look, rows) outline_check_rows(dialect, look, rows, ARRAY_LEN(rows))

#endif
