/* alert/table.h: what is remembered of many, by a 64-bit key, bounded: where there would be more,
 * what has not been asked for longest makes room.
 *
 * One thread's. An entry embeds a table_entry and is the table's to free.
 */
#ifndef WEIR_ALERT_TABLE_H
#define WEIR_ALERT_TABLE_H

#include "base/list.h"

#include <stdint.h>

enum { TABLE_BUCKETS = 1024 };

typedef struct table_entry {
    list chain; /* of its bucket */
    list age;   /* of all: the longest unasked first */
    uint64_t key;
} table_entry;

typedef struct table {
    list buckets[TABLE_BUCKETS];
    list ages;
    size_t count, most;
    void (*free)(table_entry *e);
} table;

void table_init(table *t, size_t most, void (*free)(table_entry *e));
void table_done(table *t);
/* NULL: it is not there. It counts as asked for. */
table_entry *table_find(table *t, uint64_t key);
/* Which is not there yet. */
void table_put(table *t, table_entry *e, uint64_t key);

#endif
