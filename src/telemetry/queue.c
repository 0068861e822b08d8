#include "telemetry/queue.h"

#include "base/mem.h"

#include <stdlib.h>

static void lock(span_queue *q) {
    (void)pthread_mutex_lock(&q->lock);
}

static void unlock(span_queue *q) {
    (void)pthread_mutex_unlock(&q->lock);
}

static void batch_free(span_batch *b) {
    buf_done(&b->spans);
    free(b);
}

static void free_all(list *batches) {
    for (list *node; (node = list_pop_front(batches));)
        batch_free(LIST_ENTRY(node, span_batch, link));
}

/* The oldest; NULL: none waits. The lock is held, here and below. */
static span_batch *first(const span_queue *q) {
    return list_empty(&q->batches) ? NULL : LIST_ENTRY(q->batches.next, span_batch, link);
}

/* Its bytes go on to count. */
static void take_out(span_queue *q, span_batch *b) {
    list_remove(&b->link);
    q->taken += b->spans.len;
}

void span_queue_init(span_queue *q) {
    *q = (span_queue){.most = SIZE_MAX};
    list_init(&q->batches);
    (void)pthread_mutex_init(&q->lock, NULL);
}

void span_queue_done(span_queue *q) {
    free_all(&q->batches);
    (void)pthread_mutex_destroy(&q->lock);
}

void span_queue_bound(span_queue *q, size_t most) {
    lock(q);
    q->most = most;
    unlock(q);
}

bool span_queue_put(span_queue *q, config_telemetry_protocol p, unsigned count, buf *spans) {
    span_batch *b = mem_zalloc(sizeof *b);
    *b = (span_batch){.protocol = p, .count = count, .spans = *spans};
    *spans = BUF_EMPTY;
    lock(q);
    bool fits = b->spans.len <= q->most && q->bytes <= q->most - b->spans.len;
    bool first = fits && list_empty(&q->batches);
    if (fits) {
        list_push_back(&q->batches, &b->link);
        q->bytes += b->spans.len;
    } else {
        q->dropped += count;
    }
    unlock(q);
    if (!fits) batch_free(b);
    return first;
}

unsigned span_queue_take(span_queue *q, size_t most, config_telemetry_protocol *ret_protocol,
                         buf *spans) {
    unsigned count = 0;
    list taken;
    list_init(&taken);
    lock(q);
    for (span_batch *b; (b = first(q));) {
        if (count && (b->protocol != *ret_protocol || b->spans.len > most)) break;
        take_out(q, b);
        list_push_back(&taken, &b->link);
        *ret_protocol = b->protocol;
        count += b->count;
        most = b->spans.len < most ? most - b->spans.len : 0;
    }
    unlock(q);
    for (list *node; (node = list_pop_front(&taken));) {
        span_batch *b = LIST_ENTRY(node, span_batch, link);
        buf_add(spans, buf_span(&b->spans));
        batch_free(b);
    }
    return count;
}

void span_queue_clear(span_queue *q) {
    lock(q);
    LIST_FOREACH(&q->batches, node) q->dropped += LIST_ENTRY(node, span_batch, link)->count;
    free_all(&q->batches);
    q->bytes = q->taken;
    unlock(q);
}

void span_queue_settle(span_queue *q) {
    lock(q);
    q->bytes -= q->taken;
    q->taken = 0;
    unlock(q);
}

uint64_t span_queue_dropped(span_queue *q) {
    lock(q);
    uint64_t dropped = q->dropped;
    q->dropped = 0;
    unlock(q);
    return dropped;
}

size_t span_queue_bytes(span_queue *q) {
    lock(q);
    size_t bytes = q->bytes;
    unlock(q);
    return bytes;
}
