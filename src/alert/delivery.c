#include "alert/delivery.h"

#include <stdbool.h>

/* A refusal stays one, but for those that say that it is not the request's. */
static bool may_pass(int status) {
    return status == 0 || status == 408 || status == 425 || status == 429 || status >= 500;
}

static int64_t backoff_ms(unsigned tries, double random) {
    int64_t wait_ms = DELIVERY_BASE_MS;
    for (unsigned i = 1; i < tries && wait_ms < DELIVERY_CAP_MS; i++)
        wait_ms *= 2;
    if (wait_ms > DELIVERY_CAP_MS) wait_ms = DELIVERY_CAP_MS;
    const int64_t half_ms = wait_ms / 2;
    return half_ms + (int64_t)(random * (double)half_ms);
}

delivery_verdict delivery_decide(const delivery_facts *f, int64_t *ret_wait_ms) {
    if (f->status >= 200 && f->status <= 299) return DELIVERY_DONE;
    if (!may_pass(f->status)) return DELIVERY_OVER;
    int64_t wait_ms = f->hint_ms >= 0 ? f->hint_ms : backoff_ms(f->tries, f->random);
    if (wait_ms < DELIVERY_LEAST_MS) wait_ms = DELIVERY_LEAST_MS;
    if (f->spent_ms + wait_ms > DELIVERY_MOST_MS) return DELIVERY_OVER;
    *ret_wait_ms = wait_ms;
    return DELIVERY_AGAIN;
}
