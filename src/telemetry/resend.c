#include "telemetry/resend.h"

/* Those alone that OTLP names, and no answer at all. */
static bool may_pass(int status) {
    return status == 0 || status == 429 || status == 502 || status == 503 || status == 504;
}

static int64_t backoff_ms(unsigned tries, double random) {
    int64_t wait_ms = RESEND_BASE_MS;
    for (unsigned i = 1; i < tries && wait_ms < RESEND_CAP_MS; i++)
        wait_ms *= 2;
    if (wait_ms > RESEND_CAP_MS) wait_ms = RESEND_CAP_MS;
    int64_t half_ms = wait_ms / 2;
    return half_ms + (int64_t)(random * (double)half_ms);
}

resend_verdict resend_decide(const resend_facts *f, int64_t *ret_wait_ms) {
    if (f->status >= 200 && f->status <= 299) return RESEND_DONE;
    if (!may_pass(f->status)) return RESEND_DROP;
    int64_t wait_ms = f->hint_ms >= 0 ? f->hint_ms : backoff_ms(f->tries, f->random);
    if (wait_ms < RESEND_LEAST_MS) wait_ms = RESEND_LEAST_MS;
    if (f->spent_ms + wait_ms > RESEND_MOST_MS) return RESEND_DROP;
    *ret_wait_ms = wait_ms;
    return RESEND_WAIT;
}
