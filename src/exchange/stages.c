/* The driver: takes an exchange through the rows of its plan, and through what they wait for. */
#include "exchange/internal.h"

#include <assert.h>

static const stage_row *rows_of(const exchange *x) {
    return x->plan->rows;
}

static size_t row_count(const exchange *x) {
    return x->plan->row_count;
}

static bool is_for(const exchange *x, const stage_row *row) {
    return !(row->bits & x->lacks) && (!x->parent || (row->bits & STAGE_CHILD));
}

void **exchange_stage_data(exchange *x) {
    if (!x->stage_data)
        x->stage_data = arena_zalloc(&x->arena, row_count(x) * sizeof *x->stage_data);
    return &x->stage_data[x->stage];
}

void *exchange_stage_kept(const exchange *x) {
    return x->stage_data ? x->stage_data[x->stage] : NULL;
}

stage_result exchange_refuse(exchange *x, error_id id, const char *param, const char *fmt, ...) {
    weir_error e = error_of(id);
    if (param) e.param = arena_dup(&x->arena, span_cstr(param));
    if (fmt) {
        va_list args;
        va_start(args, fmt);
        e.message = arena_vprintf(&x->arena, fmt, args);
        va_end(args);
    }
    x->failure = failure_of(&e);
    return STAGE_ANSWER;
}

static stage_result run_row(exchange *x, const stage_row *row) {
    x->on_stack = true;
    stage_result r = row->run(x);
    x->on_stack = false;
    assert((r == STAGE_WAIT) == (x->wait || x->source));
    return r;
}

/* What is made of the failure on its way is given back. */
static void fail_chain(exchange *x) {
    exchange_enter(x->env);
    chain_fail(x->filters);
    exchange_leave(x->env);
}

/* ---- the way in ---- */

static void begin_answer(exchange *x) {
    x->phase = PHASE_ANSWERING;
    exchange_enter(x->env);
    x->filters->ops->begin(x->filters);
    exchange_leave(x->env);
}

static void run_from(exchange *x, size_t first) {
    for (x->stage = first; x->stage < row_count(x); x->stage++) {
        const stage_row *row = &rows_of(x)[x->stage];
        if ((row->bits & STAGE_ALWAYS) || !is_for(x, row)) continue;
        x->begun = x->stage + 1;
        switch (run_row(x, row)) {
        case STAGE_NEXT: continue;
        case STAGE_WAIT:
            if (x->source) begin_answer(x);
            return;
        case STAGE_ANSWER: break;
        }
        break;
    }
    if (x->failure.error == ERR_NONE) /* a plan in which nobody answers */
        (void)exchange_refuse(x, ERR_INTERNAL, NULL, NULL);
    fail_chain(x);
}

void exchange_run(exchange *x) {
    run_from(x, 0);
}

/* ---- waiting ---- */

void exchange_wait(exchange *x, stage_wait *w, void (*cancel)(stage_wait *w)) {
    assert(!x->wait && !x->source && x->on_stack);
    *w = (stage_wait){.x = x, .cancel = cancel};
    x->wait = w;
    if (x->phase == PHASE_ASKING) exchange_watch_deadline(x);
}

void exchange_resume(stage_wait *w, stage_result result) {
    exchange *x = w->x;
    assert(x && x->wait == w && !x->on_stack && result != STAGE_WAIT);
    w->x = NULL;
    x->wait = NULL;
    if (x->phase == PHASE_CLOSING) {
        x->recorded = exchange_run_always(x, x->stage + 1);
        exchange_say_last(x);
        return;
    }
    loop_timer_stop(x->env->loop, &x->deadline);
    if (result == STAGE_NEXT)
        run_from(x, x->stage + 1);
    else
        fail_chain(x);
}

void exchange_drop_wait(exchange *x) {
    stage_wait *w = x->wait;
    if (!w) return;
    x->wait = NULL;
    w->x = NULL;
    w->cancel(w);
}

void exchange_watch_deadline(exchange *x) {
    if (timer_active(&x->deadline)) return;
    loop_timer_start(x->env->loop, &x->deadline, x->deadline_ms - x->env->loop->now_ms);
}

void exchange_fail_now(exchange *x, const failure *f) {
    exchange_drop_wait(x);
    exchange_drop_source(x);
    chain_clear(x, NULL);
    if (x->failure.error == ERR_NONE) x->failure = *f; /* else a filter holds one back */
    fail_chain(x);
}

void exchange_on_deadline(timer *t) {
    exchange *x = CONTAINER_OF(t, exchange, deadline);
    weir_error e = error_of(ERR_TOTAL_TIMEOUT);
    span limit =
        x->due ? SPAN_OF(CALL_OWN_TIME)
               : config_timeout_text(exchange_config(x), x->model, NULL, TIMEOUT_TOTAL, &x->arena);
    e.message = arena_printf(&x->arena, "The call did not complete within %.*s.", SPAN_ARG(limit));
    const failure f = failure_of(&e);
    exchange_fail_now(x, &f);
}

/* ---- the rows that always run ---- */

bool exchange_run_always(exchange *x, size_t from) {
    for (x->stage = from; x->stage < row_count(x); x->stage++) {
        const stage_row *row = &rows_of(x)[x->stage];
        if (!(row->bits & STAGE_ALWAYS) || !is_for(x, row)) continue;
        if (run_row(x, row) == STAGE_WAIT) return false;
    }
    return true;
}

void exchange_rows_done(exchange *x) {
    for (size_t i = 0; i < row_count(x); i++) {
        const stage_row *row = &rows_of(x)[i];
        bool ran = is_for(x, row) && ((row->bits & STAGE_ALWAYS) || i < x->begun);
        if (!ran || !row->done) continue;
        x->stage = i; /* for exchange_stage_data() */
        row->done(x);
    }
}
