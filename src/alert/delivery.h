/* alert/delivery.h: what follows when a webhook has answered, or has not. Pure: no I/O, no clock.
 */
#ifndef WEIR_ALERT_DELIVERY_H
#define WEIR_ALERT_DELIVERY_H

#include "base/attr.h"

#include <stdint.h>

typedef enum delivery_verdict {
    DELIVERY_DONE,  /* it is taken */
    DELIVERY_AGAIN, /* once more, after a while */
    DELIVERY_OVER,  /* it never will be, or not in time */
} delivery_verdict;

enum {
    DELIVERY_BASE_MS = 1000,
    DELIVERY_CAP_MS = 5 * 60 * 1000,
    DELIVERY_LEAST_MS = 500,
    DELIVERY_MOST_MS = 30 * 60 * 1000, /* from the first try on */
};

typedef struct delivery_facts {
    int status;       /* of the answer; 0: there is none */
    int64_t hint_ms;  /* its Retry-After; -1: none */
    unsigned tries;   /* made, at least 1 */
    int64_t spent_ms; /* since the first */
    double random;    /* 0…1 */
} delivery_facts;

MUST_USE delivery_verdict delivery_decide(const delivery_facts *f, int64_t *ret_wait_ms);

#endif
