/* ledger/home.h: the directory in which a weir keeps its records: one weir's at a time.
 *
 *   ledger.db     the store, where it is SQLite's and has no other name
 *   journal/      what is on its way to the store
 *   ledger.lock   held while a weir runs; its process id
 *   node          a name of this directory's own, where several weirs share a store
 *   commands/N/   the same but for a store, of a command that records into this one's
 */
#ifndef WEIR_LEDGER_HOME_H
#define WEIR_LEDGER_HOME_H

#include "config/config.h"

enum { NODE_LEN = 32 };

typedef struct ledger_home {
    buf folder, journal;
    buf store; /* "sqlite:PATH", or as configured */
    int lock_fd;
    char node[NODE_LEN + 1];
} ledger_home;

/* Where it would be, and the store, without touching anything: $STATE_DIRECTORY (systemd's), else
 * $XDG_STATE_HOME/weir, else ~/.local/state/weir; or where ledger.store's file is. false and a
 * sentence where none of them is set. */
MUST_USE bool ledger_home_find(const config_ledger *c, ledger_home *ret, buf *ret_why);
/* Makes it where it is not there, for who only wants the store. false and a sentence. */
MUST_USE bool ledger_home_make(ledger_home *h, buf *ret_why);
/* Makes it where it is not there, and locks it. false and a sentence. */
MUST_USE bool ledger_home_enter(ledger_home *h, buf *ret_why);
/* The same in the first directory of a command's that nobody has locked: what an earlier command
 * has left there becomes this one's. The store stays as it is. */
MUST_USE bool ledger_home_enter_beside(ledger_home *h, buf *ret_why);
void ledger_home_done(ledger_home *h);

#endif
