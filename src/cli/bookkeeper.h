/* cli/bookkeeper.h: the records of a command's calls (--ledger), in the store that weir serve keeps
 * with the same configuration, whether it runs or not. Each has its cost, and survives the
 * command's end, however that comes: what a killed one has left the next one brings to the store.
 *
 * Main thread; blocks at the beginning and the end. Messages go to stderr.
 */
#ifndef WEIR_CLI_BOOKKEEPER_H
#define WEIR_CLI_BOOKKEEPER_H

#include <weir.h>

typedef struct bookkeeper bookkeeper;

/* Of a client that was made with command_plan_set(). NULL after saying why not. */
__attribute__((warn_unused_result)) bookkeeper *bookkeeper_start(weir_client *c);
/* After the client was freed, with which all its calls have ended. NULL is allowed. */
void bookkeeper_end(bookkeeper *r);

#endif
