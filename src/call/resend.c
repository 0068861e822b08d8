#include "call/resend.h"

static int64_t backoff_ms(int64_t cap_ms, unsigned tries, double random) {
    int64_t wait_ms = RESEND_BASE_MS;
    for (unsigned i = 1; i < tries && wait_ms < cap_ms; i++)
        wait_ms *= 2;
    if (wait_ms > cap_ms) wait_ms = cap_ms;
    const int64_t half_ms = wait_ms / 2;
    return half_ms + (int64_t)(random * (double)half_ms);
}

resend_verdict resend_decide(const resend_policy *p, const resend_facts *f, int64_t *ret_wait_ms) {
    if (f->status >= 200 && f->status <= 299) return RESEND_DONE;
    if (f->last || (f->status && !p->may_pass(f->status))) return RESEND_DROP;
    int64_t wait_ms = f->hint_ms >= 0 ? f->hint_ms : backoff_ms(p->cap_ms, f->tries, f->random);
    if (wait_ms < RESEND_LEAST_MS) wait_ms = RESEND_LEAST_MS;
    if (f->spent_ms + wait_ms > p->most_ms) return RESEND_DROP;
    *ret_wait_ms = wait_ms;
    return RESEND_WAIT;
}
