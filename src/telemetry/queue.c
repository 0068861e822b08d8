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

/* The oldest, taken out; the lock is held. */
static span_batch *pop(span_queue *q) {
    list *node = list_pop_front(&q->batches);
    if (!node) return NULL;
    span_batch *b = LIST_ENTRY(node, span_batch, link);
    q->bytes -= b->spans.len;
    return b;
}

void span_queue_init(span_queue *q) {
    *q = (span_queue){.most = SIZE_MAX};
    list_init(&q->batches);
    (void)pthread_mutex_init(&q->lock, NULL);
}

void span_queue_done(span_queue *q) {
    for (span_batch *b; (b = pop(q));)
        batch_free(b);
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
    while (!list_empty(&q->batches)) {
        span_batch *b = LIST_ENTRY(q->batches.next, span_batch, link);
        if (count && (b->protocol != *ret_protocol || b->spans.len > most)) break;
        (void)!pop(q);
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
    for (span_batch *b; (b = pop(q));) {
        q->dropped += b->count;
        batch_free(b);
    }
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
