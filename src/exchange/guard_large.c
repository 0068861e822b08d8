/* A large event of an answer, looked at on another thread: a loop would stand still for it. What it
 * becomes is made there, too. Nothing of the exchange is touched meanwhile: the names of what was
 * redacted are lent, or copied where they are put back, and what is found is tallied apart. */
#include "exchange/guard_event.h"

#include "base/mem.h"
#include "loop/aside.h"

#include <stdlib.h>

struct guard_large {
    aside aside;
    filter *filter;
    guard_large_done *done;
    exchange_guard *real;
    exchange_guard seen; /* the thread's */
    guard_apart found;
    loop_snapshot *snapshot;
    answer_event *event; /* by reference */
    bool note;
    answer_large_spec spec;
    answer_large *made; /* NULL: it stays as it is */
    const guard_rule *blocked;
};

static void free_large(aside *a) {
    guard_large *l = CONTAINER_OF(a, guard_large, aside);
    guard_names_free(l->seen.names);
    guard_scratch_free(l->seen.scratch);
    free(l->found.items);
    loop_snapshot_unref(l->snapshot);
    answer_free(l->event);
    if (l->made) keeper_unref(&l->made->keeper);
    free(l);
}

static bool is_noted(void *user, const answer_part *p) {
    (void)p;
    return *(const bool *)user;
}

static void run(aside *a) {
    guard_large *l = CONTAINER_OF(a, guard_large, aside);
    arena scratch;
    arena_init(&scratch, 0);
    guard_looked k = {.edits = {.arena = &scratch}};
    l->seen.scratch = guard_scratch_new();
    guard_look_at_whole(&k, &l->seen, l->event, is_noted, &l->note);
    l->blocked = k.blocked;
    if (k.edits.count && !k.blocked && !l->seen.over) {
        answer_event changed;
        answer_rewrite(l->event, k.edits.items, k.edits.count, &scratch, &changed);
        l->made = answer_large_new(&changed, &l->spec);
    }
    arena_done(&scratch);
}

static void on_looked(aside *a) {
    guard_large *l = CONTAINER_OF(a, guard_large, aside);
    exchange *x = l->real->x;
    if (!l->real->restores) {
        l->real->names = l->seen.names;
        l->seen.names = NULL;
    }
    l->real->room = l->seen.room;
    l->real->over = l->seen.over;
    for (size_t i = 0; i < l->found.count; i++) {
        const guard_tally *t = &l->found.items[i];
        guard_note(l->real, t->way, t->rule, t->action, t->count);
    }
    const answer_event *event = l->made ? &l->made->event : l->event;
    if (l->made && !answer_large_arrives(l->made, x->env->loop, x->holder)) event = NULL;
    l->done(l->filter, event, l->blocked);
    free_large(a);
}

guard_large *guard_large_start(filter *f, exchange_guard *g, const answer_event *event, bool note,
                               guard_large_done *done) {
    exchange *x = f->x;
    guard_large *l = mem_zalloc(sizeof *l);
    l->aside = (aside){.run = run, .done = on_looked, .free = free_large};
    l->filter = f;
    l->done = done;
    l->real = g;
    l->seen = (exchange_guard){.out = g->out,
                               .names = g->restores ? guard_names_copy(g->names) : g->names,
                               .restores = g->restores,
                               .room = g->room,
                               .apart = &l->found};
    if (!g->restores) g->names = NULL;
    l->snapshot = loop_snapshot_ref(x->snapshot);
    l->event = answer_copy(event);
    l->note = note;
    l->spec = (answer_large_spec){.want = x->want,
                                  .as_events = x->facts.stream,
                                  .family = tokens_family(x->facts.model_name)};
    loop_aside(x->env->loop, &l->aside);
    return l;
}

void guard_large_cancel(guard_large *l) {
    if (l) aside_drop(&l->aside);
}
