/* call/breaker_news.h: what a failed attempt says of its target to the breaker (call/breaker.h).
 * Pure.
 */
#ifndef WEIR_CALL_BREAKER_NEWS_H
#define WEIR_CALL_BREAKER_NEWS_H

#include "dialect/failure.h"

typedef enum breaker_news {
    NEWS_NONE,   /* nothing: the attempt was given up, or never left weir */
    NEWS_ALIVE,  /* it answers, and the failure is not its own */
    NEWS_FAILED, /* failure_counts() */
} breaker_news;

/* status: of the target's answer; 0: no head has come. */
breaker_news breaker_news_of(failure_class f, int status);

#endif
