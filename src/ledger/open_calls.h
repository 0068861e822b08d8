/* ledger/open_calls.h: the calls that a journal has seen begin and not yet end, as the importer
 * reads it. One thread's.
 */
#ifndef WEIR_LEDGER_OPEN_CALLS_H
#define WEIR_LEDGER_OPEN_CALLS_H

#include "ledger/journal.h"

typedef struct open_call {
    struct open_call *next; /* in its bucket */
    uint64_t hash;
    journal_file *file; /* in which it began: counts it in `open` */
    size_t id_len, code_len;
    char bytes[]; /* the id, the code */
} open_call;

typedef struct open_calls {
    open_call **buckets;
    size_t bucket_count; /* a power of two, or 0 */
    size_t count;
} open_calls;

#define OPEN_CALLS_NONE ((open_calls){0})

void open_calls_done(open_calls *o);
/* Copies both. One of that id is replaced. */
void open_calls_begin(open_calls *o, span id, span code, journal_file *f);
/* Nothing happens where none is open. */
void open_calls_end(open_calls *o, span id);
/* Of each that began in that file. */
void open_calls_each(const open_calls *o, const journal_file *f,
                     void (*each)(span code, void *user), void *user);
/* Those that began in that file now stand in the other one. */
void open_calls_move(open_calls *o, const journal_file *from, journal_file *to);
/* Of each that began in a file of a process that has ended. */
void open_calls_each_old(const open_calls *o, void (*each)(span code, void *user), void *user);
void open_calls_drop_old(open_calls *o);

#endif
