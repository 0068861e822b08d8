/* sim/plan.h: the simulator's mind: a request in, a list of steps out that say what goes
 * to the client and when. Pure: no sockets, no clock; sim/server.c carries the steps out.
 *
 * An answer is a function of the request alone (and, for wishes like flaky-3, of how often it
 * came): text, identifiers, figures, vectors. Only x-request-id and `created` differ from call to
 * call.
 *
 * Owns     a plan owns an arena, a buffer and a copy of all it needs of the request. What it holds
 * is bounded whatever the length of the stream that it tells. Source   OpenAI's API reference; the
 * error codes and rate limits guides.
 */
#ifndef WEIR_SIM_PLAN_H
#define WEIR_SIM_PLAN_H

#include "http/codec.h"
#include "sim/answer.h"
#include "sim/counts.h"

/* One HTTP request; everything is borrowed for the call. */
typedef struct sim_request {
    http_method method;
    span method_text;
    span path;
    http_headers headers;
    span body;
    int64_t wall_us;
    uint64_t serial; /* any number that no other request has, for x-request-id */
} sim_request;

typedef struct sim_settings {
    span key;        /* demanded of clients; empty: any or none will do */
    int64_t pace_ms; /* where the request wishes for none */
    int64_t ttft_ms;
} sim_settings;

enum { SIM_PACE_MS = 20 }; /* the usual pace_ms */

typedef enum sim_step_kind {
    SIM_STEP_ANSWER,  /* status, headers and body at once; the last step */
    SIM_STEP_HEAD,    /* status and headers; pieces follow */
    SIM_STEP_PIECE,   /* bytes */
    SIM_STEP_END,     /* the end in good order; the last step */
    SIM_STEP_CUT,     /* the connection is closed, whatever has been sent; the last step */
    SIM_STEP_SILENCE, /* nothing more, and the connection stays open; the last step */
} sim_step_kind;

typedef struct sim_step {
    sim_step_kind kind;
    int64_t pause_ms; /* after the step before (or the request) was due */
    span bytes;       /* of an answer or a piece; valid until the next call for this plan */
} sim_step;

enum { SIM_HEADERS_MAX = 16 };

typedef struct sim_plan {
    int status;
    http_header headers[SIM_HEADERS_MAX];
    size_t header_count;
    /* private to sim/plan.c, sim/steps.c and those whom sim/refuse.h serves */
    arena arena;
    buf out;   /* what the last step sends */
    span body; /* of a plain answer; in arena, out or constant */
    enum {
        SIM_AT_START,
        SIM_AT_BODY,   /* plain: the head went alone, the body is next */
        SIM_AT_PARTS,  /* streams: so many have been told */
        SIM_AT_ENDING, /* the wish's ending is next */
        SIM_AT_LAST,   /* all is said */
        SIM_AT_NOTHING,
    } at;
    bool streams;
    bool opened; /* the events before the first part are out */
    int64_t pace_ms, ttft_ms;
    sim_wish wish;
    sim_answer answer;
    sim_walk walk;
    size_t told;    /* parts so far */
    size_t stop_at; /* parts after which the wish's ending comes */
    size_t half;    /* of a split event: where its second part begins in out; 0: none is due */
} sim_plan;

/* counts may be NULL: then nothing is flaky. */
void sim_plan_init(sim_plan *p, const sim_settings *settings, const sim_request *request,
                   sim_counts *counts);
void sim_plan_done(sim_plan *p);
/* The next step. Not to be called after a last one. */
sim_step sim_plan_next(sim_plan *p);

#endif
