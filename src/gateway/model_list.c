#include "gateway/model_list.h"

enum { MODELS_MAX = 5000, ID_BYTES_MAX = 256 };

static bool is_id(span text) {
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < ' ' || text.ptr[i] == 0x7F) return false;
    return text.len > 0 && text.len <= ID_BYTES_MAX;
}

static void add(model_list *l, json_value object, const secret_set *secrets) {
    json_value id = json_get(object, SPAN_OF("id"));
    if (id.type != JSON_STRING || secret_set_found(secrets, object.raw)) return;
    const listed_model m = {json_string(id, &l->arena), object};
    if (is_id(m.id)) l->items[l->count++] = m;
}

bool model_list_read(span body, const secret_set *secrets, model_list *ret) {
    model_list l = {0};
    arena_init(&l.arena, 0);
    json_value root;
    json_fault fault;
    bool read = json_scan(arena_dup(&l.arena, json_behind_mark(body)), NULL, &root, &fault);
    json_value data = read && root.type == JSON_OBJECT ? json_get(root, SPAN_OF("data")) : root;
    if (!read || data.type != JSON_ARRAY) {
        arena_done(&l.arena);
        return false;
    }
    size_t count = json_count(data);
    l.items = arena_alloc(&l.arena, (count < MODELS_MAX ? count : MODELS_MAX) * sizeof *l.items);
    json_iter it = json_iter_of(data);
    for (json_value m; l.count < MODELS_MAX && json_next_element(&it, &m);)
        add(&l, m, secrets);
    *ret = l;
    return true;
}

void model_list_done(model_list *l) {
    arena_done(&l->arena);
    *l = (model_list){0};
}

const listed_model *model_list_find(const model_list *l, span id) {
    for (size_t i = 0; i < l->count; i++)
        if (span_eq(l->items[i].id, id)) return &l->items[i];
    return NULL;
}
