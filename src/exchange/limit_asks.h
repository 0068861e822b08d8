/* exchange/limit_asks.h: what limits a call, and what it wants of each limit: its client's, its
 * user's, its address's, its model's and its tags'.
 *
 * What it may use is not known before it has ended, so the most is taken beforehand: the prompt's
 * tokens by estimate, the answer's as the request bounds them (limits.assumed_tokens where it does
 * not), the money that so much costs at the dearest of the model's targets.
 */
#ifndef WEIR_EXCHANGE_LIMIT_ASKS_H
#define WEIR_EXCHANGE_LIMIT_ASKS_H

#include "exchange/internal.h"
#include "limit/limiter.h"

typedef struct limit_asks {
    limit_ask *items;
    size_t count; /* 0: nothing limits it */
} limit_asks;

/* Of an attempt at that target, named as records name it: each is a request, whoever asks. */
limit_asks limit_asks_of_target(exchange *x, span target);

/* In the exchange's arena. Of a step of another exchange: tokens and money alone. */
limit_asks limit_asks_of(exchange *x);

/* The subjects of what its user and its address ask; 0: it has none. */
uint64_t limit_user_of(const exchange *x);
uint64_t limit_address_of(exchange *x);

/* Whether its limits would let it through at this moment, as far as this process counts; nothing is
 * taken. */
bool limit_lets_through(exchange *x);

/* The budgets that a call counts in, but for its target's; its amounts are 0. */
limit_asks limit_budgets_of(exchange *x);

/* It is answered, and its provider works on where nobody will be told what for: a response in the
 * background. */
bool limit_goes_on(const exchange *x);

/* "limits.user.requests", "clients[].limits.tokens": where the limit stands. */
span limit_option(const limit_ask *a, arena *to);

#endif
