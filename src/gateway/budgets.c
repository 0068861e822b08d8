#include "gateway/budgets.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "ledger/summary.h"
#include "limit/spend.h"
#include "loop/aside.h"

#include <stdlib.h>

/* For what an earlier process has left to reach a store that is there. */
enum { CATCH_UP_MS = 1000, AGAIN_MS = 5000 };

typedef struct reading {
    aside aside;
    budgets *owner;
    config *config; /* counted */
    ledger *ledger;
    limiter *to;
    buf why;   /* the store could not be asked, or has not told all: what it has counts */
    bool more; /* who has spent something than a summary tells of */
    bool late; /* keys of the store may be known by now */
    bool keys; /* and have budgets that may lack something */
} reading;

struct budgets {
    loop *loop;
    log_shard *log;
    ledger *ledger;
    limiter *to;
    reading *reading; /* under way; NULL: none is */
    config *config;   /* counted: that of the next one; NULL: none is wanted */
    config *in_force; /* counted; NULL: none is yet */
    timer again;
    atomic_bool users;     /* the configuration in force has budgets of users */
    atomic_bool caught_up; /* what an earlier process has left is in the store */
    bool keys_lack;        /* keys of the store have budgets that were read before that */
    bool told;             /* that the store could not be asked */
    bool told_more;        /* of this configuration */
    bool stopped;          /* a reload may come later */
};

/* ---- whose budgets there are ---- */

static bool any_rule(const config_limit_rules *r) {
    for (size_t i = 0; i < r->count; i++)
        if (r->items[i].limits.spend.count) return true;
    return false;
}

/* A claim of a token's may have one. */
static bool any_client(const config *c) {
    if (c->jwt.on && c->jwt.limits.len) return true;
    for (size_t i = 0; i < c->client_count; i++)
        if (c->clients[i].limits.spend.count) return true;
    return false;
}

static bool has_budgets(const config *c) {
    const config_limits *l = &c->limits;
    return any_client(c) || l->user.spend.count || any_rule(&l->model) || any_rule(&l->target) ||
           any_rule(&l->tag);
}

/* ---- reading, on any thread that may block ---- */

typedef struct asking {
    reading *r;
    store *s;
    config_period per;
    limit_now now;
} asking;

static void raise_to(const asking *a, limit_scope scope, uint64_t subject, int64_t nano) {
    if (nano > 0) limiter_raise_spend(a->r->to, scope, subject, a->per, nano, a->now);
}

static bool ask(const asking *a, query_group group, const span *client, ledger_summary *ret) {
    ledger_query q = ledger_query_all;
    q.from_us = spend_period_start_us(a->per, a->now.wall_us);
    q.group = group;
    if (client) q.client = *client;
    summary_init(ret, group);
    bool good = store_sums(a->s, &q, ret);
    if (good)
        a->r->more |= ret->more_groups;
    else
        summary_done(ret);
    return good;
}

/* Several models may be one rule's: what belongs together is added up first. */
typedef struct total {
    uint64_t subject;
    int64_t nano;
} total;

typedef struct totals {
    total *items;
    size_t count;
} totals;

static int by_subject(const void *a, const void *b) {
    const uint64_t x = ((const total *)a)->subject, y = ((const total *)b)->subject;
    return (x > y) - (x < y);
}

static void raise_totals(const asking *a, limit_scope scope, totals *t) {
    qsort(t->items, t->count, sizeof *t->items, by_subject);
    for (size_t i = 0, from = 0; i < t->count; i++) {
        if (i > from) t->items[from].nano += t->items[i].nano;
        if (i + 1 < t->count && t->items[i + 1].subject == t->items[from].subject) continue;
        raise_to(a, scope, t->items[from].subject, t->items[from].nano);
        from = i + 1;
    }
    free(t->items);
}

/* Whom a row counts for, as exchange/limit_asks.c names it; false: nobody's budget. */
typedef bool subject_fn(const config *c, const sums_key *key, uint64_t *ret);

static bool of_client(const config *c, const sums_key *key, uint64_t *ret) {
    (void)c;
    *ret = hash_span(key->client);
    return key->client.len > 0;
}

static bool of_model(const config *c, const sums_key *key, uint64_t *ret) {
    const config_limit_rule *r = config_find_limit(&c->limits.model, key->model);
    if (r) *ret = hash_span(r->pattern);
    return r != NULL;
}

/* A call's whole cost is its last target's here: what its other attempts cost is not told apart. */
static bool of_target(const config *c, const sums_key *key, uint64_t *ret) {
    const config_limit_rule *r = config_find_limit(&c->limits.target, key->target);
    if (r) *ret = hash_span(r->pattern);
    return r != NULL;
}

static bool of_tag(const config *c, const sums_key *key, uint64_t *ret) {
    *ret = hash_span(key->tags);
    return config_find_limit(&c->limits.tag, key->tags) != NULL;
}

static bool read_group(const asking *a, query_group group, limit_scope scope, subject_fn *of) {
    ledger_summary found;
    if (!ask(a, group, NULL, &found)) return false;
    const sums_table *t = &found.groups;
    totals all = {.items = mem_zalloc_array(t->count + 1, sizeof *all.items)};
    for (size_t i = 0; i < t->count; i++) {
        total *row = &all.items[all.count];
        if (!of(a->r->config, &t->rows[i].key, &row->subject)) continue;
        row->nano = t->rows[i].sums.cost_nano;
        all.count++;
    }
    raise_totals(a, scope, &all);
    summary_done(&found);
    return true;
}

/* client NULL: of all, each of its own. */
static bool read_users(const asking *a, const span *client) {
    ledger_summary found;
    if (!ask(a, client ? GROUP_USER : GROUP_CLIENT_USER, client, &found)) return false;
    const sums_table *t = &found.groups;
    totals all = {.items = mem_zalloc_array(t->count + 1, sizeof *all.items)};
    for (size_t i = 0; i < t->count; i++) {
        const sums_key *key = &t->rows[i].key;
        const uint64_t subject = limit_user_subject(client ? *client : key->client, key->user);
        if (key->user.len) all.items[all.count++] = (total){subject, t->rows[i].sums.cost_nano};
    }
    raise_totals(a, LIMIT_OF_USER, &all);
    summary_done(&found);
    return true;
}

/* Those of each client that the file names are asked for by themselves, and have all the room of a
 * summary; whom an issuer names nobody knows beforehand. Keys of the store are asked about when
 * they come (budgets_seed()): those that had come before a reload, together. */
static bool read_all_users(const asking *a) {
    static const span nobody = SPAN("");
    const config *c = a->r->config;
    if (!config_asks_keys(c)) return read_users(a, &nobody);
    for (size_t i = 0; i < c->client_count; i++)
        if (!read_users(a, &c->clients[i].name)) return false;
    const bool others = c->jwt.on || (a->r->late && c->keys != KEYS_OFF);
    return !others || read_users(a, NULL);
}

static bool read_period(const asking *a) {
    const config *c = a->r->config;
    const bool clients = any_client(c) || a->r->keys;
    return (!clients || read_group(a, GROUP_CLIENT, LIMIT_OF_CLIENT, of_client)) &&
           (!any_rule(&c->limits.model) || read_group(a, GROUP_MODEL, LIMIT_OF_MODEL, of_model)) &&
           (!any_rule(&c->limits.target) ||
            read_group(a, GROUP_TARGET, LIMIT_OF_TARGET, of_target)) &&
           (!any_rule(&c->limits.tag) || read_group(a, GROUP_TAG, LIMIT_OF_TAG, of_tag)) &&
           (!c->limits.user.spend.count || read_all_users(a));
}

static const span not_all = SPAN("the store does not have all records yet");
static const config_period periods[] = {PERIOD_DAY, PERIOD_MONTH};

static void run(aside *aside_) {
    reading *r = CONTAINER_OF(aside_, reading, aside);
    asking a = {.r = r, .now = {clock_mono_us(), clock_wall_us()}};
    bool behind;
    a.s = ledger_read(r->ledger, CATCH_UP_MS, &behind, &r->why);
    if (!a.s) return;
    if (behind) buf_add(&r->why, not_all);
    for (size_t i = 0; i < ARRAY_LEN(periods); i++) {
        a.per = periods[i];
        if (read_period(&a)) continue;
        buf_clear(&r->why);
        buf_add(&r->why, store_why(a.s));
        break;
    }
    store_close(a.s);
}

/* ---- of one client, on any thread that may block ---- */

static bool read_client(const asking *a, span name) {
    ledger_summary found;
    if (!ask(a, GROUP_NONE, &name, &found)) return false;
    raise_to(a, LIMIT_OF_CLIENT, hash_span(name), found.total.cost_nano);
    summary_done(&found);
    return true;
}

/* What this process has spent its limiter knows: the store is waited for until it has caught up
 * once, and not again for each key while it takes no records. */
static store *open_store(budgets *b, bool *ret_lacks, buf *ret_why) {
    const bool waits = !atomic_load_explicit(&b->caught_up, memory_order_relaxed);
    bool behind;
    store *s = ledger_read(b->ledger, waits ? CATCH_UP_MS : 0, &behind, ret_why);
    *ret_lacks = waits && behind;
    if (s && waits && !behind) atomic_store_explicit(&b->caught_up, true, memory_order_relaxed);
    return s;
}

static void on_key_lacks(loop *l, void *arg);

bool budgets_seed(budgets *b, const config_client *c, buf *ret_why) {
    const bool users = atomic_load_explicit(&b->users, memory_order_relaxed);
    if (!b->ledger || (!users && !c->limits.spend.count)) return true;
    reading r = {.to = b->to};
    asking a = {.r = &r, .now = {clock_mono_us(), clock_wall_us()}};
    bool lacks;
    a.s = open_store(b, &lacks, ret_why);
    bool good = a.s != NULL;
    for (size_t i = 0; good && i < ARRAY_LEN(periods); i++) {
        a.per = periods[i];
        good = read_client(&a, c->name) && (!users || read_users(&a, &c->name));
        if (!good) buf_add(ret_why, store_why(a.s));
    }
    store_close(a.s);
    if (good && lacks) loop_post(b->loop, on_key_lacks, b);
    return good;
}

/* ---- on the loop ---- */

static void free_reading(reading *r) {
    config_unref(r->config);
    buf_done(&r->why);
    free(r);
}

static void on_dropped(aside *a) {
    free_reading(CONTAINER_OF(a, reading, aside));
}

static void tell(budgets *b, span why) {
    if (b->told == (why.len > 0)) return;
    b->told = why.len > 0;
    const log_field reason = {.key = "reason", .value = why};
    if (b->told)
        log_event(b->log, LEVEL_ERROR, "budgets_unknown",
                  SPAN_OF("What has been spent could not be read, or not all of it: until it is, "
                          "budgets count what is known and what comes."),
                  &reason, 1);
    else
        log_event(b->log, LEVEL_INFO, "budgets_known",
                  SPAN_OF("What has been spent was read; budgets go on from there."), NULL, 0);
}

static void tell_more(budgets *b) {
    if (b->told_more) return;
    b->told_more = true;
    log_event(
        b->log, LEVEL_WARN, "budgets_partly_known",
        SPAN_OF("More clients, users or tags than a summary tells of have spent something: the "
                "budgets of the others count from this start on."),
        NULL, 0);
}

static void start(budgets *b);

static bool wants(const budgets *b, const config *c) {
    return b->ledger && (has_budgets(c) || b->keys_lack);
}

/* Its word counts, but for what another configuration, or a key, wants to know by now: where that
 * has no budgets any more, for nothing. */
static void take(budgets *b, reading *r) {
    const bool all = !r->why.len, wanted = wants(b, b->in_force);
    if (wanted) tell(b, buf_span(&r->why));
    if (wanted && r->more) tell_more(b);
    if (all && r->keys && !b->config) b->keys_lack = false;
    if (!all && !b->config && wanted) b->config = config_ref(b->in_force);
    if (b->config) loop_timer_start(b->loop, &b->again, all ? 0 : AGAIN_MS);
    free_reading(r);
}

static void on_read(aside *a) {
    reading *r = CONTAINER_OF(a, reading, aside);
    budgets *b = r->owner;
    b->reading = NULL;
    take(b, r);
}

static reading *reading_new(budgets *b, config *c) {
    reading *r = mem_zalloc(sizeof *r);
    *r = (reading){.aside = {.run = run, .done = on_read, .free = on_dropped},
                   .owner = b,
                   .config = config_ref(c),
                   .ledger = b->ledger,
                   .to = b->to};
    return r;
}

static void start(budgets *b) {
    if (b->reading || b->stopped || !b->config) return;
    b->reading = reading_new(b, b->config);
    b->reading->late = true;
    b->reading->keys = b->keys_lack;
    config_unref(b->config);
    b->config = NULL;
    loop_aside(b->loop, &b->reading->aside);
}

static void on_again(timer *t) {
    start(CONTAINER_OF(t, budgets, again));
}

/* It is read with all others, as any of a client's is, until all is there. */
static void on_key_lacks(loop *l, void *arg) {
    (void)l;
    budgets *b = arg;
    if (b->stopped) return;
    b->keys_lack = true;
    tell(b, not_all);
    if (b->config) return;
    b->config = config_ref(b->in_force);
    if (!b->reading) loop_timer_start(b->loop, &b->again, AGAIN_MS);
}

budgets *budgets_new(loop *on, log_shard *log, ledger *l, limiter *to) {
    budgets *b = mem_zalloc(sizeof *b);
    *b = (budgets){.loop = on, .log = log, .ledger = l, .to = to};
    timer_init(&b->again, on_again);
    return b;
}

static void note_config(budgets *b, config *c) {
    atomic_store_explicit(&b->users, c->limits.user.spend.count > 0, memory_order_relaxed);
    config_unref(b->in_force);
    b->in_force = config_ref(c);
    b->told_more = false;
}

void budgets_begin(budgets *b, config *c) {
    note_config(b, c);
    if (!wants(b, c)) return;
    reading *r = reading_new(b, c);
    run(&r->aside);
    take(b, r);
}

void budgets_apply(budgets *b, config *c) {
    note_config(b, c);
    config_unref(b->config);
    b->config = wants(b, c) ? config_ref(c) : NULL;
    if (!b->config) b->told = false; /* of budgets that are gone */
    start(b);
}

void budgets_stop(budgets *b) {
    if (!b) return;
    b->stopped = true;
    loop_timer_stop(b->loop, &b->again);
    if (b->reading) aside_drop(&b->reading->aside);
    b->reading = NULL;
}

void budgets_free(budgets *b) {
    if (!b) return;
    config_unref(b->config);
    config_unref(b->in_force);
    free(b);
}
