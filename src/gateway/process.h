/* gateway/process.h: what the main thread and the workers know of each other. Private to the room.
 */
#ifndef WEIR_GATEWAY_PROCESS_H
#define WEIR_GATEWAY_PROCESS_H

#include "alert/alerts.h"
#include "audit/trail.h"
#include "cache/cache.h"
#include "call/target.h"
#include "gateway/gateway.h"
#include "gateway/listeners.h"
#include "gateway/notify.h"
#include "gateway/phase.h"
#include "http/client.h"
#include "ledger/ledger.h"
#include "limit/limiter.h"
#include "loop/loop.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "telemetry/telemetry.h"

/* How long a loop that has ended waits for what runs on other threads and is wanted by nobody. */
enum { GATEWAY_LEAVE_MS = 250 };

typedef struct worker worker;
typedef struct reload reload;
typedef struct prober prober;

struct gateway {
    /* Set before the first worker runs, then read by all. */
    metrics *metrics;
    logger *logger;
    target_table *targets;
    ledger *ledger;      /* NULL: no records are kept */
    trail *trail;        /* NULL: no audit trail is */
    ledger_writer *acts; /* the main loop's, for the trail; NULL likewise */
    limiter *limiter;
    cache *cache;
    struct key_keeper *keys;      /* NULL: there is no store */
    struct cache_far *far;        /* what it keeps together with others; NULL: memory is all */
    struct shared_limits *shared; /* NULL: this weir's limits are its own */
    struct budgets *budgets;
    pauses *pauses;
    struct token_keeper *tokens;
    memory_bound memory; /* of what all workers gather */
    int64_t started_ms;  /* monotonic */
    int64_t started_wall_us;
    /* Of reloads; written by the main thread, read by all. */
    atomic_uint reloads_ok, reloads_failed;
    atomic_llong reloaded_ms;   /* when the last one ended; 0: there was none */
    _Atomic bool reload_failed; /* that one has: the file is not what is in force */
    loop loop;                  /* the main thread's */
    worker *workers;
    unsigned worker_count;

    /* Written by the main thread, read by all. */
    _Atomic gateway_phase phase;

    /* The main thread's. */
    log_shard *log;
    metrics_shard *shard;
    snapshot *snapshot; /* in force */
    config *started;    /* counted; that of the start, from which some options stay in force */
    listeners *listeners;
    reload *reload;
    prober *prober;
    struct mcp_watch *mcp_watch; /* mcp_watch.h */
    telemetry *telemetry;
    alerts *alerts;
    http_client *client; /* the prober's; NULL: nobody had to be asked yet */
    notifier notifier;
    timer watchdog;
    timer tick;  /* each second: what belongs to the process and not to a worker */
    timer grace; /* ends the phase */
    timer leave; /* all is closed, and the loop waits for threads alone */
    loop_hook end_of_turn;
    uv_signal_t signals[3];
    bool signals_run;
    unsigned stop_signals; /* that came and wait for the end of a reload */
    unsigned idle_workers, closed_workers;
    uint64_t log_dropped_told;
};

/* As the snapshot in force says. */
void gateway_bound_memory(gateway *g);
/* Which providers are asked whether they are up. */
void gateway_probe(gateway *g);
/* Each second (figures.c). */
void gateway_tell_figures(gateway *g);
/* The worker's last connection has gone; it has closed. On the main thread, by loop_post(). */
void gateway_worker_idle(loop *l, void *g);
void gateway_worker_closed(loop *l, void *g);
/* No worker is in the middle of a reload any more, after reload_stop() said that some were. */
void gateway_reload_ended(gateway *g);

#endif
