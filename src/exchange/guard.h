/* exchange/guard.h: what the guards of a call share: what is in force, what was found. Inside
 * exchange/, for stage_guard.c, filter_guard.c and their parts.
 */
#ifndef WEIR_EXCHANGE_GUARD_H
#define WEIR_EXCHANGE_GUARD_H

#include "exchange/guard_part.h"
#include "exchange/internal.h"

/* How often a rule matched, one way, and what was done about it. */
typedef struct guard_tally {
    guard_where way;
    const guard_rule *rule;
    guard_action action;
    unsigned count;
} guard_tally;

enum { GUARD_TALLIES = 16, GUARD_NOTES_MAX = 512 };

typedef struct guard_tallies {
    guard_tally items[GUARD_TALLIES]; /* the gravest first, which stay where there are too many */
    size_t count;
    char notes[GUARD_NOTES_MAX]; /* the record's text of them */
} guard_tallies;

/* What is found on another thread: all of it, for guard_note() when it has come home. */
typedef struct guard_apart {
    guard_tally *items; /* whoever looks frees them */
    size_t count, cap;
} guard_apart;

typedef struct exchange_guard {
    exchange *x;                  /* NULL: on another thread; matches are tallied apart */
    guard_scratch *scratch;       /* the loop's, or the thread's */
    const guard_policy *in, *out; /* NULL: nothing is looked at */
    guard_names *names;           /* of what was redacted, or is in the request already; NULL: of
                                     nothing */
    bool puts_back;               /* what was redacted in the request is put back in the answer */
    bool restores;                /* placeholders of the request become what they stand for */
    bool over;                    /* of which there were more than there is room for */
    uint32_t room;                /* bytes of values that may still be put back */
    guard_tallies *found; /* NULL: nothing was, as of most calls, which take no room for it */
    guard_apart *apart;   /* on another thread */
} exchange_guard;
/* So much is put back of one text, or one event, where a loop would stand still for more. */
enum { GUARD_PUT_BACK_HERE = 1024 * 1024 };
_Static_assert(sizeof(exchange_guard) <= 64, "of every call: no second block for its arena");

/* What looks at a call, by the rules of its snapshot. */
typedef struct guards {
    const guard_policy *in, *out; /* NULL: nothing is looked at, that way */
    const guard_set *set;
} guards;

/* False: it is to be looked at and the rules cannot be made, which is refused. */
bool guards_of(exchange *x, config_guard_use use, guards *ret);

/* The loop's, in which all its lanes match. */
guard_scratch *guard_scratch_of(exchange_env *env);

/* Notes a match, or count of them: the record and the metrics, which count all; of the record's
 * text what is less grave is left out where there is too much. On another thread: in g->apart. */
void guard_note(exchange_guard *g, guard_where way, const guard_rule *rule, guard_action action,
                unsigned count);
/* As which verdicts from outside are noted (guard.external). */
extern const guard_rule guard_external;
/* "a secret (openai-key)": what a sentence may say of it. */
span guard_words(arena *a, const guard_rule *rule);

/* guard_beside.c: names for the values of a body and of what answers it, none of which is a
 * placeholder that the body has already, from an answer before: such a one stands for itself. NULL:
 * it has none. The caller owns them; the set outlives them. */
MUST_USE guard_names *guard_names_beside(span body, const guard_set *set);

/* Whether a text, as it reads or as a JSON string has it, begins as JSON does: an object, a list.
 * Others may, too: "[Note] ...". */
bool guard_begins_json(span text);
/* Whether all of a text, as it reads, is JSON. */
bool guard_is_json(span text);
/* Whether what a string says is. */
bool guard_says_json(json_value string);

/* ---- what is asked (guard_request.c) ----
 *
 * Of a large request on any thread: nothing of the exchange is touched. */

typedef struct guard_seen {
    const guard_rule *rule;
    guard_action action;
    unsigned count;
} guard_seen;

typedef struct guard_request {
    const guard_policy *policy;
    guard_scratch *scratch;
    uint64_t owner;     /* guard_text_is_clean() has it */
    bool puts_back;     /* what is redacted will be put back in the answer */
    guard_names *names; /* whoever asks brings them, or NULL, and owns them */
    arena *arena;       /* for what follows */
    json_splice edits;
    guard_seen *seen;
    size_t seen_count, seen_cap;
    const guard_rule *blocked; /* the first that blocks; NULL: none does */
} guard_request;

/* Whether there is nothing in it to be looked at, told without an outline. false says nothing. */
bool guard_request_is_clean(guard_request *r, const request_facts *facts);
/* o: the request's outline; NULL: it has more of something than one may have. */
void guard_request_look(guard_request *r, const request_facts *facts, const request_outline *o);
/* The same of every string within a value, which is body. */
void guard_request_look_within(guard_request *r, json_value value);
/* Makes them the facts of a body that was edited. */
void guard_facts_move(request_facts *f, const json_splice *edits, span body);

/* ---- what is answered ---- */

/* filter_guard.c: looks at it by g->out. */
void filter_guard_add(exchange_guard *g);
/* Puts back what g->names has of the request: of one answer no more than limits.answer, however
 * often it repeats a placeholder. */
void filter_restore_add(const exchange_guard *g);
/* guard_answer.c: the answer ends here, as it is blocked: a plain one is replaced by one that says
 * nothing, a stream ends, which event is one of (filter_stop()). */
void guard_answer_end(filter *f, const answer_event *event);

/* guard_failure.c: what a provider has said in an answer's place (x->failure). */
void guard_failure_look(exchange_guard *g);

/* filter_verdict.c: what somebody outside says of it (exchange/verdict.h); x->guard is there. */
void filter_verdict_add(exchange *x);

/* ---- what tools have said (guard_steps.c) ---- */

/* In the place of what may not be told. */
extern const span guard_withheld;
/* What of a tool's text may be told, behind what out holds. false: nothing; out has a sentence that
 * says so. */
MUST_USE bool guard_tool_text(exchange_guard *g, span text, buf *out);

/* *ret is in the exchange's arena; NULL: nothing is looked at. guard_of_run_done() ends it, or
 * NULL. false: as guards_of(). */
MUST_USE bool guard_of_run(exchange *x, exchange_guard **ret);
void guard_of_run_done(exchange_guard *g);
/* json: a step as its client is to read it, or a list of them. What may go out is put behind what
 * out holds. */
void guard_steps_write(exchange_guard *g, span json, buf *out);

#endif
