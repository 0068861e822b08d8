/* config/config.h: the configuration as the rest of the program sees it: one immutable snapshot.
 *
 * A snapshot is built whole (config_load), never changed, shared by reference count between
 * threads, and replaced whole on reload. Everything inside lives in the snapshot's arena or is
 * a counted secret. Every default is in the option tables (config/options_file.c and options.c),
 * nowhere else.
 *
 * Units    *_ms milliseconds, *_bytes bytes, *_ratio 0…1.
 */
#ifndef WEIR_CONFIG_CONFIG_H
#define WEIR_CONFIG_CONFIG_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/cidr.h"
#include "base/hash.h"
#include "base/secret.h"
#include "config/alerts.h"
#include "config/auth.h"
#include "config/cache.h"
#include "config/guard.h"
#include "config/ledger.h"
#include "config/price.h"
#include "config/provider.h"
#include "config/quota.h"
#include "config/redis.h"
#include "config/sizes.h"
#include "config/telemetry.h"
#include "config/tool.h"

#include <stdatomic.h>

/* ---- listen ---- */
typedef struct config_listener {
    span text;      /* as written, for messages */
    span host;      /* numeric address or name; empty for a Unix socket */
    uint16_t port;  /* 0: any free port */
    span unix_path; /* empty for TCP */
    span tls_cert;  /* path of a PEM chain; empty: plain */
    span tls_key;   /* path of a PEM key */
    bool loopback;  /* reachable from this machine alone */
} config_listener;

/* How much of an answer a client gets, of each choice: of the file, a model or a client, of which
 * the smallest counts. 0: any. */
typedef struct config_answer_limit {
    int64_t characters; /* code points */
    int64_t tokens;     /* as weir counts them (dialect/tokens.h) */
} config_answer_limit;

bool config_answer_limited(const config_answer_limit *a);
/* As it would stand in the file: {characters: 4000}. */
void config_answer_write(const config_answer_limit *a, buf *out);

/* ---- models ---- */
typedef struct config_target {
    const config_provider *provider;
    span model;      /* what the provider is asked for; empty: the client's own word */
    unsigned weight; /* for pick: weighted */
    span name;       /* "openai/gpt-4o-mini", or "openai" where model is empty */
    const struct config_model *of; /* the entry that it stands in */
    config_timeouts timeouts;      /* in force: the entry's, else the provider's, else the file's */
} config_target;

enum { CONFIG_MODEL_NAME_MAX = 200, CONFIG_TARGETS_MAX = 64 /* of a model */ };
typedef struct model_index model_index; /* config/model_index.h */

typedef enum config_pick { PICK_ORDER, PICK_WEIGHTED, PICK_FASTEST } config_pick;

typedef struct config_model {
    span name; /* "*" is the last resort; "gpt-*" matches by prefix; else exact */
    config_pick pick;
    int64_t keep_alive_comment_ms; /* 0: server.keep_alive_comment */
    config_target *targets;
    size_t target_count;
    config_timeouts timeouts; /* its own */
    config_sizes sizes;       /* of requests for it */
    config_guard_use guard;   /* its own */
    config_answer_limit answer;
} config_model;

/* ---- clients ---- */

/* Whether a client's models are offered the server's tools where it has not asked for them. */
typedef enum config_server_tools {
    CONFIG_SERVER_TOOLS_UNSET, /* as functions.server_tools says */
    CONFIG_SERVER_TOOLS_NOT,
    CONFIG_SERVER_TOOLS,
} config_server_tools;

typedef struct config_client {
    span name;
    span environment;          /* label; may be empty */
    unsigned char (*keys)[32]; /* SHA-256 of each; any of them is this client */
    size_t key_count;
    uint64_t holder; /* of shares: names it beyond this snapshot (base/shares.h) */
    config_limit_set limits;
    span owner;         /* a person or team; may be empty */
    int64_t expires_us; /* wall time; 0: never */
    span *models;       /* that it may ask for, a * at the end stands for any rest; none: all */
    size_t model_count;
    span *endpoints; /* likewise, as access/permit.h reads them */
    size_t endpoint_count;
    cidr *addresses; /* that it may call from; none: any */
    size_t address_count;
    config_header *tags; /* its calls are marked with; exchange/tags.h */
    size_t tag_count;
    config_header *metadata; /* the operator's own */
    size_t metadata_count;
    config_sizes sizes;     /* of its requests */
    config_guard_use guard; /* its own */
    config_answer_limit answer;
    config_server_tools server_tools;
    unsigned weight; /* its share of the turns of those who wait for a limit */
    bool brought;    /* by a token, or a key of the store: no configuration has it */
} config_client;

/* ---- policies ---- */
typedef struct config_retry {
    unsigned retries; /* tries after the first, over all targets together */
    int64_t base_ms;
    int64_t cap_ms;
    int64_t patience_ms;      /* the longest Retry-After waited for while another target is left */
    double budget_ratio;      /* extra calls per target at most; see call/target.h */
    unsigned budget_floor;    /* extra calls per minute that are always allowed */
    bool after_timeout;       /* a target that may still be at it is asked again */
    bool context_length_next; /* a context-length refusal goes to the next target */
    bool content_policy_next; /* a content-policy refusal goes to the next target */
} config_retry;

typedef struct config_breaker {
    bool on;
    double failure_ratio;
    unsigned of; /* calls in the window at least */
    int64_t window_ms;
    int64_t probe_ms; /* rest before the one probing call */
} config_breaker;

typedef struct config_hedge {
    bool on;
    int64_t after_ms;      /* fixed wait; 0: measured */
    double after_quantile; /* 0.95 for p95, when after_ms is 0 */
    double at_most_ratio;  /* of calls may be hedged */
} config_hedge;

typedef struct config_affinity {
    unsigned ids;    /* whose place is remembered, at most; 0: none */
    int64_t keep_ms; /* since the last use */
} config_affinity;

/* What GET /v1/models tells: the names of the entries, or also what patterns let through. */
typedef enum config_list_models { LIST_MODELS_ALL, LIST_MODELS_NAMES } config_list_models;

typedef struct config_server {
    unsigned workers; /* never 0 here: auto is resolved */
    bool core_dumps;
    int64_t header_timeout_ms;
    int64_t body_timeout_ms;
    size_t body_rate;      /* bytes a second; 0: any */
    int64_t body_total_ms; /* 0: any */
    int64_t idle_timeout_ms;
    int64_t drain_delay_ms; /* of not being ready, before drain_ms begins */
    int64_t drain_ms;
    int64_t keep_alive_comment_ms;        /* 0: off */
    unsigned max_connections;             /* per worker */
    unsigned max_connections_per_address; /* of these; 0: auto, seven in eight */
    config_list_models list_models;
    span environment;      /* clients of another are refused; empty: of all are served */
    cidr *trusted_proxies; /* whose word on the client's address counts */
    size_t trusted_proxy_count;
    bool open;   /* anyone who reaches a listener is served, without a key */
    span *hosts; /* whom requests may name where no key is asked for; see gateway/host_rule.h */
    size_t host_count;
} config_server;

typedef struct config_limits {
    size_t body_bytes;
    size_t answer_bytes; /* a provider's plain answer */
    size_t answer_rate;  /* bytes a second of it; 0: any */
    size_t event_bytes;  /* one event of a stream */
    size_t head_bytes;
    size_t url_bytes;
    unsigned headers;
    unsigned messages;
    unsigned depth;
    unsigned members;      /* of an object and those around it; at least 48 */
    size_t memory_bytes;   /* all bodies and answers that are gathered; never 0: auto is resolved */
    bool memory_told;      /* by the configuration, and not by what the machine has */
    unsigned calls;        /* concurrent calls per worker */
    double client_share;   /* of calls and the like: what one client may hold; see config_share() */
    config_limit_set user; /* of each user of a client */
    config_limit_set address; /* of each address that asks */
    config_limit_rules model, tag;
    bool quotas;               /* any of these is set */
    config_limit_rules target; /* asked whenever a target is */
    bool wait;                 /* calls wait for what limits them */
    unsigned wait_clients;     /* … so many at most */
    int64_t wait_ms;           /* … for that long */
    int64_t assumed_tokens;    /* of an answer whose request does not bound it */
    config_sizes sizes;        /* of any request */
} config_limits;

/* What follows where that is not said. */
typedef enum config_approval_failed { APPROVAL_DENIES, APPROVAL_ASKS } config_approval_failed;

/* Who says whether calls of tools with approve: webhook may be made. */
typedef struct config_approval {
    config_webhook webhook; /* no url: nobody */
    int64_t timeout_ms;
    config_approval_failed failed;
} config_approval;

/* A run of a model with tools. */
typedef struct config_functions {
    unsigned max_steps;
    int64_t max_time_ms;
    unsigned max_tokens;   /* 0: any number */
    int64_t max_cost_nano; /* 0: any amount */
    int64_t approval_time_ms;
    config_approval approval;
    bool server_tools; /* in /v1/chat/completions and /v1/responses, too */
} config_functions;

typedef struct config_chat {
    span model;
    uint32_t message_chars;
    int64_t max_tokens; /* default */
    int64_t max_tokens_limit;
    double temperature; /* default */
    double temperature_limit;
    span system; /* system prompt; empty: none */
    /* The plain sentences of an answer that failed. */
    span say_rate_limited;
    span say_unreachable;
    span say_invalid; /* may hold {error} */
    span say_failed;  /* may hold {error} */
} config_chat;

typedef struct config_cors {
    span *origins; /* "*" alone means any; none: CORS is off */
    size_t origin_count;
    bool credentials;
    int64_t max_age_ms;
} config_cors;

typedef enum config_log_format { LOG_AUTO, LOG_JSON, LOG_TEXT } config_log_format;
typedef enum config_log_level {
    LEVEL_DEBUG,
    LEVEL_INFO,
    LEVEL_WARN,
    LEVEL_ERROR,
    LEVEL_OFF
} config_log_level;

typedef struct config_logs {
    config_log_level level;
    config_log_format format;
    size_t
        buffer_bytes; /* what may wait for a slow reader of the log; more is dropped and counted */
} config_logs;

/* Who sees everybody's records. */
typedef struct config_admin {
    unsigned char (*keys)[32]; /* their SHA-256 */
    size_t key_count;          /* 0: none */
} config_admin;

/* Whether the keys of the ledger's store count. */
typedef enum config_keys {
    KEYS_AUTO, /* where there are any */
    KEYS_ON,   /* and a key is asked for though there may be none */
    KEYS_OFF,
} config_keys;

/* Something that a person should read: a fault that keeps the file from being used, or a warning.
 */
typedef struct config_problem {
    span file;        /* or "setting retry.retries" */
    unsigned setting; /* from 1: which one; 0: the file */
    unsigned line;    /* from 1; 0: no place */
    unsigned column;  /* from 1 */
    span text;        /* "retry.base is 0s; allowed 1ms to 60s" */
    span excerpt;     /* the line itself, as far as it may be shown; may be empty */
} config_problem;

typedef struct config {
    atomic_uint refs;
    arena arena;
    span path; /* the file; empty: none */
    config_listener *listeners;
    size_t listener_count;
    config_provider *providers;
    size_t provider_count;
    config_model *models;
    size_t model_count;
    const model_index *model_index; /* of these */
    config_client *clients;
    size_t client_count; /* 0, and no keys in the store: no keys asked, loopback only */
    config_keys keys;
    config_jwt jwt;
    /* Whether the store has keys, as far as is known; lives on, and changes. NULL: it has none. Set
     * before the snapshot is shared. */
    const atomic_bool *store_has_keys;
    span *passthrough; /* further /v1 paths; "/v1/audio/" + "*" matches by prefix */
    size_t passthrough_count;
    config_chat chat;
    config_functions functions;
    config_retry retry;
    config_breaker breaker;
    config_hedge hedge;
    config_affinity affinity;
    config_timeouts timeouts;
    config_server server;
    config_limits limits;
    config_cors cors;
    config_logs logs;
    config_ledger ledger;
    config_audit audit;
    config_telemetry telemetry;
    config_alerts alerts;
    config_cache cache;
    config_guard guard;
    config_answer_limit answer;
    config_redis shared; /* by several weirs */
    config_admin admin;
    const config_price *prices;
    size_t price_count;
    config_tool *tools;
    size_t tool_count;
    config_problem *warnings; /* usable, but worth a look; `weir check` and the start print them */
    size_t warning_count;
    struct config_own *own; /* the room's own notes: where each value came from */
} config;

typedef struct config_problems {
    arena arena;
    config_problem *items;
    size_t count;
    size_t cap;
    /* Files that a configuration with problems names, as config_watch_paths() of one without. */
    const span *paths;
    size_t path_count;
} config_problems;

void config_problems_done(config_problems *p);
/* "weir.yaml:14:10: retry.base is 0s; allowed 1ms to 60s\n" for each, with the line and a caret
 * beneath where the file can be shown. */
void config_problems_print(const config_problems *p, buf *out);
void config_problem_print(const config_problem *item, buf *out);
/* "weir.yaml:14:10: warning: …", as compilers say it: editors find the place. */
void config_warning_print(const config_problem *item, buf *out);
/* Something about what an option of c names, placed where it was written. field: the option's, in
 * c; text is borrowed. */
config_problem config_problem_at(const config *c, const void *field, span text);

/* A value laid over the configuration, as from a command line or a program. Neither is NULL.
 *
 * path   An option or a section by its dotted path: "retry.retries", "providers.openai.url",
 *        "models". A part that has dots of its own stands in quotes, single or double, in which a
 *        doubled quote stands for itself: models.'gpt-4.1'.pick, models.'*'.
 * value  YAML as it would stand in the file, with its ${NAME} and $$: 5, 30s, off, "a: text",
 *        {url: "https://…"}. What YAML would take for something else (a key "a: b", a number with
 *        a $) must be quoted, as there; write_string() does it for any text. Only where the option
 *        is a text (chat.say.failed) quotes may be left out, whatever it holds: Sorry: {error}.
 *
 * Settings are laid over the file in their order, each in place of what is there, mappings and
 * lists as wholes. What is on the way and is no mapping (nothing, `breaker: off`, a list) gives way
 * to one. Elements of a list cannot be named. Relative paths begin where the file's do. */
typedef struct config_setting {
    const char *path;
    const char *value;
} config_setting;

/* The ways to a snapshot set *ret_problems up themselves; it is the caller's to give back
 * with config_problems_done(), also after success (when it is empty: warnings are in the snapshot).
 */

/* Loads and validates a file; reads environment variables, key files and key commands that it
 * names. All problems are reported, not only the first. NULL when there is any. May block (files,
 * commands): never call it on an event loop's thread. */
MUST_USE config *config_load(const char *path, config_problems *ret_problems);
/* The same at a reload, of what was read before: a regular file alone, since what a pipe gave is
 * gone and another may never come. Not one that says nothing, unless nothing is what is in force:
 * it is being written, or was cut off. */
MUST_USE config *config_load_again(const char *path, bool of_nothing,
                                   config_problems *ret_problems);
/* Its file has no option. */
bool config_says_nothing(const config *c);
/* The same from memory; name stands for the file in messages. */
MUST_USE config *config_parse(span yaml, const char *name, config_problems *ret_problems);
/* The same with count settings laid over. An empty yaml: defaults and settings alone.
 * Problems with a setting have its name in the file's place: "setting retry.retries: …". */
MUST_USE config *config_load_with(const char *path, const config_setting *settings, size_t count,
                                  config_problems *ret_problems);
MUST_USE config *config_parse_with(span yaml, const char *name, const config_setting *settings,
                                   size_t count, config_problems *ret_problems);
/* Without a file: OPENAI_API_KEY set: provider openai for every model. Else a provider `simulator`
 * at simulator_url (may be NULL: then the snapshot has no provider). */
MUST_USE config *config_default(const char *simulator_url, config_problems *ret_problems);
/* For a trial by anyone who reaches address (listened at in place of the default one): the provider
 * `simulator` at simulator_url for every model, and nobody else, whatever the environment has.
 * from: who asks for that address, for messages. */
MUST_USE config *config_trial(const char *simulator_url, span address, const char *from,
                              config_problems *ret_problems);
/* ./weir.yaml, $XDG_CONFIG_HOME/weir/weir.yaml (~/.config), $XDG_CONFIG_DIRS, /etc/weir/weir.yaml:
 * the first that exists, in *out; false: none. */
MUST_USE bool config_find(buf *ret_path);

/* Puts one address in place of those of the file, as a command line may ask (from: who does, for
 * messages). Only before the snapshot is shared. On failure the snapshot is as before and problems
 * has one more. */
MUST_USE bool config_set_listen(config *c, span address, const char *from,
                                config_problems *problems);

/* Lets so many calls run at a time in one loop, to whatever provider, where the file allows fewer:
 * limits.calls and each max_connections. Only before the snapshot is shared. */
void config_allow_calls(config *c, unsigned calls);

/* So many client connections can each worker have where the process may have `files` descriptors:
 * what is left when weir's own are taken off, and those of connections to providers. Pure. */
uint64_t config_client_descriptors(const config *c, uint64_t files);
/* Of the `files` so many are kept back from clients' connections, whoever else has the others.
 * Pure. */
uint64_t config_kept_descriptors(const config *c, uint64_t files);
/* Lowers server.max_connections to what clients can have, with a warning, where it is more. Only
 * before the snapshot is shared. */
void config_fit_descriptors(config *c, uint64_t files);

config *config_ref(config *c);
void config_unref(config *c);

/* on: key commands that run are ended, and none begins: whoever wanted the keys does not any more.
 * Of the process; any thread. */
void config_give_up_commands(bool on);

/* When secrets must be read again without a change of the file: the shortest `refresh` of a key
 * command, or 0 for never. Key files are watched through config_watch_paths. */
int64_t config_refresh_ms(const config *c);
/* Files whose change means a reload (the configuration, key files, certificates). */
size_t config_watch_paths(const config *c, const span **ret_paths);
/* When it began to be read (wall clock): what of those files is later may not be in it. */
int64_t config_began_us(const config *c);

/* The options that differ between two snapshots but take effect only at a start, as
 * "server.workers" into out. false: none. */
bool config_needs_restart(const config *old, const config *fresh, buf *out);

/* The effective configuration as YAML, secrets as `(set)`, each option with where it came from. */
void config_explain(const config *c, buf *out);
/* The reference page of the docs, in Markdown, and an example file, both from the option table. */
void config_write_reference(buf *out);
void config_write_example(buf *out);

/* A price as it would stand in the file: {input: 2.5, output: 10}. */
void config_price_write(const config_price *p, buf *out);
/* Of its hours: "01:30", in quotes. */
void config_time_of_day_write(int64_t minutes, buf *out);
/* Where one of c's was written: "weir.yaml:12". */
void config_price_origin(const config *c, const config_price *p, buf *out);

/* The model entry for a client's word: exact, then the longest prefix pattern, then "*"; NULL. */
const config_model *config_find_model(const config *c, span name);
/* The client with the key of that SHA-256, compared in constant time; NULL. */
const config_client *config_find_client(const config *c, const unsigned char hash[SHA256_LEN]);

/* Whether the trail keeps what was asked and answered, by the guard's rules. */
bool config_keeps_bodies(const config *c);

/* What is in force for a call of that model by that client, of which either may be NULL. */
config_guard_use config_guard_of(const config *c, const config_model *m, const config_client *who);
/* Whether what such a call asks is looked at, by rules or by somebody outside. */
bool config_guard_looks(const config *c, const config_model *m, const config_client *who);
config_answer_limit config_answer_of(const config *c, const config_model *m,
                                     const config_client *who);

/* Whether a key is asked for: where there are clients, of the file, of an issuer (auth.jwt) or of
 * the store, or keys is on. The one place that knows. */
bool config_asks_keys(const config *c);
/* Whether keys of the store are: it has some, or keys is on. */
bool config_takes_store_keys(const config *c);
/* Whether there are clients that the file does not name, as many as an issuer or the store says. */
bool config_has_unlisted(const config *c);
/* Whether there may be several clients, who share what is bounded. */
bool config_has_several(const config *c);

/* Which of admin.keys has that SHA-256, from 1 on; 0: none. Compared in constant time. */
size_t config_find_admin(const config *c, const unsigned char hash[SHA256_LEN]);

/* How much of a bounded thing one client may hold: limits.client_share of it, at least one; all of
 * it where there are no others. With server.open and no clients: of one machine that asks. */
uint64_t config_share(const config *c, uint64_t bound);

typedef enum config_timeout {
    TIMEOUT_CONNECT,
    TIMEOUT_FIRST_BYTE,
    TIMEOUT_FIRST_TOKEN,
    TIMEOUT_BETWEEN_EVENTS,
    TIMEOUT_TOTAL,
} config_timeout;

/* Whose word a deadline is, as a path of the configuration: "providers.local.timeouts.first_token".
 * model and provider may be NULL. In the arena. */
span config_timeout_name(const config_model *model, const config_provider *provider,
                         config_timeout which, arena *a);
/* The same with its length: "timeouts.total (1800 s)". */
span config_timeout_text(const config *c, const config_model *model,
                         const config_provider *provider, config_timeout which, arena *a);

/* The deadlines of a target that the file does not have, as if it stood in this entry. */
void config_target_settle(const config *c, const config_model *m, config_target *t);

#endif
