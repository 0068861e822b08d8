#include "call/breaker_news.h"

/* A key's refusal and its limit are answers too: what they mean is known of the key (call/key.h,
 * call/limits.h), and a breaker that they kept half open would hide it. */
static bool is_answer(failure_class f) {
    switch (f) {
    case FAIL_LIMIT:
    case FAIL_KEY:
    case FAIL_CONTEXT_LENGTH:
    case FAIL_CONTENT_POLICY:
    case FAIL_TARGET:
    case FAIL_REQUEST:
    case FAIL_OUR_LIMIT: return true;
    case FAIL_CONNECTION:
    case FAIL_SILENT:
    case FAIL_MALFORMED:
    case FAIL_OVERLOAD:
    case FAIL_TLS:
    case FAIL_OUR_SHORTAGE:
    case FAIL_OUR_WAY:
    case FAIL_GONE:
    case FAIL_NONE: return false;
    }
    return false;
}

breaker_news breaker_news_of(failure_class f, int status) {
    if (failure_counts(f)) return NEWS_FAILED;
    return status && is_answer(f) ? NEWS_ALIVE : NEWS_NONE;
}
