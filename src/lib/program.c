#include "lib/program.h"

#include "lib/client.h"

void program_set_plan(weir_options *o, const exchange_plan *plan, const snapshot_part *const *parts,
                      size_t part_count) {
    o->plan = plan;
    o->parts = parts;
    o->part_count = part_count;
}

void program_use_key_of_environment(weir_options *o) {
    o->key_of_environment = true;
}

loop *program_loop(weir_client *c) {
    return &c->loop;
}

const config *program_config(const weir_client *c) {
    return client_config(c);
}

static void free_writer(void *writer) {
    ledger_writer_free(writer);
}

void program_record(weir_client *c, ledger_writer *w) {
    c->env.ledger = w;
    c->last = free_writer;
    c->last_user = w;
}
