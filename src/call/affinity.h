/* call/affinity.h: which provider, and which of its keys, made what: responses, conversations,
 * files, batches. What one account holds another does not know, so a call that names such an id
 * goes where it was made.
 *
 * A bounded table, shared by all workers of the process; what was used longest ago goes first. One
 * short lock; nothing at all while it is empty, which it is until somebody asks for what is kept. A
 * reload leaves it alone. It is this process's own: another one, and this one after a restart, ask
 * in the usual order.
 *
 * Ids are a provider's words and a client's: any bytes, kept as a hash (base/hash.h), with which
 * one may be taken for another once in 2^40 or so; then the call goes to a provider that says that
 * it does not have it.
 */
#ifndef WEIR_CALL_AFFINITY_H
#define WEIR_CALL_AFFINITY_H

#include "config/config.h"

typedef struct affinity affinity;

/* Longer ones are never kept: OpenAI's have some 60 bytes. */
enum { AFFINITY_ID_MAX = 256 };

/* Where something was made. */
typedef struct affinity_place {
    uint64_t provider; /* hash of its name */
    uint64_t key;      /* key_id() */
} affinity_place;

MUST_USE affinity *affinity_new(void);
void affinity_free(affinity *t);

/* policy is that of the configuration in force. Any thread. The later word counts; without any
 * ids to be kept what is there already stays, and is not found. is_object: what is said to a model
 * may name it, as a file or a vector store. */
void affinity_put(affinity *t, const config_affinity *policy, span id, affinity_place place,
                  bool is_object, int64_t now_ms);
MUST_USE bool affinity_find(affinity *t, const config_affinity *policy, span id, int64_t now_ms,
                            affinity_place *ret);
/* Nothing is in it; nor ever was an object. Neither takes a lock. */
bool affinity_is_empty(const affinity *t);
bool affinity_has_objects(const affinity *t);

#endif
