/* limit/spend.h: money by the calendar: so much a day, or a month, from midnight UTC on.
 *
 * Wall clocks are put right. One that was turned back across midnight goes on with the later day's
 * figure, so that no budget is given out twice; one that is more than a period behind what was
 * seen was wrong before, and begins anew, so that nobody is locked out for a year.
 *
 * Pure. Amounts are nano units of the prices' currency. All zero: nothing has been spent.
 */
#ifndef WEIR_LIMIT_SPEND_H
#define WEIR_LIMIT_SPEND_H

#include "config/quota.h"

typedef struct spend {
    int64_t nano;   /* in that period; below 0 never */
    int64_t period; /* its number, counted from 1970 on */
    int64_t own;    /* what this process's calls came to, and its books: no less is true */
    int64_t told;   /* of nano, by a shared count: what that knows of */
    int64_t held;   /* of nano: what this process's calls in progress have taken beforehand */
} spend;

/* per: PERIOD_DAY or PERIOD_MONTH. */
int64_t spend_left(const spend *s, config_quota q, int64_t wall_us);
void spend_take(spend *s, config_period per, int64_t nano, int64_t wall_us);
/* What was taken in that period, and not used; of one that is over nothing is given back. */
void spend_give(spend *s, config_period per, int64_t taken_in, int64_t nano, int64_t wall_us);
/* So much of what was taken in that period may not be used yet; and it is settled. */
void spend_hold(spend *s, int64_t taken_in, int64_t nano);
void spend_let_go(spend *s, int64_t taken_in, int64_t nano);
/* At least that much has been spent, by somebody's books, which do not know of calls in progress:
 * what these have taken counts besides. A shared count needs no word of what comes to it so: it is
 * as if it had been told. */
void spend_raise(spend *s, config_period per, int64_t nano, int64_t wall_us);

/* What a shared count has answered to a call. Answers of several connections may be read in another
 * order than that in which they were given. */
typedef struct spend_word {
    int64_t sum, period;
    int64_t amount; /* of sum: this call's */
    int64_t lacks;  /* what was told after the call had asked; below 0 where that was given back */
} spend_word;
/* Where the shared count lacks nothing: the call is counted, and the sum is the one that counts. */
void spend_note(spend *s, spend_word w);
/* Where it may lack what was taken without it: that stays counted besides. The call is not counted
 * yet: it may have no room. */
void spend_hear(spend *s, spend_word w);
/* So much more it has been told; below 0: less. taken_in as in spend_give(). */
void spend_note_told(spend *s, int64_t taken_in, int64_t nano);

/* Until the next one begins. */
int64_t spend_until_next(const spend *s, config_period per, int64_t wall_us);
/* The number of the period of that instant, and when it began. */
int64_t spend_period(config_period per, int64_t wall_us);
int64_t spend_period_start_us(config_period per, int64_t wall_us);

#endif
