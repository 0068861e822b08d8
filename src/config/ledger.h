/* config/ledger.h: what is kept of calls (ledger:), and what vouches for it (audit:). */
#ifndef WEIR_CONFIG_LEDGER_H
#define WEIR_CONFIG_LEDGER_H

#include "base/secret.h"

typedef enum config_ledger_sync { LEDGER_SYNC_PROCESS, LEDGER_SYNC_MACHINE } config_ledger_sync;
typedef enum config_ledger_full { LEDGER_FULL_REFUSE, LEDGER_FULL_SERVE } config_ledger_full;

typedef struct config_ledger {
    bool on;
    span store; /* "sqlite:PATH", "postgres://…" (a secret); empty: auto, a file in the state
                   directory */
    config_ledger_sync sync; /* what records survive */
    config_ledger_full on_full;
    size_t journal_bytes;
    int64_t keep_ms;  /* 0: for ever */
    span user_header; /* that names the user; empty: none does */
} config_ledger;

typedef enum config_audit_bodies { AUDIT_BODIES_OFF, AUDIT_BODIES_REDACTED } config_audit_bodies;

/* The audit trail: what was asked, answered and done, chained so that alterations show. */
typedef struct config_audit {
    bool on;
    config_audit_bodies bodies; /* what is kept of what was asked and answered */
    int64_t keep_ms;            /* 0: for ever */
    secret *key;                /* that signs heads and encrypts bodies; counted; NULL: none */
} config_audit;

#endif
