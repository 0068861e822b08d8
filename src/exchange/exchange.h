/* exchange/exchange.h: one model call from request to record, no matter who asks.
 *
 * The request goes in through the stages of a plan (exchange/plan.h), which the door brings; the
 * answer comes back through a chain of filters (exchange/filter.h). An exchange belongs to its loop
 * and owns everything of its call in one arena.
 *
 * A door (the gateway, the library) starts an exchange and receives its answer
 * through exchange_door. door->done comes exactly once, last, and never from inside
 * exchange_start().
 */
#ifndef WEIR_EXCHANGE_EXCHANGE_H
#define WEIR_EXCHANGE_EXCHANGE_H

#include "access/caller.h"
#include "base/keeper.h"
#include "base/shares.h"
#include "cache/cache.h"
#include "call/call_wait.h"
#include "call/loop_snapshot.h"
#include "dialect/answer.h"
#include "loop/loop.h"
#include "observe/log.h"
#include "observe/metrics.h"

typedef struct exchange exchange;
typedef struct exchange_plan exchange_plan;

/* What the exchanges of one loop share. Owned by the door; outlives its exchanges. */
typedef struct exchange_env {
    loop *loop;
    const exchange_plan *plan; /* of exchanges that begin */
    loop_snapshot *snapshot;   /* in force: new exchanges take a reference */
    target_table *targets;
    metrics_shard *metrics;             /* NULL: nothing is counted */
    log_shard *log;                     /* NULL: nothing is logged */
    struct ledger_writer *ledger;       /* NULL: no records are kept */
    struct telemetry_writer *telemetry; /* NULL: nobody hears of calls */
    struct ledger *runs;                /* in whose store runs wait; NULL: none may */
    struct aside_lane *runs_lane;       /* with it: how it is written */
    struct alert_writer *alerts;        /* NULL: nobody watches over calls */
    struct pauses *pauses;              /* of clients, shared by all loops; NULL: there are none */
    struct tool_runner *tools;          /* what runs of models call; NULL: there are none */
    struct cache *cache;                /* shared by all loops; NULL: nothing is cached */
    struct far_link *far;               /* what several weirs keep; NULL: memory is all */
    struct key_memo *memo;              /* keys that were asked for before; NULL: none was */
    struct flight_desk *desk;           /* of the cache, this loop's; with it */
    struct limiter *limiter;            /* shared by all loops; NULL: nothing is limited */
    struct limit_desk *limit_desk;      /* where calls wait for it; NULL: none does */
    struct shared_link *shared;         /* the same over several weirs; NULL: they are not */
    bool proves;                        /* an audit trail is kept of calls' bytes */
    struct body_packer *packer;         /* and has what was asked and answered in it; NULL: not */
    const struct secret *audit_key;     /* that encrypts those; NULL: nothing does */
    bool patient;                       /* who asks has time: see call_spec.patient */
    unsigned open;                      /* exchanges in progress */
    unsigned open_children;             /* of them: those that another one started */
    unsigned streams;                   /* of them: those whose client has got a stream's head */
    shares calls;                       /* of those, per client: only where there are several */
    bool closing; /* the time to drain is over: new exchanges are refused with DRAINING */
    /* private to exchange/ */
    list running;
    list ended; /* freed by reap at the end of the turn */
    loop_hook reap;
    list spare; /* exchanges that are over, each with its first block, to be used again */
    unsigned spare_count;
    buf scratch;       /* for bytes that a form is about to hand out */
    arena event_arena; /* emptied when an event has gone through the chain */
    unsigned depth;    /* of events that are on their way: one may set off another's */
    /* Of a body that memo knows: what a scan of it finds, MEMO_MEMBERS at most. NULL: no question
     * was noted, as in a program without a cache, which is not linked with it. */
    bool (*known_members)(const exchange *x, span body, json_member *ret_members,
                          size_t *ret_count);
    metric_series *cache_calls[CACHE_VERDICTS]; /* what came of them; NULL: of none yet */
    struct token_memo *counted; /* texts that limits were told the length of; NULL: none was long */
    void *guard; /* what the guards of this loop share (exchange/guard.h); NULL: none did */
    void (*guard_free)(void *guard);
} exchange_env;

/* Sets up the private part; the door fills in the rest before and keeps it current. Call it before
 * the server's own hooks are added. */
void exchange_env_init(exchange_env *env);
/* No exchange may be running. */
void exchange_env_done(exchange_env *env);
/* Ends every running exchange with that error: what drain does when its time is up. One whose
 * answer is there already, and only waits to be recorded, is left to that. */
void exchange_env_fail_all(exchange_env *env, error_id why);

/* The shape in which the client asks and is answered; a constant, see exchange/forms.h. */
typedef struct exchange_form exchange_form;
extern const exchange_form form_openai; /* the bytes of OpenAI's API */
extern const exchange_form form_chat; /* POST /chat: {"message", …} → {"success", "response", …} */
/* POST /chat/functions: {"message", "tools", …} → {"success", "response", "steps", …} */
extern const exchange_form form_functions;
/* tools/call of the Model Context Protocol: a tool, and no model. With a plan of its own. */
extern const exchange_form form_mcp;
extern const exchange_form form_direct; /* a program: OpenAI's JSON, unframed */

/* A run that waits (ledger/paused.h) and is to go on. Its door's; as long as the exchange. The run
 * itself takes it out of the store, when its calls are about to be made: whatever ends it before
 * that leaves it waiting. */
typedef struct run_resume {
    span id;
    span state;         /* JSON, as the run has left it */
    json_value approve; /* true, false, or an object with one of them for each call, by its id */
} run_resume;
/* The client's own request, with which the run began, in the arena; empty: the state is none. */
span run_request_of(span state, arena *a);

/* All spans are borrowed until door->asked, door->done, or exchange_cancel() has returned. */
typedef struct exchange_request {
    const exchange_form *form;
    endpoint endpoint;
    span method;
    span path; /* below /v1 for form_openai and form_direct: "/chat/completions" */
    span query;
    span url_path; /* as the client has sent it, for telemetry; empty: nobody has sent one */
    /* Which of the paths there are that is, with names in the place of what differs:
     * "/openai/deployments/{deployment}/chat/completions"; empty: none that is known beforehand. */
    span route;
    http_headers headers;
    span body;
    span model; /* named by the path, which goes before the body; copied; empty: it names none */
    span peer;
    uint64_t holder;    /* whose call it is, as base/shares.h names holders; 0: nobody's */
    int64_t started_us; /* monotonic: when the request was complete */
    /* Monotonic: until when whoever asks waits, where that is sooner than timeouts.total; 0: as
     * long as it takes. */
    int64_t due_ms;
    /* The door has asked exchange_identify() already, with the configuration in force: its answer.
     */
    bool identified;
    caller caller; /* borrowed: the exchange takes its own reference */
    /* A step of another exchange on this loop, which must not have ended: then snapshot, caller and
     * deadline are the parent's, and it is cancelled when the parent ends. NULL: none. */
    exchange *parent;
    bool own; /* of a step: weir asks it for itself, so its client need not be allowed the model */
    span label;                /* what the record calls it; empty: by its form and endpoint */
    const exchange_plan *plan; /* NULL: the env's, or the parent's */
    const run_resume *resume;  /* NULL: it begins */
} exchange_request;

/* form_direct: event gets what the provider said, in OpenAI's form, without comments, the end
 * marker and the usage chunk that was not asked for; of a plain answer the one event, and then
 * answer with its bytes or with the error's. A stream that fails after its head is aborted, and one
 * that fails before it is answered. Of EP_OTHER what is neither JSON nor a stream comes as head,
 * pieces, and end or abort.
 *
 * After answer, end, abort or broken the exchange does not touch the request's spans any more; done
 * follows at the end of the loop's turn. */
typedef struct exchange_door {
    /* A whole answer, at once. Where a stream was asked for: an error, or one of an endpoint that
     * knows no streams. */
    void (*answer)(void *user, int status, http_headers headers, span body);
    /* The same of a large one, which may be kept; NULL: answer is given a copy of it. */
    void (*answer_kept)(void *user, int status, http_headers headers, const kept_text *body);
    /* Or a streamed one: head, pieces, and end, abort (which cuts it visibly) or broken. */
    void (*head)(void *user, int status, http_headers headers);
    void (*piece)(void *user, span bytes);
    /* A large piece, which may be kept; NULL: piece is given its parts. */
    void (*piece_kept)(void *user, const kept_text *piece);
    void (*event)(void *user, const answer_event *event); /* form_direct, in piece's place */
    void (*end)(void *user);
    void (*abort)(void *user);
    /* The last piece has said that the answer failed: what follows is no whole answer either, and
     * what was said must arrive. Never for form_direct. */
    void (*broken)(void *user);
    /* true: hold back; the door calls exchange_room() when there is room again. */
    bool (*full)(void *user);
    /* The exchange is over; it frees itself after this returns. */
    void (*done)(void *user);
    /* Content of a stream has gone out and nothing can be asked again: the spans of the request are
     * not borrowed any more. At most once, before the last word; NULL: nobody minds. */
    void (*asked)(void *user);
    /* Gives away the memory of the request's body, whose bytes do not move, with what is held of
     * the loop's account for it: one that is read on another thread, which may be at it when the
     * exchange is over. At most once, from inside exchange_start(); NULL: bodies of any size are
     * read on the loop, and stay borrowed. */
    buf (*hand_over)(void *user, memory_hold *ret_hold);
    /* Gives away the memory of the request's head, whose bytes do not move: its client has left, or
     * is left, and the call goes on without him. At most once; NULL: no call does. */
    http_head_memory (*hand_over_head)(void *user);
    /* The provider refused an attempt for its load (429, 503, 529), also where a retry follows
     * unseen; with how long nobody else may be asked either, as far as it told (-1: it did not).
     * NULL allowed. Never from inside exchange_start(); may cancel the exchange. */
    void (*refused)(void *user, int status, int64_t retry_after_ms);
    /* The call waits before a target is asked once more (call/call.h). NULL allowed. Never from
     * inside exchange_start(); may cancel the exchange. */
    void (*waits)(void *user, const call_wait *w);
    /* An attempt has found nobody there. Like refused. */
    void (*missed)(void *user);
    /* For a door that bounds how many calls are made at a time. A try has failed, and the next one
     * is made after a while: nothing is under way meanwhile. NULL allowed, of both. Never from
     * inside exchange_start(). */
    void (*rests)(void *user);
    /* That while is over. false: not yet; exchange_go_on() then. */
    bool (*wakes)(void *user);
} exchange_door;

/* Never NULL. Answers, when it can do so at once, through door->answer before it returns. */
exchange *exchange_start(exchange_env *env, const exchange_request *request,
                         const exchange_door *door, void *user);
/* For a call that the door itself refuses, so that it is a call all the same: recorded like any
 * other, and answered at once with the error in OpenAI's shape and these headers besides. */
exchange *exchange_start_refused(exchange_env *env, const exchange_request *request,
                                 const weir_error *why, http_headers more,
                                 const exchange_door *door, void *user);
/* The client has left: cancels what is under way at once, settles and records; door->done follows,
 * nothing else does. */
void exchange_cancel(exchange *x);
/* The same where it is known how they have parted: error_is_parting(). */
void exchange_cancel_for(exchange *x, error_id parting);
/* The door has room again. */
void exchange_room(exchange *x);
/* One that rests may go on, where door->wakes said that it might not. May end it. */
void exchange_go_on(exchange *x);
const char *exchange_request_id(const exchange *x);

/* What came of it, for doors that tell more than bytes. Valid from inside door->answer, end,
 * abort and broken, and after exchange_cancel(), until door->done has returned: a door that is
 * answered from inside exchange_start() asks then. */
const call_record *exchange_record(const exchange *x); /* settled */
error_id exchange_error(const exchange *x);            /* ERR_NONE: it was answered, to the end */
/* Of the answer whose head came, also where it then broke off; else of the refusal, the provider's
 * or weir's own of this request; where weir words a provider's refusal of its key, the provider's;
 * 0: nothing answered (no connection, a deadline, cancelled). */
int exchange_status(const exchange *x);
/* ---- where exchange_error() is not ERR_NONE ---- */
int64_t exchange_retry_after_ms(const exchange *x); /* the provider's hint; -1: none */
/* The error as JSON in OpenAI's shape: the provider's own, or one that is made here. */
void exchange_failure_body(const exchange *x, buf *out);
/* A plain sentence for people: chat.say.* of the configuration. */
void exchange_sentence(const exchange *x, buf *out);
/* For doors that fail a call themselves: a sentence of chat.say.* with the error in the place of
 * {error}. */
void sentence_fill(span sentence, span error, buf *out);

/* Whether a request's key is one of admin.keys; with neither admin's keys nor clients configured,
 * whoever asks is as good as one. *ret_number: which, from 1 on; 0: nobody has keys, or it is none.
 */
MUST_USE bool exchange_identify_admin(const config *c, http_headers headers, size_t *ret_number);

/* Whether a request may call at all: the identify stage's own question, for a door that wants to
 * refuse before it reads a large body, and for the paths that need a key without being a call. True
 * where no keys are configured (ret->client NULL then); *ret is the caller's to give back. peer:
 * the address that it comes from. false: *ret_error is the answer, its message in the arena. */
MUST_USE bool exchange_identify(const config *c, http_headers headers, span peer, arena *a,
                                caller *ret, weir_error *ret_error);

/* ---- the same step by step, for doors that know more keys than the configuration ---- */

/* Keys as the SDKs of several makers send them, in the order in which they count; empty: none. */
enum { EXCHANGE_KEYS = 4 };
typedef struct shown_key {
    span text;
    unsigned char hash[SHA256_LEN]; /* of a text that is not empty */
} shown_key;
void exchange_find_keys(http_headers headers, shown_key ret[EXCHANGE_KEYS]);
/* Whose the first is that is a client's of the configuration; NULL: nobody's. */
const config_client *exchange_find_client(const config *c, const shown_key keys[EXCHANGE_KEYS]);
/* Why keys that are nobody's let nobody in. */
weir_error exchange_stranger(const shown_key keys[EXCHANGE_KEYS]);
/* Whether a client whose key is right may come in now, and from there; false: likewise. */
MUST_USE bool exchange_may_enter(const config *c, const config_client *client, span peer, arena *a,
                                 weir_error *ret_error);

/* The client's own id of the request: its x-client-request-id, else its x-request-id. Empty: it has
 * sent none, or one that is longer than OpenAI allows or no printable ASCII. */
span exchange_client_id(http_headers headers);

/* An error in OpenAI's shape, for doors that refuse a request that is no call.
 * `{"error":{"message":…,"type":…,"param":…,"code":…}}` */
void exchange_error_body(const weir_error *e, buf *out);
/* The headers that go with it: x-should-retry, retry-after, retry-after-ms. Values live in the
 * arena. Returns how many were written (at most 4). */
size_t exchange_error_headers(const weir_error *e, arena *a, http_header *ret);

#endif
