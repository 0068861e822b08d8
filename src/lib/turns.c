#include "lib/turns.h"

#include "base/mem.h"

#include <stdlib.h>

struct turn_group {
    list link;
    list waiting; /* JOINED, in order */
    pace pace;
    unsigned running;
    unsigned begun; /* running, resting, awake */
    unsigned count; /* and those that wait */
    char *target;
};

void turns_init(turns *t, unsigned most, bool adaptive) {
    *t = (turns){.most = most, .adaptive = adaptive};
    list_init(&t->groups);
    list_init(&t->awake);
}

static turn_group *group_of(list *link) {
    return LIST_ENTRY(link, turn_group, link);
}

static turn *item_of(list *link) {
    return LIST_ENTRY(link, turn, link);
}

static void group_free(turn_group *g) {
    list_remove(&g->link);
    free(g->target);
    free(g);
}

void turns_done(turns *t) {
    LIST_FOREACH(&t->groups, it) group_free(group_of(it));
}

/* ---- groups ---- */

static turn_group *group_find(turns *t, span target) {
    LIST_FOREACH(&t->groups, it)
    if (span_eq(span_cstr(group_of(it)->target), target)) return group_of(it);
    turn_group *g = mem_zalloc(sizeof *g);
    list_init(&g->waiting);
    g->pace = pace_of(t->most, t->adaptive);
    g->target = mem_strndup(target.ptr, target.len);
    list_push_back(&t->groups, &g->link);
    return g;
}

/* What was learned of targets that nobody asks any more is kept for the next call; of that many.
 * Models' names may be anything. */
static void forget_idle(turns *t) {
    enum { IDLE_MOST = 64 };
    unsigned idle = 0;
    for (list *it = t->groups.prev, *before = it->prev; it != &t->groups;
         it = before, before = it->prev) {
        if (group_of(it)->count) continue;
        if (++idle > IDLE_MOST) group_free(group_of(it));
    }
}

unsigned turns_limit(const turns *t) {
    unsigned sum = 0, lowest = t->most;
    LIST_FOREACH(&((turns *)t)->groups, it) {
        const turn_group *g = group_of(it);
        unsigned limit = pace_limit(&g->pace);
        if (limit < lowest) lowest = limit;
        if (g->count) sum += limit;
    }
    if (!sum) return lowest;
    return sum < t->most ? sum : t->most;
}

/* ---- the way through ---- */

void turns_join(turns *t, turn *it, span target) {
    turn_group *g = group_find(t, target);
    *it = (turn){.group = g, .place = TURN_JOINED, .number = ++t->last_join};
    list_push_back(&g->waiting, &it->link);
    if (g->count++ == 0) { /* those in use stand in front, so that they are found soon */
        list_remove(&g->link);
        list_push_front(&t->groups, &g->link);
    }
    t->total++;
}

static void run(turns *t, turn *it) {
    list_remove(&it->link);
    it->place = TURN_RUNNING;
    it->group->running++;
    t->running++;
}

static void stop_running(turns *t, turn *it) {
    it->group->running--;
    t->running--;
}

static bool has_place(const turns *t, const turn_group *g) {
    return t->running < t->most && g->running < pace_limit(&g->pace);
}

static turn *next_awake(turns *t) {
    LIST_FOREACH(&t->awake, it)
    if (has_place(t, item_of(it)->group)) return item_of(it);
    return NULL;
}

/* Of those that have not begun the one that came first, of a target that may be asked. */
static turn *next_joined(turns *t, int64_t now_ms, int64_t *ret_wait_ms) {
    turn *first = NULL;
    LIST_FOREACH(&t->groups, it) {
        turn_group *g = group_of(it);
        if (list_empty(&g->waiting)) continue;
        int64_t wait_ms = pace_wait_ms(&g->pace, g->begun, now_ms);
        turn *head = item_of(g->waiting.next);
        if (wait_ms == 0 && (!first || head->number < first->number)) first = head;
        if (wait_ms > 0 && (*ret_wait_ms < 0 || wait_ms < *ret_wait_ms)) *ret_wait_ms = wait_ms;
    }
    return first;
}

turn *turns_next(turns *t, int64_t now_ms, int64_t *ret_wait_ms) {
    *ret_wait_ms = -1;
    if (t->running >= t->most) return NULL;
    turn *it = next_awake(t);
    if (!it && (it = next_joined(t, now_ms, ret_wait_ms))) it->group->begun++;
    if (it) run(t, it);
    return it;
}

void turns_rest(turns *t, turn *it) {
    it->place = TURN_RESTING;
    stop_running(t, it);
}

bool turns_wake(turns *t, turn *it) {
    if (has_place(t, it->group)) {
        run(t, it);
        return true;
    }
    it->place = TURN_AWAKE;
    list_push_back(&t->awake, &it->link);
    return false;
}

void turns_leave(turns *t, turn *it) {
    turn_group *g = it->group;
    if (it->place == TURN_OUT) return;
    if (it->place == TURN_RUNNING) stop_running(t, it);
    if (it->place != TURN_JOINED) g->begun--;
    list_remove(&it->link);
    it->place = TURN_OUT;
    t->total--;
    if (--g->count) return;
    list_remove(&g->link);
    list_push_back(&t->groups, &g->link);
    forget_idle(t);
}

/* ---- what came of one ---- */

void turns_refused(turns *t, turn *it, int64_t rest_ms, int64_t now_ms) {
    (void)t;
    pace_refused(&it->group->pace, it->group->begun, rest_ms, now_ms);
}

void turns_missed(turns *t, turn *it, int64_t now_ms) {
    turns_refused(t, it, -1, now_ms);
}

void turns_ended(turns *t, turn *it, bool answered, bool refused) {
    (void)t;
    pace *p = &it->group->pace;
    if (answered && refused) pace_answered(p);
    if (answered)
        pace_success(p);
    else
        pace_ended(p);
}
