/* The items of a response's input. */
#include "dialect/outline_internal.h"

static void read_function_call(outline_builder *b, json_value item, json_value text) {
    outline_open_turn(b, ROLE_ASSISTANT, item, (json_value){0});
    outline_read_call(b, item, outline_string_at(item, "call_id"), json_get(item, SPAN_OF("name")),
                      text);
}

static void read_call(outline_builder *b, json_value item) {
    read_function_call(b, item, json_get(item, SPAN_OF("arguments")));
}

static void read_custom_call(outline_builder *b, json_value item) {
    read_function_call(b, item, json_get(item, SPAN_OF("input")));
}

static void read_output(outline_builder *b, json_value item) {
    json_value output = json_get(item, SPAN_OF("output"));
    const outline_whose whose = {OUTLINE_TOOL_RESULT, outline_string_at(item, "call_id"),
                                 outline_string_at(item, "name")};
    if (output.type == JSON_NONE) {
        outline_add_opaque_turn(b, ROLE_TOOL, item);
        return;
    }
    outline_open_turn(b, ROLE_TOOL, item, (json_value){0});
    outline_read_content(b, &whose, output);
}

/* What an item of reasoning says, in the order of its members: what it was about, what it was, and
 * the whole of it for the provider's eyes alone. */
static void read_reasoning_member(outline_builder *b, const outline_whose *whose,
                                  const json_member *m) {
    json_value name = json_member_name(m);
    bool sealed = json_is(name, SPAN_OF("encrypted_content"));
    bool words = json_is(name, SPAN_OF("summary")) || json_is(name, SPAN_OF("content"));
    outline_part part = {.source = m->value, .id = whose->id};
    if (words && m->value.type == JSON_ARRAY) {
        outline_read_pieces(b, whose, m->value);
    } else if (sealed && m->value.type == JSON_STRING) {
        part.kind = OUTLINE_REASONING;
        part.signature = m->value;
        outline_add_part(b, &part);
    } else if ((words || sealed) && m->value.type != JSON_NULL) {
        part.kind = OUTLINE_OPAQUE;
        part.name = name;
        outline_add_part(b, &part);
    }
}

static void read_reasoning(outline_builder *b, json_value item) {
    const outline_whose whose = {.text = OUTLINE_REASONING, .id = outline_string_at(item, "id")};
    outline_open_turn(b, ROLE_ASSISTANT, item, (json_value){0});
    json_member m;
    json_iter it = json_iter_of(item);
    while (!outline_is_full(b) && json_next_member(&it, &m))
        read_reasoning_member(b, &whose, &m);
    /* The provider may have kept it: its id says which. */
    if (!outline_is_full(b) && !outline_open_parts(b))
        outline_add_part(
            b, &(outline_part){.kind = OUTLINE_REASONING, .source = item, .id = whose.id});
}

static void read_item(outline_builder *b, json_value item) {
    static const struct {
        span type;
        void (*read)(outline_builder *b, json_value item);
    } readers[] = {
        {SPAN("message"), outline_read_message},
        {SPAN("function_call"), read_call},
        {SPAN("function_call_output"), read_output},
        {SPAN("custom_tool_call"), read_custom_call},
        {SPAN("custom_tool_call_output"), read_output},
        {SPAN("reasoning"), read_reasoning},
    };
    json_value type = json_get(item, SPAN_OF("type"));
    if (outline_is_absent(type) && json_get(item, SPAN_OF("role")).type == JSON_STRING) {
        outline_read_message(b, item);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(readers); i++) {
        if (!json_is(type, readers[i].type)) continue;
        readers[i].read(b, item);
        return;
    }
    outline_add_opaque_turn(b, ROLE_OTHER, item);
}

void outline_read_items(outline_builder *b, json_value input) {
    if (input.type != JSON_ARRAY) {
        outline_read_inputs(b, input);
        return;
    }
    json_value item;
    json_iter it = json_iter_of(input);
    while (!outline_is_full(b) && json_next_element(&it, &item))
        read_item(b, item);
}

void outline_read_instructions(outline_builder *b, json_value instructions) {
    if (instructions.type == JSON_STRING)
        outline_add_text_turn(b, ROLE_SYSTEM, instructions);
    else
        outline_add_opaque_turn(b, ROLE_SYSTEM, instructions);
}
