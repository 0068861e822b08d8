/* dialect/failure.h: why there is no answer: the one struct that says so, from an attempt to the
 * person who reads it.
 *
 * Made where the failure is known; whoever hands it on fills in what he alone knows. Its spans live
 * in the exchange's arena, or are constant.
 */
#ifndef WEIR_DIALECT_FAILURE_H
#define WEIR_DIALECT_FAILURE_H

#include "base/buf.h"
#include "base/shortage.h"
#include "http/message.h"

/* As far as retry, breaker and fallback care. */
typedef enum failure_class {
    FAIL_NONE,           /* no attempt's: weir itself refuses */
    FAIL_CONNECTION,     /* refused, reset, cut before any content reached the client: quick */
    FAIL_SILENT,         /* a deadline of ours passed */
    FAIL_MALFORMED,      /* an answer that is no answer */
    FAIL_OVERLOAD,       /* 408, 409, 500, 502, 503, 504, 529 and other 5xx */
    FAIL_LIMIT,          /* 429: the key has had its share for now; the target is well */
    FAIL_KEY,            /* 401, 402, 403, exhausted quota: this key cannot, another may */
    FAIL_CONTEXT_LENGTH, /* the prompt is too long for this model */
    FAIL_CONTENT_POLICY, /* the provider's own guard refused */
    FAIL_TARGET,         /* 404 and kin: this target cannot, another may */
    FAIL_REQUEST,        /* other 4xx: the request itself is at fault */
    FAIL_OUR_LIMIT,      /* larger than weir takes: it would be so again, and paid again */
    FAIL_OUR_SHORTAGE,   /* weir is short of what every target needs: nobody was asked */
    FAIL_OUR_WAY,        /* what leads to this target is short or broken on weir's side: another
                            target may be reached */
    FAIL_TLS,            /* the provider's certificate is wrong: never again at this target */
    FAIL_GONE,           /* cancelled by us or by the client: nobody's fault */
} failure_class;

/* Does it count against the target's breaker? */
bool failure_counts(failure_class f);
const char *failure_name(failure_class f); /* "overload", for logs and metrics */

/* What a provider's headers ask for. */
typedef struct retry_hint {
    int64_t after_ms; /* -1: none. retry-after-ms, then x-ms-retry-after-ms, then Retry-After in
                         seconds (fractions too) or as an HTTP date; a date in the past is 0. One
                         that cannot be read (signs, NaN, empty) counts as absent. Of a 429
                         without any: when its limit begins anew (call/hint.h) */
    int should_retry; /* x-should-retry: -1 absent, 0 false, 1 true */
} retry_hint;

typedef struct failure {
    shortage shortage; /* of FAIL_OUR_*; SHORTAGE_NONE: none */
    error_id error; /* ERR_NONE: none; ERR_PROVIDER_ERROR: the provider itself answered with one */
    failure_class class;
    int status;       /* for the client: the provider's own where it refused, else the table's */
    int refused_with; /* ERR_PROVIDER_REFUSED: the provider's own status; else 0 */
    span text;        /* for people */
    bool cut;         /* a provider's text, which goes on where it ends */
    span param;       /* the field at fault; empty: none */
    span code;        /* the provider's own word for it, without its key; empty: none */
    span body;        /* the provider's error in OpenAI's shape; empty: failure_body() makes one */
    http_headers headers;  /* of the provider's refusal, those that may cross */
    span request_id;       /* the provider's own */
    retry_hint hint;       /* the provider's own */
    bool sent;             /* the request had left: the provider may have acted on it */
    unsigned unasked;      /* the provider refuses what weir itself has put into the request: which
                              of OWN_* (provider/provider.h) */
    bool committed;        /* content has gone out already */
    bool client_may_retry; /* x-should-retry for weir's own client */
    int64_t client_after_ms; /* its retry-after; -1: none */
} failure;

/* Of the error table: status, sentence (where the error has no message), whether a retry may help.
 */
COLD failure failure_of(const weir_error *e);

/* What stands between texts that are put together, and behind what was cut. */
#define FAILURE_BETWEEN "; "
#define FAILURE_MORE    "\xe2\x80\xa6" /* an ellipsis */

/* How many bytes at the end of a text only say that it was cut. */
size_t failure_cut_marks(span text);

/* An error in OpenAI's shape: `{"error":{"message":…,"type":…,"param":…,"code":…}}`: the provider's
 * own, or one that is made here. */
void failure_body(const failure *f, buf *out);
/* The same where nobody sees the status that goes with it, since a head has gone out: the error
 * tells it, in its message, as `status`, and as its code where it has none. */
void failure_body_told(const failure *f, buf *out);

#endif
