#include "alert/past.h"

#include <math.h>
#include <string.h>

enum { MINUTE_MS = 60 * 1000, MINUTES_A_DAY = 24 * 60 };

bool known_add(known *k, uint64_t word) {
    for (unsigned i = 0; i < k->count; i++)
        if (k->items[i] == word) return false;
    const unsigned at = k->count < KNOWN_MAX ? k->count++ : k->next++ % KNOWN_MAX;
    k->items[at] = word;
    return true;
}

/* The minute that ran belongs to the past. */
static void turn(pace *p, int64_t minute) {
    const double passed = (double)(minute - p->minute);
    if ((double)p->amount > p->busiest) p->busiest = (double)p->amount;
    p->busiest *= pow(0.5, passed / MINUTES_A_DAY);
    p->minute = minute;
    p->amount = 0;
    p->told = false;
}

bool pace_add(pace *p, int64_t amount, double factor, int64_t least, int64_t now_ms) {
    const int64_t minute = now_ms / MINUTE_MS;
    if (minute != p->minute) turn(p, minute);
    if (__builtin_add_overflow(p->amount, amount, &p->amount)) p->amount = INT64_MAX;
    if (!least || p->told || p->amount < least) return false;
    p->told = (double)p->amount > factor * p->busiest;
    return p->told;
}

/* The one that makes room. */
static seen_request *weakest(requests *r, int64_t within_ms, int64_t now_ms) {
    seen_request *found = &r->items[0];
    for (size_t i = 0; i < REQUESTS_MAX; i++) {
        seen_request *s = &r->items[i];
        if (!s->hash || now_ms - s->since_ms >= within_ms) return s;
        if (s->count < found->count || (s->count == found->count && s->last_ms < found->last_ms))
            found = s;
    }
    return found;
}

bool requests_add(requests *r, uint64_t hash, unsigned same, int64_t within_ms, int64_t now_ms) {
    seen_request *s = NULL;
    if (!same || !hash) return false;
    for (size_t i = 0; i < REQUESTS_MAX && !s; i++)
        if (r->items[i].hash == hash) s = &r->items[i];
    if (!s) s = weakest(r, within_ms, now_ms);
    if (s->hash != hash || now_ms - s->since_ms >= within_ms)
        *s = (seen_request){.hash = hash, .since_ms = now_ms};
    s->last_ms = now_ms;
    return ++s->count == same;
}

window_sum window_add(window *w, bool failed, int64_t of_ms, int64_t now_ms) {
    const int64_t part_ms = of_ms / WINDOW_PARTS > 0 ? of_ms / WINDOW_PARTS : 1;
    const int64_t part = now_ms / part_ms;
    window_sum sum = {0, 0};
    for (int64_t at = w->part + 1; at <= part && at <= w->part + WINDOW_PARTS; at++)
        w->calls[at % WINDOW_PARTS] = w->failed[at % WINDOW_PARTS] = 0;
    if (part < w->part || part >= w->part + WINDOW_PARTS) memset(w, 0, sizeof *w);
    w->part = part;
    w->calls[part % WINDOW_PARTS]++;
    w->failed[part % WINDOW_PARTS] += failed;
    for (int i = 0; i < WINDOW_PARTS; i++) {
        sum.calls += w->calls[i];
        sum.failed += w->failed[i];
    }
    return sum;
}
