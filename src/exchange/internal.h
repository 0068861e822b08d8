/* exchange/internal.h: the exchange as its stages and filters see it. Private to the room.
 *
 * Legal states:
 *
 *   phase       wait  source  the chain                       how it goes on
 *   ASKING      -     -       stands, silent                  a stage is on the stack
 *   ASKING      set   -       stands, silent                  exchange_resume(); deadline; cancel
 *   ANSWERING   -     set     has begun                       the source's head, events, end, fail
 *   ANSWERING   -     -       a filter holds the end back     filter_release(); deadline; cancel
 *   CLOSING     -     -       has ended or failed             an always-row is on the stack
 *   CLOSING     set   -       has ended or failed             exchange_resume()
 *   OVER        -     -       done                            door->done at the end of the turn
 *
 * failure.error is ERR_NONE until it is known that there is no answer. What has gone to the door:
 * head_sent (and sent_status where it was a head and not a whole answer).
 */
#ifndef WEIR_EXCHANGE_INTERNAL_H
#define WEIR_EXCHANGE_INTERNAL_H

#include "call/call.h"
#include "dialect/answer_large.h"
#include "dialect/dialect_ops.h"
#include "dialect/usage_guess.h"
#include "exchange/filter.h"
#include "exchange/forms.h"
#include "exchange/proof.h"

typedef enum exchange_phase {
    PHASE_ASKING,
    PHASE_ANSWERING,
    PHASE_CLOSING,
    PHASE_OVER
} exchange_phase;

/* ---- waiting (stages.c) ----
 *
 * A stage that cannot go on at once embeds a stage_wait in what it keeps in the arena, has
 * something else complete it, calls exchange_wait() and returns STAGE_WAIT. The completion calls
 * exchange_resume(), never from inside the stage's own call. An exchange waits for one thing at a
 * time.
 *
 * When the exchange ends first (its client leaves, its deadline passes, the process drains), cancel
 * is called, w->x is NULL from then on, and the completion must not come: what cannot be called
 * back (work on another thread) keeps a job of its own on the heap, which looks whether its wait is
 * still there, never the other way round alone. A row that always runs may wait too (for a disk);
 * its wait is ended by its completion alone. */
typedef struct stage_wait {
    exchange *x; /* NULL: nobody waits any more */
    void (*cancel)(struct stage_wait *w);
} stage_wait;

void exchange_wait(exchange *x, stage_wait *w, void (*cancel)(stage_wait *w));
/* STAGE_NEXT, or STAGE_ANSWER after exchange_refuse(). */
void exchange_resume(stage_wait *w, stage_result result);

/* ---- sources (source.c) ----
 *
 * Whatever answers feeds the chain through these. It never does so from inside the function that
 * starts it; after cancel it is silent. While any filter or the door holds back it is paused: what
 * it says all the same waits. */
typedef struct answer_source answer_source;
typedef struct answer_source_ops {
    void (*pause)(answer_source *s);
    void (*resume)(answer_source *s);
    void (*cancel)(answer_source *s);
} answer_source_ops;
struct answer_source {
    const answer_source_ops *ops;
};

/* By a stage that has found who answers, which then returns STAGE_WAIT; the chain begins after
 * that. */
void exchange_feed_from(exchange *x, answer_source *s);
void exchange_take_head(exchange *x, const answer_head *head);
void exchange_take_event(exchange *x, const answer_event *event);
/* Either is the source's last word. */
void exchange_take_end(exchange *x);
void exchange_take_failure(exchange *x, const failure *f);

/* Why a source is paused: the door is full, or some filter holds. */
enum { PAUSE_DOOR = 1 << 0, PAUSE_FILTER = 1 << 1 };
void exchange_pause(exchange *x, unsigned why);
void exchange_unpause(exchange *x, unsigned why);
/* The source is not wanted any more. */
void exchange_drop_source(exchange *x);

/* ---- the end (close.c) ---- */

typedef enum close_how {
    CLOSE_ANSWER, /* a whole answer: status, headers, body */
    CLOSE_END,    /* of a stream: body is its last piece, empty: none */
    CLOSE_BROKEN, /* of a stream: body is its last piece, which says that it failed */
    CLOSE_ABORT,
    CLOSE_CUT, /* nobody is there to be told */
} close_how;

/* Borrowed by exchange_close(), which copies what must outlive it. */
typedef struct last_word {
    close_how how;
    int status;
    http_headers headers;
    span body;
    kept_text kept; /* CLOSE_ANSWER: in body's place, where it has a byte_keeper */
} last_word;

/* ---- a large request (parse_large.c) ---- */

/* What a body that was parsed on another thread is, and what was made of it there: the exchange's
 * own. */
struct large_request {
    unsigned refs; /* the loop's thread alone counts */
    loop *loop;
    buf body;
    memory_hold hold; /* of body, in the loop's account */
    arena arena;
    struct arena outlined;            /* the outline that its facts have, where they have one */
    int64_t prompts[TOKENS_FAMILIES]; /* tokens, by whose vocabulary; -1: not counted */
    bool proven;                      /* sha256 is the body's */
    unsigned char sha256[SHA256_LEN];
    int64_t
        *sizes; /* exchange/request_sizes.h, of what is bounded; in the arena; NULL: nothing is */
};

/* NULL is allowed, of both. drop: body and arena are not needed any more. */
void large_request_drop(large_request *l);
/* Gives back a reference. */
void large_request_free(large_request *l);
large_request *large_request_ref(large_request *l);
/* Its body is another now, which is taken over: nobody points into the one that it was. */
void large_request_become(large_request *l, buf *body);

/* ---- the exchange ---- */

struct exchange {
    list link; /* env->running, then env->ended */
    exchange_env *env;
    const exchange_plan *plan;
    unsigned lacks;                  /* NEEDS_*: what is not there, of what rows need */
    loop_snapshot *snapshot;         /* counted: the one this exchange began with */
    const exchange_request *request; /* in asking; when what was asked is forgotten, an empty one */
    arena asking; /* the request, what attempts send, and the headers that come back; given back
                     with what was asked */
    /* Of the request, what is wanted until the end. */
    const exchange_form *form;
    endpoint endpoint;
    exchange *parent;
    uint64_t holder;
    int64_t started_us;
    const exchange_door *door;
    void *user;
    arena arena;
    exchange_phase phase;
    size_t stage;  /* index into the plan's rows: the one that runs, or waits */
    size_t begun;  /* of the rows before the answer: how many were called */
    bool on_stack; /* a stage is */
    stage_wait *wait;
    void **stage_data; /* by row; NULL: nobody keeps any */
    timer deadline;    /* runs from the first wait or hold on; a call to providers has its own */
    int64_t began_ms;
    int64_t queued_us;   /* that it has waited for a limit */
    int64_t deadline_ms; /* of the whole exchange */
    bool due;            /* it is the asker's own, no option's */
    list children;
    list sibling; /* in the parent's children */

    /* What the stages have found. */
    caller caller;               /* counted */
    const config_client *client; /* of it; NULL: no keys are asked */
    request_facts facts;
    arena outlined; /* facts.outline, for exchange_outline(); given back with what was asked */
    large_request *large; /* facts point into it; NULL: the request is none */
    const config_model *model;
    const affinity_place *made_at; /* what is named; NULL: nothing is, or nobody knows where */
    const call_gate *gate;         /* of its call; NULL: nothing keeps it from a target */
    call *call;                    /* NULL: none was made */
    struct cache_use *cache;       /* exchange/cache_use.h; NULL: the cache is not asked */
    uint64_t asked_hash;           /* of what is asked, for alerts; 0: nobody wants to know */
    bool given;                    /* nobody is asked: the answer is there already, or comes
                                      to another call */
    int64_t age_s;                 /* of a stored answer that is given; -1: it is none */
    /* Its client has left. true: the answer is wanted all the same; NULL: by nobody. */
    bool (*stays)(exchange *x);
    error_id parting;           /* why the client is not there any more; ERR_NONE: it is */
    http_head_memory head_kept; /* of the request, when its client has left; else it is borrowed */
    struct exchange_trace *trace;       /* exchange/trace.h; NULL: nobody traces it, or not yet */
    const trace_context *trace_context; /* its own; NULL likewise */
    bool runs; /* it asks nobody itself: its steps do (exchange/functions.h) */
    struct functions_run *functions; /* exchange/functions.h; NULL: it is no run, or not yet */
    struct tool_use *tool_use;       /* exchange/tool_use.h; NULL: no client calls a tool */

    /* The way back. */
    answer_source *source; /* NULL: none yet, or it has said its last word */
    unsigned pauses;       /* PAUSE_* */
    filter *filters;       /* the innermost: the first to get an event */
    unsigned want;         /* WANT_*, of all filters */
    bool may_hold;         /* one of them may, at any event */
    answer_head head;      /* of the answer */
    bool has_head;
    bool head_told;               /* the form has been given it: no filter keeps it back */
    bool head_sent;               /* the door has been given a head */
    bool streams;                 /* that was a stream's: it is one of env->streams */
    bool told_failed;             /* the answer has said, as its last event, that it failed */
    const answer_envelope *named; /* as the first event of a response's stream names it, where some
                                     filter wants envelopes; NULL: not yet */
    int sent_status;              /* its status */
    int64_t prompt_guess;         /* tokens; -1: nobody has wanted to know yet */
    token_family prompt_family;   /* by whose vocabulary */
    answer_guess *answered;       /* what has come; NULL: nothing that counts */
    struct exchange_guard *guard; /* exchange/guard.h; NULL: no text of it is looked at */
    exchange_proof *proof;        /* NULL: no audit trail is kept */
    bool reserved;                /* the ledger has it, and is owed its end */
    bool holds_share;             /* of limits.calls, as its client's */
    unsigned char guarded;        /* guard_action: the gravest thing that its guards have done */
    uint64_t shaped;           /* by guards and bounds: an answer that is kept is for those whose is
                                  shaped alike; 0: not at all */
    http_headers more_headers; /* that stages want on whatever is answered: up to
                                  EXCHANGE_MORE_HEADERS_MAX, in the arena */
    bool asked;                /* the request's spans are gone */
    bool recorded; /* CLOSING: the rows that always run have; steps may still be at it */
    last_word
        *last; /* CLOSING: what is said when all have run; NULL before, and when it was said */
    byte_keeper *plain_keeper; /* of the bytes of a large plain answer that comes late; NULL */
    char finish_reason[64];    /* the record's */
    char *usage_text;          /* likewise; NULL: nothing has been kept */
    size_t usage_text_cap;

    failure failure; /* why there is no answer; ERR_NONE otherwise */
    call_record record;
};

/* Asked behind whatever was told: whoever hears of it may end the exchange, which frees what its
 * filters keep. */
static inline bool exchange_goes_on(const exchange *x) {
    return x->phase == PHASE_ANSWERING;
}

static inline const config *exchange_config(const exchange *x) {
    return loop_snapshot_config(x->snapshot);
}

/* Takes over the reference. */
static inline void exchange_set_caller(exchange *x, caller c) {
    x->caller = c;
    x->client = c.client;
}

/* In which the client asks, and its answer's events come. */
static inline const dialect_ops *exchange_dialect(const exchange *x) {
    return dialect_get(endpoint_get(x->facts.endpoint)->dialect);
}

/* The running row's own pointer, NULL at first, for its run and done: what it keeps lives in the
 * arena. */
void **exchange_stage_data(exchange *x);
/* What it points to; makes no room for it. */
void *exchange_stage_kept(const exchange *x);

/* The answer is an error: notes it, for the stage to return STAGE_ANSWER. The message is made in
 * the exchange's arena; NULL: the table's sentence. */
COLD stage_result exchange_refuse(exchange *x, error_id id, const char *param, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

/* ---- between the files of the room ---- */

/* So much more of the answer's body goes out. */
static inline void exchange_count_out(exchange *x, span bytes) {
    x->record.bytes_out += bytes.len;
    if (x->proof && x->proof->answer) sha256_stream_add(x->proof->answer, bytes);
}
static inline void exchange_count_out_kept(exchange *x, const kept_text *t) {
    exchange_count_out(x, t->before);
    exchange_count_out(x, t->bytes);
    exchange_count_out(x, t->after);
}

/* stages.c */
void exchange_run(exchange *x); /* from the first stage */
void exchange_drop_wait(exchange *x);
/* Fails it now, whoever holds or waits: the deadline, the end of the process. */
void exchange_fail_now(exchange *x, const failure *f);
/* The deadline is watched from now on: where something waits that has no deadline of its own. */
void exchange_watch_deadline(exchange *x);
timer_fn exchange_on_deadline;
/* The rest of the rows that always run, from this one on; true when all have. */
bool exchange_run_always(exchange *x, size_t from);
void exchange_rows_done(exchange *x);

/* source.c: around whatever is given to a chain, or said to a door: what is made for its time
 * alone, in env->event_arena, is gone when nothing is under way any more. */
enum { EVENT_ARENA_BYTES = 2048 };
void exchange_enter(exchange_env *env);
void exchange_leave(exchange_env *env);
/* After the last word of whatever fed the chain. A filter may keep that back; then nothing but the
 * deadline is left to hurry it. */
void exchange_watch_rest(exchange *x);

/* filter.c: what is given to a filter, or waits while it holds. */
void chain_head(filter *f, const answer_head *head);
void chain_event(filter *f, const answer_event *event);
void chain_end(filter *f);
void chain_fail(filter *f);
/* What is large stays where it is until the exchange is freed. */
void exchange_keep_plain(exchange *x, byte_keeper *k);
/* The event as it is to be given on: the bytes of a plain answer move to the exchange's arena, as
 * they are wanted until the end, whenever that comes. */
const answer_event *chain_keep_plain(exchange *x, const answer_event *event);
/* Nothing is held or waits from the first filter up to this one, which is included; NULL: all. */
void chain_clear(exchange *x, const filter *last);
/* Likewise up to this one, and nothing more is given to them; the source is dropped. false: there
 * is nothing to be cut off any more. */
bool chain_cut(filter *f);

/* close.c. The answer is over, one way or the other: what is under way is cancelled, the rows that
 * always run do, and then the door has its last word. The only end there is. Nothing happens where
 * it has come already. */
void exchange_close(exchange *x, const last_word *w);
/* Says it, once all rows have run and no step is left. */
void exchange_say_last(exchange *x);
/* What the record points to becomes the exchange's own: whose it was may go. */
void exchange_own_record(exchange *x);

/* exchange.c */
/* The deadline, from the exchange's start. */
void exchange_set_total(exchange *x, int64_t total_ms);
/* Of its arena. The first block has a call with nothing on, or with a guard, and with the cache on
 * what that has of it; the second what everything adds to it: an open stream has both for as long
 * as it lasts. */
enum { EXCHANGE_FIRST_BYTES = 3040, EXCHANGE_CACHED_BYTES = 768, EXCHANGE_SECOND_BYTES = 1920 };
http_headers exchange_headers_dup(arena *a, http_headers in);
/* filter_ids.c: of a completion that weir makes, or whose provider's ids repeat; of its request's.
 */
span exchange_completion_id(const exchange *x, arena *a);

/* ---- for forms ---- */

/* A comment has sent the head before anybody answered, or in the place of a plain answer's: the
 * status of a failure is to be told in words. */
static inline bool exchange_status_is_hidden(const exchange *x) {
    return x->head_sent && (!x->head_told || x->head.kind == ANSWER_PLAIN);
}
/* Notes weir's own share of the time so far: until the request left, and since the answer came. */
void exchange_note_own(exchange *x);
/* The headers of every answer of this exchange: x-request-id, the client's own, x-weir-* once a
 * call was made, what stages want; with an error also x-should-retry and retry-after. Adds up to
 * EXCHANGE_HEADERS_MAX to h. */
enum { EXCHANGE_MORE_HEADERS_MAX = 11, EXCHANGE_HEADERS_MAX = 12 + EXCHANGE_MORE_HEADERS_MAX };
size_t exchange_own_headers(exchange *x, http_header *h);
/* The same, with those of the provider that may cross, and the content type given. In the loop's
 * event_arena: for the time of what the door is told. */
http_headers exchange_headers(exchange *x, http_headers crossing, span content_type);
/* Closes with a whole answer: with the provider's own status and type, and with an error that
 * nothing has been said before (body empty: in OpenAI's shape). */
void exchange_answer(exchange *x, span body);
void exchange_answer_kept(exchange *x, const kept_text *body);
void exchange_answer_failure(exchange *x, span body);
/* Closes a stream; last: its last piece, or empty. */
void exchange_end_stream(exchange *x, span last);
void exchange_abort_stream(exchange *x);
/* Breaks a stream off; last: its last piece, an error that clients of this form may overlook. */
void exchange_break_stream(exchange *x, span last);
/* The head of an answer in pieces, once. */
void exchange_send_head(exchange *x, int status, http_headers crossing, span content_type);
/* The head of an event stream, once. */
void exchange_stream_head(exchange *x);
/* Gives the door a piece, or an event, and heeds its back-pressure. */
void exchange_piece(exchange *x, span piece);
void exchange_piece_kept(exchange *x, const kept_text *piece);
void exchange_event(exchange *x, const answer_event *event);

/* ---- affinity.c: what providers keep ---- */

/* Finds where what the request names was made: x->made_at. Goes through the body. */
void affinity_look_up(exchange *x, int64_t now_ms);
/* The same, unless it was done where a large body was parsed; and sees to it that what is made of
 * the request is remembered. */
void affinity_route(exchange *x);

/* exchange.c: what is asked, outlined once for all who want to know; NULL as request_outline_of().
 * It is gone when the request is, and is not for another thread. */
const request_outline *exchange_outline(exchange *x);
/* It has become another. */
void exchange_drop_outline(exchange *x);

/* ---- estimate.c: for a provider that does not tell what the call used ---- */

/* Counts what the event says, which has come with its parts. */
void estimate_answer(exchange *x, const answer_event *event);
/* The provider has told what was used until now. */
void estimate_told(exchange *x);
/* Counts a large request, where it is parsed, for all who may answer it. */
void estimate_large(const exchange *x, large_request *l);
/* What was asked is about to be given back. */
void estimate_before_drop(exchange *x);
/* What the call used: as the provider told; what it said after it had told is estimated and added,
 * and so is all that it did not tell, and that is marked. */
token_usage settle_usage(exchange *x);
/* The tokens of what is asked, which is only counted when somebody wants to know. */
int64_t estimate_prompt(exchange *x);

/* Notes why the answer, or the last choice of it, ends: the record's. */
void settle_reason(exchange *x, span reason);

/* stage_parse.c: reads x->request, by its form, into x->facts; a refusal into x->failure. Of x
 * that, client, snapshot, arena and record are all it touches, so that it may be a copy on another
 * thread. */
stage_fn parse_request;
/* parse_large.c: whether another thread is to do so; and has it do it. */
bool parse_is_large(const exchange *x);
stage_fn parse_large;
/* What form_openai and form_direct read: the members that weir acts on. */
stage_fn parse_openai;
/* What a request's JSON is held to, and the refusal of what is not as it should be. */
json_limits parse_limits(const exchange *x);
stage_result parse_bad_json(exchange *x, span body, const json_fault *fault);
/* Checks x->facts.model and reads its name (stage_parse.c). */
stage_result parse_model(exchange *x);
/* Whether it matters to somebody which model a body names: also where the path names one, as who
 * reads the body may go by that. */
bool parse_model_matters(const exchange *x);

#endif
