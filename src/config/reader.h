/* config/reader.h: walks the tree of a file along the option table and fills a snapshot.
 *
 * Reports every problem it meets and goes on; what is wrong keeps its default, so that later checks
 * have something to work on. A snapshot with problems is thrown away at the end.
 */
#ifndef WEIR_CONFIG_READER_H
#define WEIR_CONFIG_READER_H

#include "config/option.h"
#include "config/sources.h"

/* Where a value was written. Fields that are not listed have their default. */
typedef struct config_origin config_origin;
struct config_origin {
    config_origin *next;
    const void *field;
    unsigned line, column;
    span setting; /* "setting retry.retries"; empty: the file */
};

/* How a value with a ${…} is told. */
typedef struct config_written config_written;
struct config_written {
    config_written *next;
    const option *option; /* NULL: an entry of a list, all of it */
    const void *field;
    span text; /* YAML in flow style */
};

typedef struct config_path config_path;
struct config_path {
    config_path *next;
    span path;
};

/* What the room keeps with a snapshot beyond what others read. */
typedef struct config_own {
    span file; /* as in messages */
    config_origin *origins;
    config_written *written;
    config_path *watch;
    span *watch_paths; /* the list above as an array */
    size_t watch_count;
    int64_t refresh_ms; /* the shortest; 0: never */
    int64_t began_us;   /* when it began to be read */
    bool says_nothing;  /* the file has no option */
} config_own;

struct reader {
    config *config;
    arena *arena;   /* the snapshot's */
    arena *scratch; /* gone when the snapshot is built */
    config_problems *problems;
    config_problems *warnings;
    const config_sources *sources;
    span file;       /* for messages */
    span *settings;  /* "setting retry.retries" for each, for messages; see yaml_node.setting */
    span source;     /* the text */
    span folder;     /* relative paths begin here ("/etc/weir/"); empty: the working directory */
    bool hidden;     /* what is read may be a secret: neither it nor its lines are shown */
    size_t reported; /* problems, also those that were too many to keep */
    bool exposed;    /* other users of the machine may read the file */
    bool sealed; /* somebody else wrote it: a ${…} would tell him, or mean what he cannot see */
};

/* Reports something about node (its place may be 0: then about the file). */
COLD void reader_problem(reader *r, const yaml_node *node, const char *fmt, ...) PRINTF_LIKE(3, 4);
COLD void reader_warning(reader *r, const yaml_node *node, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Fills every option of scope that has one with its default. */
void reader_defaults(reader *r, const option_scope *scope, void *base);
/* Reads map over the defaults. name is the map's own path with a dot at the end, or empty. */
COLD bool reader_scope(reader *r, const option_scope *scope, span name, const yaml_node *map,
                       void *base);

/* The text of a plain value with ${…} replaced. false after reporting: no scalar, or a reference
 * that cannot be resolved. o tells what was expected. */
bool reader_text(reader *r, const option *o, span name, const yaml_node *node, span *ret);
/* "NAME is 'soon'; expected a duration such as …" */
COLD bool reader_expected(reader *r, const option *o, span name, const yaml_node *node);
/* The first problem of replacing ${…} is reported. *ret is in the arena a. */
bool reader_expand(reader *r, span name, const yaml_node *node, arena *a, span *ret);

/* How a message speaks of a value: in quotes as it is written, where that may be shown (shown.h);
 * "a list", "a mapping", "nothing"; else as `otherwise` says. Never what a reference comes to. */
span reader_said(reader *r, const yaml_node *node, const char *otherwise);
/* The same without quotes, for numbers. */
span reader_number(reader *r, const yaml_node *node, const char *otherwise);
/* The same of a text by itself: the file's own name of something, or a part of a value as it is
 * written. */
span reader_quoted(reader *r, span text, const char *otherwise);

/* name.key as messages call it, or name[2] by its place in the mapping where the key may not be
 * shown. */
span reader_member(reader *r, span name, const yaml_node *map, const yaml_node *key);
/* name + suffix, and name[i], in the scratch arena. */
span reader_name(reader *r, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Field was read from node. */
void reader_origin(reader *r, const void *field, const yaml_node *node);
const config_origin *config_origin_of(const config *c, const void *field); /* NULL: default */

/* Field was read from node, as o says; o NULL: as an entry of a list, none of whose parts is
 * secret. Where a ${…} stands in it, that is told in the place of what it came to. */
void reader_written(reader *r, const option *o, const void *field, const yaml_node *node);
/* How such a value is told; empty: there is no ${…} in it, or what it comes to may be told. */
span config_written_of(const config *c, const option *o, const void *field);

/* A path as the file means it: relative ones begin at the file's folder. NUL-terminated. */
span reader_path(reader *r, span path);
void reader_watch(reader *r, span path);

/* The nearest of count names to word, or empty when none is near. */
span reader_nearest(span word, span (*name)(const void *list, size_t i), const void *list,
                    size_t count);

/* listen.c: the node that says where an entry of listen is; NULL: a mapping without it. */
const yaml_node *listen_address(const yaml_node *listener);

/* health.c: a provider, node, may say how it is asked whether it is up, and not what. */
void health_warn(reader *r, span name, const yaml_node *node);

/* limit_rules.c: what rules are found by. */
void limit_rules_index(config_limit_rules *rules, arena *a);

/* sizes.c: whether what is said in map of max_tokens has a bound. prefix: the map's own path with a
 * dot at the end, or empty. */
bool sizes_check(reader *r, span prefix, const yaml_node *map);

/* timeouts.c: which deadlines are in force for each target. */
void timeouts_settle(config *c);

/* memory.c: limits.memory, where nothing is said. Reads small files of the system's. */
void memory_settle(config *c);

/* telemetry.c: what variables say of it where the file does not, and whether they switch it on. */
void telemetry_settle(reader *r, const yaml_node *root);

/* redis.c: an address, a mapping of scope, which may do without one where it need not have it (then
 * to->on is false), or off. */
bool redis_read(reader *r, const option_scope *scope, const option *o, span name,
                const yaml_node *node, config_redis *to);
/* What no part of it can tell. */
bool redis_check(reader *r, span name, const yaml_node *node, const config_redis *c);

/* unused.c: what is written and holds for nothing. */
void unused_warn(reader *r, const yaml_node *root);

/* private_url.c: a URL, written at node, whose host is an address that is refused unless private
 * ones are allowed. Of names only who connects can tell. */
void private_url_warn(reader *r, span name, const yaml_node *node, const config_tool_url *url,
                      bool allowed);

/* cache.c: what no single option of it can tell. */
void cache_check(reader *r, const yaml_node *root);
/* clients.c: what no single option of them can tell. */
void clients_check(reader *r, const yaml_node *root);
/* auth.c: what no single option of it can tell. */
void auth_check(reader *r, const yaml_node *root);
/* guard.c: whether anything is looked at; whether that rule may be looked for, and whether a
 * request may have something redacted. */
void guard_settle(reader *r);
bool guard_looks_for(const config *c, const config_guard_rule *rule);
bool guard_redacts_requests(const config *c);

/* rules.c: what no single option can tell. */
void rules_check(reader *r, const yaml_node *root);

/* advice.c: warnings that need the whole file; after the rules. */
void advice_give(reader *r, const yaml_node *root);
/* The same, of limits by name (limit_advice.c). */
void limit_advice_give(reader *r, const yaml_node *root);
void models_advice_give(reader *r, const yaml_node *root);
void budget_advice_give(reader *r, const yaml_node *root);

/* overlay.c: lays the settings over the file's tree. root may be NULL or no mapping: then each is
 * only checked for itself. Reports, and goes on with the next. */
void overlay_settings(reader *r, const config_setting *settings, size_t count, yaml_node *root);

/* build.c: an empty snapshot. */
config *config_new(void);

/* build.c: the whole way from text to snapshot, in a given world. */
typedef struct config_input {
    span yaml;
    span file;   /* name for messages */
    span folder; /* of relative paths, ends in a slash; may be empty */
    bool exposed;
    bool watched; /* file is a real one whose change means a reload */
    const config_setting *settings;
    size_t setting_count;
    const config_sources *sources;
} config_input;
MUST_USE config *config_build(const config_input *in, config_problems *ret_problems);

#endif
