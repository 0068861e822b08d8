/* lib/program.h: what weir's own commands ask of a client beyond the C door (include/weir.h): a
 * plan of stages of their own, and where records go. The program's alone, and for clients with a
 * foreign loop: all of it on the thread that steps them.
 */
#ifndef WEIR_LIB_PROGRAM_H
#define WEIR_LIB_PROGRAM_H

#include "call/snapshot.h"
#include "exchange/exchange.h"
#include "ledger/ledger.h"

#include <weir.h>

/* Before weir_client_new(): its calls go through that plan; parts: all that its rows ask of the
 * snapshot, provider_tls_part among them. Both live on. */
void program_set_plan(weir_options *o, const exchange_plan *plan, const snapshot_part *const *parts,
                      size_t part_count);

/* Without a key of its own, a URL that is named gets OPENAI_API_KEY: who writes both into one
 * command line means that, where a program need not. */
void program_use_key_of_environment(weir_options *o);

/* The client's loop, for a writer of records. */
loop *program_loop(weir_client *c);
/* In force, until the loop turns. */
const config *program_config(const weir_client *c);
/* Where calls that begin from now on leave their records; once. The client takes over the writer:
 * weir_client_free() frees it, when all calls have left theirs. */
void program_record(weir_client *c, ledger_writer *w);

#endif
