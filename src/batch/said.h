/* batch/said.h: what a result says, for tables and for people. Pure.
 *
 * Any thread. Spans borrow from the result or live in the arena.
 */
#ifndef WEIR_BATCH_SAID_H
#define WEIR_BATCH_SAID_H

#include "base/arena.h"
#include "json/json.h"

/* The columns of a table of results, in their order. */
typedef enum said_column {
    SAID_CUSTOM_ID,
    SAID_CONTENT, /* the text; where there is none, what was answered in its place, as JSON */
    SAID_FINISH_REASON,
    SAID_MODEL, /* as the provider names it */
    SAID_PROMPT_TOKENS,
    SAID_COMPLETION_TOKENS,
    SAID_TOTAL_TOKENS,
    SAID_COST, /* as the provider tells it, if it does */
    SAID_ERROR_CODE,
    SAID_ERROR_MESSAGE,
    SAID_COLUMNS
} said_column;

/* "custom_id" … */
extern const char *const said_names[SAID_COLUMNS];

/* What is not told is empty. */
typedef struct said {
    bool failed;
    span cells[SAID_COLUMNS];
} said;

/* JSON as providers write it, whose answers results hold: nested as deep as they like, with members
 * of one name. */
MUST_USE bool said_scan(span text, json_value *ret);

/* From a line of results, weir's or others' in OpenAI's form. false: it is none. */
MUST_USE bool said_read(span result, arena *a, said *ret);

#endif
