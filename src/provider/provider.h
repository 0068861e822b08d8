/* provider/provider.h: how each kind of provider is asked, behind one struct of functions.
 *
 * Pure: no sockets, no clock. A provider turns weir's call into an HTTP request; what comes back is
 * read by the dialect that it speaks (dialect/dialect_ops.h).
 */
#ifndef WEIR_PROVIDER_PROVIDER_H
#define WEIR_PROVIDER_PROVIDER_H

#include "base/arena.h"
#include "base/errors.h"
#include "config/config.h"
#include "dialect/endpoint.h"
#include "dialect/outline.h"
#include "http/form.h"
#include "http/message.h"
#include "json/json.h"
#include "provider/credential.h"

/* What bounds the answer. */
typedef struct request_bounds {
    bool known;
    json_value max_tokens, max_completion_tokens; /* these names, as they stand in the body; NONE:
                                                     it has no such member */
    int64_t answer_tokens; /* of each choice, by the largest of them; -1: nothing bounds it */
} request_bounds;

/* Whether a member of that name bounds the answer, whatever its dialect. */
bool request_bounds_answer(json_value name);
/* Whether its value says so many at most. A count below 0 says any number. */
typedef enum bound_says { BOUND_NOTHING, BOUND_WITHIN, BOUND_BEYOND } bound_says;
bound_says request_bound_says(json_value value, int64_t most);

/* Of a body that is a form. */
typedef struct request_form {
    http_form frame; /* how its fields stand in the body */
    http_form_field model;
    int64_t choices; /* how many its `n` asks for; at least 1 */
} request_form;

/* What weir writes into a request by itself: where a provider refuses it, it does without. Of the
 * last two a form of weir's own says that it has them (request_facts.own). */
enum {
    OWN_USAGE = 1 << 0,       /* the option that asks for the usage chunk */
    OWN_BOUND_NAME = 1 << 1,  /* max_tokens, as a name; else the bound is max_completion_tokens */
    OWN_TEMPERATURE = 1 << 2, /* the configuration's, of which the client has said nothing */
};

/* What the parse stage found in the client's request. Spans point into body. */
typedef struct request_facts {
    endpoint endpoint;
    span method;
    span path;              /* below /v1: "/chat/completions" */
    span query;             /* the client's, without '?' */
    http_headers headers;   /* the client's; the provider picks those that may cross */
    span client_request_id; /* the client's own id of the request; empty: it sent none */
    span body;
    json_value root;          /* JSON_NONE where the body is no JSON */
    json_value model;         /* the member's value, JSON_NONE if absent */
    const request_form *form; /* NULL: the body is none, or nobody can be sure what it has */
    span model_name;          /* decoded; empty if absent */
    json_value stream_options;
    json_value include_usage; /* its member */
    bool stream;
    bool path_named;      /* the model, by the path; what the body calls it does not count */
    bool background;      /* a response that is made whether anybody listens or not */
    bool usage_asked;     /* the client itself asked for the usage chunk */
    uint8_t service;      /* the tier of service that is asked for: SERVICE_* (config/config.h) */
    bool stored;          /* its answer may be asked for again (`store`) */
    bool asks_no_model;   /* what a provider keeps is fetched, changed or removed */
    unsigned prompts;     /* of a completion; at least 1, else 1 */
    unsigned choices;     /* how many a complete answer has: as many as `n` says, of each prompt */
    outline_slot outline; /* of body: for request_outline_of() */
    /* Of body, where somebody has looked already: for request_bounds_of(). */
    request_bounds bounds;
    /* More than that the provider is not asked for, whatever body says; 0: as it says. */
    int64_t cap_tokens;
    bool bound_by_weir; /* its client has said no bound of its answer: what body says is weir's */
    unsigned own;       /* OWN_*: what body has of weir's */
} request_facts;

/* What the request asks in detail, made in the arena when it is first asked for: an ordinary call
 * needs none of it. Empty where the body is no JSON. NULL: the request has more of something than
 * an outline may have; facts->outline.fault says of what. */
const request_outline *request_outline_of(request_facts *facts, arena *a);

/* Of all members that a body has. */
request_bounds request_bounds_in(const json_member *members, size_t count);
/* facts->bounds, or what is found now, by a walk through the body's members. */
request_bounds request_bounds_of(const request_facts *facts);

/* One attempt's request. Everything is in the arena or borrowed from facts. */
typedef struct provider_request {
    span method;
    span path;            /* with query, ready for the request line */
    http_headers headers; /* without Host, Content-Length and Connection */
    const span *pieces;   /* of the body */
    size_t piece_count;
    unsigned own; /* OWN_*: what it has that weir can do without */
} provider_request;

/* What an attempt asks for. All of it is borrowed for the attempt. */
typedef struct provider_ask {
    const config_provider *provider;
    const request_facts *facts;
    span model;                   /* what it is asked for; empty: the client's own word */
    const credential *credential; /* NULL: none is sent */
    span traceparent; /* in the place of the client's, with tracestate; empty: the client's */
    span tracestate;  /* empty: none */
    unsigned without; /* OWN_*: what has been refused, and is left out */
    int64_t wall_us;  /* now, for what must be dated */
    arena *arena;     /* for what is made */
} provider_ask;

typedef struct provider_ops {
    /* Builds an attempt's request. On failure (a request this provider cannot express) false and
     * *ret_error. */
    bool (*build)(const provider_ask *ask, provider_request *ret, weir_error *ret_error);
    /* The dialect in which it answers at that endpoint. */
    dialect (*speaks)(endpoint e);
    /* What of OWN_*, all of which the request had, a refusal is about by its body. */
    unsigned (*refuses_own)(span body, unsigned own);
} provider_ops;

/* By the configuration's word (config/kinds.def). NULL for an unknown kind. */
const provider_ops *provider_find(span kind);

/* Whether a client's header may cross to a provider, and a provider's to a client (headers.c). What
 * that message's Connection names ends here. */
bool provider_header_out(span name, const http_hops *named);
bool provider_header_back(span name, const http_hops *named);
/* Whether it crosses and the answer may depend on it, as far as that can be told by its name. */
bool provider_header_steers(span name, const http_hops *named);

#endif
