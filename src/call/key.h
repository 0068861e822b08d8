/* call/key.h: what the process remembers of each provider's key: whether the provider refuses it.
 *
 * A refused key (401, 402, 403, exhausted quota) is asked with last: other keys and other targets
 * go first. When its rest is over one call tries it again; the rests grow until the provider takes
 * it. Shared by all loops, counted, known by provider and key: what is known survives a reload for
 * as long as the key is configured. Any thread; a key that is well costs one atomic read.
 *
 * A key's limits are another matter: they are a target's (call/limits.h).
 */
#ifndef WEIR_CALL_KEY_H
#define WEIR_CALL_KEY_H

#include "base/secret.h"

typedef struct key_table key_table;
typedef struct key_state key_state;

MUST_USE key_table *key_table_new(void);
/* All states have been given back. */
void key_table_free(key_table *t);

/* Finds or makes, with a reference. key NULL: the provider is sent none. */
MUST_USE key_state *key_get(key_table *t, span provider, const secret *key);
void key_unref(key_state *k);
/* Tells keys apart, within this process. Says nothing about the key itself. */
uint64_t key_id(const key_state *k);

/* Whether a call may be made with it. */
typedef enum key_readiness {
    KEY_FREE,
    KEY_LAST,    /* where no other way is left */
    KEY_RESTING, /* not now: the provider has said when */
} key_readiness;

key_readiness key_look(const key_state *k, int64_t now_ms);
/* A call is made with it: where its rest is over, the others wait for what becomes of that one. */
void key_take(key_state *k, int64_t now_ms);

/* When it came (it was in no configuration in force before) and when the last call was made with
 * it; 0: none was. */
typedef struct key_times {
    int64_t since_us; /* wall time */
    int64_t used_ms;  /* monotonic */
} key_times;
key_times key_get_times(const key_state *k);

/* An event for the log is due at most so often for each key. */
enum { KEY_TOLD_MS = 60 * 1000 };

/* The provider has refused it, with that status and error code (may be empty). client: of several,
 * whose call that was; 0: everybody is one. A 403 may be about what was asked: those of one client
 * alone are no ground for a rest. Returns whether that is to be told. */
bool key_refused(key_state *k, int status, span code, uint64_t client, int64_t now_ms);
/* The provider has taken it. Returns whether that is news. */
bool key_accepted(key_state *k);

enum { KEY_CODE_MAX = 48 };
typedef struct key_refusal {
    int status;
    size_t code_len;
    char code[KEY_CODE_MAX]; /* printable ASCII */
} key_refusal;

/* false: it is not refused. */
MUST_USE bool key_get_refusal(key_state *k, key_refusal *ret);

/* How long a key rests that has been refused so often in a row (at least once), in ms: from a
 * second to a minute. A 403 may also be about what was asked (some providers' moderation); so the
 * first ones are followed by no rest. Pure. */
int64_t key_rest_ms(int status, unsigned in_row);

#endif
