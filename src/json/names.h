/* json/names.h: the member names of the objects that are open, to find duplicates. Inside json/.
 *
 * A stack: an object's names lie on top of those of the objects around it and are dropped when it
 * closes. The names of a small object are compared one by one, by a fingerprint first. An object of
 * more than JSON_NAMES_FEW members gets its names into a hash table with a seed that clients cannot
 * know, so 10^5 members cost 10^5 steps. The table's chains grow and shrink at the front alone,
 * which is why one table serves all open objects: what lies below the object's first name belongs
 * to others.
 *
 * Not thread-safe. Owns its memory: none on the heap for usual documents, at most some 48 bytes for
 * each member of the objects that are open at once.
 */
#ifndef WEIR_JSON_NAMES_H
#define WEIR_JSON_NAMES_H

#include "base/arena.h"

enum { JSON_NAMES_FEW = 16, JSON_NAMES_INLINE = 48 };

typedef struct json_name {
    span text;     /* unescaped: bytes of the document, or of the arena */
    uint64_t mark; /* fingerprint; the seeded hash once the name is in the table */
    uint32_t next; /* in the table's chain; see names.c */
} json_name;

typedef struct json_names {
    json_name *stack; /* first, or on the heap once that is full */
    uint32_t count;
    uint32_t cap;
    uint32_t *buckets; /* NULL until an object is large; holds the newest name of each chain */
    uint32_t bucket_count;
    uint32_t listed; /* names in the table */
    arena unescaped;
    json_name first[JSON_NAMES_INLINE];
} json_names;

void json_names_init(json_names *n);
void json_names_done(json_names *n);

/* Adds a name to the object whose first name is, or will be, number base. inner is what stands
 * between the quotes; doc_end is the end of the document it lies in. false: the object has that
 * name already. */
MUST_USE bool json_names_add(json_names *n, uint32_t base, span inner, bool escaped,
                             const char *doc_end);
/* Drops every name from number base on. */
void json_names_drop(json_names *n, uint32_t base);

#endif
