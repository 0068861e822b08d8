/* The content of a message, of an item, of a tool's result: a string, or a list of pieces. The
 * dialects of OpenAI's endpoints call their pieces by names that do not clash, so one table serves
 * them all. */
#include "dialect/outline_internal.h"

typedef struct piece_form {
    span type;
    outline_kind kind;
    const char *values[3]; /* paths to what it says: the first that leads to a string */
    const char *name;      /* a path, too */
} piece_form;

static const piece_form forms[] = {
    {SPAN("text"), OUTLINE_TEXT, {"text"}, NULL},
    {SPAN("input_text"), OUTLINE_TEXT, {"text"}, NULL},
    {SPAN("output_text"), OUTLINE_TEXT, {"text"}, NULL},
    {SPAN("summary_text"), OUTLINE_REASONING, {"text"}, NULL},
    {SPAN("reasoning_text"), OUTLINE_REASONING, {"text"}, NULL},
    {SPAN("refusal"), OUTLINE_REFUSAL, {"refusal"}, NULL},
    {SPAN("image_url"), OUTLINE_IMAGE, {"image_url.url", "image_url"}, NULL},
    {SPAN("input_image"), OUTLINE_IMAGE, {"image_url", "file_id"}, NULL},
    {SPAN("input_audio"), OUTLINE_AUDIO, {"input_audio.data"}, NULL},
    {SPAN("file"), OUTLINE_FILE, {"file.file_data", "file.file_id"}, "file.filename"},
    {SPAN("input_file"), OUTLINE_FILE, {"file_data", "file_url", "file_id"}, "filename"},
};

static const piece_form *form_of(json_value piece) {
    json_value type = json_get(piece, SPAN_OF("type"));
    for (size_t i = 0; i < ARRAY_LEN(forms); i++)
        if (json_is(type, forms[i].type)) return &forms[i];
    return NULL;
}

static json_value value_of(json_value piece, const piece_form *form) {
    json_value value = {0};
    for (size_t i = 0; i < ARRAY_LEN(form->values) && form->values[i] && !value.type; i++)
        value = outline_string_at(piece, form->values[i]);
    return value;
}

static void read_piece(outline_builder *b, const outline_whose *whose, json_value piece) {
    outline_part part = {.kind = OUTLINE_OPAQUE, .source = piece, .id = whose->id};
    const piece_form *form = form_of(piece);
    if (form) part.value = value_of(piece, form);
    if (part.value.type == JSON_STRING) {
        part.kind = form->kind == OUTLINE_TEXT ? whose->text : form->kind;
        if (form->name)
            part.name = outline_string_at(piece, form->name);
        else if (form->kind == OUTLINE_TEXT)
            part.name = whose->name;
    }
    outline_add_part(b, &part);
}

void outline_read_pieces(outline_builder *b, const outline_whose *whose, json_value pieces) {
    json_value piece;
    json_iter it = json_iter_of(pieces);
    while (!outline_is_full(b) && json_next_element(&it, &piece))
        read_piece(b, whose, piece);
}

void outline_read_content(outline_builder *b, const outline_whose *whose, json_value content) {
    outline_part part = {
        .kind = whose->text, .source = content, .id = whose->id, .name = whose->name};
    json_value first;
    json_iter it = json_iter_of(content);
    bool silent = false;
    switch (content.type) {
    case JSON_STRING: part.value = content; break;
    case JSON_NULL: silent = true; break;
    case JSON_ARRAY:
        if (json_next_element(&it, &first)) {
            outline_read_pieces(b, whose, content);
            return;
        }
        silent = true;
        break;
    default: part = (outline_part){.kind = OUTLINE_OPAQUE, .source = content, .id = whose->id};
    }
    /* A result is one even without words. */
    if (!silent || whose->text == OUTLINE_TOOL_RESULT) outline_add_part(b, &part);
}

void outline_read_call(outline_builder *b, json_value source, json_value id, json_value name,
                       json_value text) {
    bool says = text.type == JSON_STRING;
    outline_part part = {.kind = OUTLINE_OPAQUE, .source = source, .id = id};
    if (name.type == JSON_STRING && (says || outline_is_absent(text))) {
        part.kind = OUTLINE_TOOL_CALL;
        part.name = name;
        if (says) part.value = text;
    }
    outline_add_part(b, &part);
}
