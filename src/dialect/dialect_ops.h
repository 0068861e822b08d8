/* dialect/dialect_ops.h: what weir does with a dialect's answers, one row a dialect: reads them
 * and knows their end.
 *
 * Rows are constant, and every function is there. Pure: any thread.
 * Source   OpenAI's API reference (chat completions, completions, responses: streaming events).
 */
#ifndef WEIR_DIALECT_DIALECT_OPS_H
#define WEIR_DIALECT_DIALECT_OPS_H

#include "base/secret_set.h"
#include "dialect/answer.h"
#include "dialect/dialect.h"
#include "dialect/failure.h"
#include "dialect/turn.h"

typedef struct reader reader;

/* When a stream without the end marker is complete. */
typedef enum stream_end {
    ENDS_WITH_CHOICES, /* once every choice is told finished */
    ENDS_WITH_EVENT,   /* once its last event has come (EVENT_CLOSE) */
    ENDS_WITH_BODY,    /* when the body ends as its framing says */
} stream_end;

/* Why a provider refused. */
typedef struct refusal {
    failure_class class;
    span body;    /* the error in OpenAI's shape, without a secret; in the arena */
    span message; /* its message, for people */
    bool cut;     /* it goes on where it ends, but for failure_cut_marks() */
    span code;
    span delay; /* after which to come again, as a duration of Go; empty: it says none */
} refusal;

typedef struct dialect_ops {
    const char *name; /* "openai_chat" */
    /* What is no JSON is no answer, and no event. false: whatever comes is handed on. */
    bool is_json;
    /* What it numbers as choices are parts of one answer, which ends as a whole; else each is an
     * answer of its own. */
    bool one_answer;
    stream_end end;
    span end_marker; /* data of an event that ends a stream; empty: none */
    /* Every stream that weir writes ends with it; else with an event of its own, or there are none.
     */
    bool writes_marker;
    /* A stream tells its usage in a chunk of its own, to whoever asks for it with
     * stream_options.include_usage; else with its last event. */
    bool usage_chunk;
    /* The array of a plain answer that holds it; empty: none is looked for. */
    span answer_member;
    const char *no_answer; /* a sentence for people: it is not there */
    /* What comes in the other form than was asked for is put into that; NULL: its answers have one
     * form, or nobody knows them. */
    const turn_ops *turn;

    /* Fills *e, whose kind, name and data are set, from its data; notes in r what the next events
     * need. */
    void (*read)(reader *r, answer_event *e);
    /* Reads an answer that is not 2xx, or an error event as if it were one. */
    void (*refuse)(int status, span body, const secret_set *secrets, arena *a, refusal *ret);
} dialect_ops;

/* d is one that providers answer in: any but DIALECT_WEIR_CHAT. */
const dialect_ops *dialect_get(dialect d);

#endif
