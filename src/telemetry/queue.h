/* telemetry/queue.h: batches of spans between the workers and the exporter: bounded in bytes. Any
 * thread; one short lock a batch.
 */
#ifndef WEIR_TELEMETRY_QUEUE_H
#define WEIR_TELEMETRY_QUEUE_H

#include "base/buf.h"
#include "base/list.h"
#include "config/config.h"

#include <pthread.h>

/* Spans as otlp_put_span() writes them. */
typedef struct span_batch {
    list link;
    config_telemetry_protocol protocol;
    unsigned count;
    buf spans;
} span_batch;

typedef struct span_queue {
    pthread_mutex_t lock;
    list batches;
    size_t bytes, most;
    size_t taken;     /* of bytes: spans that are not settled yet */
    uint64_t dropped; /* spans, since they were last asked for */
} span_queue;

void span_queue_init(span_queue *q);
void span_queue_done(span_queue *q);
void span_queue_bound(span_queue *q, size_t most);
/* Takes the spans over, and empties *spans, whether there is room or they are dropped. True: who
 * takes them is to be woken, since there were none. */
bool span_queue_put(span_queue *q, config_telemetry_protocol p, unsigned count, buf *spans);
/* The oldest ones of one protocol, one batch at least and as many as come to `most` bytes, appended
 * to *spans; how many spans; 0: none wait. */
unsigned span_queue_take(span_queue *q, size_t most, config_telemetry_protocol *ret_protocol,
                         buf *spans);
/* What was taken waits nowhere any more: until then it counts, too. */
void span_queue_settle(span_queue *q);
/* Gives up what waits, as dropped. */
void span_queue_clear(span_queue *q);
/* What was dropped since the last time. */
uint64_t span_queue_dropped(span_queue *q);
size_t span_queue_bytes(span_queue *q);

#endif
