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

#include <endian.h>
#include <string.h>

enum { JSON_NAMES_FEW = 16, JSON_NAMES_INLINE = 48 };

typedef struct json_name {
    span text;     /* unescaped: bytes of the document, or of the arena */
    uint64_t mark; /* fingerprint; the seeded hash once the name is in the table */
    uint32_t next; /* in the table's chain; see names.c */
} json_name;

/* Value of json_name.next for a name that is not in the table. */
#define JSON_NAME_UNLISTED (UINT32_MAX - 1)

typedef struct json_names {
    json_name *stack; /* first, or on the heap once that is full */
    uint32_t count;
    uint32_t cap;
    uint32_t most;     /* the cap goes no further */
    bool owns;         /* something below, or the stack, is on the heap */
    uint32_t *buckets; /* NULL until an object is large; holds the newest name of each chain */
    uint32_t bucket_count;
    uint32_t listed; /* names in the table */
    arena unescaped;
    json_name first[JSON_NAMES_INLINE];
} json_names;

/* Holds at most so many names, JSON_NAMES_INLINE or more. */
static inline void json_names_init(json_names *n, uint32_t most) {
    n->stack = n->first;
    n->count = 0;
    n->cap = JSON_NAMES_INLINE;
    n->most = most;
    n->owns = false; /* what else there is begins in names.c */
}

/* What follows is for names.c and the functions below. */
void json_names_free(json_names *n);
void json_names_drop_large(json_names *n, uint32_t base);
MUST_USE bool json_names_add_rare(json_names *n, uint32_t base, span inner, bool escaped);

static inline bool json_names_full(const json_names *n) {
    return n->count == n->most;
}

static inline void json_names_done(json_names *n) {
    if (n->owns) json_names_free(n);
}

/* Cheap and no secret: it only spares comparisons among at most JSON_NAMES_FEW names. The same for
 * equal texts wherever they stand. text_end: what may be read ends there, or later. */
static inline uint64_t json_name_fingerprint(span text, const char *text_end) {
    uint64_t head = 0;
    if (text.len >= 8) {
        uint64_t tail;
        memcpy(&head, text.ptr, 8);
        memcpy(&tail, text.ptr + text.len - 8, 8);
        return (head ^ (tail << 7 | tail >> 57)) + text.len;
    }
    if (text.len == 0) return 0;
    if (text_end - text.ptr >= 8)
        memcpy(&head, text.ptr, 8); /* one load, the surplus is shifted out */
    else
        memcpy(&head, text.ptr, text.len);
    return le64toh(head) << (64 - 8 * text.len);
}

/* The stack has room and the object is small. */
MUST_USE static inline bool json_names_add_small(json_names *n, uint32_t base, span text,
                                                 const char *text_end) {
    uint64_t mark = json_name_fingerprint(text, text_end);
    json_name *top = n->stack + n->count;
    for (const json_name *other = n->stack + base; other < top; other++)
        if (other->mark == mark && span_eq(other->text, text)) return false;
    *top = (json_name){.text = text, .mark = mark, .next = JSON_NAME_UNLISTED};
    n->count++;
    return true;
}

/* Adds a name to the object whose first name is, or will be, number base. inner is what stands
 * between the quotes; doc_end is the end of the document it lies in. false: json_names_full(), or
 * the object has that name already. */
MUST_USE static inline bool json_names_add(json_names *n, uint32_t base, span inner, bool escaped,
                                           const char *doc_end) {
    if (escaped || n->count == n->cap || n->count - base >= JSON_NAMES_FEW)
        return json_names_add_rare(n, base, inner, escaped);
    return json_names_add_small(n, base, inner, doc_end);
}

/* Drops every name from number base on. */
static inline void json_names_drop(json_names *n, uint32_t base) {
    if (n->count - base > JSON_NAMES_FEW) json_names_drop_large(n, base);
    n->count = base;
}

#endif
