#include "limit/shared_internal.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static redis_done_fn on_taken;

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

span shared_lease_text(const shared_ticket *t, char out[LEASE_LEN]) {
    const shared_link *k = t->link;
    char digits[DIGITS_MAX];
    if (!holds_place(t)) return SPAN_EMPTY;
    const unsigned n = digits_u64(digits, t->lease);
    memcpy(out, k->name, k->name_len);
    memcpy(out + k->name_len, digits + n, DIGITS_MAX - n);
    return span_from(out, k->name_len + (DIGITS_MAX - n));
}

/* ---- what has ended ---- */

/* Calls that end in one turn are told together, and before whatever else is: a place is given back
 * before somebody asks for one. */
void shared_tell_dues(shared_link *k) {
    dues *d = &k->dues;
    shared_command *c = &k->command;
    if (!d->count) return;
    shared_command_begin(c, d->count, SPAN_OF("settle"), buf_span(&d->leases), SHARED_LEASE_MS);
    for (size_t i = 0; i < d->count; i++)
        shared_command_add(c, &d->items[i].ask, d->items[i].amount, (shared_least){0});
    const bool told = redis_tell(k->redis, c->args, shared_command_args(c));
    for (size_t i = 0; i < d->count && !told; i++)
        if (d->items[i].ask.kind != LIMIT_PARALLEL)
            owed_add(&k->owed, &d->items[i].ask, d->items[i].amount, shared_now(k));
    dues_clear(d);
}

shared_command *shared_command_of(shared_link *k) {
    shared_tell_dues(k);
    return &k->command;
}

/* ---- asking the server ---- */

/* What was told to be spent, where that was not by the data that the server has now. */
static shared_least least_of(const shared_link *k, const limit_ask *a) {
    if (a->kind != LIMIT_SPEND) return (shared_least){0};
    const limit_spent known = limiter_spent(k->shared->own, a, shared_now(k));
    if (k->epoch && known.epoch == k->epoch) return (shared_least){0};
    return (shared_least){known.told, known.period};
}

static bool ask_to_take(shared_ticket *t) {
    char lease[LEASE_LEN];
    shared_link *k = t->link;
    shared_command *c = shared_command_of(k);
    shared_command_begin(c, t->count, SPAN_OF("take"), shared_lease_text(t, lease),
                         SHARED_LEASE_MS);
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
            t->asks[i].lacks = shared_told_since(k, t->told, t->asks[i].counter);
    const limit_word word = {t->verdict.taken, k->epoch, t->season};
    limiter_note(k->shared->own, t->asks, t->count, word, &t->verdict, shared_now(k));
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
            limiter_note_told(k->shared->own, &t->asks[i], t->asks[i].amount, shared_now(k));
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
        shared_take_own(t);
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
    shared_take_own(t);
    decide(t);
    return true;
}

/* ---- afterwards ---- */

/* What the server is to count besides what it has. Of a call in progress: that it is none now. */
static int64_t more_of(const shared_ticket *t, const limit_ask *a, const limit_used *used) {
    if (a->kind == LIMIT_PARALLEL) return t->counted || t->decided ? -1 : 0;
    if (!t->counted && limit_is_over(a, shared_now(t->link))) return 0;
    return limit_used_of(a, used) - (t->counted ? a->amount : 0);
}

static void owe(const shared_ticket *t, const limit_used *used) {
    const limit_now now = shared_now(t->link);
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
    if (!dues_have_room(d, t->count)) shared_tell_dues(t->link);
    dues_add_call(d, shared_lease_text(t, lease));
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
    shared_command *c = shared_command_of(k);
    shared_command_begin(c, n, SPAN_OF("settle"), shared_lease_text(t, lease), SHARED_LEASE_MS);
    for (size_t i = 0; i < t->count; i++) {
        const int64_t more = more_of(t, &t->asks[i], used);
        if (more) shared_command_add(c, &t->asks[i], more, shared_of_period(&t->asks[i]));
    }
    if (!redis_tell(k->redis, c->args, shared_command_args(c))) {
        owe(t, used);
        return;
    }
    k->lacked += !t->counted;
    for (size_t i = 0; i < t->count; i++)
        shared_note_told(k, &t->asks[i], more_of(t, &t->asks[i], used));
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
                   shared_now(t->link));
    settle_there(&places, &(limit_used){0});
}

void shared_settle(shared_ticket *t, const limit_used *used) {
    list_remove(&t->holder);
    list_remove(&t->alone);
    limiter_settle(t->link->shared->own, t->asks, t->count, used, shared_now(t->link));
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

void shared_free_orphans(shared_link *k) {
    LIST_FOREACH(&k->orphans, it) free_orphan(LIST_ENTRY(it, orphan, link));
}

void shared_cancel(shared_ticket *t) {
    if (redis_wait_runs(&t->wait)) become_orphan(t, &(limit_used){0});
}
