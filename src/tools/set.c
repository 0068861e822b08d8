#include "tools/set.h"

#include "tools/strict.h"

#include "base/mem.h"

#include <stdlib.h>

tool_set *tool_set_new(config *c, size_t count) {
    tool_set *s = mem_zalloc(sizeof *s);
    atomic_init(&s->refs, 1);
    arena_init(&s->arena, 0);
    s->config = c ? config_ref(c) : NULL;
    s->items = arena_zalloc(&s->arena, (count + 1) * sizeof *s->items);
    s->count = count;
    for (size_t i = 0; i < count; i++)
        s->items[i].set = s;
    return s;
}

tool_set *tool_set_ref(tool_set *s) {
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

void tool_set_unref(tool_set *s) {
    if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1) return;
    for (size_t i = 0; i < s->count; i++) {
        tool *t = &s->items[i];
        if (t->kind && t->kind->unmake) t->kind->unmake(t);
        schema_free((schema *)t->checker);
        secret_set_unref(t->secrets);
    }
    config_unref(s->config);
    arena_done(&s->arena);
    free(s);
}

void tool_set_strict(tool_set *s, tool *t) {
    json_value root;
    json_fault fault;
    buf out = BUF_EMPTY;
    if (json_scan(t->parameters, NULL, &root, &fault) && strict_write(root, &out))
        t->strict = arena_dup(&s->arena, buf_span(&out));
    buf_done(&out);
}
