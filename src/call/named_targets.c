#include "call/named_targets.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>

static bool is_pattern(const config_model *model) {
    return span_ends(model->name, SPAN_OF("*"));
}

static target_state *get(const config_model *m, const config_target *t, target_table *table) {
    if (t->model.len) return target_get(table, t->name);
    if (is_pattern(m)) return NULL;
    buf name = BUF_EMPTY;
    buf_addf(&name, "%.*s/%.*s", SPAN_ARG(t->name), SPAN_ARG(m->name));
    target_state *s = target_get(table, buf_span(&name));
    buf_done(&name);
    return s;
}

void named_targets_init(named_targets *n, const config *c, target_table *t) {
    size_t all = 0;
    for (size_t i = 0; i < c->model_count; i++)
        all += c->models[i].target_count;
    *n = (named_targets){.states = mem_zalloc_array(all + 1, sizeof(target_state *)),
                         .first = mem_zalloc_array(c->model_count + 1, sizeof(size_t))};
    for (size_t i = 0; i < c->model_count; i++) {
        const config_model *m = &c->models[i];
        n->first[i] = n->count;
        for (size_t k = 0; k < m->target_count; k++)
            n->states[n->count++] = get(m, &m->targets[k], t);
    }
}

void named_targets_done(named_targets *n) {
    for (size_t i = 0; i < n->count; i++)
        target_unref(n->states[i]);
    free(n->states);
    free(n->first);
}

target_state *const *named_targets_of(const named_targets *n, const config *c,
                                      const config_model *model) {
    size_t at = (size_t)(model - c->models);
    assert(at < c->model_count);
    return &n->states[n->first[at]];
}
