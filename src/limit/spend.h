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
} spend;

/* per: PERIOD_DAY or PERIOD_MONTH. */
int64_t spend_left(const spend *s, config_quota q, int64_t wall_us);
void spend_take(spend *s, config_period per, int64_t nano, int64_t wall_us);
/* What was taken and not used; of a period that is over nothing is given back. */
void spend_give(spend *s, config_period per, int64_t nano, int64_t wall_us);
/* At least that much has been spent, by somebody's books. */
void spend_raise(spend *s, config_period per, int64_t nano, int64_t wall_us);
/* Until the next one begins. */
int64_t spend_until_next(const spend *s, config_period per, int64_t wall_us);
/* When the period of that instant began. */
int64_t spend_period_start_us(config_period per, int64_t wall_us);

#endif
