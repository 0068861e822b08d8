/* json/canonical.h: one spelling of a JSON value: what differs in white space, the order of
 * members, the spelling of numbers or the escapes of strings alone comes out the same, anything
 * else does not.
 *
 * RFC 8785 (JCS), but for what it cannot tell apart: integers that a double does not hold keep all
 * of their digits, and a lone surrogate keeps its escape.
 *
 * Any thread. The output is at most some five times as long as the value; beside it there is memory
 * for the members of the objects that are open at once.
 */
#ifndef WEIR_JSON_CANONICAL_H
#define WEIR_JSON_CANONICAL_H

#include "json/json.h"

/* What whoever has a value spelled would like to know of it, too: found on the way. */
typedef struct json_sought {
    const span *names; /* of members of the object that is spelled */
    size_t count;
    json_value *values; /* of these, borrowed from that; JSON_NONE where there is none */
    size_t arrays;      /* in it, however deep */
} json_sought;

/* Appends the value, which json_scan() accepted. Of an object its own members of these names are
 * left out; those further in stay. */
void json_write_canonical(json_value value, const span *without, size_t without_count, buf *out);
/* The same, but that the string which begins at `hole`, within the value, is empty; NULL: none.
 * sought: NULL is allowed. */
void json_write_canonical_but(json_value value, const span *without, size_t without_count,
                              const char *hole, json_sought *sought, buf *out);

#endif
