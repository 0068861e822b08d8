/* cache/far_internal.h: what far.c and far_purge.c share. */
#ifndef WEIR_CACHE_FAR_INTERNAL_H
#define WEIR_CACHE_FAR_INTERNAL_H

#include "base/clock.h"
#include "cache/far.h"
#include "cache/value.h"

#include <pthread.h>

#define FAR_KEYS "weir:cache:1:"

enum { FAR_RULES_MAX = 64, FAR_RULE_ID_LEN = 16 };
#define FAR_RULE_LAST "63" /* of so many, as the server counts them */

static inline int64_t far_wall_ms(void) {
    return clock_wall_us() / 1000;
}

/* A purge that somebody has made: of what was asked for before at_ms (wall time). */
typedef struct far_rule {
    char id[FAR_RULE_ID_LEN + 1];
    int64_t at_ms, older_ms;
    char *model, *client; /* its own; "": any */
} far_rule;

struct cache_far {
    config *snapshot; /* counted: config lies in it */
    const config_redis *config;
    size_t answer_bytes;
    tls_context *tls; /* NULL: plain */
    cache *of;
    atomic_uint away;    /* links that are */
    atomic_bool watched; /* a link looks for purges */
    atomic_ullong hits, misses, failed, written, unwritten;
    pthread_mutex_t lock;          /* of the rules */
    far_rule rules[FAR_RULES_MAX]; /* the newest first */
    size_t rule_count;
};

struct far_link {
    cache_far *far;
    loop *loop;
    log_shard *log;
    metrics_shard *metrics;
    redis *redis;
    unsigned failures;  /* of looks, in a row */
    int64_t again_ms;   /* nobody looks before */
    int64_t rewrite_ms; /* nothing is written before */
    unsigned writing;
    list writes;
    list sweeps;
    bool watches; /* it looks for purges */
    timer beat;
    redis_wait news;
    bool away;
};

/* ---- far_purge.c ---- */

/* Whether a purge that is known fits it. Any thread. */
bool far_is_purged(cache_far *f, const cache_value *v);
void far_rules_done(cache_far *f);
void far_watch(far_link *k); /* begins to look for purges */
void far_unwatch(far_link *k);
void far_sweeps_end(far_link *k);

#endif
