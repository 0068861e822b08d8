/* tools/approval.h: whether a call of a tool may be made, as an operator's URL says
 * (functions.approval), which is asked before it.
 *
 *   approval_start() ──▶ asking ──answered, or not, or late──▶ told (waiter->done, once)
 *                          └──────── approval_cancel() ──────▶ nothing comes
 *
 * One try: whoever asks is waited for. Nothing is called unless it has been said to be approved.
 *
 * Belongs to its loop. Starting never calls back before it returns.
 * Units    *_ms milliseconds.
 */
#ifndef WEIR_TOOLS_APPROVAL_H
#define WEIR_TOOLS_APPROVAL_H

#include "call/snapshot.h"
#include "tools/tool.h"

/* A part of a snapshot: the TLS context of that URL. Making it reads its CA file. */
extern const snapshot_part approval_part;

typedef struct approval approval;

typedef enum approval_answer {
    APPROVAL_GIVEN,
    APPROVAL_DENIED,
    APPROVAL_LATER, /* 202: who decides has not decided yet */
    APPROVAL_FAILED,
    APPROVAL_ANSWERS
} approval_answer;

/* "approved", "denied", "later", "failed": for metrics. */
const char *approval_answer_name(approval_answer a);

/* Borrowed for the call of done. */
typedef struct approval_result {
    approval_answer answer;
    span reason; /* DENIED: in its words, bounded, valid UTF-8; may be empty. FAILED: why there is
                    no answer, for the operator and nobody else */
    int status;  /* of the answer; 0: there is none */
} approval_result;

/* Owned by whoever waits. */
typedef struct approval_waiter {
    void (*done)(struct approval_waiter *w, const approval_result *result);
} approval_waiter;

/* What it is told. All are borrowed for the call of approval_start(). */
typedef struct approval_ask {
    span tool, arguments; /* as the model or the client wrote them */
    span call;            /* the call's id; empty: it has none */
    span request;         /* whose call it is: the id of the request or run */
    span endpoint, client, user;
    bool confirmed; /* the client has said that it may be made, of a run that has waited */
    int64_t due_ms; /* on the loop's clock: the asker's own deadline; 0: none */
} approval_ask;

/* NULL never. s must stay; its table names the part. */
MUST_USE approval *approval_start(tool_runner *r, const snapshot *s, const approval_ask *ask,
                                  approval_waiter *w);
/* Not after done. */
void approval_cancel(approval *a);

/* ---- pure ---- */

/* The message: {"type":"tool.approval","timestamp":…,"data":{…}}. id: its own. */
void approval_write(const approval_ask *ask, span id, int64_t wall_us, buf *out);
/* What an answer of that status and body says. *ret_reason is appended to. */
approval_answer approval_read(int status, span body, buf *ret_reason);

#endif
