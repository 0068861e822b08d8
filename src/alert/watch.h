/* alert/watch.h: sees from what calls were that something should be told. Pure, but for what it
 * remembers: no I/O, and its caller owns the clock. One thread's.
 *
 * What is remembered is bounded: WATCH_CLIENTS clients with their pasts (and as many budgets); the
 * one that has not called for longest makes room, and is learnt anew.
 */
#ifndef WEIR_ALERT_WATCH_H
#define WEIR_ALERT_WATCH_H

#include "alert/alert.h"
#include "alert/note.h"
#include "alert/pauses.h"
#include "config/config.h"

typedef struct watch_house watch_house;

enum { WATCH_CLIENTS = 10000, WATCH_MODELS = 1000 };

typedef struct watch_ops {
    void (*found)(void *user, const alert_finding *f);
    /* A client is in a loop, and the configuration wants it paused; why: a sentence. Before it is
     * found. */
    pause_word (*pause)(void *user, span client, span why);
    /* What has been spent of a budget by now, in nano units, and in which period of its kind. */
    void (*spent)(void *user, const note_budget *b, int64_t *ret_nano, int64_t *ret_period);
} watch_ops;

MUST_USE watch_house *watch_house_new(const watch_ops *ops, void *user);
void watch_house_free(watch_house *w); /* NULL is allowed */

/* A call has ended; calls of several workers may come out of their order. now_us: wall time. */
void watch_call(watch_house *w, const config_alerts *c, const alert_note *n, int64_t now_us);
/* A second or so after calls: looks at the budgets that they have counted in, which are settled by
 * then. */
void watch_budgets(watch_house *w, const config_alerts *c);
/* A client's key: whether it ends soon. Both are wall time. */
void watch_expiry(watch_house *w, const config_alerts *c, span client, int64_t expires_us,
                  int64_t now_us);
/* Of a target; its name is that of the configuration. */
void watch_breaker(watch_house *w, span target, bool open);

#endif
