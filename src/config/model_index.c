#include "config/model_index.h"

#include "base/hash.h"

/* Open addressing, at most half full. A pattern is found by what stands before its star. */
struct model_index {
    const config_model *models;
    const config_model *rest; /* "*", or NULL */
    uint32_t *slots;          /* index of a model + 1; 0: none */
    size_t mask;
    size_t longest;                       /* pattern, without its star */
    bool ends[CONFIG_MODEL_NAME_MAX + 1]; /* whether there is a pattern of that length */
};

static bool is_pattern(const config_model *m) {
    return span_ends(m->name, SPAN_OF("*"));
}

static span key_of(const config_model *m) {
    return span_slice(m->name, 0, m->name.len - is_pattern(m));
}

static void add(model_index *index, size_t at) {
    const config_model *m = &index->models[at];
    const span key = key_of(m);
    if (key.len > CONFIG_MODEL_NAME_MAX) return;
    if (is_pattern(m)) {
        index->ends[key.len] = true;
        if (key.len > index->longest) index->longest = key.len;
    }
    size_t slot = hash_span(key) & index->mask;
    while (index->slots[slot])
        slot = (slot + 1) & index->mask;
    index->slots[slot] = (uint32_t)at + 1;
}

const model_index *model_index_new(arena *a, const config_model *models, size_t count) {
    model_index *index = arena_zalloc(a, sizeof *index);
    size_t room = 2;
    while (room < 2 * count)
        room *= 2;
    index->models = models;
    index->mask = room - 1;
    index->slots = arena_zalloc(a, room * sizeof *index->slots);
    for (size_t i = 0; i < count; i++) {
        if (span_eq(models[i].name, SPAN_OF("*")))
            index->rest = &models[i];
        else
            add(index, i);
    }
    return index;
}

static const config_model *look_up(const model_index *index, span key, bool pattern) {
    for (size_t slot = hash_span(key) & index->mask; index->slots[slot];
         slot = (slot + 1) & index->mask) {
        const config_model *m = &index->models[index->slots[slot] - 1];
        if (is_pattern(m) == pattern && span_eq(key_of(m), key)) return m;
    }
    return NULL;
}

const config_model *model_index_find(const model_index *index, span name) {
    const config_model *found = look_up(index, name, false);
    size_t len = name.len < index->longest ? name.len : index->longest;
    for (; !found && len; len--)
        if (index->ends[len]) found = look_up(index, span_slice(name, 0, len), true);
    return found ? found : index->rest;
}
