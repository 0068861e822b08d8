/* tools/offer.h: the tools that a model is offered in one run: those that its client may use, or of
 * them those that it names; and how they stand in a request.
 *
 * Pure but for the list, which must outlive the offer. In the arena.
 * Source   OpenAI's API reference (chat completions, `tools`: 128 functions, descriptions of 1,024
 *          characters).
 */
#ifndef WEIR_TOOLS_OFFER_H
#define WEIR_TOOLS_OFFER_H

#include "tools/registry.h"

#include "json/json.h"

/* What providers take. More tools are no offer, as a model would not know of some; a longer
 * description is cut, and ends with … */
enum { OFFER_TOOLS_MAX = 128, OFFER_DESCRIPTION_MAX = 1024 };

typedef struct offer {
    const tool **tools; /* in the order of the configuration */
    size_t count;
} offer;

typedef enum offer_fault {
    OFFER_MADE,
    OFFER_UNKNOWN,  /* one of the names is no tool's that this client may use */
    OFFER_TOO_MANY, /* tools */
} offer_fault;

/* names: an array of strings, each of which must be there; JSON_NONE or null: all. *ret_name: the
 * one that is not; *ret->count: how many there are too many of. */
MUST_USE offer_fault offer_make(const tool_list *l, span client, json_value names, arena *a,
                                offer *ret, span *ret_name);
/* All that the client may use, however many. */
void offer_all(const tool_list *l, span client, arena *a, offer *ret);
/* NULL: it is not among them. */
const tool *offer_find(const offer *o, span name);

/* The value of `tools`, an array; and its elements alone, as chat completions have them, or
 * responses (flat), which take a schema for strict unless it is told not to be. */
void offer_write(const offer *o, json_writer *w);
void offer_write_items(const offer *o, bool flat, json_writer *w);
/* "a, b and c", a few of them and how many there are besides; for who has named another. */
void offer_write_names(const offer *o, buf *out);
/* What a model is told that has called a tool which is not among them. */
void offer_write_unknown(const offer *o, span name, buf *out);

#endif
