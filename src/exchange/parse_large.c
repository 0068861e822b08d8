/* parse, of a body that a loop would stand still for: on another thread.
 *
 * There it sees an exchange of its own, a copy of what parse reads, since the one that waits may
 * end meanwhile: with its client, at its deadline. All that the copy points to is the job's, the
 * body too, which its door has handed over. What it has found goes to the exchange when that is
 * still there. What later stages ask of the body, and would have to go through it for, is found on
 * the same way.
 */
#include "exchange/internal.h"

#include "base/mem.h"
#include "loop/aside.h"

#include <stdlib.h>

typedef struct large_job {
    aside aside;
    stage_wait wait;
    exchange seen;
    large_request *large;
    int64_t now_ms;
    bool proves;
    stage_result result;
} large_job;

/* ---- what the exchange keeps of it ---- */

static void free_bytes(void *what) {
    free(what);
}

static void drop_body(large_request *l) {
    if (l->body.cap > AWAY_BYTES) {
        aside_free(l->loop, free_bytes, l->body.ptr);
        l->body = BUF_EMPTY;
    }
    buf_done(&l->body);
}

void large_request_drop(large_request *l) {
    if (!l) return;
    drop_body(l);
    memory_drop(&l->loop->memory, &l->hold);
    arena_done(&l->arena);
    arena_done(&l->outlined);
}

void large_request_free(large_request *l) {
    if (!l || --l->refs) return;
    large_request_drop(l);
    free(l);
}

large_request *large_request_ref(large_request *l) {
    l->refs++;
    return l;
}

void large_request_become(large_request *l, buf *body) {
    drop_body(l);
    l->body = *body;
    *body = BUF_EMPTY;
    memory_set(&l->loop->memory, &l->hold, l->body.cap);
}

static void free_job(aside *a) {
    large_job *j = CONTAINER_OF(a, large_job, aside);
    loop_snapshot_unref(j->seen.snapshot);
    caller_unref(j->seen.caller);
    arena_done(&j->seen.arena);
    arena_done(&j->seen.outlined);
    large_request_free(j->large);
    free(j);
}

/* ---- on the other thread ---- */

static void run(aside *a) {
    large_job *j = CONTAINER_OF(a, large_job, aside);
    exchange *x = &j->seen;
    if (j->proves) sha256(x->request->body, j->large->sha256);
    j->large->proven = j->proves;
    j->result = parse_request(x);
    if (j->result != STAGE_NEXT) return;
    x->facts.bounds = request_bounds_of(&x->facts);
    affinity_look_up(x, j->now_ms);
    estimate_large(x, j->large);
    if (x->plan->look_large) x->plan->look_large(x, j->large);
}

/* ---- on the loop ---- */

static void take_over(exchange *x, large_job *j) {
    exchange *seen = &j->seen;
    x->facts = seen->facts;
    x->failure = seen->failure;
    x->record.model = seen->record.model;
    if (!x->record.user.len) x->record.user = seen->record.user;
    x->record.stream = seen->record.stream;
    if (seen->made_at) {
        affinity_place *kept = arena_alloc(&x->arena, sizeof *kept);
        *kept = *seen->made_at;
        x->made_at = kept;
    }
    x->large = j->large;
    x->large->arena = seen->arena;
    j->large = NULL;
    arena_init(&seen->arena, 0);
    x->large->outlined = seen->outlined;
    arena_init(&seen->outlined, 0);
}

static void on_parsed(aside *a) {
    large_job *j = CONTAINER_OF(a, large_job, aside);
    exchange *x = j->wait.x;
    stage_result result = j->result;
    take_over(x, j);
    exchange_resume(&j->wait, result);
    free_job(a);
}

static void on_cancel(stage_wait *w) {
    aside_drop(&CONTAINER_OF(w, large_job, wait)->aside);
}

/* Nothing of it is anybody else's. */
static const exchange_request *own_request(const exchange_request *r, arena *a) {
    exchange_request *own = arena_alloc(a, sizeof *own);
    *own = (exchange_request){.form = r->form,
                              .endpoint = r->endpoint,
                              .method = arena_dup(a, r->method),
                              .path = arena_dup(a, r->path),
                              .query = arena_dup(a, r->query),
                              .headers = exchange_headers_dup(a, r->headers),
                              .body = r->body,
                              .model = arena_dup(a, r->model)};
    return own;
}

bool parse_is_large(const exchange *x) {
    enum { AT_ONCE_BYTES = 256 * 1024 };
    return x->request->body.len > AT_ONCE_BYTES && x->door->hand_over;
}

stage_result parse_large(exchange *x) {
    large_job *j = mem_zalloc(sizeof *j);
    j->aside = (aside){.run = run, .done = on_parsed, .free = free_job};
    j->large = mem_zalloc(sizeof *j->large);
    j->large->refs = 1;
    j->large->loop = x->env->loop;
    j->large->body = x->door->hand_over(x->user, &j->large->hold);
    j->now_ms = x->env->loop->now_ms;
    j->proves = x->proof != NULL;
    exchange *seen = &j->seen;
    arena_init(&seen->arena, 0);
    seen->plan = x->plan;
    seen->snapshot = loop_snapshot_ref(x->snapshot);
    exchange_set_caller(seen, caller_ref(x->caller));
    seen->form = x->form;
    seen->endpoint = x->endpoint;
    seen->request = own_request(x->request, &seen->arena);
    seen->record.client_request_id = arena_dup(&seen->arena, x->record.client_request_id);
    exchange_wait(x, &j->wait, on_cancel);
    loop_aside(x->env->loop, &j->aside);
    return STAGE_WAIT;
}
