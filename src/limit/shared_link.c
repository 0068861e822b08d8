/* A link's life: it says that it is there, renews its leases, and tells a server that was away what
 * it lacks. */
#include "limit/shared_internal.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/random.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- being there ---- */

static void on_beaten(redis_wait *w, const redis_reply *reply) {
    shared_link *k = CONTAINER_OF(w, shared_link, beating);
    int64_t nodes, since;
    if (!reply || !shared_read_here(reply, &nodes, &since)) return;
    if (nodes > 0 && nodes <= INT32_MAX) atomic_store(&k->shared->nodes, (unsigned)nodes);
    k->epoch = (uint32_t)((uint64_t)since ^ (uint64_t)since >> 32) | 1;
}

static void tell_of_self(shared_link *k) {
    if (redis_wait_runs(&k->beating)) return;
    shared_command *c = shared_command_of(k);
    shared_command_here(c, span_from(k->shared->node, NODE_LEN), SHARED_LEASE_MS);
    (void)!redis_ask(k->redis, &k->beating, on_beaten, c->args, shared_command_args(c));
}

static void tell_of_owed(shared_link *k) {
    const limit_ask *a;
    owed_amount amount;
    shared_command *c =
        shared_command_of(k); /* before the first is looked at: it may have to be owed */
    while ((a = owed_last(&k->owed, shared_now(k), &amount))) {
        shared_command_begin(c, 1, SPAN_OF("settle"), SPAN_EMPTY, SHARED_LEASE_MS);
        if (a->kind == LIMIT_SPEND)
            shared_command_add(c, a, amount.nano, shared_of_period(a));
        else
            shared_command_add_debt(c, a, amount.rate, amount.back);
        if (!redis_tell(k->redis, c->args, shared_command_args(c))) return;
        k->lacked += !amount.back;
        shared_note_told(k, a, amount.nano);
        owed_drop_last(&k->owed);
    }
}

static bool is_lacking(const limit_ask *a, limit_now now) {
    return a->kind != LIMIT_PARALLEL && !limit_is_over(a, now);
}

/* Of a call that runs what it has taken; its place it is told with the others'. */
static bool tell_of(shared_ticket *t) {
    shared_link *k = t->link;
    shared_command *c = shared_command_of(k);
    const limit_now now = shared_now(k);
    size_t n = 0;
    for (size_t i = 0; i < t->count; i++)
        n += is_lacking(&t->asks[i], now);
    shared_command_begin(c, n, SPAN_OF("settle"), SPAN_EMPTY, SHARED_LEASE_MS);
    for (size_t i = 0; i < t->count; i++)
        if (is_lacking(&t->asks[i], now))
            shared_command_add(c, &t->asks[i], t->asks[i].amount, (shared_least){0});
    if (n && !redis_tell(k->redis, c->args, shared_command_args(c))) return false;
    k->lacked++;
    for (size_t i = 0; i < t->count; i++)
        if (is_lacking(&t->asks[i], now)) shared_note_told(k, &t->asks[i], t->asks[i].amount);
    t->counted = true;
    list_remove(&t->alone);
    return true;
}

static void tell_of_alone(shared_link *k) {
    while (!list_empty(&k->alone))
        if (!tell_of(LIST_ENTRY(k->alone.next, shared_ticket, alone))) return;
}

static void renew(const shared_ticket *t) {
    char lease[LEASE_LEN];
    shared_command *c = shared_command_of(t->link);
    size_t n = 0;
    for (size_t i = 0; i < t->count; i++)
        n += t->asks[i].kind == LIMIT_PARALLEL;
    shared_command_begin(c, n, SPAN_OF("hold"), shared_lease_text(t, lease), SHARED_LEASE_MS);
    for (size_t i = 0; i < t->count; i++)
        if (t->asks[i].kind == LIMIT_PARALLEL)
            shared_command_add(c, &t->asks[i], 1, (shared_least){0});
    (void)redis_tell(t->link->redis, c->args, shared_command_args(c));
}

/* Also calls that the server has not heard of, or has forgotten, hold their places from now on. */
static void tell_of_all(shared_link *k) {
    tell_of_self(k);
    LIST_FOREACH(&k->holders, it) {
        shared_ticket *t = LIST_ENTRY(it, shared_ticket, holder);
        renew(t);
    }
}

static redis_done_fn on_confirmed;

static void confirm(shared_link *k) {
    if (!k->doubts || redis_wait_runs(&k->confirming)) return;
    shared_command *c = shared_command_of(k);
    k->confirms = k->lacked;
    shared_command_here(c, span_from(k->shared->node, NODE_LEN), SHARED_LEASE_MS);
    (void)!redis_ask(k->redis, &k->confirming, on_confirmed, c->args, shared_command_args(c));
}

/* Answers come in the order of the questions: it has heard all that it was told before this one. */
static void on_confirmed(redis_wait *w, const redis_reply *reply) {
    shared_link *k = CONTAINER_OF(w, shared_link, confirming);
    int64_t nodes, since;
    shared_tell_dues(k);
    if (!reply || !shared_read_here(reply, &nodes, &since)) return;
    if (k->confirms != k->lacked)
        confirm(k);
    else if (list_empty(&k->alone) && !k->owed.count)
        shared_cease_to_doubt(k);
}

static void tell_what_it_lacks(shared_link *k) {
    tell_of_alone(k);
    tell_of_owed(k);
    confirm(k);
}

static void on_beat(timer *t) {
    shared_link *k = CONTAINER_OF(t, shared_link, beat);
    if (redis_is_ready(k->redis)) {
        tell_of_all(k);
        tell_what_it_lacks(k);
    }
    loop_timer_start(k->loop, t, SHARED_BEAT_MS);
}

static void tell_gauge(const shared_link *k) {
    if (k->metrics) metric_set(metrics_series(k->metrics, METRIC_SHARED_AWAY, NULL), k->away);
}

/* Of several links the first that is away and the last that is back is told. */
static void on_ready(void *user) {
    shared_link *k = user;
    if (k->away && atomic_fetch_sub(&k->shared->away, 1) == 1)
        log_event(k->log, LEVEL_INFO, "shared_back",
                  SPAN_OF("Limits are counted by the shared server again."), NULL, 0);
    k->away = false;
    k->epoch = 0;
    tell_gauge(k);
    tell_of_all(k);
    tell_what_it_lacks(k);
}

static void on_away(void *user, const char *why) {
    shared_link *k = user;
    k->away = true;
    shared_begin_to_doubt(k);
    tell_gauge(k);
    if (atomic_fetch_add(&k->shared->away, 1) > 0) return;
    char nodes[LOG_NUMBER_MAX];
    const log_field fields[] = {{"server", k->shared->config->shown, false},
                                {"reason", span_cstr(why), false},
                                log_number("weirs", shared_limits_nodes(k->shared), nodes)};
    log_event(k->log, LEVEL_WARN, "shared_away",
              SPAN_OF("The shared server is away: limits are counted by this weir alone."), fields,
              ARRAY_LEN(fields));
}

/* ---- life ---- */

static void make_node(char out[NODE_LEN + 1]) {
    unsigned char bytes[NODE_LEN / 2];
    random_bytes(bytes, sizeof bytes);
    hex_encode(bytes, sizeof bytes, out);
}

shared_limits *shared_limits_new(config *c, limiter *own, buf *ret_why) {
    const config_redis *to = &c->shared;
    tls_context *tls = NULL;
    if (to->tls && !(tls = tls_client_new(to->ca_file, ret_why))) return NULL;
    shared_limits *s = mem_zalloc(sizeof *s);
    s->snapshot = config_ref(c);
    s->config = to;
    s->tls = tls;
    s->own = own;
    make_node(s->node);
    atomic_init(&s->nodes, 1);
    atomic_init(&s->away, 0);
    return s;
}

void shared_limits_free(shared_limits *s) {
    if (!s) return;
    tls_context_unref(s->tls);
    config_unref(s->snapshot);
    free(s);
}

unsigned shared_limits_nodes(const shared_limits *s) {
    return atomic_load_explicit(&s->nodes, memory_order_relaxed);
}

static void on_turn(loop_hook *hook) {
    shared_tell_dues(CONTAINER_OF(hook, shared_link, turn));
}

shared_link *shared_link_new(shared_limits *s, loop *l, log_shard *log, metrics_shard *shard) {
    static const redis_ops ops = {on_ready, on_away};
    if (!s) return NULL;
    shared_link *k = mem_zalloc(sizeof *k);
    *k = (shared_link){.shared = s, .loop = l, .log = log, .metrics = shard};
    k->name_len = (size_t)snprintf(k->name, sizeof k->name, "%s:%u:", s->node, l->index);
    list_init(&k->holders);
    list_init(&k->alone);
    list_init(&k->orphans);
    redis_wait_init(&k->beating);
    redis_wait_init(&k->confirming);
    timer_init(&k->beat, on_beat);
    dues_init(&k->dues);
    k->turn.run = on_turn;
    loop_add_hook(l, &k->turn);
    k->redis = redis_new(l, s->config, s->tls, &ops, k);
    loop_timer_start(l, &k->beat, SHARED_BEAT_MS);
    return k;
}

void shared_link_free(shared_link *k) {
    if (!k) return;
    loop_timer_stop(k->loop, &k->beat);
    redis_wait_cancel(&k->beating);
    redis_wait_cancel(&k->confirming);
    shared_cease_to_doubt(k);
    shared_free_orphans(k);
    redis_free(k->redis);
    shared_command_done(&k->command);
    owed_done(&k->owed);
    loop_remove_hook(&k->turn);
    dues_done(&k->dues);
    free(k);
}
