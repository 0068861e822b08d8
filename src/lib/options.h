/* lib/options.h: what a client is made from, and the configuration that it comes to. Private to the
 * room. */
#ifndef WEIR_LIB_OPTIONS_H
#define WEIR_LIB_OPTIONS_H

#include "call/snapshot.h"
#include "exchange/exchange.h"

#include <weir.h>

enum { LIB_CONCURRENCY = 5, LIB_CONCURRENCY_MAX = 100000 };

typedef struct lib_setting {
    char *path;
    char *value;
} lib_setting;

typedef struct lib_fallback {
    char *url;
    secret *key; /* NULL: none is sent */
    char *model; /* NULL: the request's own word */
} lib_fallback;

/* Everything is owned. */
struct weir_options {
    char *file, *yaml, *url, *model;
    char *simulator; /* the URL of the one that was started for them; NULL: none was */
    secret *key;
    bool key_of_environment; /* that one's is for this URL too (lib/program.h) */
    lib_fallback *fallbacks;
    size_t fallback_count;
    lib_setting *settings;
    size_t setting_count;
    unsigned concurrency;
    bool adaptive;
    bool foreign_loop;
    /* The program's own (lib/program.h); borrowed for good. NULL: the library's. */
    const exchange_plan *plan;
    const snapshot_part *const *parts; /* of the snapshot, with it */
    size_t part_count;
};

/* A copy: a client keeps one, to read its configuration again when a key is due. */
MUST_USE weir_options *options_copy(const weir_options *o);

/* Who is asked first, where URLs say so: from the options or the environment; NULL: not told. */
const char *options_first_url(const weir_options *o);

/* Builds the configuration. NULL: *ret_why has a line for each problem. Blocks: reads files, runs
 * key commands. Any thread, as long as the options do not change. */
MUST_USE config *options_config(const weir_options *o, buf *ret_why);

#endif
