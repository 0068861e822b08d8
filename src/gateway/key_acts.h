/* gateway/key_acts.h: what was done to keys, on its way from the store into the audit trail.
 *
 * It leaves the store once it is in the journal, so that neither a process that is killed between
 * the two nor one that ends loses any: killed in that instant, it is noted twice.
 *
 * Threads  take on the one whose the store is; end on the loop's, which runs no more; the rest
 *          before both.
 */
#ifndef WEIR_GATEWAY_KEY_ACTS_H
#define WEIR_GATEWAY_KEY_ACTS_H

#include "access/key_store.h"
#include "ledger/ledger.h"
#include "loop/loop.h"

#include <pthread.h>

typedef struct key_acts {
    loop *on; /* the writer's; NULL: nobody is told */
    ledger_writer *writer;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t turned;
    buf lines; /* a JSON object's members each */
    enum { ACTS_NONE, ACTS_READ, ACTS_NOTED, ACTS_KEPT } stand;
    bool ending;
} key_acts;

void key_acts_init(key_acts *a);
/* Both outlive what is taken. */
void key_acts_tell(key_acts *a, loop *on, ledger_writer *writer);
static inline bool key_acts_are_told(const key_acts *a) {
    return a->on != NULL;
}

/* Waits for the loop, which notes them in its turn. false: the store has failed; they stay in it,
 * as they do where the loop ends before they are noted. */
MUST_USE bool key_acts_take(key_acts *a, key_store *from);
/* The loop runs no more: nobody is to wait for it. */
void key_acts_end(key_acts *a);
void key_acts_done(key_acts *a);

#endif
