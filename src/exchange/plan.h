/* exchange/plan.h: which stages and filters the exchanges of a door go through.
 *
 * A door brings its plan as constant data (gateway/plan.c, lib/plan.c), so that it is linked with
 * the stages it names and with no others. A plan is read top to bottom: it is the table of contents
 * of what happens to a call. A child exchange goes through the rows of its parent's plan that have
 * the bit.
 */
#ifndef WEIR_EXCHANGE_PLAN_H
#define WEIR_EXCHANGE_PLAN_H

#include "exchange/exchange.h"

typedef enum stage_result {
    STAGE_NEXT,   /* go on */
    STAGE_WAIT,   /* exchange_wait() or exchange_feed_from() was called: that goes on, or ends it */
    STAGE_ANSWER, /* refused by exchange_refuse(): straight to the rows that always run */
} stage_result;

typedef stage_result stage_fn(exchange *x);

typedef struct large_request large_request;
struct limit_waiter;

enum {
    STAGE_ALWAYS = 1 << 0, /* runs when the answer is there, however it ended, before its last bytes
                              go out; each once, in order */
    STAGE_CHILD = 1 << 1,  /* runs for children too */
    /* What it works with: a row is passed over where that is not there, and costs nothing. */
    NEEDS_TRAIL = 1 << 2, /* the audit trail */
    NEEDS_LEDGER = 1 << 3,
    NEEDS_CACHE = 1 << 4,
    NEEDS_TELEMETRY = 1 << 5, /* switched on by the configuration in force */
    NEEDS_ALERTS = 1 << 6,    /* likewise */
};

typedef struct stage_row {
    const char *name;
    stage_fn *run;
    /* Gives back what run has taken, in the turn in which the exchange ends, however it ends; once,
     * and only where run has been called. NULL: nothing is taken. */
    void (*done)(exchange *x);
    unsigned bits;
} stage_row;

/* Puts up a filter. */
typedef void filter_add_fn(exchange *x);

struct exchange_plan {
    const stage_row *rows;
    size_t row_count;
    filter_add_fn *const *filters; /* that every exchange has, besides its form */
    size_t filter_count;
    /* Finds what later rows ask of a large body, on the thread that parses it: of an exchange of
     * its own (exchange/parse_large.c). NULL: they ask nothing. */
    void (*look_large)(exchange *seen, large_request *l);
};

/* ---- the parts there are, one file each ---- */

stage_fn stage_prove; /* what the audit trail keeps of its bytes */
void stage_prove_done(exchange *x);
stage_fn stage_identify; /* whose key is it? */
stage_fn stage_admit;    /* is there room? */
void stage_admit_done(exchange *x);
stage_fn stage_label;  /* for whom is it, and what is it marked with? */
stage_fn stage_pause;  /* is its client stopped? */
stage_fn stage_parse;  /* what is asked, and is it well formed? */
stage_fn stage_keep;   /* what of it may be shown later? */
stage_fn stage_route;  /* which targets may answer? */
stage_fn stage_permit; /* may this client ask that? */
stage_fn stage_mix;    /* may the model call tools of the server, too? */
stage_fn stage_size;   /* is it too large, or asks for too much? */
void stage_size_look_large(exchange *seen, large_request *l);
stage_fn stage_rules; /* are the guard's rules there? */
stage_fn stage_guard; /* may a model read it, may anybody read the answer? */
void stage_guard_done(exchange *x);
stage_fn stage_verdict; /* what does somebody outside say of it? */
void stage_verdict_done(exchange *x);
stage_fn stage_length;  /* how much of its answer may it have? */
stage_fn stage_look_up; /* has it been answered before, or is it being asked? */
void stage_look_up_done(exchange *x);
stage_fn stage_limit; /* may it have so much? */
void stage_limit_done(exchange *x);
stage_fn stage_reserve; /* is there room for its record? */
stage_fn stage_trace;   /* which trace is it a part of? */
stage_fn stage_replay;  /* an answer that is there already comes back */
stage_fn stage_call;    /* attempts, retries, fallback: the answer comes back */
stage_fn stage_settle;  /* what did it use? */
stage_fn stage_price;   /* what did it cost? */
stage_fn stage_saved;   /* what has the cache spared? */
stage_fn stage_spans;   /* what OpenTelemetry hears of it */
stage_fn stage_alerts;  /* what the watch over calls is told of it */
stage_fn stage_proof;   /* the same, when the answer is there */
stage_fn stage_ledger;  /* the record that nothing loses */
stage_fn stage_record;  /* the log line, the metrics */

/* Does a model answer that calls tools? Before stage_call. */
stage_fn stage_functions;
void stage_functions_done(exchange *x);

/* A tool that is called by its client, without a model (exchange/tool_use.h). */
stage_fn stage_tool_ask;  /* what is asked? */
stage_fn stage_tool_find; /* is it there, and may this client use it? */
void stage_tool_done(exchange *x);
stage_fn stage_tool_guard; /* may the tool read it, may the client read what it says? */
void stage_tool_guard_done(exchange *x);
stage_fn stage_tool_call; /* the call: the answer comes back */

/* For the limit_desk of a loop: a call that waits in limit has waited to its end, or waits for
 * another of its limits. */
void stage_limit_told(struct limit_waiter *w);
void stage_limit_moved(struct limit_waiter *w, size_t at);

filter_add_fn filter_meter_add; /* what the provider says it used, when it said something */
filter_add_fn filter_ids_add;   /* an id of weir's own where they repeat; once it is routed */
filter_add_fn filter_usage_add; /* the usage in streams, for those alone who asked for it */

#endif
