/* Walks over an outline. */
#include "dialect/outline.h"

typedef struct walk {
    bool (*each)(void *user, const outline_text *text);
    void *user;
} walk;

static bool visit(const walk *w, const outline_text *text) {
    return w->each(w->user, text);
}

/* Every string of source, as text says, with its value. */
static bool visit_strings(const walk *w, outline_text text, json_value source) {
    json_iter it = json_strings_of(source);
    while (json_next_string(&it, &text.value))
        if (!visit(w, &text)) return false;
    return true;
}

static bool visit_part(const walk *w, const outline_turn *turn, const outline_part *part) {
    outline_text text = {.place = TEXT_IN_PART, .value = part->value, .turn = turn, .part = part};
    switch (part->kind) {
    case OUTLINE_TEXT:
    case OUTLINE_TOOL_CALL:
    case OUTLINE_TOOL_RESULT:
    case OUTLINE_REASONING:
    case OUTLINE_REFUSAL: return part->value.type != JSON_STRING || visit(w, &text);
    case OUTLINE_OPAQUE: text.place = TEXT_IN_OPAQUE; return visit_strings(w, text, part->source);
    case OUTLINE_IMAGE:
    case OUTLINE_FILE:
    case OUTLINE_AUDIO: break;
    }
    return true;
}

static bool visit_turn(const walk *w, const request_outline *o, const outline_turn *turn) {
    for (size_t i = turn->from; i < turn->to; i++)
        if (!visit_part(w, turn, &o->parts[i])) return false;
    return true;
}

/* Its type and its name are no texts where it is known what they are. */
static bool visit_tool(const walk *w, const outline_tool *tool) {
    outline_text text = {.tool = tool};
    json_value type =
        tool->kind == TOOL_IS_OPAQUE ? (json_value){0} : json_get(tool->source, SPAN_OF("type"));
    json_iter it = json_strings_of(tool->source);
    while (json_next_string(&it, &text.value)) {
        const char *at = text.value.raw.ptr;
        if (at == tool->name.raw.ptr || at == type.raw.ptr) continue;
        text.place = at == tool->description.raw.ptr ? TEXT_IN_DESCRIPTION : TEXT_IN_SCHEMA;
        if (!visit(w, &text)) return false;
    }
    return true;
}

static bool is_read(param_id id) {
    return id == PARAM_UNKNOWN || id == PARAM_TEMPLATE || id == PARAM_PREDICTION ||
           id == PARAM_SUFFIX || id == PARAM_FORMAT;
}

bool outline_each_text(const request_outline *o, bool (*each)(void *user, const outline_text *text),
                       void *user) {
    const walk w = {each, user};
    for (size_t i = 0; i < o->turn_count; i++)
        if (!visit_turn(&w, o, &o->turns[i])) return false;
    for (size_t i = 0; i < o->tool_count; i++)
        if (!visit_tool(&w, &o->tools[i])) return false;
    for (size_t i = 0; i < o->param_count; i++) {
        const outline_param *p = &o->params[i];
        const outline_text text = {.place = TEXT_IN_PARAM, .param = p};
        if (is_read(p->id) && !visit_strings(&w, text, p->value)) return false;
    }
    return true;
}

/* Turns and tools are made of these. */
static bool is_outlined(param_id id) {
    return id == PARAM_CONTENT || id == PARAM_INSTRUCTIONS || id == PARAM_TOOLS;
}

bool outline_each_value(dialect d, json_value root, bool (*each)(void *user, json_value value),
                        void *user) {
    json_cursor at = json_cursor_of(root);
    json_member m;
    if (root.type != JSON_OBJECT || d == DIALECT_RAW) return each(user, root);
    while (json_cursor_member(&at, &m.key)) {
        const field *f = field_find(d, json_member_name(&m));
        const param_id id = f ? f->param : PARAM_UNKNOWN;
        const json_value value = json_cursor_take(&at);
        if ((is_read(id) || is_outlined(id)) && !each(user, value)) return false;
    }
    return true;
}

size_t outline_count(const request_outline *o, outline_kind kind) {
    size_t count = 0;
    for (size_t i = 0; i < o->part_count; i++)
        count += o->parts[i].kind == kind;
    return count;
}
