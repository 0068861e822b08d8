/* The outline of a request: outline_read() in every dialect, outline_each_text().
 *
 * The first byte chooses the dialect and how much an outline may have; the rest is the body. Holds:
 * every span lies within the body and is what its kind says; the parts of a turn stand in order and
 * apart; too much of anything is a fault, and any other JSON has an outline; another reading says
 * the same; every text is a string that can be replaced where it stands, and the body is JSON
 * still, with the same outline where the texts were those of known parts; what it may take to read
 * (dialect/usage_guess.h) is no negative number of tokens.
 */
#include "fuzz.h"

#include "dialect/outline_check.h"
#include "dialect/usage_guess.h"

static bool same_value(json_value a, json_value b) {
    return a.type == b.type && a.raw.ptr == b.raw.ptr && a.raw.len == b.raw.len;
}

static bool same_part(const outline_part *a, const outline_part *b) {
    return a->kind == b->kind && same_value(a->value, b->value) &&
           same_value(a->source, b->source) && same_value(a->id, b->id) &&
           same_value(a->name, b->name) && same_value(a->signature, b->signature);
}

static void check_same_shape(const request_outline *a, const request_outline *b) {
    HOLDS(a->param_count == b->param_count && a->tool_count == b->tool_count);
    HOLDS(a->turn_count == b->turn_count && a->part_count == b->part_count);
    for (size_t i = 0; i < a->param_count; i++)
        HOLDS(a->params[i].id == b->params[i].id);
    for (size_t i = 0; i < a->turn_count; i++)
        HOLDS(a->turns[i].role == b->turns[i].role && a->turns[i].to == b->turns[i].to);
    for (size_t i = 0; i < a->part_count; i++)
        HOLDS(a->parts[i].kind == b->parts[i].kind);
    for (size_t i = 0; i < a->tool_count; i++)
        HOLDS(a->tools[i].kind == b->tools[i].kind);
}

static void check_read_again(dialect d, json_value root, const request_outline *o,
                             const outline_limits *limits, arena *a) {
    request_outline again;
    outline_fault fault;
    HOLDS(outline_read(d, root, limits, a, &again, &fault));
    check_same_shape(o, &again);
    for (size_t i = 0; i < o->part_count; i++)
        HOLDS(same_part(&o->parts[i], &again.parts[i]));
}

static void check_edited(dialect d, json_value root, const request_outline *o,
                         const outline_limits *limits, bool parts_alone, arena *a) {
    span edited;
    size_t texts;
    json_value again;
    json_fault fault;
    HOLDS(outline_edit(root, o, parts_alone, a, &edited, &texts));
    HOLDS(json_scan(edited, NULL, &again, &fault));
    if (!parts_alone) return;
    request_outline after;
    outline_fault too_much;
    HOLDS(outline_read(d, again, limits, a, &after, &too_much));
    HOLDS(outline_broken(again, &after, limits) == NULL);
    check_same_shape(o, &after);
    for (size_t i = 0; i < after.part_count; i++)
        if (after.parts[i].kind == OUTLINE_TEXT)
            HOLDS(span_eq(after.parts[i].value.raw, SPAN_OF("\"x\"")));
}

static void check_outline(dialect d, json_value root, const outline_limits *limits, arena *a) {
    request_outline o;
    outline_fault fault = {0};
    if (!outline_read(d, root, limits, a, &o, &fault)) {
        HOLDS(fault.what && fault.most > 0);
        HOLDS(limits != &outline_limits_usual || root.raw.len > fault.most);
        return;
    }
    const char *broken = outline_broken(root, &o, limits);
    if (broken) fprintf(stderr, "%s\n", broken);
    HOLDS(!broken);
    HOLDS(outline_texts_have_values(d, root, &o));
    HOLDS(guess_prompt(&o, d, TOKENS_O200K, NULL) >= 0);
    HOLDS(guess_prompt_roughly(root.raw, TOKENS_GEMMA) >= 0);
    check_read_again(d, root, &o, limits, a);
    check_edited(d, root, &o, limits, false, a);
    check_edited(d, root, &o, limits, true, a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) return 0;
    static const outline_limits few = {.params = 4, .turns = 3, .parts = 5, .tools = 2};
    const outline_limits *limits = data[0] / DIALECT_COUNT % 2 ? &few : &outline_limits_usual;
    /* Its end is the end of what may be read. */
    char *copy = malloc(size > 1 ? size - 1 : 1);
    memcpy(copy, data + 1, size - 1);
    json_value root;
    json_fault fault;
    arena a;
    arena_init(&a, 0);
    if (json_scan(span_from(copy, size - 1), NULL, &root, &fault))
        check_outline((dialect)(data[0] % DIALECT_COUNT), root, limits, &a);
    arena_done(&a);
    free(copy);
    return 0;
}
