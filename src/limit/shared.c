#include "limit/shared.h"

#include "base/clock.h"
#include "base/digits.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/random.h"
#include "limit/dues.h"
#include "limit/owed.h"
#include "limit/shared_wire.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    NODE_LEN = 16,
    NAME_LEN = NODE_LEN + 1 + 10 + 1,
    LEASE_LEN = NAME_LEN + DIGITS_MAX,
    TOLD_KEPT = 256
};

struct shared_limits {
    config *snapshot; /* counted, for: */
    const config_redis *config;
    tls_context *tls; /* NULL: plain */
    limiter *own;
    char node[NODE_LEN + 1]; /* this process's name there */
    atomic_uint nodes;
    atomic_uint away; /* links that go by the process's own count */
};

/* Money that the server was told of. */
typedef struct told_money {
    uint64_t counter;
    int64_t nano;
} told_money;

struct shared_link {
    shared_limits *shared;
    loop *loop;
    redis *redis;
    log_shard *log;
    metrics_shard *metrics;
    shared_command command;
    list holders; /* tickets with a place */
    list alone;   /* tickets that were taken without the server, and that it has not been told */
    list orphans; /* of calls that left while they waited */
    char name[NAME_LEN + 1]; /* its leases begin with it: "NODE:LOOP:" */
    size_t name_len;
    uint64_t last_lease;
    timer beat;
    redis_wait beating;
    uint32_t epoch; /* of the server's data; 0: not known */
    owed owed;
    dues dues; /* of calls that have ended in this turn */
    loop_hook turn;
    bool away;
    bool doubts; /* in the server's count, which may lack what was taken here */
    redis_wait confirming;
    uint64_t lacked,
        confirms; /* how often it was told what it lacked; by then, when it was asked */
    told_money told[TOLD_KEPT];
    uint64_t told_count; /* the last of them are kept, in turn */
};

static limit_now now_of(const shared_link *k) {
    return (limit_now){loop_exact_us(k->loop), clock_wall_us()};
}

/* ---- the process's own count ---- */

static int64_t most(int64_t a, int64_t b) {
    return a > b ? a : b;
}

/* What this weir may let through by itself. Of calls in progress nobody's is too large for one. */
static int64_t share_of(const limit_ask *a, unsigned nodes) {
    const int64_t share = most(a->quota.amount / nodes, 1);
    const bool fits = a->kind != LIMIT_PARALLEL && a->amount <= a->quota.amount;
    return fits ? most(share, a->amount) : share;
}

/* The same of what was left when the server was last heard. */
static int64_t share_of_money(const limit_ask *a, unsigned nodes, const limit_spent *known) {
    const int64_t left = most(a->quota.amount - known->told, 0);
    const int64_t one = a->amount < left ? a->amount : left;
    const int64_t share = known->told + most(left / nodes, one);
    const int64_t fits = a->amount <= a->quota.amount ? most(share, a->amount) : share;
    return fits < a->quota.amount ? fits : a->quota.amount;
}

static limit_verdict take_share(shared_link *k, limit_ask *asks, size_t count) {
    limiter *own = k->shared->own;
    const unsigned nodes = shared_limits_nodes(k->shared);
    const limit_now now = now_of(k);
    int64_t *full = mem_zalloc_array(count, sizeof *full);
    for (size_t i = 0; i < count; i++) {
        limit_ask *a = &asks[i];
        full[i] = a->quota.amount;
        if (a->kind == LIMIT_SPEND) {
            const limit_spent known = limiter_spent(own, a, now);
            a->quota.amount = share_of_money(a, nodes, &known);
        } else {
            a->quota.amount = share_of(a, nodes);
        }
    }
    const limit_verdict v = limiter_take(own, asks, count, now);
    for (size_t i = 0; i < count; i++)
        asks[i].quota.amount = full[i];
    free(full);
    return v;
}

static void begin_to_doubt(shared_link *k) {
    if (k->doubts) return;
    k->doubts = true;
    limiter_doubt(k->shared->own);
}

static void cease_to_doubt(shared_link *k) {
    if (!k->doubts) return;
    k->doubts = false;
    limiter_trust(k->shared->own);
}

static void take_own(shared_ticket *t) {
    shared_link *k = t->link;
    begin_to_doubt(k);
    t->verdict = take_share(t->link, t->asks, t->count);
    if (k->metrics) metric_add(metrics_series(k->metrics, METRIC_SHARED_LOCAL, NULL), 1);
}

static bool holds_place(const shared_ticket *t) {
    for (size_t i = 0; i < t->count; i++)
        if (t->asks[i].kind == LIMIT_PARALLEL) return true;
    return false;
}

/* How many of the asks are before the places. */
static size_t before_places(const shared_ticket *t) {
    size_t n = t->count;
    while (n && t->asks[n - 1].kind == LIMIT_PARALLEL)
        n--;
    return n;
}

static span lease_text(const shared_ticket *t, char out[LEASE_LEN]) {
    const shared_link *k = t->link;
    char digits[DIGITS_MAX];
    if (!holds_place(t)) return SPAN_EMPTY;
    const unsigned n = digits_u64(digits, t->lease);
    memcpy(out, k->name, k->name_len);
    memcpy(out + k->name_len, digits + n, DIGITS_MAX - n);
    return span_from(out, k->name_len + (DIGITS_MAX - n));
}

static redis_done_fn on_taken;

/* ---- money that was told ---- */

static void note_told(shared_link *k, const limit_ask *a, int64_t nano) {
    if (a->kind != LIMIT_SPEND || !nano) return;
    limiter_note_told(k->shared->own, a, nano, now_of(k));
    k->told[k->told_count++ % TOLD_KEPT] = (told_money){a->counter, nano};
}

/* Since a question that is answered now, so that the answer lacks it: that was asked before on the
 * same connection. Of a longer time ago it lacks more, and money reads as spent that was given
 * back. */
static int64_t told_since(const shared_link *k, uint64_t when, uint64_t counter) {
    const bool all = k->told_count - when <= TOLD_KEPT;
    int64_t nano = 0;
    for (uint64_t i = all ? when : k->told_count - TOLD_KEPT; i < k->told_count; i++)
        if (k->told[i % TOLD_KEPT].counter == counter) nano += k->told[i % TOLD_KEPT].nano;
    return nano;
}

/* ---- what has ended ---- */

/* Calls that end in one turn are told together, and before whatever else is: a place is given back
 * before somebody asks for one. */
static void tell_dues(shared_link *k) {
    dues *d = &k->dues;
    shared_command *c = &k->command;
    if (!d->count) return;
    shared_command_begin(c, d->count, SPAN_OF("settle"), buf_span(&d->leases), SHARED_LEASE_MS);
    for (size_t i = 0; i < d->count; i++)
        shared_command_add(c, &d->items[i].ask, d->items[i].amount, (shared_least){0});
    const bool told = redis_tell(k->redis, c->args, shared_command_args(c));
    for (size_t i = 0; i < d->count && !told; i++)
        if (d->items[i].ask.kind != LIMIT_PARALLEL)
            owed_add(&k->owed, &d->items[i].ask, d->items[i].amount, now_of(k));
    dues_clear(d);
}

static void on_turn(loop_hook *hook) {
    tell_dues(CONTAINER_OF(hook, shared_link, turn));
}

/* For the next command. */
static shared_command *command_of(shared_link *k) {
    tell_dues(k);
    return &k->command;
}

/* ---- asking the server ---- */

/* What was told to be spent, where that was not by the data that the server has now. */
static shared_least least_of(const shared_link *k, const limit_ask *a) {
    if (a->kind != LIMIT_SPEND) return (shared_least){0};
    const limit_spent known = limiter_spent(k->shared->own, a, now_of(k));
    if (k->epoch && known.epoch == k->epoch) return (shared_least){0};
    return (shared_least){known.told, known.period};
}

static bool ask_to_take(shared_ticket *t) {
    char lease[LEASE_LEN];
    shared_link *k = t->link;
    shared_command *c = command_of(k);
    shared_command_begin(c, t->count, SPAN_OF("take"), lease_text(t, lease), SHARED_LEASE_MS);
    for (size_t i = 0; i < t->count; i++)
        shared_command_add(c, &t->asks[i], t->asks[i].amount, least_of(k, &t->asks[i]));
    t->season = limiter_season(k->shared->own);
    t->told = k->told_count;
    return redis_ask(k->redis, &t->wait, on_taken, c->args, shared_command_args(c));
}

/* The server may have forgotten the script: then it is sent with its text, once. */
static bool ask_whole(shared_ticket *t) {
    t->link->command.whole = true;
    bool asked = ask_to_take(t);
    t->link->command.whole = false;
    return asked;
}

static void decide(shared_ticket *t) {
    t->decided = true;
    if (!t->verdict.taken) return;
    if (holds_place(t)) list_push_back(&t->link->holders, &t->holder);
    if (!t->counted) list_push_back(&t->link->alone, &t->alone);
}

static void become_orphan(shared_ticket *t, const limit_used *used);
static void settle_there(const shared_ticket *t, const limit_used *used);

/* What the server lets through may have no room here: then it is given back. */
static void take_word(shared_ticket *t) {
    shared_link *k = t->link;
    for (size_t i = 0; i < t->count; i++)
        if (t->asks[i].kind == LIMIT_SPEND)
            t->asks[i].lacks = told_since(k, t->told, t->asks[i].counter);
    const limit_word word = {t->verdict.taken, k->epoch, t->season};
    limiter_note(k->shared->own, t->asks, t->count, word, &t->verdict, now_of(k));
    t->counted = word.taken;
    if (t->verdict.taken || !word.taken) return;
    settle_there(t, &(limit_used){0});
    t->counted = false;
}

/* What was taken without the server it has counted all the same. */
static void become_counted(shared_ticket *t) {
    shared_link *k = t->link;
    for (size_t i = 0; i < t->count; i++)
        if (t->asks[i].kind == LIMIT_SPEND)
            limiter_note_told(k->shared->own, &t->asks[i], t->asks[i].amount, now_of(k));
    t->counted = true;
    list_remove(&t->alone);
}

static void on_taken(redis_wait *w, const redis_reply *reply) {
    shared_ticket *t = CONTAINER_OF(w, shared_ticket, wait);
    shared_link *k = t->link;
    if (t->decided) {
        if (reply && shared_read_taken(reply)) become_counted(t);
        return;
    }
    if (reply && redis_reply_refuses(reply, SPAN_OF("NOSCRIPT ")) && ask_whole(t)) return;
    if (reply && shared_read_answer(reply, t->asks, t->count, &t->verdict)) {
        take_word(t);
    } else {
        take_own(t);
        const bool may_hear = !reply && redis_listen(k->redis, w);
        if (may_hear && !t->verdict.taken) become_orphan(t, &(limit_used){0});
    }
    decide(t);
    t->done(t);
}

bool shared_take(shared_link *k, shared_ticket *t, limit_ask *asks, size_t count,
                 shared_done_fn *done) {
    *t = (shared_ticket){.link = k, .done = done, .asks = asks, .count = count};
    redis_wait_init(&t->wait);
    list_init(&t->holder);
    list_init(&t->alone);
    t->lease = ++k->last_lease;
    limiter_name(asks, count); /* for what may be owed of it before the limiter has seen it */
    if (ask_to_take(t)) return false;
    take_own(t);
    decide(t);
    return true;
}

/* ---- afterwards ---- */

/* What comes back of money is of the period that it was taken in. */
static shared_least of_period(const limit_ask *a) {
    return (shared_least){.period = a->kind == LIMIT_SPEND ? a->spent_in : 0};
}

/* What the server is to count besides what it has. Of a call in progress: that it is none now. */
static int64_t more_of(const shared_ticket *t, const limit_ask *a, const limit_used *used) {
    if (a->kind == LIMIT_PARALLEL) return t->counted || t->decided ? -1 : 0;
    if (!t->counted && limit_is_over(a, now_of(t->link))) return 0;
    return limit_used_of(a, used) - (t->counted ? a->amount : 0);
}

static void owe(const shared_ticket *t, const limit_used *used) {
    const limit_now now = now_of(t->link);
    for (size_t i = 0; i < t->count; i++)
        if (t->asks[i].kind != LIMIT_PARALLEL)
            owed_add(&t->link->owed, &t->asks[i], more_of(t, &t->asks[i], used), now);
}

/* Of a call that the server has, with the others of this turn. */
static bool settle_later(const shared_ticket *t, const limit_used *used) {
    char lease[LEASE_LEN];
    dues *d = &t->link->dues;
    bool fits = t->counted && t->count <= DUES_MAX;
    for (size_t i = 0; i < t->count; i++)
        fits &= t->asks[i].kind != LIMIT_SPEND;
    if (!fits) return false;
    if (!dues_have_room(d, t->count)) tell_dues(t->link);
    dues_add_call(d, lease_text(t, lease));
    for (size_t i = 0; i < t->count; i++) {
        const int64_t more = more_of(t, &t->asks[i], used);
        if (more) dues_add(d, &t->asks[i], more);
    }
    return true;
}

static void settle_there(const shared_ticket *t, const limit_used *used) {
    char lease[LEASE_LEN];
    shared_link *k = t->link;
    size_t n = 0;
    for (size_t i = 0; i < t->count; i++)
        n += more_of(t, &t->asks[i], used) != 0;
    if (!n || settle_later(t, used)) return;
    shared_command *c = command_of(k);
    shared_command_begin(c, n, SPAN_OF("settle"), lease_text(t, lease), SHARED_LEASE_MS);
    for (size_t i = 0; i < t->count; i++) {
        const int64_t more = more_of(t, &t->asks[i], used);
        if (more) shared_command_add(c, &t->asks[i], more, of_period(&t->asks[i]));
    }
    if (!redis_tell(k->redis, c->args, shared_command_args(c))) {
        owe(t, used);
        return;
    }
    k->lacked += !t->counted;
    for (size_t i = 0; i < t->count; i++)
        note_told(k, &t->asks[i], more_of(t, &t->asks[i], used));
}

/* A late server is not told: there the places run out. */
void shared_leave(shared_ticket *t) {
    shared_ticket places = *t;
    const size_t from = before_places(t);
    if (from == t->count) return;
    places.asks += from;
    places.count -= from;
    t->count = from;
    list_remove(&t->holder);
    limiter_settle(t->link->shared->own, places.asks, places.count, &(limit_used){0},
                   now_of(t->link));
    settle_there(&places, &(limit_used){0});
}

void shared_settle(shared_ticket *t, const limit_used *used) {
    list_remove(&t->holder);
    list_remove(&t->alone);
    limiter_settle(t->link->shared->own, t->asks, t->count, used, now_of(t->link));
    if (redis_wait_runs(&t->wait))
        become_orphan(t, used);
    else
        settle_there(t, used);
}

/* ---- who leaves before the server has answered ---- */

/* In his place, with all that the server must be told. */
typedef struct orphan {
    shared_ticket ticket;
    limit_used used;
    list link;
    arena arena;
} orphan;

static void free_orphan(orphan *o) {
    redis_wait_cancel(&o->ticket.wait);
    list_remove(&o->link);
    arena_done(&o->arena);
    free(o);
}

static void on_orphan_taken(redis_wait *w, const redis_reply *reply) {
    orphan *o = CONTAINER_OF(w, orphan, ticket.wait);
    if (!reply && redis_listen(o->ticket.link->redis, w)) return;
    if (reply && shared_read_taken(reply)) become_counted(&o->ticket);
    settle_there(&o->ticket, &o->used);
    free_orphan(o);
}

static void become_orphan(shared_ticket *t, const limit_used *used) {
    orphan *o = mem_zalloc(sizeof *o);
    arena_init(&o->arena, 0);
    o->ticket = *t;
    o->used = *used;
    list_init(&o->ticket.holder);
    list_init(&o->ticket.alone);
    o->ticket.asks = arena_alloc(&o->arena, t->count * sizeof *t->asks);
    for (size_t i = 0; i < t->count; i++) {
        o->ticket.asks[i] = t->asks[i];
        o->ticket.asks[i].who = arena_dup(&o->arena, t->asks[i].who);
    }
    redis_wait_move(&t->wait, &o->ticket.wait, on_orphan_taken);
    list_push_back(&t->link->orphans, &o->link);
}

void shared_cancel(shared_ticket *t) {
    if (redis_wait_runs(&t->wait)) become_orphan(t, &(limit_used){0});
}

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
    shared_command *c = command_of(k);
    shared_command_here(c, span_from(k->shared->node, NODE_LEN), SHARED_LEASE_MS);
    (void)!redis_ask(k->redis, &k->beating, on_beaten, c->args, shared_command_args(c));
}

static void tell_of_owed(shared_link *k) {
    const limit_ask *a;
    owed_amount amount;
    shared_command *c = command_of(k); /* before the first is looked at: it may have to be owed */
    while ((a = owed_last(&k->owed, now_of(k), &amount))) {
        shared_command_begin(c, 1, SPAN_OF("settle"), SPAN_EMPTY, SHARED_LEASE_MS);
        if (a->kind == LIMIT_SPEND)
            shared_command_add(c, a, amount.nano, of_period(a));
        else
            shared_command_add_debt(c, a, amount.rate, amount.back);
        if (!redis_tell(k->redis, c->args, shared_command_args(c))) return;
        k->lacked += !amount.back;
        note_told(k, a, amount.nano);
        owed_drop_last(&k->owed);
    }
}

static bool is_lacking(const limit_ask *a, limit_now now) {
    return a->kind != LIMIT_PARALLEL && !limit_is_over(a, now);
}

/* Of a call that runs what it has taken; its place it is told with the others'. */
static bool tell_of(shared_ticket *t) {
    shared_link *k = t->link;
    shared_command *c = command_of(k);
    const limit_now now = now_of(k);
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
        if (is_lacking(&t->asks[i], now)) note_told(k, &t->asks[i], t->asks[i].amount);
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
    shared_command *c = command_of(t->link);
    size_t n = 0;
    for (size_t i = 0; i < t->count; i++)
        n += t->asks[i].kind == LIMIT_PARALLEL;
    shared_command_begin(c, n, SPAN_OF("hold"), lease_text(t, lease), SHARED_LEASE_MS);
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
    shared_command *c = command_of(k);
    k->confirms = k->lacked;
    shared_command_here(c, span_from(k->shared->node, NODE_LEN), SHARED_LEASE_MS);
    (void)!redis_ask(k->redis, &k->confirming, on_confirmed, c->args, shared_command_args(c));
}

/* Answers come in the order of the questions: it has heard all that it was told before this one. */
static void on_confirmed(redis_wait *w, const redis_reply *reply) {
    shared_link *k = CONTAINER_OF(w, shared_link, confirming);
    int64_t nodes, since;
    tell_dues(k);
    if (!reply || !shared_read_here(reply, &nodes, &since)) return;
    if (k->confirms != k->lacked)
        confirm(k);
    else if (list_empty(&k->alone) && !k->owed.count)
        cease_to_doubt(k);
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
    begin_to_doubt(k);
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
    cease_to_doubt(k);
    LIST_FOREACH(&k->orphans, it) free_orphan(LIST_ENTRY(it, orphan, link));
    redis_free(k->redis);
    shared_command_done(&k->command);
    owed_done(&k->owed);
    loop_remove_hook(&k->turn);
    dues_done(&k->dues);
    free(k);
}
