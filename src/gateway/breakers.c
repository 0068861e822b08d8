#include "gateway/breakers.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static int by_name(const void *a, const void *b) {
    span x = target_name(*(target_state *const *)a), y = target_name(*(target_state *const *)b);
    int order = memcmp(x.ptr, y.ptr, x.len < y.len ? x.len : y.len);
    return order ? order : (x.len > y.len) - (x.len < y.len);
}

size_t breakers_collect(const config *c, target_table *targets, target_state ***ret_states) {
    size_t all = 0, count = 0, kept = 0;
    for (size_t i = 0; i < c->model_count; i++)
        all += c->models[i].target_count;
    target_state **states = mem_alloc((all + 1) * sizeof *states);
    for (size_t i = 0; i < c->model_count; i++)
        for (size_t k = 0; k < c->models[i].target_count; k++)
            states[count++] = target_get(targets, c->models[i].targets[k].name);
    qsort(states, count, sizeof *states, by_name);
    for (size_t i = 0; i < count; i++)
        if (!i || states[i] != states[i - 1]) states[kept++] = states[i];
    *ret_states = states;
    return kept;
}

const char *breaker_state_name(breaker_state s) {
    static const char *const names[] = {
        [BREAKER_CLOSED] = "closed", [BREAKER_IS_OPEN] = "open", [BREAKER_HALF_OPEN] = "half_open"};
    return names[s];
}
