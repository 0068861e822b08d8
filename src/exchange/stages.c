/* The stage table: what happens to a call, in order. This is the product's table of contents.
 *
 * A stage is one file and one row. It returns STAGE_NEXT, STAGE_WAIT (it will call
 * exchange_resume()) or STAGE_ANSWER, which goes straight to the rows that always run.
 */
#include "exchange/internal.h"

#include "base/clock.h"
#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>

static const struct stage_row {
    const char *name;
    stage_fn *run;
    bool always; /* runs for every exchange, however it ended */
} stages[] = {
    {"identify", stage_identify, false}, /* whose key is it? */
    {"admit", stage_admit, false},       /* is there room? */
    {"parse", stage_parse, false},       /* what is asked, and is it well formed? */
    {"route", stage_route, false},       /* which targets may answer? */
    {"call", stage_call, false},         /* attempts, retries, fallback: the answer comes back */
    {"settle", stage_settle, true},      /* what did it use? */
    {"record", stage_record, true},      /* the log line, the metrics */
};

/* ---- the driver ---- */

static void run_always(exchange *x) {
    for (size_t i = 0; i < ARRAY_LEN(stages); i++)
        if (stages[i].always) (void)stages[i].run(x);
}

static void answer_error(exchange *x) {
    if (!x->filters) filter_form_add(x);
    x->filters->ops->fail(x->filters);
}

static void run_from(exchange *x, size_t first) {
    for (x->stage = first; x->stage < ARRAY_LEN(stages); x->stage++) {
        if (stages[x->stage].always) break;
        switch (stages[x->stage].run(x)) {
        case STAGE_NEXT: continue;
        case STAGE_WAIT: return;
        case STAGE_ANSWER: break;
        }
        break;
    }
    if (x->failure.error != ERR_NONE && !x->finished) answer_error(x);
}

void exchange_resume(exchange *x) {
    run_from(x, x->stage + 1);
}

/* ---- beginning and end ---- */

enum { FIRST_BLOCK_BYTES = 4096, SPARE_MAX = MEM_REUSE ? 32 : 0 };

static exchange *exchange_new(exchange_env *env) {
    list *node = list_pop_front(&env->spare);
    if (!node) {
        exchange *x = mem_zalloc(sizeof *x);
        arena_init(&x->arena, FIRST_BLOCK_BYTES);
        return x;
    }
    env->spare_count--;
    exchange *x = LIST_ENTRY(node, exchange, link);
    *x = (exchange){.arena = x->arena};
    return x;
}

static void exchange_free(exchange *x) {
    arena_done(&x->arena);
    free(x);
}

static void exchange_put_by(exchange_env *env, exchange *x) {
    if (env->spare_count == SPARE_MAX) {
        exchange_free(x);
        return;
    }
    env->spare_count++;
    arena_reset(&x->arena, FIRST_BLOCK_BYTES);
    list_push_front(&env->spare, &x->link);
}

exchange *exchange_start(exchange_env *env, const exchange_request *request,
                         const exchange_door *door, void *user) {
    exchange *x = exchange_new(env);
    x->env = env;
    x->snapshot = loop_snapshot_ref(env->snapshot);
    x->request = *request;
    x->door = door;
    x->user = user;
    x->record = (call_record){.started_wall_us = clock_wall_us(),
                              .usage = {-1, -1, -1, -1, -1, false},
                              .first_byte_us = -1,
                              .first_token_us = -1,
                              .own_us = -1,
                              .total_us = -1,
                              .bytes_in = request->body.len};
    id_new(&env->loop->rng, x->record.started_wall_us, x->record.request_id);
    list_push_back(&env->running, &x->link);
    env->open++;
    run_from(x, 0);
    return x;
}

/* Settled and recorded before the last bytes go out; freed at the end of the turn, when nothing of
 * it is on the stack any more. */
void exchange_finish(exchange *x) {
    if (x->finished) return;
    x->finished = true;
    if (x->call) call_cancel(x->call);
    run_always(x);
    if (x->filters) x->filters->ops->done(x->filters);
    list_remove(&x->link);
    list_push_back(&x->env->ended, &x->link);
}

static void reap(loop_hook *hook) {
    exchange_env *env = CONTAINER_OF(hook, exchange_env, reap);
    for (list *node; (node = list_pop_front(&env->ended));) {
        exchange *x = LIST_ENTRY(node, exchange, link);
        env->open--;
        x->door->done(x->user);
        loop_snapshot_unref(x->snapshot);
        exchange_put_by(env, x);
    }
}

void exchange_cancel(exchange *x) {
    if (x->finished) return;
    const weir_error gone = error_of(ERR_CLIENT_GONE);
    x->failure = failure_of(&gone);
    exchange_finish(x);
}

void exchange_env_init(exchange_env *env) {
    list_init(&env->running);
    list_init(&env->ended);
    list_init(&env->spare);
    env->spare_count = 0;
    env->open = 0;
    env->scratch = BUF_EMPTY;
    env->reap = (loop_hook){.run = reap};
    loop_add_hook(env->loop, &env->reap);
}

void exchange_env_done(exchange_env *env) {
    assert(list_empty(&env->running));
    reap(&env->reap);
    loop_remove_hook(&env->reap);
    for (list *node; (node = list_pop_front(&env->spare));)
        exchange_free(LIST_ENTRY(node, exchange, link));
    buf_done(&env->scratch);
}

/* Whoever hears of an end may cancel another exchange, or start one. */
void exchange_env_fail_all(exchange_env *env, error_id why) {
    list doomed;
    list_init(&doomed);
    for (list *node; (node = list_pop_front(&env->running));)
        list_push_back(&doomed, node);
    while (!list_empty(&doomed)) {
        exchange *x = LIST_ENTRY(doomed.next, exchange, link);
        if (x->call) call_cancel(x->call);
        (void)exchange_refuse(x, why, NULL, NULL);
        answer_error(x);
    }
}

const char *exchange_request_id(const exchange *x) {
    return x->record.request_id;
}

const call_record *exchange_record(const exchange *x) {
    return &x->record;
}

error_id exchange_error(const exchange *x) {
    return x->failure.error;
}

int exchange_status(const exchange *x) {
    if (x->has_head) return x->head.status;
    if (x->failure.error == ERR_PROVIDER_ERROR) return x->failure.status;
    bool asked = x->call || x->failure.error == ERR_CLIENT_GONE;
    return asked ? 0 : x->failure.status;
}

int64_t exchange_retry_after_ms(const exchange *x) {
    return x->failure.client_after_ms;
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
