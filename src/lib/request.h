/* lib/request.h: a request as its maker builds it, and the body that it comes to. Private to the
 * room. */
#ifndef WEIR_LIB_REQUEST_H
#define WEIR_LIB_REQUEST_H

#include "base/buf.h"
#include "dialect/endpoint.h"

#include <weir.h>

typedef struct request_field {
    char *name;
    char *value; /* of a member: JSON */
} request_field;

typedef struct request_fields {
    request_field *items;
    size_t count;
} request_fields;

struct weir_request {
    request_fields members; /* of the body, without its messages */
    request_fields headers;
    buf messages; /* JSON objects, separated by commas */
    buf body;     /* the whole of it; else empty */
    bool has_body;
    char *path;   /* NULL: chat completions */
    char *method; /* NULL: POST, to an endpoint that weir knows; else any call, as it is */
    char *type;   /* of that one's body; NULL: it has none */
    bool keep_headers;
    int64_t timeout_ms;
    weir_wait_fn *on_wait; /* NULL: nobody hears of waits */
    void *wait_user;
    buf fault; /* the first thing that was wrong; empty: none */
};

/* The path below the base URL, with its query. */
const char *request_path(const weir_request *r);
/* What is there, whatever the query; EP_OTHER: nothing that weir knows. */
endpoint request_endpoint(const weir_request *r);

/* Whether it is a call of weir_request_set_call(). */
bool request_is_other(const weir_request *r);

/* Of one that is a part of something else. */
void request_done(weir_request *r);
/* Everything of a request but its body: where it goes, and how. to is a new one. */
void request_copy_way(const weir_request *from, weir_request *to);
/* The first that is told is the request's result. */
void request_spoil(weir_request *r, span why);

/* In the place of NULL: a request that says so. To be freed with weir_request_free(). */
MUST_USE weir_request *request_none(void);

/* Writes the body as it is sent: with a model, and with `stream` as the call wants it. model: for a
 * request that has none; NULL: it stays so. *ret_model: what it then has, nothing where that is no
 * name. false: *ret_why says what is wrong with the request. */
MUST_USE bool request_write_body(const weir_request *r, const char *model, bool stream, buf *out,
                                 buf *ret_model, buf *ret_why);

#endif
