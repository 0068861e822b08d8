/* exchange/functions.h: a run: a model that is asked, the tools that it calls, the model again with
 * what they answered, until it answers without calling. Inside exchange/.
 *
 *   stage_functions.c   the row: who may use what; begins the run, gives it back
 *   functions_ask.c     what the client asks (POST /chat/functions)
 *   functions_run.c     the source: model calls, each a step of the exchange (a child), and what
 *                       follows them
 *   functions_calls.c   the calls of tools of one answer
 *   functions_approve.c whether they may be made
 *   functions_pause.c   a run that waits for somebody's word, and goes on in another exchange
 *   functions_tell.c    what a client of POST /chat/functions is told
 *   form_functions.c    how that is written
 *   mixed.h             the same in an API that has tools of its own
 *
 * The exchange asks no provider itself: its steps do, each with limits, price and record of its
 * own. What they used and cost together stands in its record too, and is not added up twice
 * (ledger/sums.c): who has asked nobody has used nothing.
 *
 * Everything of a run lives in the exchange's arena or is given back with its row; what grows, the
 * conversation, is a buffer of its own (tools/talk.h).
 */
#ifndef WEIR_EXCHANGE_FUNCTIONS_H
#define WEIR_EXCHANGE_FUNCTIONS_H

#include "exchange/approvals.h"

#include "ledger/paused.h"
#include "tools/offer.h"
#include "tools/run.h"
#include "tools/talk.h"

/* ---- what is asked ---- */

/* Values of the client's body; JSON_NONE or null: not asked for. */
typedef struct functions_ask {
    span message; /* decoded and stripped; empty: messages */
    json_value messages, tools, model, max_tokens, temperature, user, parallel;
    unsigned max_steps;
    bool stream;
} functions_ask;

stage_fn parse_functions;
/* The same of a request that parse_functions() has let through. */
void functions_ask_again(exchange *x, functions_ask *ret);
/* The model call's request, up to its messages, and those: for talk_begin(). */
void functions_ask_write(const exchange *x, const functions_ask *ask, const offer *o, buf *ret_head,
                         buf *ret_messages);

/* ---- the run ---- */

typedef struct functions_run functions_run;
typedef struct functions_call functions_call;

/* How a run reads its model and tells its client: by whose API they speak. The client may leave
 * from inside whatever tells it something. */
typedef struct functions_way {
    span step_label; /* of the records of its model calls */
    /* Reads an answer, and puts that into the talk, and what a tool answered. */
    void (*read)(span answer, arena *a, model_said *ret);
    void (*add_said)(functions_run *r);
    void (*add_result)(talk *t, const said_call *call, const talk_result *result);
    /* Each event of a model's answer. */
    void (*event)(functions_run *r, const answer_event *event);
    /* What a call came to; NULL: nobody is told. */
    void (*step)(functions_run *r, const functions_call *c);
    /* All calls of the answer are in the talk, and in r->calls for the last time; NULL likewise. */
    void (*added)(functions_run *r);
    /* What the run came to (r->stop), but for the end itself. */
    void (*last)(functions_run *r);
} functions_way;

/* add_said of messages. */
void functions_add_message(functions_run *r);

extern const functions_way functions_told; /* a client of POST /chat/functions */

/* Whether a call may be made, of a tool with approve: webhook. */
typedef enum call_word {
    WORD_NONE, /* nobody was asked */
    WORD_YES,
    WORD_NO, /* the call's text says why */
    WORD_LATER,
} call_word;

/* A call of a tool. */
struct functions_call {
    tool_waiter waiter;
    approval_waiter approver;
    approval *asking; /* NULL: nobody is being asked about it */
    call_word word;
    functions_run *run;
    const said_call *said;
    const tool *tool;   /* NULL: there is none of that name */
    tool_call *running; /* NULL: it waits, or is answered */
    bool begun, answered;
    bool again;         /* it has failed once, and is made once more */
    talk_result result; /* answered: its text is in text */
    buf text;
    char traceparent[TRACEPARENT_LEN + 1];
};

struct functions_run {
    answer_source source;
    exchange *x;
    const functions_way *way;
    struct mixed *mixed; /* exchange/mixed.h; NULL: the client brings no tools of its own */
    tool_list *list;     /* counted; NULL: not yet */
    struct exchange_guard *guard; /* of what tools have said, for its client; NULL: none looks */
    offer offer;
    talk talk;
    span first, usual, last; /* ends of the model calls' requests (talk_body()): of the first one,
                                of others, of the one that is to call nothing */
    run_limits limits;
    run_state state;
    int64_t due_ms; /* when its time is over */
    bool over, paused;
    bool asked; /* a provider, by one of its steps */
    timer tell; /* refusal: a source says nothing from inside what starts it */
    timer time;
    /* The model call. */
    exchange *child;        /* NULL: none is under way */
    bool starting, refused; /* it is being started, and was refused meanwhile */
    failure refusal;        /* refused: why */
    assembly *told;         /* of a stream: what its events have said; NULL: none is under way */
    /* Its answer. */
    arena turn; /* for the answer's time */
    span answer;
    model_said said;
    size_t handed; /* of its calls: those that the client is to answer */
    functions_call *calls;
    size_t call_count, answered;
    unsigned under_way, words_wanted;
    bool alone; /* one that is under way must be alone */
    /* Whether they may be made. */
    const run_resume *resume;  /* somebody has said so; NULL: nobody was asked */
    struct pause_job *pausing; /* in the store something is done with it; NULL: nothing is */
    span id;                   /* RUN_PAUSED: by which it goes on */
    int64_t until_us;          /* likewise: wall time */
    /* The end. */
    buf words;     /* what the model said last, when it said something */
    span model;    /* as the provider named it last; in the exchange's arena */
    run_stop stop; /* RUN_GOES_ON: not yet, or a failure */
};

/* As x->functions. Both are called once. One that has been taken over begins with its calls. */
void functions_begin(functions_run *r);
void functions_done(functions_run *r);

/* functions_calls.c: begins the calls of r->said; the last that is answered calls
 * functions_answered(). */
void functions_call_tools(functions_run *r);
/* The same, but that none is begun: all get this error. */
void functions_refuse_tools(functions_run *r, span why);
/* Those that are under way are cancelled, and those that are not answered get this error. */
void functions_stop_tools(functions_run *r, span why);
void functions_forget_tools(functions_run *r);
/* Begins them, when it is known of each whether it may be made. */
void functions_make_calls(functions_run *r);

/* functions_approve.c: asks about the calls that were read, where they want that; then pauses the
 * run or goes on with functions_make_calls(). */
void functions_seek_words(functions_run *r);
void functions_drop_asking(functions_call *c);
/* Whether its client has to say something of this call. */
bool functions_needs_word(const functions_call *c);
/* false: c->text says why not. Of a call whose tool is there. */
bool functions_may_call(const functions_run *r, functions_call *c);

/* functions_pause.c: has the run kept, or go on waiting where it has waited; it then ends. */
void functions_pause(functions_run *r);
/* One that has waited is taken out of the store, and its calls are made: no other exchange can have
 * it. It fails where another one has it, or the store is away. */
void functions_claim(functions_run *r);
/* Nobody waits for what is done in the store any more. */
void functions_drop_pause(functions_run *r);
/* true, false or nothing: what the client has said of the call of that id; of a run with
 * r->resume. */
json_value functions_said(const functions_run *r, span id);
/* Takes over from x->request->resume, in the place of a talk that begins: talk, state and calls.
 * STAGE_ANSWER: refused. */
stage_result functions_take_over(functions_run *r);
/* {"id","expires","calls":[{"id","tool","arguments"}]} */
void functions_write_pause(const functions_run *r, json_writer *w);
/* functions_run.c: it waits; it fails, with that for a message (NULL: the error's own). */
void functions_paused(functions_run *r);
void functions_fail(functions_run *r, error_id id, const char *message);

/* functions_run.c: all calls of the answer have been answered. */
void functions_answered(functions_run *r);
/* The head of the answer, once. */
void functions_take_head(functions_run *r, answer_kind kind);

/* functions_tell.c: all steps that were answered, as its client reads them. */
void functions_write_steps(const functions_run *r, json_writer *w);
/* What a tool has said, as its client reads it; in the arena, or the text itself. */
span functions_guard_text(const functions_run *r, span text, arena *a);

/* The name of events that tell a step to form_functions: their data is its object. */
#define FUNCTIONS_STEP SPAN_OF("step")

/* Why it was stopped, or would be: a sentence, in the arena. */
span functions_stop_sentence(const functions_run *r, run_stop stop, arena *a);

#endif
