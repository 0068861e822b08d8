/* lib/toolbox.h: a client's tools: functions of its program, each with a schema that its arguments
 * are held against. Private to the room.
 *
 * A tool is immutable and stays: the box only grows, and lives as long as its client and the runs
 * that took a look at it. Any thread.
 */
#ifndef WEIR_LIB_TOOLBOX_H
#define WEIR_LIB_TOOLBOX_H

#include "tools/offer.h"

#include <weir.h>

typedef struct toolbox toolbox;

/* What the program has of a tool beside that. */
typedef struct toolbox_tool {
    tool is; /* of no kind: it is the program that calls it */
    weir_tool_fn *function;
    void *user;
    schema *checker;
    char *name, *description, *parameters;
} toolbox_tool;

MUST_USE toolbox *toolbox_new(void);
toolbox *toolbox_ref(toolbox *b);
void toolbox_unref(toolbox *b); /* NULL is allowed */

/* false: *ret_why says what is wrong. */
MUST_USE bool toolbox_add(toolbox *b, const char *name, const char *description,
                          const char *parameters, weir_tool_fn *function, void *user, buf *ret_why);
/* Those of this moment, in the order in which they were added; in the arena. */
void toolbox_offer(toolbox *b, arena *a, offer *ret);
const toolbox_tool *toolbox_of(const tool *t);

#endif
