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

int64_t spend_period(config_period per, int64_t wall_us) {
    return per == PERIOD_MONTH ? month_of(wall_us) : floor_div(wall_us, DAY_US);
}

static int64_t start_of(config_period per, int64_t period) {
    if (per != PERIOD_MONTH) return period * DAY_US;
    struct tm t = {.tm_year = (int)(70 + period / 12), .tm_mon = (int)(period % 12), .tm_mday = 1};
    return (int64_t)timegm(&t) * SECOND_US;
}

/* The one that is in force: see the header on clocks. */
static int64_t in_force(const spend *s, config_period per, int64_t wall_us) {
    int64_t now = spend_period(per, wall_us);
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

static int64_t most(int64_t a, int64_t b) {
    return a > b ? a : b;
}

static int64_t sum_of(int64_t a, int64_t b) {
    int64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

void spend_take(spend *s, config_period per, int64_t nano, int64_t wall_us) {
    turn_page(s, per, wall_us);
    s->nano = sum_of(s->nano, nano);
    s->own = sum_of(s->own, nano);
}

void spend_give(spend *s, config_period per, int64_t taken_in, int64_t nano, int64_t wall_us) {
    turn_page(s, per, wall_us);
    if (s->period != taken_in) return;
    s->nano = most(s->nano - nano, 0);
    s->own = most(s->own - nano, 0);
}

void spend_raise(spend *s, config_period per, int64_t nano, int64_t wall_us) {
    turn_page(s, per, wall_us);
    s->nano = most(s->nano, nano);
    s->own = most(s->own, nano);
}

/* ---- a shared count ---- */

/* false: the word is of the period before, which is over. */
static bool go_by_period(spend *s, int64_t period) {
    if (s->period == period) return true;
    if (s->period == period + 1) return false;
    *s = (spend){.period = period};
    return true;
}

void spend_note(spend *s, spend_word w) {
    if (!go_by_period(s, w.period)) return;
    s->own = sum_of(s->own, w.amount);
    s->nano = s->told = most(s->own, w.sum);
}

void spend_hear(spend *s, spend_word w) {
    if (!go_by_period(s, w.period)) return;
    const int64_t before = most(sum_of(w.sum - w.amount, w.lacks), 0);
    const int64_t untold = most(s->nano - s->told, 0);
    s->nano = most(s->own, sum_of(before, untold));
    s->told = sum_of(s->nano - untold, w.amount);
}

void spend_note_told(spend *s, int64_t taken_in, int64_t nano) {
    if (s->period == taken_in) s->told = most(sum_of(s->told, nano), 0);
}

/* ---- periods ---- */

int64_t spend_until_next(const spend *s, config_period per, int64_t wall_us) {
    return start_of(per, in_force(s, per, wall_us) + 1) - wall_us;
}

int64_t spend_period_start_us(config_period per, int64_t wall_us) {
    return start_of(per, spend_period(per, wall_us));
}
