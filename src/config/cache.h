/* config/cache.h: which answers are given again (cache:), as it is configured. */
#ifndef WEIR_CONFIG_CACHE_H
#define WEIR_CONFIG_CACHE_H

#include "base/span.h"
#include "config/redis.h"

typedef enum config_cache_scope {
    CACHE_SCOPE_CLIENT,
    CACHE_SCOPE_GROUP,
    CACHE_SCOPE_GLOBAL
} config_cache_scope;
typedef enum config_cache_pace { CACHE_PACE_AT_ONCE, CACHE_PACE_RECORDED } config_cache_pace;

/* Which answers are kept, for whom and how long. */
typedef struct config_cache {
    bool on;
    span *models; /* the client's words; a * at the end: any rest */
    size_t model_count;
    span *headers; /* that make another question; a * at the end: any rest */
    size_t header_count;
    int64_t ttl_ms;
    size_t memory_bytes;
    size_t answer_bytes; /* a larger one is not kept */
    config_cache_scope scope;
    span group;             /* of scope group: the tag of a client that names his */
    config_cache_pace pace; /* of streams */
    double max_temperature;
    bool tools, choices, images; /* requests that have them, too */
    config_redis store;          /* what several weirs keep together */
    bool store_of_shared;        /* its address is that of `shared` */
    struct {
        bool on;
        span model; /* for embeddings: a name that clients could ask for */
        double threshold;
        unsigned entries;
        size_t text_bytes; /* a longer text is not compared */
        int64_t timeout_ms;
    } semantic;
} config_cache;

#endif
