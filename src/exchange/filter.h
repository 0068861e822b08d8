/* exchange/filter.h: the chain on which an answer comes back, from the provider outwards.
 *
 * A filter takes one event and hands zero or more on; a plain answer is a chain of one event. Each
 * is one file and is put up by a stage. Back-pressure and cancel run the other way, through the
 * exchange. A filter lives in the exchange's arena.
 */
#ifndef WEIR_EXCHANGE_FILTER_H
#define WEIR_EXCHANGE_FILTER_H

#include "call/call.h"
#include "exchange/exchange.h"

typedef struct filter filter;

typedef struct filter_ops {
    const char *name;
    void (*head)(filter *f, const answer_head *head);
    void (*event)(filter *f, const answer_event *event);
    void (*end)(filter *f);
    /* The answer has failed: exchange->failure says how. */
    void (*fail)(filter *f);
    /* The exchange is over: timers off. Always called, once. */
    void (*done)(filter *f);
} filter_ops;

struct filter {
    const filter_ops *ops;
    filter *next; /* NULL: the last, which talks to the door */
    exchange *x;
};

/* Appends a filter to the exchange's chain. */
void filter_add(exchange *x, filter *f, const filter_ops *ops);

/* Hands on to the next filter: also the defaults for a filter that does not care. */
void filter_pass_head(filter *f, const answer_head *head);
void filter_pass_event(filter *f, const answer_event *event);
void filter_pass_end(filter *f);
void filter_pass_fail(filter *f);
void filter_pass_done(filter *f);

/* Each puts its filter up. */
void filter_meter_add(exchange *x);       /* usage, first token, finish reason → the record */
void filter_form_openai_add(exchange *x); /* to OpenAI's form; the last */
void filter_form_chat_add(exchange *x);   /* to /chat's form; the last */
void filter_form_direct_add(exchange *x); /* to a program, unframed; the last */
void filter_form_add(exchange *x);        /* the one of the request's form */

#endif
