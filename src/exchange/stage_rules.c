/* rules: are those of the guard there? Where only a key of the store wants them, nobody has read
 * them yet: files, and some milliseconds of compiling, for which no loop stands still. Calls that
 * want them at the same time wait for the one that makes them. */
#include "exchange/guard_part.h"
#include "exchange/internal.h"
#include "exchange/plan.h"

#include "base/mem.h"
#include "loop/aside.h"

#include <stdlib.h>

typedef struct rules_job {
    aside aside;
    stage_wait wait;
    loop_snapshot *snapshot;
} rules_job;

static void free_job(aside *a) {
    rules_job *j = CONTAINER_OF(a, rules_job, aside);
    loop_snapshot_unref(j->snapshot);
    free(j);
}

static void run(aside *a) {
    snapshot_guard_make(CONTAINER_OF(a, rules_job, aside)->snapshot->snapshot);
}

/* Whoever looks by them refuses where they cannot be made. */
static void on_made(aside *a) {
    exchange_resume(&CONTAINER_OF(a, rules_job, aside)->wait, STAGE_NEXT);
    free_job(a);
}

static void on_cancel(stage_wait *w) {
    aside_drop(&CONTAINER_OF(w, rules_job, wait)->aside);
}

stage_result stage_rules(exchange *x) {
    const config_guard_use use = config_guard_of(exchange_config(x), x->model, x->client);
    const bool looks = use.in > CONFIG_GUARD_OFF || use.out > CONFIG_GUARD_OFF;
    if (!looks || !snapshot_guard_is_due(x->snapshot->snapshot)) return STAGE_NEXT;
    rules_job *j = mem_zalloc(sizeof *j);
    j->aside = (aside){.run = run, .done = on_made, .free = free_job};
    j->snapshot = loop_snapshot_ref(x->snapshot);
    exchange_wait(x, &j->wait, on_cancel);
    loop_aside(x->env->loop, &j->aside);
    return STAGE_WAIT;
}
