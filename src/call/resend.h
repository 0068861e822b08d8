/* call/resend.h: what follows when a receiver of something of weir's own (telemetry, alerts) has
 * answered, or has not. Pure: no I/O, no clock. Of models call/retry.h decides.
 */
#ifndef WEIR_CALL_RESEND_H
#define WEIR_CALL_RESEND_H

#include "base/attr.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum resend_verdict {
    RESEND_DONE, /* it is taken */
    RESEND_WAIT, /* once more, after a while */
    RESEND_DROP, /* it never will be, or not in time */
} resend_verdict;

enum {
    RESEND_BASE_MS = 1000, /* before the second try, and twice as long before each after it */
    RESEND_LEAST_MS = 500, /* whatever it says: nobody is asked as fast as he refuses */
};

typedef struct resend_policy {
    bool (*may_pass)(int status); /* of an answer that refuses: another one may come */
    int64_t cap_ms;               /* of a wait that no answer has named */
    int64_t most_ms;              /* from the first try on */
} resend_policy;

typedef struct resend_facts {
    int status;       /* of the answer; 0: there is none, and one may come */
    int64_t hint_ms;  /* its Retry-After; -1: none */
    unsigned tries;   /* made, at least 1 */
    int64_t spent_ms; /* since the first */
    double random;    /* 0…1 */
    bool last;        /* none follows, whatever it says */
} resend_facts;

MUST_USE resend_verdict resend_decide(const resend_policy *p, const resend_facts *f,
                                      int64_t *ret_wait_ms);

#endif
