/* gateway/worker.h: one worker: a thread with a loop, a server, a client, a log and a metrics shard
 * of its own.
 *
 * Everything in it belongs to its thread once worker_start() has run, except what is atomic. The
 * main thread speaks to it through loop_post(), it to the main thread likewise.
 */
#ifndef WEIR_GATEWAY_WORKER_H
#define WEIR_GATEWAY_WORKER_H

#include "access/key_hashes.h"
#include "exchange/exchange.h"
#include "gateway/catalog.h"
#include "gateway/listeners.h"
#include "gateway/mcp_desk.h"
#include "gateway/process.h"
#include "gateway/refusals.h"
#include "limit/desk.h"

struct worker {
    gateway *gateway;
    loop loop;
    http_server *server;
    http_client *client;
    exchange_env env;
    catalog *catalog;
    aside_lane questions; /* to the ledger */
    mcp_desk mcp;         /* what clients of /mcp have open here */
    refusals refusals;
    limit_desk limit_desk; /* where its calls wait for what limits them */
    loop_hook end_of_turn;
    timer tick;    /* each second: gauges, sign of life */
    timer log_due; /* log lines wait to be handed over */
    timer leave;   /* it has ended, and waits for threads alone */
    uint64_t connects_told;
    atomic_llong alive_ms;  /* when tick last fired */
    unsigned lookups;       /* of keys, under way: the loop waits for them */
    key_hashes *key_hashes; /* NULL: there is no store */
    bool closing;
    uv_thread_t thread;
};

/* 0 or a negative libuv error; nothing runs yet. */
MUST_USE int worker_init(worker *w, gateway *g, unsigned index, snapshot *s);
MUST_USE int worker_start(worker *w);
/* Waits for the thread, if it was started, and frees everything. false: its loop was left
 * (loop_was_left()), and nothing was freed. */
MUST_USE bool worker_done(worker *w);

/* ---- On the worker's thread (or before worker_start()) ---- */

/* Listens at those of set that it does not serve yet. A negative libuv error, *ret_at at which one:
 * then none of the new ones is kept. */
MUST_USE int worker_listen(worker *w, const listeners *set, const listeners *old, size_t *ret_at);
/* Gives up what is in set and not in but. */
void worker_unlisten(worker *w, const listeners *set, const listeners *but);
/* The snapshot is in force for requests that begin from now on. */
void worker_apply(worker *w, snapshot *s, const listeners *set);
/* Serves what runs and what its open connections still ask, accepts no more; tells the gateway when
 * the last connection has gone. */
void worker_drain(worker *w);
/* Ends what still runs, each with an error that its client can see, and refuses what comes. */
void worker_cut(worker *w);
/* Closes everything; the thread ends. */
void worker_close(worker *w);
/* In force: for requests that begin from now on. */
static inline const config *worker_config(const worker *w) {
    return loop_snapshot_config(w->env.snapshot);
}
/* Brings the gauges of this worker up to date. */
void worker_figures(worker *w);

#endif
