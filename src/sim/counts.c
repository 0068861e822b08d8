#include "sim/counts.h"

bool sim_counts_fails(sim_counts *c, uint64_t key, unsigned times) {
    sim_count *set = c->slots[key % SIM_COUNTS_SETS], *slot = &set[0];
    for (int i = 0; i < SIM_COUNTS_WAYS; i++) {
        if (set[i].touched && set[i].key == key) {
            slot = &set[i];
            break;
        }
        if (set[i].touched < slot->touched) slot = &set[i];
    }
    if (!slot->touched || slot->key != key) *slot = (sim_count){.key = key};
    slot->touched = ++c->clock;
    if (slot->fails < times) {
        slot->fails++;
        return true;
    }
    *slot = (sim_count){0};
    return false;
}
