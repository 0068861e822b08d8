/* What endpoints without turns are given: prompts, texts to embed or to judge, a message. */
#include "dialect/outline_internal.h"

static void read_input(outline_builder *b, json_value input) {
    if (input.type == JSON_STRING)
        outline_add_text_turn(b, ROLE_USER, input);
    else
        outline_add_opaque_turn(b, ROLE_USER, input);
}

/* Texts, or arrays of tokens: each is an input by itself. Tokens: one input. Pieces of content: one
 * input, too. The first element says which. */
void outline_read_inputs(outline_builder *b, json_value inputs) {
    json_value input = {0};
    json_iter it = json_iter_of(inputs);
    if (inputs.type == JSON_ARRAY && !json_next_element(&it, &input)) return;
    if (input.type == JSON_OBJECT) {
        outline_open_turn(b, ROLE_USER, inputs, (json_value){0});
        outline_read_pieces(b, &(outline_whose){.text = OUTLINE_TEXT}, inputs);
        return;
    }
    if (inputs.type != JSON_ARRAY || input.type == JSON_NUMBER) {
        read_input(b, inputs);
        return;
    }
    do
        read_input(b, input);
    while (!outline_is_full(b) && json_next_element(&it, &input));
}
