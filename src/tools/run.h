/* tools/run.h: how far a run may go: what follows an answer of its model, by the limits and by what
 * has been used so far.
 *
 * A step is an answer that calls tools, and their results. After the last step that it may make the
 * model is asked once more, to answer without calling; what calls all the same is stopped.
 *
 * Pure; any thread.
 * Units    tokens; nano units of the prices' currency.
 */
#ifndef WEIR_TOOLS_RUN_H
#define WEIR_TOOLS_RUN_H

#include "base/arena.h"
#include "observe/record.h"

typedef struct run_limits {
    unsigned max_steps;
    int64_t max_tokens;    /* 0: any number */
    int64_t max_cost_nano; /* 0: any amount */
} run_limits;

/* What has come about. */
typedef struct run_state {
    unsigned steps;
    token_usage usage; /* of all answers */
    int64_t cost_nano; /* likewise; -1: of one of them no price is known */
    unsigned answers;  /* that were whole; whoever takes one counts it */
} run_state;

typedef enum run_stop {
    RUN_GOES_ON, /* the calls are made */
    RUN_ENDS,    /* it is the answer */
#define X(id, code, sentence) RUN_##id,
#include "tools/stops.def"
#undef X
    RUN_STOPS
} run_stop;

extern const run_state run_nothing;

/* Adds what an answer has used and cost. */
void run_count(run_state *r, const token_usage *usage, int64_t cost_nano);
/* What follows an answer with so many calls. */
run_stop run_after_answer(const run_limits *limits, const run_state *r, size_t calls);
/* Whether the model, when it is asked next, is to call nothing any more. */
bool run_is_last(const run_limits *limits, const run_state *r);

/* Of RUN_MAX_*: "max_steps"; and the sentence with that limit, a C string, in it, in the arena. */
const char *run_stop_code(run_stop stop);
span run_stop_sentence(run_stop stop, span limit, arena *a);

/* A call of a tool that waits may begin: so many are under way, one of them alone by itself. */
enum { RUN_PARALLEL_MAX = 16 };
bool run_may_begin(unsigned under_way, bool alone_under_way, bool parallel);

#endif
