#include "limit/lanes.h"

#include "base/mem.h"
#include "limit/internal.h"

#include <assert.h>
#include <stdlib.h>

limit_queues *limit_queues_new(void) {
    limit_queues *q = mem_zalloc(sizeof *q);
    for (size_t i = 0; i < LIMIT_BUCKETS; i++) {
        list_init(&q->queues[i]);
        list_init(&q->lanes[i]);
    }
    list_init(&q->all);
    list_init(&q->holders);
    list_init(&q->stirred);
    return q;
}

void limit_queues_free(limit_queues *q) {
    assert(!q || (list_empty(&q->all) && list_empty(&q->holders)));
    free(q);
}

/* ---- which queue, which holder, which lane ---- */

limit_queue *limit_queue_find(const limit_queues *all, uint64_t key) {
    const list *bucket = &all->queues[key % LIMIT_BUCKETS];
    LIST_FOREACH(bucket, it) {
        limit_queue *q = LIST_ENTRY(it, limit_queue, link);
        if (q->counter == key) return q;
    }
    return NULL;
}

static limit_queue *get_queue(limit_queues *all, uint64_t key) {
    limit_queue *q = limit_queue_find(all, key);
    if (q) return q;
    q = mem_zalloc(sizeof *q);
    q->counter = key;
    q->due_us = INT64_MAX;
    list_init(&q->lanes);
    list_init(&q->stirred);
    list_push_back(&all->queues[key % LIMIT_BUCKETS], &q->link);
    list_push_back(&all->all, &q->all);
    return q;
}

void limit_queue_free(limit_queue *q) {
    list_remove(&q->link);
    list_remove(&q->all);
    list_remove(&q->stirred);
    free(q);
}

void limit_queue_stir(limit_queues *all, limit_queue *q) {
    if (list_empty(&q->stirred)) list_push_back(&all->stirred, &q->stirred);
}

limit_holder *limit_holder_find(const limit_queues *all, uint64_t id) {
    LIST_FOREACH(&all->holders, it) {
        limit_holder *h = LIST_ENTRY(it, limit_holder, link);
        if (h->id == id) return h;
    }
    return NULL;
}

limit_holder *limit_holder_get(limit_queues *all, const limit_waiter *w) {
    limit_holder *h = limit_holder_find(all, w->holder);
    if (!h) {
        h = mem_zalloc(sizeof *h);
        h->id = w->holder;
        list_init(&h->waiters);
        list_push_back(&all->holders, &h->link);
    }
    h->weight = w->weight ? w->weight : 1;
    return h;
}

static list *lane_bucket(limit_queues *all, const limit_queue *q, uint64_t holder) {
    return &all->lanes[(q->counter ^ (holder * 0x9E3779B97F4A7C15u)) % LIMIT_BUCKETS];
}

limit_lane *limit_lane_find(limit_queues *all, const limit_queue *q, uint64_t holder) {
    const list *bucket = lane_bucket(all, q, holder);
    LIST_FOREACH(bucket, it) {
        limit_lane *lane = LIST_ENTRY(it, limit_lane, hash);
        if (lane->queue == q && lane->of->id == holder) return lane;
    }
    return NULL;
}

/* A new one is the last to have a turn. */
static limit_lane *get_lane(limit_queues *all, limit_queue *q, limit_holder *of) {
    limit_lane *lane = limit_lane_find(all, q, of->id);
    if (lane) return lane;
    lane = mem_zalloc(sizeof *lane);
    *lane = (limit_lane){.queue = q, .of = of};
    list_init(&lane->waiters);
    list_push_back(&q->lanes, &lane->link);
    list_push_back(lane_bucket(all, q, of->id), &lane->hash);
    return lane;
}

static void free_lane(limit_lane *lane) {
    list_remove(&lane->link);
    list_remove(&lane->hash);
    free(lane);
}

/* ---- into a queue and out of it ---- */

void limit_queue_learn(limit_queues *all, limit_queue *q, const limit_ask *a) {
    if (a->since <= q->since) return;
    q->since = a->since;
    q->quota = a->quota.amount;
    limit_queue_stir(all, q);
}

void limit_queue_put(limit_queues *all, limit_waiter *w, size_t at) {
    limit_queue *q = get_queue(all, w->asks[at].counter);
    limit_lane *lane = get_lane(all, q, w->of);
    limit_queue_learn(all, q, &w->asks[at]);
    list *before = &lane->waiters;
    while (before->prev != &lane->waiters &&
           LIST_ENTRY(before->prev, limit_waiter, link)->number > w->number)
        before = before->prev;
    list_push_back(before, &w->link);
    w->lane = lane;
    w->at = at;
    lane->count++;
    q->waiting++;
    q->amount += w->asks[at].amount;
    limit_queue_stir(all, q);
}

void limit_queue_take(limit_queues *all, limit_waiter *w) {
    limit_lane *lane = w->lane;
    limit_queue *q = lane->queue;
    list_remove(&w->link);
    w->lane = NULL;
    lane->count--;
    q->waiting--;
    q->amount -= w->asks[w->at].amount;
    if (!lane->count) free_lane(lane);
    limit_queue_stir(all, q);
}
