/* telemetry/telemetry.h: spans and metrics on their way to a receiver of OTLP.
 *
 * Workers write spans and hand them over in batches; the exporter, on the main thread's loop, sends
 * them and the process's metrics. Nobody waits for it: what a receiver that is slow, down or
 * unwilling does not take waits in a bounded queue, and beyond that is dropped, counted, and told
 * in the log once a minute.
 *
 *   worker ──64 KB, or 5 s──▶ queue (telemetry.queue) ──▶ one request at a time
 *
 * Threads  telemetry_*() belong to the exporter's loop, telemetry_writer_*() and telemetry_put() to
 * the worker's.
 */
#ifndef WEIR_TELEMETRY_TELEMETRY_H
#define WEIR_TELEMETRY_TELEMETRY_H

#include "observe/log.h"
#include "observe/metrics.h"
#include "telemetry/otlp.h"
#include "telemetry/receiver.h"

typedef struct telemetry telemetry;
typedef struct telemetry_writer telemetry_writer;

/* Sends nothing yet. All are borrowed; shard and log are the loop's own. */
MUST_USE telemetry *telemetry_new(loop *l, metrics *m, metrics_shard *shard, log_shard *log);
/* The configuration in force from now on. Takes a reference. */
void telemetry_apply(telemetry *t, snapshot *s);
/* Each second or so: brings its own figures up to date, and tells of what was dropped. */
void telemetry_tell(telemetry *t);
/* No writer is left: sends what waits, and the metrics as they are now, within TELEMETRY_CLOSE_MS;
 * then `closed`, once, from a timer. */
enum { TELEMETRY_CLOSE_MS = 3000 };
void telemetry_close(telemetry *t, void (*closed)(void *user), void *user);
/* That time is over. */
void telemetry_cut(telemetry *t);
/* After it has closed, or without a loop that turns. NULL is allowed. */
void telemetry_free(telemetry *t);

/* ---- a worker's ---- */

MUST_USE telemetry_writer *telemetry_writer_new(telemetry *t, loop *on);
/* Hands over what it has. On its loop, before the exporter closes. NULL is allowed. */
void telemetry_writer_free(telemetry_writer *w);
/* Encodes it at once, as c says; s is borrowed for the call. */
void telemetry_put(telemetry_writer *w, const config_telemetry *c, const otlp_span *s);

#endif
