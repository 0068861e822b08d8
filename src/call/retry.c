#include "call/retry.h"

/* ---- what follows ---- */

static bool client_would_wait(const retry_facts *f) {
    return f->hint.after_ms >= 0 && f->hint.after_ms <= RETRY_CLIENT_PATIENCE_MS;
}

static retry_verdict stop(const retry_facts *f, const char *why, bool client_may_retry,
                          retry_plan *ret) {
    *ret = (retry_plan){.why = why,
                        .client_may_retry = client_may_retry,
                        .client_after_ms = f->hint.after_ms >= 0 ? f->hint.after_ms : -1};
    return RETRY_STOP;
}

static retry_verdict next_or_stop(const retry_facts *f, bool next, const char *why,
                                  bool client_may_retry, retry_plan *ret) {
    if (!next || !f->other_left) return stop(f, why, client_may_retry, ret);
    *ret = (retry_plan){.why = why, .client_after_ms = -1};
    return RETRY_NEXT;
}

/* base · 2^retries_done up to the cap, and the jitter that keeps callers from coming back together.
 */
static int64_t backoff_ms(const config_retry *policy, const retry_facts *f, double rnd) {
    int64_t delay = policy->base_ms;
    for (unsigned i = 0; i < f->retries_done && delay < policy->cap_ms; i++)
        delay *= 2;
    if (delay > policy->cap_ms) delay = policy->cap_ms;
    int64_t span_ms = delay / 2;
    if (f->failure == FAIL_CONNECTION) span_ms = policy->base_ms < 1000 ? policy->base_ms : 1000;
    return delay + (int64_t)(rnd * (double)span_ms);
}

/* The same target once more, if the wait is one that may be waited for. */
static retry_verdict wait_or_leave(const config_retry *policy, const retry_facts *f, double rnd,
                                   retry_plan *ret) {
    bool hinted = f->hint.after_ms >= 0;
    int64_t wait_ms = hinted ? f->hint.after_ms : backoff_ms(policy, f, rnd);
    if (hinted && wait_ms > policy->patience_ms && f->other_left)
        return next_or_stop(f, true, "asked to wait longer than retry.patience", false, ret);
    /* A wait that ends with the deadline would leave the try no time at all. */
    if (wait_ms >= f->left_ms)
        return next_or_stop(f, true, "no time left for the wait", hinted && client_would_wait(f),
                            ret);
    *ret = (retry_plan){
        .wait_ms = wait_ms, .why = hinted ? "waits as asked" : "backs off", .client_after_ms = -1};
    return RETRY_WAIT;
}

/* The provider is well, or says itself that it has too much to do. */
static bool passes_with_time(failure_class class) {
    return class == FAIL_OVERLOAD || class == FAIL_LIMIT;
}

/* Failures that may pass by themselves. */
static retry_verdict after_passing(const config_retry *policy, const retry_facts *f,
                                   failure_class class, double rnd, retry_plan *ret) {
    if (f->other_left && f->target_tries >= 2)
        return next_or_stop(f, true, "tried twice", false, ret);
    if (f->retries_done >= policy->retries)
        return next_or_stop(f, true, "retries used up",
                            passes_with_time(class) && client_would_wait(f), ret);
    if (!f->budget_left) return next_or_stop(f, true, "retry budget spent", false, ret);
    return wait_or_leave(policy, f, rnd, ret);
}

/* Nothing was asked: what weir lacks it would lack again at once, here or, if every target needs
 * it, anywhere. Who has time waits; any other client may well come again. */
static retry_verdict after_own(const config_retry *policy, const retry_facts *f, double rnd,
                               retry_plan *ret) {
    static const char why[] = "weir's own shortage";
    if (f->failure == FAIL_OUR_WAY && f->other_left) return next_or_stop(f, true, why, true, ret);
    int64_t wait_ms = backoff_ms(policy, f, rnd);
    if (wait_ms < RETRY_OWN_AFTER_MS) wait_ms = RETRY_OWN_AFTER_MS;
    if (f->patient && f->retries_done < policy->retries && wait_ms < f->left_ms) {
        *ret = (retry_plan){.wait_ms = wait_ms, .why = why, .client_after_ms = -1};
        return RETRY_WAIT;
    }
    retry_verdict verdict = stop(f, why, true, ret);
    ret->client_after_ms = RETRY_OWN_AFTER_MS;
    return verdict;
}

retry_verdict retry_decide(const config_retry *policy, const retry_facts *facts, double rnd,
                           retry_plan *ret) {
    const retry_facts *f = facts;
    failure_class class = f->failure;
    if (class == FAIL_GONE) return stop(f, "the call was cancelled", false, ret);
    if (class == FAIL_OUR_LIMIT) return stop(f, "larger than weir takes", false, ret);
    if (class == FAIL_OUR_SHORTAGE || class == FAIL_OUR_WAY) return after_own(policy, f, rnd, ret);
    if (f->hint.should_retry == 1 && class != FAIL_TLS) class = FAIL_OVERLOAD;
    switch (class) {
    case FAIL_GONE: /* above */
    case FAIL_OUR_LIMIT:
    case FAIL_OUR_SHORTAGE:
    case FAIL_OUR_WAY:
    case FAIL_NONE: /* nothing failed: the caller's mistake, and never a reason to ask again */
    case FAIL_REQUEST: return stop(f, "the request is at fault", false, ret);
    case FAIL_CONTENT_POLICY:
        return next_or_stop(f, policy->content_policy_next, "content policy", false, ret);
    case FAIL_CONTEXT_LENGTH:
        return next_or_stop(f, policy->context_length_next, "context length", false, ret);
    case FAIL_KEY:
    case FAIL_TARGET: return next_or_stop(f, true, "this target cannot serve it", false, ret);
    case FAIL_TLS: return next_or_stop(f, true, "certificate not trusted", false, ret);
    case FAIL_SILENT:
    case FAIL_CONNECTION:
    case FAIL_MALFORMED:
    case FAIL_LIMIT:
    case FAIL_OVERLOAD: break;
    }
    if (f->hint.should_retry == 0)
        return next_or_stop(f, true, "the provider says not to retry", false, ret);
    if (class == FAIL_SILENT && f->other_left)
        return next_or_stop(f, true, "silent target", false, ret);
    if (class == FAIL_SILENT && f->sent && !policy->after_timeout)
        return stop(f, "it may be at it still", false, ret);
    if (class == FAIL_CONNECTION && !f->sent && f->other_left)
        return next_or_stop(f, true, "nobody is there", false, ret);
    return after_passing(policy, f, class, rnd, ret);
}
