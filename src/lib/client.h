/* lib/client.h: a client as its calls see it: a loop, the exchanges on it, and who waits. Private
 * to the room.
 *
 * Everything belongs to the loop's thread, but for what says "any thread". Other threads reach it
 * through the mailbox: they put a call there that has something to say (it is new, it is to be
 * cancelled, paused, resumed), and the loop looks at it. The mailbox outlives the client, as the
 * handles of calls may.
 */
#ifndef WEIR_LIB_CLIENT_H
#define WEIR_LIB_CLIENT_H

#include "exchange/exchange.h"
#include "lib/options.h"
#include "lib/simulated.h"
#include "lib/toolbox.h"
#include "lib/turns.h"
#include "lib/usage.h"

#include "tools/run.h"

/* ---- the mailbox ---- */

typedef struct mailbox {
    atomic_uint refs;
    pthread_mutex_t lock;
    list calls;      /* under lock, each counted */
    bool open;       /* under lock: somebody still looks */
    bool woken;      /* under lock: the loop has been told */
    atomic_bool any; /* calls is not empty */
    loop *wakes;     /* NULL: its owner looks by itself */
} mailbox;

mailbox *mailbox_ref(mailbox *m);
void mailbox_unref(mailbox *m);
/* Any thread. Does nothing for a call that is in it already, or where nobody looks any more. */
void mailbox_put(mailbox *m, weir_call *call);

/* ---- the client ---- */

struct weir_client {
    loop loop;
    http_client *http;
    target_table *targets;
    exchange_env env;
    loop_hook at_end;   /* of a turn, before the exchanges that ended in it are told: the mailbox */
    loop_hook after_it; /* and then: is it over? */
    mailbox *mail;
    list calls; /* that have not ended */
    turns turns;
    timer turns_due;       /* to look again who may run */
    weir_options *options; /* to read the configuration again */
    simulated *simulator;  /* NULL: it is not asked */
    struct refresh *refresh;
    timer refresh_due;
    toolbox *toolbox;      /* counted; any thread */
    run_limits run_limits; /* any thread, as they never change */
    int64_t run_ms;
    char *model;         /* of requests that name none; any thread, as it never changes */
    usage usage;         /* any thread */
    memory_bound memory; /* of the loop's, where the options tell one */
    atomic_uint limit, running_count, waiting_count; /* any thread reads */
    bool foreign;                                    /* any thread, as it never changes */
    pthread_t thread;
    void (*last)(void *user); /* the program's: no call runs any more, and the loop goes; or NULL */
    void *last_user;
    bool in_turn; /* foreign: weir_client_step() is on the stack */
    bool closing;
    bool closed;             /* the loop is to end, or has */
    atomic_bool free_itself; /* weir_client_free() was called from inside a callback */
};

/* In force: for calls that begin from now on. */
static inline const config *client_config(const weir_client *c) {
    return loop_snapshot_config(c->env.snapshot);
}
/* The caller is in a callback of the client's. Any thread. */
bool client_is_inside(const weir_client *c);
/* Starts what waits, as far as there is room. */
void client_start_waiting(weir_client *c);
/* The same at the beginning of the next turn: from inside a call. */
void client_start_soon(weir_client *c);
/* For who asks on another thread how many there are. */
void client_tell_counts(weir_client *c);
/* A foreign client: turns its loop until nothing is to be done at once. false: a callback has freed
 * it, and it is gone. */
bool client_turn(weir_client *c);

/* ---- the calls of a client (call.c); on the loop's thread ---- */

/* A call came through the mailbox. Gives back the mailbox's reference. */
void libcall_hear(weir_client *c, list *mail_link);
/* The queue says that it is to run: it begins, or goes on. */
void libcall_run(weir_client *c, turn *it);
/* Ends it as cancelled: at once where it has not begun, else at the end of the turn. */
void libcall_cancel(list *link);
/* For the mailbox, under its lock: in the list, counted; false: it was there already. */
bool libcall_mail(weir_call *call, list *calls);

/* ---- refresh.c ---- */

/* Reads the configuration and prepares what a client needs of it. NULL: *ret_why has a line for
 * each problem. Blocks. Any thread, as long as the options do not change. */
MUST_USE snapshot *client_read(const weir_options *o, buf *ret_why);
/* Reads it again when a key is due. */
void refresh_start(weir_client *c);
void refresh_stop(weir_client *c);

#endif
