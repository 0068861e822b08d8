/* ledger: the record that nothing loses. */
#include "exchange/internal.h"

#include "ledger/ledger.h"

typedef struct kept {
    stage_wait stage;
    commit_wait disk;
} kept;

static void on_kept(commit_wait *wait) {
    exchange_resume(&CONTAINER_OF(wait, kept, disk)->stage, STAGE_NEXT);
}

/* A row that always runs is waited for, whatever happens. */
static void never(stage_wait *w) {
    (void)w;
}

stage_result stage_ledger(exchange *x) {
    kept *k = arena_zalloc(&x->arena, sizeof *k);
    k->disk.done = on_kept;
    if (!ledger_settle(x->env->ledger, &x->record, x->reserved, &k->disk)) return STAGE_NEXT;
    exchange_wait(x, &k->stage, never);
    return STAGE_WAIT;
}
