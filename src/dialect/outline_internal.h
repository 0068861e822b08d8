/* dialect/outline_internal.h: how readers of requests fill an outline; not a door.
 *
 * Once a limit is reached nothing is added any more and b->fault is set: readers look at it where
 * they loop, so that a request that is too large is left soon.
 */
#ifndef WEIR_DIALECT_OUTLINE_INTERNAL_H
#define WEIR_DIALECT_OUTLINE_INTERNAL_H

#include "dialect/outline.h"

typedef struct outline_list {
    void *items;
    size_t count;
    size_t cap;
} outline_list;

typedef struct outline_builder {
    const outline_limits *limits;
    arena *arena;
    outline_list params, turns, parts, tools;
    outline_fault fault;
} outline_builder;

static inline bool outline_is_full(const outline_builder *b) {
    return b->fault.what != NULL;
}

static inline bool outline_is_absent(json_value v) {
    return v.type == JSON_NONE || v.type == JSON_NULL;
}

void outline_add_tool(outline_builder *b, const outline_tool *tool);
/* Parts are added to the turn that was opened last. */
void outline_open_turn(outline_builder *b, outline_role role, json_value source, json_value name);
/* Of who speaks in it. */
void outline_name_turn(outline_builder *b, json_value name);
void outline_add_part(outline_builder *b, const outline_part *part);
/* How many parts the open turn has. */
size_t outline_open_parts(const outline_builder *b);
/* A turn of one part. */
void outline_add_text_turn(outline_builder *b, outline_role role, json_value text);
void outline_add_opaque_turn(outline_builder *b, outline_role role, json_value source);

/* The string at a path of member names, "image_url.url"; NONE where there is none. */
json_value outline_string_at(json_value object, const char *path);

/* ---- content (outline_content.c) ---- */

/* Whose content it is. */
typedef struct outline_whose {
    outline_kind text; /* what its texts are */
    json_value id;
    json_value name;
} outline_whose;

/* A string, or a list of pieces. */
void outline_read_content(outline_builder *b, const outline_whose *whose, json_value content);
void outline_read_pieces(outline_builder *b, const outline_whose *whose, json_value pieces);
/* A tool call that says name and text; text may be absent. What is no call is OPAQUE. */
void outline_read_call(outline_builder *b, json_value source, json_value id, json_value name,
                       json_value text);

/* ---- what the model is to read, by dialect ---- */

void outline_take_messages(outline_builder *b, json_cursor *list); /* outline_messages.c */
void outline_read_message(outline_builder *b, json_value message);
void outline_read_items(outline_builder *b, json_value input);   /* outline_items.c */
void outline_read_inputs(outline_builder *b, json_value inputs); /* outline_inputs.c */
void outline_read_instructions(outline_builder *b, json_value instructions);
void outline_read_tools(outline_builder *b, json_value tools); /* outline_tools.c */

#endif
