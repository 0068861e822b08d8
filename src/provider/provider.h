/* provider/provider.h: providers' wire formats. One file per provider behind one struct of
 * functions.
 *
 * Pure: no sockets, no clock. A provider turns weir's call into an HTTP request, and what comes
 * back into OpenAI's form and into facts that weir acts on.
 */
#ifndef WEIR_PROVIDER_PROVIDER_H
#define WEIR_PROVIDER_PROVIDER_H

#include "base/arena.h"
#include "config/config.h"
#include "dialect/answer.h"
#include "dialect/endpoint.h"
#include "dialect/failure.h"
#include "dialect/outline.h"
#include "http/message.h"
#include "http/sse.h"
#include "json/json.h"
#include "observe/record.h"

/* What the parse stage found in the client's request. Spans point into body. */
typedef struct request_facts {
    endpoint endpoint;
    span method;
    span path;            /* below /v1: "/chat/completions" */
    span query;           /* the client's, without '?' */
    http_headers headers; /* the client's; the provider picks those that may cross */
    span body;
    json_value root;  /* JSON_NONE where the body is no JSON */
    json_value model; /* the member's value, JSON_NONE if absent */
    span model_name;  /* decoded; empty if absent */
    json_value stream_options;
    bool stream;
    bool usage_asked;     /* the client itself asked for the usage chunk */
    unsigned choices;     /* `n`: how many choices a complete answer has; at least 1 */
    outline_slot outline; /* of body: for request_outline_of() */
} request_facts;

/* What the request asks in detail, made in the arena when it is first asked for: an ordinary call
 * needs none of it. Empty where the body is no JSON. NULL: the request has more of something than
 * an outline may have; facts->outline.fault says of what. */
const request_outline *request_outline_of(request_facts *facts, arena *a);

/* One attempt's request. Everything is in the arena or borrowed from facts. */
typedef struct provider_request {
    span method;
    span path;            /* with query, ready for the request line */
    http_headers headers; /* without Host, Content-Length and Connection */
    const span *pieces;   /* of the body */
    size_t piece_count;
} provider_request;

/* What a failed answer says. */
typedef struct provider_refusal {
    failure_class class;
    span body;    /* an error in OpenAI's shape, secrets removed; in the arena */
    span message; /* its message, for the log */
    span code;
} provider_refusal;

/* What one event of a stream, or a plain answer, says: all that weir acts on. */
typedef struct answer_facts {
    bool is_json;
    bool has_content;   /* text, refusal, reasoning or a tool call: something a user would see */
    unsigned finished;  /* choices that got their finish_reason here (completions), or 1 for the
                           event  that ends a response */
    bool is_error;      /* an error event, or an error where an answer should be */
    bool failed;        /* the event that ends a response says that it failed; error says why */
    bool is_usage_only; /* the usage chunk: choices is [] and usage is an object */
    bool has_usage;
    token_usage usage;
    span finish_reason; /* empty: none */
    json_value error;   /* is_error, failed: the error object */
} answer_facts;

typedef struct provider_ops {
    /* Builds an attempt's request. target_model: empty means the client's own word. key may be
     * NULL. On failure (a request this provider cannot express) false and *ret_error. */
    bool (*build)(const config_provider *p, const request_facts *facts, span target_model,
                  const secret *key, arena *a, provider_request *ret, weir_error *ret_error);
    /* Reads an answer whose status is not 2xx. */
    void (*refuse)(int status, http_headers headers, span body, const secret *key, arena *a,
                   provider_refusal *ret);
    /* Turns a complete plain 2xx body into OpenAI's form: *ret_body may borrow body. false: it is
     * no answer (malformed). */
    bool (*plain)(const request_facts *facts, span body, arena *a, span *ret_body,
                  answer_facts *ret_facts);
    /* Turns one event into OpenAI's form; ret_event may borrow in. Returns false to leave it out.
     */
    bool (*event)(const request_facts *facts, const sse_event *in, arena *a, sse_event *ret_event,
                  answer_facts *ret_facts);
    /* The data of the event that ends a stream ("[DONE]"), or NULL where the end of the body ends
     * it. */
    const char *done;
} provider_ops;

/* By the configuration's word (config/kinds.def). NULL for an unknown kind. */
const provider_ops *provider_find(span kind);

/* Whether a client's header may cross to a provider, and a provider's to a client (headers.c).
 * connection_value is that message's Connection field, whose names end here; may be empty. */
bool provider_header_out(span name, span connection_value);
bool provider_header_back(span name, span connection_value);

#endif
