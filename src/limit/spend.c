#include "limit/spend.h"

#include "base/clock.h"

#include <time.h>

#define SECOND_US ((int64_t)1000 * 1000)
#define DAY_US    (86400 * SECOND_US)

static int64_t floor_div(int64_t a, int64_t b) {
    return a / b - (a % b < 0);
}

static int64_t month_of(int64_t wall_us) {
    time_t seconds = (time_t)floor_div(wall_us, SECOND_US);
    struct tm t;
    (void)gmtime_r(&seconds, &t);
    return ((int64_t)t.tm_year - 70) * 12 + t.tm_mon;
}

static int64_t period_of(config_period per, int64_t wall_us) {
    return per == PERIOD_MONTH ? month_of(wall_us) : floor_div(wall_us, DAY_US);
}

static int64_t start_of(config_period per, int64_t period) {
    if (per != PERIOD_MONTH) return period * DAY_US;
    struct tm t = {.tm_year = (int)(70 + period / 12), .tm_mon = (int)(period % 12), .tm_mday = 1};
    return (int64_t)timegm(&t) * SECOND_US;
}

/* The one that is in force: see the header on clocks. */
static int64_t in_force(const spend *s, config_period per, int64_t wall_us) {
    int64_t now = period_of(per, wall_us);
    return s->period == now + 1 ? s->period : now;
}

static void turn_page(spend *s, config_period per, int64_t wall_us) {
    int64_t period = in_force(s, per, wall_us);
    if (s->period == period) return;
    *s = (spend){.period = period};
}

int64_t spend_left(const spend *s, config_quota q, int64_t wall_us) {
    spend now = *s;
    turn_page(&now, q.per, wall_us);
    return now.nano < q.amount ? q.amount - now.nano : 0;
}

void spend_take(spend *s, config_period per, int64_t nano, int64_t wall_us) {
    turn_page(s, per, wall_us);
    if (__builtin_add_overflow(s->nano, nano, &s->nano)) s->nano = INT64_MAX;
}

void spend_give(spend *s, config_period per, int64_t nano, int64_t wall_us) {
    turn_page(s, per, wall_us);
    s->nano = s->nano > nano ? s->nano - nano : 0;
}

void spend_raise(spend *s, config_period per, int64_t nano, int64_t wall_us) {
    turn_page(s, per, wall_us);
    if (s->nano < nano) s->nano = nano;
}

int64_t spend_until_next(const spend *s, config_period per, int64_t wall_us) {
    return start_of(per, in_force(s, per, wall_us) + 1) - wall_us;
}

int64_t spend_period_start_us(config_period per, int64_t wall_us) {
    return start_of(per, period_of(per, wall_us));
}
