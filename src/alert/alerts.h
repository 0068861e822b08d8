/* alert/alerts.h: what people are told of by itself (alerts:), in the log and by webhooks.
 *
 *   worker ──notes of calls, 100 ms──▶ alerts: watch ──findings──▶ repeats ──▶ log, webhooks
 *
 * Workers write a note of each call that has ended and hand them over in batches; all else happens
 * on the main thread's loop. Nobody waits for it: what a webhook that is slow or away does not take
 * waits in a bounded queue, and beyond that is dropped and counted, as are notes that come faster
 * than they are looked at.
 *
 * Threads  alerts_*() belong to the loop, alert_writer_*() and alert_note_call() to the worker's;
 * pauses are anybody's.
 */
#ifndef WEIR_ALERT_ALERTS_H
#define WEIR_ALERT_ALERTS_H

#include "alert/note.h"
#include "alert/pauses.h"
#include "alert/watch.h"
#include "call/snapshot.h"
#include "loop/loop.h"
#include "observe/log.h"
#include "observe/metrics.h"

typedef struct alerts alerts;
typedef struct alert_writer alert_writer;

/* All are borrowed; shard and log are the loop's own. */
typedef struct alerts_env {
    loop *loop;
    metrics_shard *shard;
    log_shard *log;
    limiter *limiter;
    pauses *pauses;
} alerts_env;

/* Tells nothing yet. */
MUST_USE alerts *alerts_new(const alerts_env *env);
/* The configuration in force from now on. Takes a reference. */
void alerts_apply(alerts *a, snapshot *s);
/* Each second: budgets, keys of the configuration, figures. */
void alerts_tick(alerts *a);
/* Of a target, each second. */
void alerts_breaker(alerts *a, span target, bool open);
/* A key of the store. */
void alerts_key(alerts *a, span client, int64_t expires_us);
/* No writer is left: sends what waits within ALERTS_CLOSE_MS; then `closed`, once, from a timer. */
enum { ALERTS_CLOSE_MS = 3000 };
void alerts_close(alerts *a, void (*closed)(void *user), void *user);
/* That time is over. */
void alerts_cut(alerts *a);
/* After it has closed, or without a loop that turns. NULL is allowed. */
void alerts_free(alerts *a);

/* ---- a worker's ---- */

MUST_USE alert_writer *alert_writer_new(alerts *a, loop *on);
/* Hands over what it has. On its loop, before alerts_close(). NULL is allowed. */
void alert_writer_free(alert_writer *w);
void alert_note_call(alert_writer *w, const alert_note *n);

#endif
