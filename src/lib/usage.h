/* lib/usage.h: the counts of a client's calls, for weir_client_summary(). Any thread. Private to
 * the room. */
#ifndef WEIR_LIB_USAGE_H
#define WEIR_LIB_USAGE_H

#include "base/attr.h"

#include <pthread.h>
#include <weir.h>

/* A provider may name its models as it likes; a longer name than a request may ask for is none. */
enum { USAGE_MODELS_MAX = 1000, USAGE_MODEL_BYTES_MAX = 256 };

typedef struct usage {
    pthread_mutex_t lock;
    weir_summary counts; /* rates and names are filled in when they are asked for */
    double seconds;      /* of successful calls, added up */
    char **models;
    size_t model_count;
} usage;

void usage_init(usage *u);
void usage_done(usage *u);
void usage_count(usage *u, const weir_result *r);
MUST_USE weir_summary *usage_summary(usage *u);

#endif
