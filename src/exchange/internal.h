/* exchange/internal.h: the exchange as its stages and filters see it. Private to the room. */
#ifndef WEIR_EXCHANGE_INTERNAL_H
#define WEIR_EXCHANGE_INTERNAL_H

#include "call/call.h"
#include "exchange/exchange.h"
#include "exchange/filter.h"

/* ---- stages ---- */

typedef enum stage_result {
    STAGE_NEXT,   /* go on */
    STAGE_WAIT,   /* something will call exchange_resume(), exchange_fail() or end the chain */
    STAGE_ANSWER, /* answered, or failed by exchange_fail(): straight to what always runs */
} stage_result;

typedef stage_result stage_fn(exchange *x);

/* One file each; the table is in stages.c. */
stage_fn stage_identify, stage_admit, stage_parse, stage_route, stage_call, stage_settle,
    stage_record;

/* ---- the exchange ---- */

struct exchange {
    list link; /* env->running, then env->ended */
    exchange_env *env;
    loop_snapshot *snapshot; /* counted: the one this exchange began with */
    exchange_request request;
    const exchange_door *door;
    void *user;
    arena arena;
    size_t stage;  /* index into the table: the one that runs, or waits */
    bool finished; /* settled and recorded */

    /* What the stages have found. */
    const config_client *client; /* NULL: no keys are asked */
    request_facts facts;
    const config_model *model;
    call *call;

    /* The way back. */
    filter *filters; /* the outermost from the provider: the first to get an event */
    filter *last_filter;
    answer_head head; /* of the provider's answer */
    bool has_head;
    bool head_sent;  /* the door has been given a head */
    int sent_status; /* its status */
    bool paused;
    int64_t content_events; /* of a stream: about one token each, for one that is cut */

    failure failure; /* why there is no answer; ERR_NONE otherwise */
    call_record record;
};

static inline const config *exchange_config(const exchange *x) {
    return x->snapshot->config;
}

/* Runs the stages from the one after the current: for a stage that has waited. */
void exchange_resume(exchange *x);
/* The answer is an error: notes it, for the stage to return STAGE_ANSWER. The message is made in
 * the exchange's arena; NULL: the table's sentence. */
stage_result exchange_refuse(exchange *x, error_id id, const char *param, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
/* The chain has ended: settles, records, and lets the last bytes go. Called by the last filter. */
void exchange_finish(exchange *x);

/* Notes weir's own share of the time so far: until the request left, and since the answer came. */
void exchange_note_own(exchange *x);
/* The headers of every answer of this exchange: x-request-id, and x-weir-* once a call was made;
 * with an error also x-should-retry and retry-after. Adds up to EXCHANGE_HEADERS_MAX to h. */
enum { EXCHANGE_HEADERS_MAX = 8 };
size_t exchange_own_headers(exchange *x, http_header *h);
/* The same, with those of the provider that may cross, and the content type given. In the arena. */
http_headers exchange_headers(exchange *x, http_headers crossing, span content_type);
/* A whole answer with the provider's own status and type, and an error that nothing has been said
 * before (body empty: in OpenAI's shape): both the last word. */
void exchange_answer(exchange *x, span body);
void exchange_answer_failure(exchange *x, span body);
/* Gives the door a piece and heeds its back-pressure. */
void exchange_piece(exchange *x, span piece);

/* Sends `: keep-alive` while a stream is silent (server.keep_alive_comment), the head before it if
 * need be. A member of the last filter. */
typedef struct keep_alive {
    timer timer;
    exchange *x;
    int64_t last_ms; /* when the client last got something */
} keep_alive;
void keep_alive_start(keep_alive *k, exchange *x);
void keep_alive_stop(keep_alive *k);
/* The head of an event stream, once. */
void exchange_stream_head(exchange *x);

/* Reads /chat's body into x->facts, as a chat completion's (parse_chat.c). */
stage_result parse_chat(exchange *x);
/* Reads the members that weir acts on from a body that is a chat completion, completion … */
stage_result parse_openai(exchange *x, span body);

#endif
