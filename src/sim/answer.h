/* sim/answer.h: one generated answer of the simulator, and the dialects it is told in:
 * chat completions, completions, responses. A dialect reads its request into an answer and writes
 * the answer whole or as events. Pure.
 *
 * Owns     nothing: all spans live in the plan's arena, so the request may go once it was read.
 */
#ifndef WEIR_SIM_ANSWER_H
#define WEIR_SIM_ANSWER_H

#include "json/json.h"
#include "sim/text.h"
#include "sim/wish.h"

enum {
    SIM_MEMBERS_MAX = 64, /* members of a request's body that are looked at */
    SIM_CALLS_MAX = 16,
    SIM_CHOICES_MAX = 128,
    SIM_ECHO_BYTES = 2000, /* of a message that an answer repeats */
};

typedef struct sim_call {
    span id;
    span name;
    span arguments; /* of a custom tool: its input */
    bool custom;
} sim_call;

/* A part of a stream: a token of the text, the opening of a call, a part of its arguments. */
typedef struct sim_part {
    enum { SIM_PART_TEXT, SIM_PART_CALL, SIM_PART_ARGUMENTS } kind;
    size_t call;
    span token;
    size_t offset; /* of the token within its text, in bytes */
} sim_part;

/* Where a walk over the parts of an answer is; zeroed at the start. */
typedef struct sim_walk {
    size_t index, offset, call;
    bool opened; /* the call's opening was told */
} sim_walk;

typedef struct sim_dialect sim_dialect;

typedef struct sim_answer {
    const sim_dialect *dialect;
    uint64_t hash; /* of the request: makes the identifiers */
    int64_t created_s;
    span model; /* as a JSON string, quotes included */
    unsigned choices;
    sim_text text; /* what each choice says; with calls only where it stands beside them */
    sim_call calls[SIM_CALLS_MAX];
    size_t call_count;
    unsigned rounds;    /* answers before this one that called, since the user spoke */
    bool beside;        /* the text is said beside the calls */
    size_t limit;       /* tokens at most */
    size_t tokens;      /* of one choice */
    size_t text_tokens; /* of the whole text, of which tokens may be a part */
    const char *finish; /* "stop", "length", "tool_calls", "content_filter" */
    size_t prompt_tokens;
    bool stream, include_usage;
    int logprobs;      /* -1: not asked; else alternatives per token */
    bool legacy_call;  /* function_call instead of tool_calls */
    unsigned sequence; /* events of a responses stream so far */
} sim_answer;

/* What a request says, as the dialects read it. */
typedef struct sim_body {
    span raw;
    const json_member *members;
    size_t count;
    arena *arena;   /* lives as long as the answer */
    arena *scratch; /* gone after reading */
    const sim_wish *wish;
} sim_body;

/* What is wrong with a request, for its sender; both constant or in the scratch arena. */
typedef struct sim_fault {
    const char *param;
    const char *message;
} sim_fault;

/* Where events go, and in which form. */
typedef struct sim_events {
    buf *out;
    bool crlf, comments, no_done, no_usage;
} sim_events;

struct sim_dialect {
    /* Fills in what is asked and what is answered. The caller has set dialect, hash, created_s,
     * model, stream. */
    bool (*read)(const sim_body *body, sim_answer *ret, sim_fault *ret_fault);
    void (*whole)(const sim_answer *a, bool no_usage, buf *out);
    /* The events before the first part, of one part for one choice, after the last. */
    void (*open)(sim_answer *a, sim_events *e);
    void (*part)(sim_answer *a, unsigned choice, const sim_part *part, sim_events *e);
    void (*close)(sim_answer *a, sim_events *e);
    void (*fail)(sim_answer *a, const char *message, sim_events *e);
};

extern const sim_dialect sim_chat, sim_completions, sim_responses;

bool sim_walk_next(const sim_answer *a, sim_walk *w, sim_part *ret);
/* Sets tokens and finish from text, calls and limit. */
void sim_answer_settle(sim_answer *a);
size_t sim_answer_completion_tokens(const sim_answer *a);
/* The text of a choice as a JSON string; the same as its tokens together. */
void sim_answer_write_text(const sim_answer *a, buf *out);

/* An event; what is added to e->out between the two is its data. name may be NULL. */
void sim_event_begin(sim_events *e, const char *name);
void sim_event_end(sim_events *e);
void sim_event_done(sim_events *e);

/* ---- Reading (sim/read.c) ---- */

static inline json_value sim_member(const sim_body *b, const char *name) {
    return json_find(b->members, b->count, span_cstr(name));
}
/* Absent and null give otherwise; else an integer of least to most, or a fault. */
bool sim_read_count(const sim_body *b, const char *name, int64_t least, int64_t most,
                    int64_t otherwise, int64_t *ret, sim_fault *ret_fault);
bool sim_read_flag(const sim_body *b, const char *name, bool *ret, sim_fault *ret_fault);
bool sim_fault_of(sim_fault *ret, const char *param, const char *message);

/* A message's content: a string, or parts of which texts count; images are counted. In scratch. */
span sim_content_text(json_value content, arena *scratch, unsigned *images);
/* "You said: …" or, for a tool's result, "The tool says: …", cut to SIM_ECHO_BYTES, in the arena.
 */
span sim_echo(const sim_body *b, const char *opening, span text, unsigned images);
/* Cuts the text before the first of the stop sequences. */
void sim_apply_stop(const sim_body *b, sim_answer *a);
/* Chooses the tools that are called, where any are: the user has spoken last, or there is a round
 * left. function_key: chat's tools keep their facts in a member. user_text: what the user said. */
bool sim_choose_calls(const sim_body *b, bool function_key, bool user_spoke, span user_text,
                      sim_answer *a, sim_fault *ret_fault);
/* sim/calls.c: what stands in one paragraph of a script, a line a call; then what is wrong with the
 * calls, by the wish. */
void sim_script_calls(const sim_body *b, span script, sim_answer *a);
void sim_spoil_calls(const sim_body *b, sim_answer *a);
void sim_name_call(const sim_body *b, sim_answer *a, sim_call *call);
/* Arguments that do not fit the schema of an object. */
void sim_write_wrong(json_value schema, buf *out);
/* The answer's text: so many words, a value that fits format's schema, or the echo. */
void sim_choose_text(const sim_body *b, json_value format, span echo, sim_answer *a);

#endif
