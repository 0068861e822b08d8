/* tools/talk.h: the conversation of a run: the request of its model calls, which grows by what the
 * model says and what the tools answer, and the steps that were made, which it can be asked for.
 *
 * The text is one request, written once: each step is added behind the one before, and a call to
 * the model borrows it as it stands. What the steps were is read from there again, so they take no
 * more than their places.
 *
 * Odd calls are put right on their way in, as providers refuse a conversation that has them: each
 * has an id of its own, and arguments that are a JSON object. What the model wrote instead stands
 * in its step.
 *
 * Owned by its run; pure but for memory.
 */
#ifndef WEIR_TOOLS_TALK_H
#define WEIR_TOOLS_TALK_H

#include "tools/said.h"

/* Bytes [from, to) of a buffer. */
typedef struct talk_place {
    size_t from, to;
} talk_place;

/* A call of a tool that has been answered. */
typedef struct talk_step {
    talk_place name;      /* in body: a JSON string */
    talk_place arguments; /* in body: an object in a JSON string; in odd where they are none */
    talk_place result;    /* in body: a JSON string */
    bool is_odd, failed;
    bool open; /* it is answered elsewhere */
    int64_t ms;
} talk_step;

typedef struct talk {
    buf body; /* a request up to its open array of messages, and an ending that is written anew */
    size_t first; /* where what the run has added begins */
    size_t open;  /* where the ending begins */
    buf odd;      /* arguments that are no object, one after the other */
    talk_step *steps;
    size_t step_count, step_cap;
    size_t answered; /* of them: those whose result is there */
    unsigned made;   /* ids that were made */
    unsigned passes; /* over the body, to find ids that are taken */
} talk;

/* How a call ended. */
typedef struct talk_result {
    bool failed;
    span text; /* the result, or why there is none */
    int64_t ms;
} talk_result;

/* A zeroed one is empty. */
void talk_done(talk *t);

/* head: the request before its messages, an open object: `{"model":"m"`. name: of the member that
 * has them: "messages". messages: the elements of an array, with the commas between them. */
void talk_begin(talk *t, span head, const char *name, span messages);
/* The whole request, with this behind its last message: `]}`. Borrowed until the talk grows. */
span talk_body(talk *t, span end);
/* What the run has added: elements of an array, with the commas between them. Likewise. */
span talk_added(const talk *t);

/* Adds what the model said, with its calls. Ids of said->calls are replaced where there is none, or
 * another call has it. */
void talk_add_said(talk *t, model_said *said, arena *a);
/* Adds what a tool answered: for each call of the last talk_add_said(), in their order. */
void talk_add_result(talk *t, const said_call *call, const talk_result *r);
/* The same in the form of responses. output: what the model's had; bare: the provider keeps none of
 * its items, which are sent back without what would only name them there. */
void talk_add_items(talk *t, model_said *said, json_value output, bool bare, arena *a);
void talk_add_output(talk *t, const said_call *call, const talk_result *r);
/* In the place of either, of a call that somebody else answers. */
void talk_leave_open(talk *t);

/* {"tool", "arguments", "result"|"error", "ms"}: arguments as JSON, or as a text where they are
 * none. */
void talk_write_step(json_writer *w, const said_call *call, const talk_result *r);
/* An array of all that were answered. */
void talk_write_steps(const talk *t, json_writer *w);

#endif
