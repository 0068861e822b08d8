#include "limit/spend.h"

#define DAY_US ((int64_t)86400 * 1000 * 1000)

static int64_t floor_div(int64_t a, int64_t b) {
    return a / b - (a % b < 0);
}

/* Days and months count from January 1, 1970 on; a year begins in March here, so that the day that
 * may be missing is its last (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms"). Each
 * call asks several times: gmtime_r() and timegm() cost more than all else that is done here. */
enum { ERA_DAYS = 146097, ERA_YEARS = 400, MARCH_0000 = 719468 };

static int64_t month_of_day(int64_t day) {
    const int64_t from = day + MARCH_0000, era = floor_div(from, ERA_DAYS);
    const int64_t in_era = from - era * ERA_DAYS;
    const int64_t year = (in_era - in_era / 1460 + in_era / 36524 - in_era / (ERA_DAYS - 1)) / 365;
    const int64_t in_year = in_era - (365 * year + year / 4 - year / 100);
    const int64_t from_march = (5 * in_year + 2) / 153;
    return (era * ERA_YEARS + year - 1970) * 12 + from_march + 2;
}

static int64_t day_of_month(int64_t month) {
    const int64_t from = month - 2, year = floor_div(from, 12) + 1970;
    const int64_t from_march = from - floor_div(from, 12) * 12;
    const int64_t era = floor_div(year, ERA_YEARS), in_era = year - era * ERA_YEARS;
    return era * ERA_DAYS + 365 * in_era + in_era / 4 - in_era / 100 + (153 * from_march + 2) / 5 -
           MARCH_0000;
}

int64_t spend_period(config_period per, int64_t wall_us) {
    const int64_t day = floor_div(wall_us, DAY_US);
    return per == PERIOD_MONTH ? month_of_day(day) : day;
}

static int64_t start_of(config_period per, int64_t period) {
    return (per == PERIOD_MONTH ? day_of_month(period) : period) * DAY_US;
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

void spend_hold(spend *s, int64_t taken_in, int64_t nano) {
    if (s->period == taken_in) s->held = sum_of(s->held, nano);
}

void spend_let_go(spend *s, int64_t taken_in, int64_t nano) {
    if (s->period == taken_in) s->held = most(s->held - nano, 0);
}

void spend_raise(spend *s, config_period per, int64_t nano, int64_t wall_us) {
    turn_page(s, per, wall_us);
    const int64_t least = sum_of(nano, s->held);
    const int64_t more = most(least - s->nano, 0);
    s->nano += more;
    s->told = sum_of(s->told, more);
    s->own = most(s->own, least);
}

/* ---- a shared count ---- */

/* false: the word is of the period before, which is over. */
static bool go_by_period(spend *s, int64_t period) {
    if (s->period == period) return true;
    if (s->period == period + 1) return false;
    *s = (spend){.period = period};
    return true;
}

/* The sum, this call's left out, with what it lacks; untold: of that what it is not told yet. */
static void go_by_sum(spend *s, spend_word w, int64_t untold) {
    const int64_t before = most(sum_of(w.sum - w.amount, w.lacks), 0);
    s->nano = most(s->own, sum_of(before, untold));
    s->told = s->nano - untold;
}

/* What has come back and is owed to it, where it is late or takes no more, it lacks all the same.
 */
void spend_note(spend *s, spend_word w) {
    if (!go_by_period(s, w.period)) return;
    const int64_t untold = s->nano - s->told;
    go_by_sum(s, w, untold < 0 ? untold : 0);
    s->nano = sum_of(s->nano, w.amount);
    s->own = sum_of(s->own, w.amount);
    s->told = sum_of(s->told, w.amount);
}

void spend_hear(spend *s, spend_word w) {
    if (!go_by_period(s, w.period)) return;
    go_by_sum(s, w, s->nano - s->told);
    s->told = sum_of(s->told, w.amount);
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
