/* The outline as it is built, and the members of the request itself. */
#include "dialect/outline_internal.h"

const outline_limits outline_limits_usual = {
    .params = 1000, .turns = 10000, .parts = 20000, .tools = 2000};

/* Room for one more, or NULL. */
static void *add(outline_builder *b, outline_list *l, size_t size, size_t most, const char *what) {
    enum { FIRST = 2 };
    if (outline_is_full(b)) return NULL;
    if (l->count == most) {
        b->fault = (outline_fault){what, most};
        return NULL;
    }
    if (l->count == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : FIRST;
        void *grown = arena_alloc(b->arena, cap * size);
        if (l->count) memcpy(grown, l->items, l->count * size);
        l->items = grown;
        l->cap = cap;
    }
    return (char *)l->items + l->count++ * size;
}

static void add_param(outline_builder *b, const outline_param *param) {
    outline_param *p = add(b, &b->params, sizeof *p, b->limits->params, "members");
    if (p) *p = *param;
}

void outline_add_tool(outline_builder *b, const outline_tool *tool) {
    outline_tool *t = add(b, &b->tools, sizeof *t, b->limits->tools, "tools");
    if (t) *t = *tool;
}

void outline_open_turn(outline_builder *b, outline_role role, json_value source, json_value name) {
    outline_turn *t = add(b, &b->turns, sizeof *t, b->limits->turns, "turns");
    if (t) *t = (outline_turn){role, source, name, b->parts.count, b->parts.count};
}

static outline_turn *open_turn(const outline_builder *b) {
    return (outline_turn *)b->turns.items + b->turns.count - 1;
}

void outline_name_turn(outline_builder *b, json_value name) {
    if (!outline_is_full(b)) open_turn(b)->name = name;
}

void outline_add_part(outline_builder *b, const outline_part *part) {
    outline_part *p = add(b, &b->parts, sizeof *p, b->limits->parts, "parts of turns");
    if (!p) return;
    *p = *part;
    open_turn(b)->to = b->parts.count;
}

size_t outline_open_parts(const outline_builder *b) {
    return open_turn(b)->to - open_turn(b)->from;
}

void outline_add_text_turn(outline_builder *b, outline_role role, json_value text) {
    outline_open_turn(b, role, text, (json_value){0});
    outline_add_part(b, &(outline_part){.kind = OUTLINE_TEXT, .value = text, .source = text});
}

void outline_add_opaque_turn(outline_builder *b, outline_role role, json_value source) {
    outline_open_turn(b, role, source, (json_value){0});
    outline_add_part(b, &(outline_part){.kind = OUTLINE_OPAQUE, .source = source});
}

json_value outline_string_at(json_value object, const char *path) {
    span rest = span_cstr(path), name;
    json_value at = object;
    while (span_cut(&rest, '.', &name))
        at = json_get(at, name);
    return at.type == JSON_STRING ? at : (json_value){0};
}

/* ---- the request ---- */

typedef void content_reader(outline_builder *b, json_value content);

static void read_opaque(outline_builder *b, json_value content) {
    outline_add_opaque_turn(b, ROLE_OTHER, content);
}

static content_reader *const content_readers[DIALECT_COUNT] = {
    [DIALECT_OPENAI_CHAT] = read_opaque, /* a list of messages is read where it stands */
    [DIALECT_OPENAI_COMPLETIONS] = outline_read_inputs,
    [DIALECT_OPENAI_EMBEDDINGS] = outline_read_inputs,
    [DIALECT_OPENAI_RESPONSES] = outline_read_items,
    [DIALECT_OPENAI_MODERATIONS] = outline_read_inputs,
    [DIALECT_WEIR_CHAT] = outline_read_inputs,
    [DIALECT_RAW] = read_opaque,
};

/* The member at whose value the cursor stands. */
static void read_member(outline_builder *b, dialect d, json_value key, json_cursor *at,
                        json_value *content, json_value *instructions) {
    const field *f = field_find(d, key);
    const param_id id = f ? f->param : PARAM_UNKNOWN;
    if (id == PARAM_CONTENT && d == DIALECT_OPENAI_CHAT && json_cursor_type(at) == JSON_ARRAY) {
        outline_take_messages(b, at); /* there are no instructions that come before */
        return;
    }
    const json_value value = json_cursor_take(at);
    if (value.type == JSON_NULL) return;
    switch (id) {
    case PARAM_CONTENT: *content = value; return;
    case PARAM_INSTRUCTIONS: *instructions = value; return;
    case PARAM_TOOLS: outline_read_tools(b, value); break;
    default: break;
    }
    add_param(b, &(outline_param){id, key, value});
}

static void read_request(outline_builder *b, dialect d, json_value root) {
    json_value content = {0}, instructions = {0};
    json_member m;
    json_cursor at = json_cursor_of(root);
    while (!outline_is_full(b) && json_cursor_member(&at, &m.key))
        read_member(b, d, json_member_name(&m), &at, &content, &instructions);
    /* In a model's order, whatever the request's. */
    if (instructions.type != JSON_NONE) outline_read_instructions(b, instructions);
    if (content.type != JSON_NONE) content_readers[d](b, content);
}

bool outline_read(dialect d, json_value root, const outline_limits *limits, arena *a,
                  request_outline *ret, outline_fault *ret_fault) {
    outline_builder b = {.limits = limits, .arena = a};
    if (root.type == JSON_OBJECT && d != DIALECT_RAW)
        read_request(&b, d, root);
    else if (root.type != JSON_NONE)
        read_opaque(&b, root);
    if (outline_is_full(&b)) {
        *ret_fault = b.fault;
        return false;
    }
    *ret = (request_outline){.params = b.params.items,
                             .param_count = b.params.count,
                             .turns = b.turns.items,
                             .turn_count = b.turns.count,
                             .parts = b.parts.items,
                             .part_count = b.parts.count,
                             .tools = b.tools.items,
                             .tool_count = b.tools.count};
    return true;
}

const request_outline *outline_ask(outline_slot *slot, dialect d, json_value root, arena *a) {
    if (slot->made || slot->fault.what) return slot->made;
    request_outline *made = arena_alloc(a, sizeof *made);
    if (outline_read(d, root, &outline_limits_usual, a, made, &slot->fault)) slot->made = made;
    return slot->made;
}
