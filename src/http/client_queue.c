/* Who has an origin's connections, who waits for one, and whose turn it is.
 *
 * Each holder that has calls is a party. A party has at most its share of the connections; those
 * that wait take turns, so that who has many calls waits for them, and not the others. Calls of
 * nobody are one party, which may have all.
 */
#include "http/client_internal.h"

#include "base/mem.h"

#include <limits.h>
#include <stdlib.h>

static void party_init(http_party *p, uint64_t holder) {
    *p = (http_party){.holder = holder};
    list_init(&p->link);
    list_init(&p->turn);
    list_init(&p->waiting);
}

void queue_init(http_origin *o) {
    list_init(&o->turns);
    party_init(&o->nobody, 0);
}

void queue_done(http_origin *o) {
    free(o->parties);
}

/* ---- parties ---- */

static list *bucket_of(http_origin *o, uint64_t holder) {
    if (!o->parties) {
        o->parties = mem_zalloc_array(PARTY_BUCKETS, sizeof *o->parties);
        for (size_t i = 0; i < PARTY_BUCKETS; i++)
            list_init(&o->parties[i]);
    }
    return &o->parties[holder % PARTY_BUCKETS];
}

static http_party *party_of(http_origin *o, uint64_t holder) {
    if (!holder) return &o->nobody;
    list *bucket = bucket_of(o, holder);
    LIST_FOREACH(bucket, it) {
        http_party *p = LIST_ENTRY(it, http_party, link);
        if (p->holder == holder) return p;
    }
    http_party *p = mem_alloc(sizeof *p);
    party_init(p, holder);
    list_push_back(bucket, &p->link);
    return p;
}

static unsigned most_of(const http_origin *o, const http_party *p) {
    return p->holder && o->shared ? o->max_share : UINT_MAX;
}

bool queue_may_hold(const http_call *call) {
    return call->party->held < most_of(call->origin, call->party);
}

/* ---- a call's way through ---- */

void queue_join(http_call *call, uint64_t holder) {
    call->party = party_of(call->origin, holder);
    call->party->calls++;
}

void queue_part(http_call *call) {
    http_party *p = call->party;
    if (!p) return;
    queue_stop(call);
    call->party = NULL;
    if (--p->calls || !p->holder) return;
    list_remove(&p->link);
    free(p);
}

void queue_hold(http_call *call) {
    call->holds = true;
    call->facts.placed_us = call->origin->client->loop->now_us;
    call->party->held++;
}

void queue_stop(http_call *call) {
    http_party *p = call->party;
    if (call->holds) p->held--;
    call->holds = false;
    list_remove(&call->link);
    if (list_empty(&p->waiting)) list_remove(&p->turn);
}

void queue_wait(http_call *call) {
    http_party *p = call->party;
    list_push_back(&p->waiting, &call->link);
    if (list_empty(&p->turn)) list_push_back(&call->origin->turns, &p->turn);
}

void queue_wait_first(http_call *call) {
    http_party *p = call->party;
    list_push_front(&p->waiting, &call->link);
    list_remove(&p->turn);
    list_push_front(&call->origin->turns, &p->turn);
}

static http_call *first_of(const http_party *p, bool fresh) {
    LIST_FOREACH(&p->waiting, it) {
        http_call *call = LIST_ENTRY(it, http_call, link);
        if (fresh || !call->replayed) return call;
    }
    return NULL;
}

static http_call *find_next(const http_origin *o, bool fresh) {
    LIST_FOREACH(&o->turns, it) {
        const http_party *p = LIST_ENTRY(it, http_party, turn);
        http_call *call = p->held < most_of(o, p) ? first_of(p, fresh) : NULL;
        if (call) return call;
    }
    return NULL;
}

bool queue_waits(const http_origin *o) {
    return find_next(o, true) != NULL;
}

bool queue_wants_new(const http_origin *o) {
    const http_call *call = find_next(o, true);
    return call && call->replayed;
}

http_call *queue_next(http_origin *o, bool fresh) {
    http_call *call = find_next(o, fresh);
    if (!call) return NULL;
    http_party *p = call->party;
    queue_stop(call);
    if (!list_empty(&p->turn)) { /* it has more: behind the others */
        list_remove(&p->turn);
        list_push_back(&o->turns, &p->turn);
    }
    return call;
}
