/* exchange/verdict.h: what somebody outside says of a text: a tool of the configuration
 * (guard.external), which is given {"input": text} and answers as OpenAI's moderations do, or
 * {"flagged": true}. Time, size, addresses and what is secret are bounded as of any tool. Inside
 * exchange/.
 *
 * A long text is told in parts, one after the other. Each begins with the end of the one before, so
 * that nothing gets through by standing where one ends. All must be good, and the first that is not
 * is the verdict.
 *
 * Source   OpenAI's API reference: moderations.
 */
#ifndef WEIR_EXCHANGE_VERDICT_H
#define WEIR_EXCHANGE_VERDICT_H

#include "exchange/internal.h"

#include "tools/registry.h"

enum {
    VERDICT_TEXT_MAX = 256 * 1024, /* bytes of a part */
    VERDICT_AGAIN = 1024           /* of the one before, and up to three more */
};

typedef enum verdict_result {
    VERDICT_GOOD,
    VERDICT_BAD,
    VERDICT_NONE /* it could not be asked, or said nothing that is known */
} verdict_result;

typedef struct verdict verdict;
struct verdict {
    /* The asker's. */
    void (*done)(verdict *v, verdict_result r); /* once, never from inside verdict_ask() */
    /* Private to verdict.c. */
    exchange *x;
    span rest; /* not told yet, or to be told again */
    tool_waiter waiter;
    tool_list *list;    /* counted */
    tool_call *running; /* NULL: none is */
    buf arguments;
};

/* text is borrowed until done, or verdict_drop(). false: there is nobody to ask, and done does not
 * come. */
MUST_USE bool verdict_ask(verdict *v, exchange *x, span text);
/* What is told again of a part that more follows. */
span verdict_again(span part);
/* Whether it is asked or not. */
void verdict_drop(verdict *v);

/* Pure: of what was answered. */
verdict_result verdict_read(span answer);

#endif
