#include "dialect/answer_items.h"

#include "base/hash.h"
#include "dialect/words.h"

#include <string.h>

static void take_out(answer_items *s, unsigned at) {
    s->count--;
    memmove(&s->of[at], &s->of[at + 1], (s->count - at) * sizeof s->of[0]);
}

static unsigned first_unsealed(const answer_items *s) {
    for (unsigned i = 0; i < s->count; i++)
        if (!s->of[i].sealed) return i;
    return 0;
}

answer_item *answer_items_add(answer_items *s, json_value item) {
    const json_value id = json_get(item, SPAN_OF("id"));
    if (id.type != JSON_STRING || id.raw.len > ANSWER_ITEM_ID) return NULL;
    const answer_item added = {.id = id,
                               .kind = hash_span(json_get(item, SPAN_OF("type")).raw),
                               .sealed = json_get(item, SPAN_OF("encrypted_content")).type ==
                                         JSON_STRING};
    for (unsigned i = 0; i < s->count; i++) {
        if (s->of[i].kind != added.kind) continue;
        if (s->of[i].sealed && !added.sealed) return NULL;
        take_out(s, i);
    }
    if (s->count == ANSWER_ITEMS) take_out(s, first_unsealed(s));
    s->of[s->count] = added;
    return &s->of[s->count++];
}

void answer_items_read(answer_items *s, const answer_event *event) {
    json_value response = answer_root(event->data), item;
    if (event->kind == ANSWER_STREAM) response = json_get(response, SPAN_OF("response"));
    const json_value output = json_get(response, SPAN_OF("output"));
    if (output.type != JSON_ARRAY) return;
    for (json_iter it = json_iter_of(output); json_next_element(&it, &item);)
        (void)answer_items_add(s, item);
}

/* Most events are pieces of texts, and say so by their names. */
json_value answer_item_of(const answer_event *event) {
    static const span prefix = SPAN("response."), of_item = SPAN("response.output_item.");
    const json_value root = answer_root(event->data);
    if (span_starts(event->name, prefix) && !span_starts(event->name, of_item))
        return (json_value){JSON_NONE};
    const json_value type = json_get(root, SPAN_OF("type"));
    const span name =
        type.type == JSON_STRING ? span_slice(type.raw, 1, type.raw.len - 1) : event->name;
    return span_starts(name, of_item) ? json_get(root, SPAN_OF("item")) : (json_value){JSON_NONE};
}
