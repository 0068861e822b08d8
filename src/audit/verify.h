/* audit/verify.h: whether an audit trail is whole, and if not, where it stops being so. Needs its
 * files alone, no running weir and no store.
 *
 * Blocks. Any thread.
 */
#ifndef WEIR_AUDIT_VERIFY_H
#define WEIR_AUDIT_VERIFY_H

#include "audit/head.h"
#include "audit/trail.h"

typedef struct verify_report {
    uint64_t records, files;
    uint64_t first, last; /* numbers of the records that are there; 0: none */
    uint64_t pruned_to;   /* the last that a tombstone vouches for; 0: none has gone */
    uint64_t behind;      /* records after the one that the head names */
    bool torn;            /* and one behind these that is not whole: it is, or was, being written */
    bool whole;
    bool unsigned_head;            /* nobody without a key could tell a head from a forged one */
    bool unchecked;                /* the head is signed, and there was no key to check it by */
    buf fault;                     /* a sentence: the first record that is not as it was written */
    char file[TRAIL_NAME_LEN + 1]; /* in which it is; empty: in none */
    uint64_t line;                 /* of it, from 1 on; 0: none */
    uint64_t seq;                  /* of the record in question; 0: not known */
} verify_report;

/* key may be NULL. false and a sentence: the folder cannot be read, or holds no trail. Otherwise
 * the report says; verify_report_done() always follows. */
MUST_USE bool verify_folder(const char *folder, const secret *key, verify_report *ret,
                            buf *ret_why);
void verify_report_done(verify_report *r);

#endif
