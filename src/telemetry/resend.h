/* telemetry/resend.h: what follows when a receiver has answered, or has not. Pure: no I/O, no
 * clock.
 *
 * Source   opentelemetry.io/docs/specs/otlp (OTLP/HTTP: failures, throttling, all other responses).
 */
#ifndef WEIR_TELEMETRY_RESEND_H
#define WEIR_TELEMETRY_RESEND_H

#include "base/attr.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum resend_verdict {
    RESEND_DONE, /* it is taken */
    RESEND_WAIT, /* once more, after a while */
    RESEND_DROP, /* it never will be, or not in time */
} resend_verdict;

enum {
    RESEND_BASE_MS = 1000,
    RESEND_CAP_MS = 30 * 1000,
    RESEND_LEAST_MS = 500,          /* whatever it says: nobody is asked as fast as he refuses */
    RESEND_MOST_MS = 5 * 60 * 1000, /* from the first try on */
};

typedef struct resend_facts {
    int status;       /* of the answer; 0: there is none */
    int64_t hint_ms;  /* its Retry-After; -1: none */
    unsigned tries;   /* made, at least 1 */
    int64_t spent_ms; /* since the first */
    double random;    /* 0…1 */
} resend_facts;

MUST_USE resend_verdict resend_decide(const resend_facts *f, int64_t *ret_wait_ms);

#endif
