#include "gateway/token_keeper.h"

#include "access/jwt.h"
#include "access/key_cache.h"
#include "access/token_caller.h"
#include "base/clock.h"
#include "base/cond.h"
#include "base/mem.h"
#include "http/fetch.h"
#include "http/tls.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum {
    KNOWN_MAX = 65536,
    POLL_MS = 20,         /* of those who wait for keys */
    FIRST_REST_MS = 1000, /* where there are none yet */
};

struct token_keeper {
    log_shard *log; /* the thread's */
    key_cache *cache;
    pthread_t thread;
    bool runs;

    pthread_mutex_t lock; /* of all that follows */
    pthread_cond_t changed;
    config *config; /* counted; whose keys are fetched; NULL: nobody's */
    jwks *keys;     /* counted; NULL: none yet */
    span source;    /* where from, of config */
    bool wanted, fetching, ending;
    int64_t tried_ms; /* monotonic; 0: never */
    uint64_t changes; /* of keys */
};

static void lock(token_keeper *k) {
    (void)pthread_mutex_lock(&k->lock);
}

static void unlock(token_keeper *k) {
    (void)pthread_mutex_unlock(&k->lock);
}

/* ---- the thread ---- */

static void tell_failure(token_keeper *k, span why) {
    const log_field reason = {.key = "reason", .value = why};
    log_event(k->log, LEVEL_WARN, "token_keys_not_fetched",
              SPAN_OF("The keys of the issuer of tokens could not be fetched: those that are known "
                      "go on."),
              &reason, 1);
    log_flush(k->log);
}

/* NULL: *ret_why says why not. */
static jwks *fetch_keys(const config_jwt *c, buf *ret_why) {
    const http_header accept = {SPAN_OF("accept"), SPAN_OF("application/json")};
    const config_url url = {.tls = c->url.tls,
                            .host = c->url.host,
                            .port = c->url.port,
                            .authority = c->url.authority,
                            .unix_path = c->url.unix_path};
    const fetch_spec spec = {.url = &url,
                             .path = c->url.path,
                             .headers = {&accept, 1},
                             .ca_file = c->ca_file,
                             .timeout_ms = c->timeout_ms};
    fetched f;
    jwks *keys = NULL;
    fetch(&spec, &f);
    if (f.status == 200)
        keys = jwks_parse(buf_span(&f.body), ret_why);
    else if (f.status)
        buf_addf(ret_why, "status %d", f.status);
    else
        buf_add(ret_why, buf_span(&f.why));
    fetched_done(&f);
    return keys;
}

/* The lock is held, and given up meanwhile. */
static void refresh(token_keeper *k) {
    config *c = config_ref(k->config);
    buf why = BUF_EMPTY;
    k->wanted = false;
    k->fetching = true;
    unlock(k);
    jwks *keys = fetch_keys(&c->jwt, &why);
    if (!keys) tell_failure(k, buf_span(&why));
    lock(k);
    k->fetching = false;
    k->tried_ms = clock_mono_ms();
    const bool meant = k->config && span_eq(k->source, c->jwt.url.text);
    if (keys && meant) {
        jwks *before = k->keys;
        k->keys = keys;
        keys = before;
        k->changes++;
        key_cache_clear(k->cache);
    }
    jwks_unref(keys);
    config_unref(c);
    buf_done(&why);
}

static bool is_remote(const token_keeper *k) {
    return k->config && k->config->jwt.url.text.len;
}

static int64_t rest_ms(const token_keeper *k) {
    return k->keys ? TOKEN_KEYS_REST_MS : FIRST_REST_MS;
}

/* How long until keys are fetched next; 0: now; -1: nobody's are. */
static int64_t due_ms(const token_keeper *k) {
    if (!is_remote(k)) return -1;
    const int64_t passed = k->tried_ms ? clock_mono_ms() - k->tried_ms : INT64_MAX / 2;
    const int64_t often = k->keys ? k->config->jwt.refresh_ms : TOKEN_KEYS_REST_MS;
    const int64_t after = k->wanted ? rest_ms(k) : often;
    return passed >= after ? 0 : after - passed;
}

static void wait_for(token_keeper *k, int64_t ms) {
    if (ms < 0)
        (void)pthread_cond_wait(&k->changed, &k->lock);
    else
        (void)cond_wait_until(&k->changed, &k->lock, clock_mono_ms() + ms);
}

static void *run(void *arg) {
    token_keeper *k = arg;
    lock(k);
    while (!k->ending) {
        const int64_t ms = due_ms(k);
        if (ms == 0)
            refresh(k);
        else
            wait_for(k, ms);
    }
    unlock(k);
    return NULL;
}

static bool start(token_keeper *k, buf *ret_why) {
    sigset_t before;
    loop_quiet(&before);
    const int err = pthread_create(&k->thread, NULL, run, k);
    loop_loud(&before);
    k->runs = !err;
    if (err) buf_addf(ret_why, "cannot start a thread that fetches keys: %s", strerror(err));
    return !err;
}

/* ---- the main thread's ---- */

token_keeper *token_keeper_new(logger *l) {
    token_keeper *k = mem_zalloc(sizeof *k);
    k->log = logger_add_shard(l);
    k->cache = key_cache_new(KNOWN_MAX, 1);
    (void)pthread_mutex_init(&k->lock, NULL);
    (void)pthread_cond_init(&k->changed, NULL);
    return k;
}

static bool file_fits(const config_jwt *c, const void **ret_at, buf *ret_why) {
    buf why = BUF_EMPTY;
    jwks *keys = jwks_parse(c->text, &why);
    if (!keys) {
        *ret_at = &c->url;
        buf_addf(ret_why, "auth.jwt.jwks: %.*s cannot be used: %.*s", SPAN_ARG(c->file),
                 SPAN_ARG(buf_span(&why)));
    }
    jwks_unref(keys);
    buf_done(&why);
    return keys != NULL;
}

/* The keys are fetched later, again and again; whom they are taken from is known now. */
static bool authorities_fit(const config_jwt *c, const void **ret_at, buf *ret_why) {
    buf why = BUF_EMPTY;
    tls_context *tls = tls_client_new(c->ca_file, &why);
    if (!tls) {
        *ret_at = c->ca_file.len ? (const void *)&c->ca_file : &c->url;
        buf_addf(ret_why, "auth.jwt.ca_file: %.*s", SPAN_ARG(buf_span(&why)));
    }
    tls_context_unref(tls);
    buf_done(&why);
    return tls != NULL;
}

bool token_keys_fit(const config *c, const void **ret_at, buf *ret_why) {
    if (!c->jwt.on) return true;
    if (!c->jwt.url.text.len) return file_fits(&c->jwt, ret_at, ret_why);
    return !c->jwt.url.tls || authorities_fit(&c->jwt, ret_at, ret_why);
}

bool token_keeper_apply(token_keeper *k, config *c, buf *ret_why) {
    const config_jwt *o = &c->jwt;
    jwks *keys = NULL, *old_keys = NULL;
    if (o->on && !o->url.text.len && !(keys = jwks_parse(o->text, ret_why))) return false;
    lock(k);
    config *before = k->config;
    const bool same = before && o->url.text.len && span_eq(k->source, o->url.text);
    k->config = o->on ? config_ref(c) : NULL;
    k->source = o->url.text;
    if (!same) {
        old_keys = k->keys;
        k->keys = keys;
        k->changes++;
        k->tried_ms = 0;
    }
    key_cache_clear(k->cache);
    (void)pthread_cond_broadcast(&k->changed);
    const bool needs = is_remote(k) && !k->runs;
    unlock(k);
    jwks_unref(old_keys);
    config_unref(before);
    return !needs || start(k, ret_why);
}

bool token_keeper_rests(token_keeper *k) {
    lock(k);
    k->ending = true;
    (void)pthread_cond_broadcast(&k->changed);
    const bool rests = !k->fetching;
    unlock(k);
    return rests;
}

void token_keeper_free(token_keeper *k) {
    if (!k) return;
    lock(k);
    k->ending = true;
    (void)pthread_cond_broadcast(&k->changed);
    unlock(k);
    if (k->runs) (void)pthread_join(k->thread, NULL);
    jwks_unref(k->keys);
    config_unref(k->config);
    key_cache_free(k->cache);
    (void)pthread_cond_destroy(&k->changed);
    (void)pthread_mutex_destroy(&k->lock);
    free(k);
}

/* ---- judging one ---- */

/* By the token and the configuration that says what it means. */
static void name_token(const config *c, span token, unsigned char ret[SHA256_LEN]) {
    sha256(token, ret);
    for (size_t i = 0; i < sizeof c->jwt.generation; i++)
        ret[i] ^= ((const unsigned char *)&c->jwt.generation)[i];
}

/* The lock is held: the issuer may be asked. */
static bool has_rested(const token_keeper *k) {
    return !k->tried_ms || clock_mono_ms() - k->tried_ms >= rest_ms(k);
}

/* What can be done about a key that is not known. */
typedef enum way_out { WAY_JUDGE_AGAIN, WAY_FETCH, WAY_NONE, WAY_NO_KEYS } way_out;

/* since: which keys it was judged by; others may have come meanwhile. */
static way_out find_way(token_keeper *k, uint64_t since) {
    lock(k);
    way_out way = k->keys ? WAY_NONE : WAY_NO_KEYS;
    if (k->changes != since)
        way = WAY_JUDGE_AGAIN;
    else if (is_remote(k) && (k->fetching || has_rested(k)))
        way = WAY_FETCH;
    unlock(k);
    return way;
}

static token_verdict refuse(error_id why, weir_error *ret_error) {
    *ret_error = error_of(why);
    ret_error->message = span_cstr(error_get(why)->sentence);
    return TOKEN_REFUSED;
}

/* By the keys that there are; *ret_changes: which ones those were. false: *ret_error says why. */
static bool judge(token_keeper *k, const config *c, span token, arena *a, access_key **ret,
                  uint64_t *ret_changes, weir_error *ret_error) {
    const config_jwt *o = &c->jwt;
    const jwt_policy policy = {.algorithms = o->algorithms,
                               .issuer = o->issuer,
                               .audiences = o->audiences,
                               .audience_count = o->audience_count,
                               .leeway_us = o->leeway_ms * 1000};
    jwt found;
    lock(k);
    jwks *keys = k->keys ? jwks_ref(k->keys) : NULL;
    *ret_changes = k->changes;
    unlock(k);
    const error_id bad = jwt_verify(token, keys, &policy, clock_wall_us(), a, &found);
    jwks_unref(keys);
    if (bad != ERR_NONE) {
        (void)refuse(bad, ret_error);
        return false;
    }
    *ret_error = error_of(ERR_TOKEN_CLAIMS);
    *ret = token_caller(c, &found, a, &ret_error->message);
    return *ret;
}

/* Of one that is not known yet: it is from now on, where it is good. */
static token_verdict look_at(token_keeper *k, const config *c, span token, arena *a,
                             access_key **ret, weir_error *ret_error) {
    uint64_t changes;
    for (;;) {
        if (judge(k, c, token, a, ret, &changes, ret_error)) return TOKEN_GOOD;
        if (ret_error->id != ERR_TOKEN_KEY_UNKNOWN) return TOKEN_REFUSED;
        switch (find_way(k, changes)) {
        case WAY_JUDGE_AGAIN: break;
        case WAY_FETCH: return TOKEN_WAITS;
        case WAY_NONE: return TOKEN_REFUSED;
        case WAY_NO_KEYS: return refuse(ERR_TOKEN_KEYS_AWAY, ret_error);
        }
    }
}

token_verdict token_keeper_find(token_keeper *k, const config *c, span token, arena *a, caller *ret,
                                weir_error *ret_error) {
    unsigned char name[SHA256_LEN];
    key_entry e = {.standing = KEY_GOOD};
    name_token(c, token, name);
    if (!key_cache_find(k->cache, name, &e)) {
        const uint64_t season = key_cache_season(k->cache);
        const token_verdict v = look_at(k, c, token, a, &e.key, ret_error);
        if (v != TOKEN_GOOD) return v;
        access_key_ref(e.key);
        key_cache_put(k->cache, name, e, season);
    }
    if (clock_wall_us() >= e.key->until_us) {
        access_key_unref(e.key);
        return refuse(ERR_TOKEN_EXPIRED, ret_error);
    }
    *ret = (caller){&e.key->client, e.key};
    return TOKEN_GOOD;
}

/* ---- waiting for keys ---- */

struct token_wait {
    token_keeper *keeper;
    loop *loop;
    timer poll;
    void (*done)(void *user);
    void *user;
};

/* What was wanted has been tried. */
static bool is_over(token_keeper *k) {
    lock(k);
    const bool over = !k->wanted && !k->fetching;
    unlock(k);
    return over;
}

static void on_poll(timer *t) {
    token_wait *w = CONTAINER_OF(t, token_wait, poll);
    if (!is_over(w->keeper)) {
        loop_timer_start(w->loop, t, POLL_MS);
        return;
    }
    void (*done)(void *) = w->done;
    void *user = w->user;
    free(w);
    done(user);
}

token_wait *token_keeper_ask(token_keeper *k, loop *on, void (*done)(void *user), void *user) {
    token_wait *w = mem_zalloc(sizeof *w);
    *w = (token_wait){.keeper = k, .loop = on, .done = done, .user = user};
    timer_init(&w->poll, on_poll);
    lock(k);
    if (!k->fetching && has_rested(k)) k->wanted = true; /* else it has just been done */
    (void)pthread_cond_broadcast(&k->changed);
    unlock(k);
    loop_timer_start(on, &w->poll, POLL_MS);
    return w;
}

void token_wait_drop(token_wait *w) {
    loop_timer_stop(w->loop, &w->poll);
    free(w);
}
