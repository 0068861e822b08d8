/* dialect/merge.h: a JSON object that is put together from the pieces of it which a stream tells.
 *
 * A tree of members. What a piece does to one, whoever reads the pieces decides: it is the last
 * that counts, or it is joined to those before: strings and arrays end to end, objects member by
 * member. Strings are joined as they are written, escapes and all.
 *
 * Owns its memory: merge_done() gives it back. Does not grow beyond its limits: then merge_full()
 * says so, no more is taken, and what there is of it is not to be written.
 */
#ifndef WEIR_DIALECT_MERGE_H
#define WEIR_DIALECT_MERGE_H

#include "base/arena.h"
#include "dialect/whole_text.h"
#include "json/json.h"

typedef enum merge_kind {
    MERGE_NOTHING,
    MERGE_RAW,     /* bytes: a value */
    MERGE_TEXT,    /* bytes: a string's, between the quotes */
    MERGE_LIST,    /* bytes: an array's elements and the commas between them */
    MERGE_OBJECT,  /* children by name */
    MERGE_ENTRIES, /* an array's: children by number, in their order */
} merge_kind;

typedef struct merge_node merge_node;
struct merge_node {
    merge_kind kind;
    bool open_text; /* LIST: its last element was made of a string, and may go on */
    span name;      /* of a member: as it is written, without quotes */
    unsigned number;
    unsigned children;
    buf bytes;
    whole_text whole;         /* TEXT: for who asks it of bytes, as far as he has */
    merge_node *first, *next; /* child, sibling */
    merge_node *older;        /* of all of the tree, to be freed */
};

typedef struct merge {
    merge_node root;
    merge_node *newest;
    arena arena; /* nodes and names */
    size_t bytes, most;
    unsigned nodes;
    bool full;
    merge_node spilt; /* full: what is still asked for */
} merge;

/* most: bytes of what is kept. */
void merge_init(merge *m, size_t most);
void merge_done(merge *m);
bool merge_full(const merge *m);

/* What it was of another kind is gone. */
void merge_become(merge_node *node, merge_kind kind);
/* The member of that name, made where there is none; node becomes an object. Never NULL. */
merge_node *merge_member(merge *m, merge_node *object, span name);
/* NULL: there is none. */
merge_node *merge_find(const merge_node *object, span name);
/* The entry of that number, of several the youngest; made where there is none. */
merge_node *merge_entry(merge *m, merge_node *entries, unsigned number);
/* Another one, behind those of its number. */
merge_node *merge_new_entry(merge *m, merge_node *entries, unsigned number);

/* The value in the place of what was there. */
void merge_put(merge *m, merge_node *node, json_value value);
/* A string or an array behind what was there; null changes nothing that is there, and of two kinds
 * of value the later stands. A string behind an array is a text of it: {"type":"text","text":…}. */
void merge_append(merge *m, merge_node *node, json_value value);

void merge_write(const merge_node *node, buf *out);

#endif
