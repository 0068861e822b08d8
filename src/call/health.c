#include "call/health.h"

#include "base/list.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct health_state {
    list link; /* in its table; under the table's lock, like refs */
    health_table *table;
    unsigned refs;
    char *name;
    size_t name_len;
    _Atomic health is;
    health_run run;       /* of the thread that asks */
    pthread_mutex_t lock; /* of why */
    buf why;
};

/* As many as there are providers: a list will do. */
struct health_table {
    pthread_mutex_t lock;
    list states;
};

/* ---- the decision ---- */

bool health_count(health_run *r, const config_health *policy, bool passed) {
    health says = passed ? HEALTH_UP : HEALTH_DOWN;
    unsigned enough = passed ? policy->successes : policy->failures;
    bool speaks_against = says != r->is;
    r->against = speaks_against ? r->against + 1 : 0;
    if (!speaks_against || (r->is != HEALTH_UNKNOWN && r->against < enough)) return false;
    *r = (health_run){says, 0};
    return true;
}

/* ---- the table ---- */

health_table *health_table_new(void) {
    health_table *t = mem_zalloc(sizeof *t);
    (void)pthread_mutex_init(&t->lock, NULL);
    list_init(&t->states);
    return t;
}

void health_table_free(health_table *t) {
    if (!t) return;
    (void)pthread_mutex_destroy(&t->lock);
    free(t);
}

static health_state *find(health_table *t, span name) {
    LIST_FOREACH(&t->states, it) {
        health_state *s = LIST_ENTRY(it, health_state, link);
        if (span_eq(span_from(s->name, s->name_len), name)) return s;
    }
    return NULL;
}

static health_state *add(health_table *t, span name) {
    health_state *s = mem_zalloc(sizeof *s);
    s->table = t;
    s->name = mem_strndup(name.ptr, name.len);
    s->name_len = name.len;
    (void)pthread_mutex_init(&s->lock, NULL);
    list_push_back(&t->states, &s->link);
    return s;
}

health_state *health_get(health_table *t, const config_provider *p) {
    if (!p->health.path.len) return NULL;
    buf name = BUF_EMPTY; /* no part of it has a blank */
    buf_addf(&name, "%.*s %.*s %.*s", SPAN_ARG(p->name), SPAN_ARG(p->url.text),
             SPAN_ARG(p->health.path));
    (void)pthread_mutex_lock(&t->lock);
    health_state *s = find(t, buf_span(&name));
    if (!s) s = add(t, buf_span(&name));
    s->refs++;
    (void)pthread_mutex_unlock(&t->lock);
    buf_done(&name);
    return s;
}

void health_unref(health_state *s) {
    if (!s) return;
    health_table *t = s->table;
    (void)pthread_mutex_lock(&t->lock);
    bool last = --s->refs == 0;
    if (last) list_remove(&s->link);
    (void)pthread_mutex_unlock(&t->lock);
    if (!last) return;
    (void)pthread_mutex_destroy(&s->lock);
    buf_done(&s->why);
    free(s->name);
    free(s);
}

/* ---- one provider ---- */

health health_look(const health_state *s) {
    return s ? atomic_load_explicit(&s->is, memory_order_relaxed) : HEALTH_UNKNOWN;
}

const char *health_word(health h) {
    static const char *const words[] = {
        [HEALTH_UNKNOWN] = "unknown", [HEALTH_UP] = "up", [HEALTH_DOWN] = "down"};
    return words[h];
}

bool health_report(health_state *s, const config_health *policy, bool passed, span why) {
    bool changed = health_count(&s->run, policy, passed);
    (void)pthread_mutex_lock(&s->lock);
    buf_clear(&s->why);
    if (!passed) buf_add(&s->why, why);
    (void)pthread_mutex_unlock(&s->lock);
    atomic_store_explicit(&s->is, s->run.is, memory_order_relaxed);
    return changed;
}

void health_add_why(health_state *s, buf *out) {
    (void)pthread_mutex_lock(&s->lock);
    buf_add(out, buf_span(&s->why));
    (void)pthread_mutex_unlock(&s->lock);
}
