/* observe/record.h: what is known of one call when it has ended. The log line and the metrics
 * are both written from it, so they cannot disagree.
 *
 * Filled by the exchange; spans live in its arena. Durations are microseconds of the monotonic
 * clock; -1: does not apply (a failed call has no first token).
 */
#ifndef WEIR_OBSERVE_RECORD_H
#define WEIR_OBSERVE_RECORD_H

#include "base/errors.h"
#include "base/random.h"
#include "observe/trace_context.h"

typedef struct token_usage {
    int64_t prompt;     /* all input, cached included; -1: not known */
    int64_t completion; /* all output, reasoning included */
    int64_t total;
    int64_t cached;      /* part of prompt; -1: not told */
    int64_t reasoning;   /* part of completion */
    int64_t cache_write; /* part of prompt, as those below: put into the provider's cache */
    int64_t audio_prompt;
    int64_t image_prompt;
    int64_t audio_completion; /* part of completion */
    bool estimated;           /* weir's own guess is in it: the provider told not all */
    uint8_t service;          /* SERVICE_*: the tier of service that answered (config/config.h) */
} token_usage;
extern const token_usage token_usage_unknown;

/* How a call ended, whoever is to blame, for its client: */
typedef enum call_outcome {
    CALL_OK,        /* answered whole */
    CALL_FAILED,    /* got an error, and nothing of an answer */
    CALL_CUT,       /* an answer had begun, and was not ended */
    CALL_CANCELLED, /* left */
    CALL_OUTCOMES
} call_outcome;
span call_outcome_word(call_outcome o); /* "ok", for logs and metrics */

/* One attempt of a call, however it ended: lost hedges and broken streams have used something too.
 * Spans live in the exchange's arena. *_us: monotonic instants; 0: it did not come to that. */
typedef struct attempt_record {
    span target;       /* "openai/gpt-4o-mini" */
    span target_label; /* the same in the configuration's words alone; bounded, for metrics */
    bool hedge;
    const char *outcome; /* "ok", "cancelled" (weir stopped it: a lost hedge, a client that left,
                            the deadline over all), else why it failed: "overload"; constant. NULL:
                            it still runs */
    int status;          /* the provider's; 0: none came */
    span provider_request_id; /* empty: none was told */
    token_usage usage;        /* as far as it was told; prompt -1: not at all */
    int64_t began_us, sent_us, head_us, first_content_us, ended_us;
    int64_t cost_nano; /* -1: no price is known */
    uint64_t span_id;  /* of its span; 0: it has none */
} attempt_record;

enum { RECORD_USER_MAX = 256, RECORD_USAGE_MAX = 2048 }; /* bytes */

typedef struct call_record {
    char request_id[ID_LEN + 1];
    char trace_id[TRACE_ID_HEX + 1]; /* of the trace that it is a part of; empty: of none */
    char parent_id[ID_LEN + 1];      /* of the call that this one is a step of; empty: none */
    int64_t started_wall_us;
    int64_t started_us; /* monotonic: when the request was complete */
    span client;        /* name of the client key; empty: none asked */
    span environment;
    span user;              /* whom the client names as its own user; bounded; empty: nobody */
    span tags;              /* "team=search,feature=chat": the client's own, bounded; empty: none */
    span peer;              /* the client's address; empty: not known */
    span client_request_id; /* its own; bounded, printable ASCII; empty: it sent none */
    span endpoint;          /* "chat.completions", "embeddings", "chat" … */
    span model;        /* the client's word; a client's text: bounded and escaped where shown */
    span model_label;  /* the configured model entry that matched; bounded, for metrics */
    span target;       /* "openai/gpt-4o-mini": the one that answered, or was asked last */
    span target_label; /* the same in the configuration's words alone; bounded, for metrics */
    span provider_request_id;
    span finish_reason;          /* the provider's last; "unfinished": its stream ended well, but
                                    without one */
    unsigned attempts;           /* tries that were made, hedges included */
    const attempt_record *tries; /* each of them, in the order in which they began */
    unsigned hedges;
    call_outcome outcome;
    int status;      /* to the client; 499 where it left */
    error_id error;  /* ERR_NONE for an answer; PROVIDER_ERROR for a provider's own, passed through,
                        also  where its stream says at its end that it has failed */
    span error_text; /* for people; never holds a secret */
    bool stream;
    uint64_t bytes_in;       /* request body */
    uint64_t bytes_out;      /* answer body */
    unsigned skipped_events; /* events of a stream that were no JSON */
    token_usage usage;
    span proof;      /* members of a JSON object, for an audit trail; empty: nobody keeps one */
    span usage_text; /* the provider's object, as it came last; bounded; empty: not kept */
    span guard;      /* what its guards have found: "out.card.block=1,in.email.redact=2"; bounded */
    span cache; /* what the cache did: hit, miss, coalesced, bypass; constant; empty: not asked */
    double similarity;  /* of its question to the one whose answer was given; 0: it is the same, or
                           none was */
    int64_t saved_nano; /* what it would have cost, where the cache has spared it; else 0; -1: no
                           price is known */
    int64_t cost_nano;  /* nano units of the prices' currency; -1: no price is known */
    int64_t first_byte_us;  /* request complete → provider's head */
    int64_t first_token_us; /* request complete → first content to the client */
    int64_t own_us;         /* weir's own share of the time */
    int64_t total_us;
} call_record;

#endif
