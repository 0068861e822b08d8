/* sim/server.h: the simulator as an HTTP server: it carries out the steps of sim/plan.h
 * and decides nothing itself.
 *
 * A sim_server belongs to its loop. sim_thread is one with a thread and a loop of its own, for a
 * process that has other things to do.
 *
 * Memory   a stream holds its connection, its plan (a copy of what it echoes, 2 KB at most) and one
 *          event. A reader that takes nothing holds its stream back.
 */
#ifndef WEIR_SIM_SERVER_H
#define WEIR_SIM_SERVER_H

#include "http/server.h"
#include "sim/plan.h"

typedef struct sim_server sim_server;

/* Listens at bind (port 0 becomes the real one), which must outlive the server. NULL and *ret_err,
 * a negative libuv error, when it cannot. settings are copied. */
MUST_USE sim_server *sim_server_start(loop *l, const sim_settings *settings, http_bind *bind,
                                      int *ret_err);
/* Closes the listener and every connection, now. */
void sim_server_stop(sim_server *s);
/* After stop, when the loop has turned. */
void sim_server_free(sim_server *s);

typedef struct sim_thread sim_thread;

/* Listening when it returns. Errors as above. */
MUST_USE sim_thread *sim_thread_start(const sim_settings *settings, http_bind *bind, int *ret_err);
/* Stops, waits for the thread, frees. NULL is allowed. */
void sim_thread_stop(sim_thread *t);

#endif
