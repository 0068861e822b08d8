/* call/secrets.h: what the process knows of each provider's secrets: those that are in force
 * (provider/secrets.h) and those that were, which it may still repeat: a key that a command has
 * renewed, one that a reload has taken away.
 *
 * Shared by all loops, known by the provider's name; the same set for all of them. Of what is in
 * force no more, the last SECRETS_FORMER_MAX of each provider are remembered, for as long as the
 * process lives. Any thread.
 */
#ifndef WEIR_CALL_SECRETS_H
#define WEIR_CALL_SECRETS_H

#include "base/secret_set.h"
#include "provider/secrets.h"

enum { SECRETS_FORMER_MAX = 64 };

typedef struct secret_table secret_table;

MUST_USE secret_table *secret_table_new(void);
/* The sets that it has handed out live on. NULL is allowed. */
void secret_table_free(secret_table *t);

/* The set of that provider now that these are in force, with a reference; NULL: it has none. */
MUST_USE secret_set *secret_table_get(secret_table *t, span provider, const secret_list *in_force);

#endif
