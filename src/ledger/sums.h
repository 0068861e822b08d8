/* ledger/sums.h: what calls come to, by hour and by whatever they can be asked for together. Pure;
 * one thread's.
 */
#ifndef WEIR_LEDGER_SUMS_H
#define WEIR_LEDGER_SUMS_H

#include "base/arena.h"
#include "ledger/call.h"

#define HOUR_US ((int64_t)3600 * 1000 * 1000)

typedef struct sums {
#define X(name, of) int64_t name;
#include "ledger/sums.def"
#undef X
} sums;

void sums_add(sums *s, const sums *more);
sums sums_of(const ledger_call *c);

/* What a row of sums is of. */
typedef struct sums_key {
    int64_t hour; /* since 1970 */
    span client, user, model, target, tags;
} sums_key;

typedef struct sums_row {
    sums_key key;
    sums sums;
} sums_row;

/* Rows by their keys. */
typedef struct sums_table {
    arena arena;
    sums_row *rows;
    size_t count, cap;
    uint32_t *index; /* of rows, plus one; by hash */
    size_t index_size;
} sums_table;

void sums_table_init(sums_table *t);
void sums_table_done(sums_table *t);
/* The key's texts are copied. false: the key is a new one, and there are as many as there may be.
 */
bool sums_table_add(sums_table *t, const sums_key *key, const sums *s, size_t most);
void sums_table_count(sums_table *t, const ledger_call *c);
/* Rows by their keys, always in the same order. Nothing may be added afterwards. */
void sums_table_sort(sums_table *t);

#endif
