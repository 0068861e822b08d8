/* The exchange as an object: how it begins, what its door may ask of it, how it is freed. */
#include "exchange/internal.h"

#include "base/clock.h"
#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>

/* A request, what one attempt sends, and the headers that come back; but for what a client sends
 * besides. */
enum { ASKING_BYTES = 2048, SPARE_MAX = MEM_REUSE ? 32 : 0 };

static size_t first_bytes(const exchange_env *env) {
    const bool cached = env->cache && loop_snapshot_config(env->snapshot)->cache.on;
    return EXCHANGE_FIRST_BYTES + (cached ? EXCHANGE_CACHED_BYTES : 0);
}

static exchange *exchange_new(exchange_env *env) {
    list *node = list_pop_front(&env->spare);
    if (!node) {
        exchange *x = mem_zalloc(sizeof *x);
        arena_init(&x->arena, first_bytes(env));
        arena_init(&x->asking, ASKING_BYTES);
        return x;
    }
    env->spare_count--;
    exchange *x = LIST_ENTRY(node, exchange, link);
    *x = (exchange){.arena = x->arena, .asking = x->asking};
    return x;
}

static void exchange_free(exchange *x) {
    arena_done(&x->arena);
    arena_done(&x->asking);
    free(x);
}

static void exchange_put_by(exchange_env *env, exchange *x) {
    arena_done(&x->outlined);
    if (env->spare_count == SPARE_MAX) {
        exchange_free(x);
        return;
    }
    env->spare_count++;
    arena_reset(&x->arena, first_bytes(env));
    arena_reset(&x->asking, ASKING_BYTES);
    list_push_front(&env->spare, &x->link);
}

/* ---- what is asked ---- */

enum { OUTLINED_BYTES = 960 }; /* of two turns, in a piece that malloc has at hand */

const request_outline *exchange_outline(exchange *x) {
    if (!x->outlined.block) arena_init(&x->outlined, OUTLINED_BYTES);
    return request_outline_of(&x->facts, &x->outlined);
}

void exchange_drop_outline(exchange *x) {
    x->facts.outline = (outline_slot){0};
    arena_done(&x->outlined);
}

/* ---- the beginning ---- */

static span label_of(const exchange_request *r) {
    if (r->label.len) return r->label;
    return span_cstr(r->form->label ? r->form->label : endpoint_get(r->endpoint)->name);
}

/* What a step has of the exchange it is a step of. */
static void join_parent(exchange *x, exchange *parent) {
    assert(parent->phase < PHASE_CLOSING && parent->env == x->env);
    list_push_back(&parent->children, &x->sibling);
    x->env->open_children++;
    exchange_set_caller(x, caller_ref(parent->caller));
    x->holder = parent->holder;
    x->record.client = parent->record.client;
    x->record.environment = parent->record.environment;
    memcpy(x->record.parent_id, parent->record.request_id, sizeof x->record.parent_id);
}

/* A step has at most its parent's time, and nobody more than he waits. */
void exchange_set_total(exchange *x, int64_t total_ms) {
    const exchange *parent = x->parent;
    x->deadline_ms = x->began_ms + total_ms;
    if (parent && parent->deadline_ms < x->deadline_ms) x->deadline_ms = parent->deadline_ms;
    x->due = x->request->due_ms && x->request->due_ms < x->deadline_ms;
    if (x->due) x->deadline_ms = x->request->due_ms;
}

static unsigned lacking(const exchange_env *env, const config *c) {
    return (env->proves ? 0 : NEEDS_TRAIL) | (env->ledger ? 0 : NEEDS_LEDGER) |
           (env->cache ? 0 : NEEDS_CACHE) |
           (env->telemetry && c->telemetry.on ? 0 : NEEDS_TELEMETRY) |
           (env->alerts && c->alerts.on ? 0 : NEEDS_ALERTS);
}

static exchange *begin(exchange_env *env, const exchange_request *request,
                       const exchange_door *door, void *user) {
    exchange *x = exchange_new(env);
    exchange *parent = request->parent;
    x->env = env;
    x->plan = parent ? parent->plan : request->plan ? request->plan : env->plan;
    x->snapshot = loop_snapshot_ref(parent ? parent->snapshot : env->snapshot);
    x->lacks = lacking(env, exchange_config(x));
    x->form = request->form;
    x->endpoint = request->endpoint;
    x->parent = parent;
    x->holder = request->holder;
    x->started_us = request->started_us;
    exchange_request *own = arena_alloc(&x->asking, sizeof *own);
    *own = *request;
    if (request->model.len) own->model = arena_dup(&x->arena, request->model);
    x->request = own;
    x->door = door;
    x->user = user;
    x->runs = request->form->runs;
    x->began_ms = env->loop->now_ms;
    exchange_set_total(x, exchange_config(x)->timeouts.total_ms);
    call_record *r = &x->record; /* zeroed, as all of x */
    r->started_wall_us = clock_wall_us();
    r->endpoint = label_of(request);
    r->peer = request->peer;
    r->client_request_id = exchange_client_id(request->headers);
    r->usage = token_usage_unknown;
    r->first_byte_us = r->first_token_us = r->own_us = r->total_us = r->cost_nano = -1;
    r->started_us = request->started_us;
    r->bytes_in = request->body.len;
    x->prompt_guess = -1;
    id_new(&env->loop->rng, x->record.started_wall_us, x->record.request_id);
    timer_init(&x->deadline, exchange_on_deadline);
    list_init(&x->children);
    list_init(&x->sibling);
    list_push_back(&env->running, &x->link);
    env->open++;
    if (parent) join_parent(x, parent);
    for (size_t i = 0; i < x->plan->filter_count; i++)
        x->plan->filters[i](x);
    request->form->add(x);
    arena_go_on_with(&x->arena, EXCHANGE_SECOND_BYTES);
    return x;
}

exchange *exchange_start(exchange_env *env, const exchange_request *request,
                         const exchange_door *door, void *user) {
    exchange *x = begin(env, request, door, user);
    exchange_run(x);
    return x;
}

static span put_text(char **to, span text) {
    const span copy = span_from(*to, text.len);
    if (text.len) memcpy(*to, text.ptr, text.len);
    (*to)[text.len] = '\0';
    *to += text.len + 1;
    return copy;
}

http_headers exchange_headers_dup(arena *a, http_headers in) {
    size_t bytes = in.count * sizeof(http_header);
    for (size_t i = 0; i < in.count; i++)
        bytes += in.items[i].name.len + 1 + in.items[i].value.len + 1;
    http_header *out = arena_alloc(a, bytes);
    char *to = (char *)(out + in.count);
    for (size_t i = 0; i < in.count; i++) {
        out[i].name = put_text(&to, in.items[i].name);
        out[i].value = put_text(&to, in.items[i].value);
    }
    return (http_headers){out, in.count};
}

exchange *exchange_start_refused(exchange_env *env, const exchange_request *request,
                                 const weir_error *why, http_headers more,
                                 const exchange_door *door, void *user) {
    exchange *x = begin(env, request, door, user);
    x->failure = failure_of(why);
    x->failure.text = arena_dup(&x->arena, x->failure.text);
    x->failure.headers = exchange_headers_dup(&x->arena, more);
    exchange_answer_failure(x, SPAN_EMPTY);
    return x;
}

/* ---- the loop's exchanges ---- */

static void reap_all(exchange_env *env) {
    for (list *node; (node = list_pop_front(&env->ended));) {
        exchange *x = LIST_ENTRY(node, exchange, link);
        x->door->done(x->user);
        caller_unref(x->caller);
        loop_snapshot_unref(x->snapshot);
        large_request_free(x->large);
        keeper_unref(x->plain_keeper);
        http_head_memory_free(&x->head_kept);
        exchange_put_by(env, x);
    }
}

/* At the end of the turn and not before: an answer that is written at once runs the hooks while its
 * exchange is still on the stack. */
static void reap(loop_hook *hook) {
    exchange_env *env = CONTAINER_OF(hook, exchange_env, reap);
    if (env->loop->ending) reap_all(env);
}

void exchange_env_init(exchange_env *env) {
    list_init(&env->running);
    list_init(&env->ended);
    list_init(&env->spare);
    env->spare_count = 0;
    env->open = env->open_children = 0;
    env->calls = (shares){0};
    env->scratch = BUF_EMPTY;
    arena_init(&env->event_arena, EVENT_ARENA_BYTES);
    env->depth = 0;
    env->reap = (loop_hook){.run = reap};
    loop_add_hook(env->loop, &env->reap);
}

void exchange_env_done(exchange_env *env) {
    assert(list_empty(&env->running));
    reap_all(env);
    loop_remove_hook(&env->reap);
    for (list *node; (node = list_pop_front(&env->spare));)
        exchange_free(LIST_ENTRY(node, exchange, link));
    shares_done(&env->calls);
    if (env->guard) env->guard_free(env->guard);
    token_memo_free(env->counted);
    buf_done(&env->scratch);
    arena_done(&env->event_arena);
}

/* Whoever hears of an end may cancel another exchange, or start one: each is looked at once. */
void exchange_env_fail_all(exchange_env *env, error_id why) {
    const weir_error e = error_of(why);
    const failure f = failure_of(&e);
    list doomed;
    list_init(&doomed);
    for (list *node; (node = list_pop_front(&env->running));)
        list_push_back(&doomed, node);
    for (list *node; (node = list_pop_front(&doomed));) {
        exchange *x = LIST_ENTRY(node, exchange, link);
        list_push_back(&env->running, node);
        if (x->phase < PHASE_CLOSING) exchange_fail_now(x, &f);
    }
}

/* ---- what its door may ask ---- */

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
    bool refused = x->failure.error != ERR_NONE && x->failure.class == FAIL_NONE &&
                   !error_is_parting(x->failure.error);
    if (x->has_head && (x->head_sent || !refused)) return x->head.status;
    /* Of a refusal or limit that weir words itself, too. */
    if (x->failure.error == ERR_PROVIDER_REFUSED) return x->failure.refused_with;
    if (x->failure.error == ERR_PROVIDER_ERROR || x->failure.error == ERR_PROVIDER_LIMITED)
        return x->failure.status;
    bool asked = x->call || error_is_parting(x->failure.error);
    return asked ? 0 : x->failure.status;
}

int64_t exchange_retry_after_ms(const exchange *x) {
    return x->failure.client_after_ms;
}

void exchange_failure_body(const exchange *x, buf *out) {
    failure_body(&x->failure, out);
}
