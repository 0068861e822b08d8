/* rules: are those of the guard there? Where only a key of the store wants them, nobody has read
 * them yet: files, and some milliseconds of compiling, for which no loop stands still. Calls that
 * want them at the same time wait for the one that makes them. Where they cannot be made a later
 * call tries again, at growing distances; those between are refused at once (guards_of()). */
#include "exchange/guard_part.h"
#include "exchange/internal.h"
#include "exchange/plan.h"

#include "base/mem.h"
#include "loop/aside.h"

#include <stdlib.h>

typedef struct rules_job {
    aside aside;
    stage_wait wait;
    exchange_env *env;
    loop_snapshot *snapshot;
    int64_t now_ms;
    guard_making came;
    buf why;
} rules_job;

static void free_job(aside *a) {
    rules_job *j = CONTAINER_OF(a, rules_job, aside);
    loop_snapshot_unref(j->snapshot);
    buf_done(&j->why);
    free(j);
}

static void run(aside *a) {
    rules_job *j = CONTAINER_OF(a, rules_job, aside);
    j->came = snapshot_guard_make(j->snapshot->snapshot, j->now_ms, &j->why);
}

static void tell(const rules_job *j) {
    if (j->came == GUARD_RULES_AS_BEFORE) return;
    const log_field fields[] = {{"reason", buf_span(&j->why), false}};
    if (j->came == GUARD_RULES_FAILED)
        log_event(j->env->log, LEVEL_ERROR, "guard_rules_failed",
                  SPAN_OF("The rules of the guard cannot be made: calls that want them are refused "
                          "until they can."),
                  fields, ARRAY_LEN(fields));
    else
        log_event(j->env->log, LEVEL_INFO, "guard_rules_made",
                  SPAN_OF("The rules of the guard are made."), NULL, 0);
}

/* Whoever looks by them refuses where they cannot be made. */
static void on_made(aside *a) {
    rules_job *j = CONTAINER_OF(a, rules_job, aside);
    tell(j);
    exchange_resume(&j->wait, STAGE_NEXT);
    free_job(a);
}

/* Nobody waits for them any more; made they are. */
static void on_left(aside *a) {
    tell(CONTAINER_OF(a, rules_job, aside));
    free_job(a);
}

static void on_cancel(stage_wait *w) {
    aside_drop(&CONTAINER_OF(w, rules_job, wait)->aside);
}

stage_result stage_rules(exchange *x) {
    const config_guard_use use = config_guard_of(exchange_config(x), x->model, x->client);
    const bool looks = use.in > CONFIG_GUARD_OFF || use.out > CONFIG_GUARD_OFF;
    const int64_t now_ms = x->env->loop->now_ms;
    if (!looks || !snapshot_guard_is_due(x->snapshot->snapshot, now_ms)) return STAGE_NEXT;
    rules_job *j = mem_zalloc(sizeof *j);
    j->aside = (aside){.run = run, .done = on_made, .free = on_left};
    j->env = x->env;
    j->now_ms = now_ms;
    j->snapshot = loop_snapshot_ref(x->snapshot);
    exchange_wait(x, &j->wait, on_cancel);
    loop_aside(x->env->loop, &j->aside);
    return STAGE_WAIT;
}
