/* Purges of the store that several weirs have in common: rules that all of them follow, and the
 * sweep that takes what they fit out of the server. */
#include "cache/far_internal.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/random.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    WATCH_MS = 1000,
    SLACK_MS = 1000,
    STEP_KEYS = 128, /* SCAN looks at so many at a time */
    TEXT_MAX = 512,  /* of a rule's model, and of its client */
};
#define RULES_KEY     FAR_KEYS "purges"
#define RULES_LAST_MS "2592000000" /* 30 days */

/* The beginning of each value, "" of what is none. */
static const span beginnings = SPAN(
    "local r = {} for i, k in ipairs(KEYS) do local v = redis.pcall('GETRANGE', k, 0, ARGV[1]) "
    "r[i] = type(v) == 'string' and v or '' end return r");

/* ---- rules ---- */

static void free_rule(far_rule *r) {
    free(r->model);
    free(r->client);
}

void far_rules_done(cache_far *f) {
    for (size_t i = 0; i < f->rule_count; i++)
        free_rule(&f->rules[i]);
}

static cache_purge purge_of(const far_rule *r) {
    return (cache_purge){span_cstr(r->model), span_cstr(r->client), r->older_ms};
}

static bool is_meant(const far_rule *r, const cache_value *v) {
    const cache_purge which = purge_of(r);
    const purge_facts facts = {v->model, v->client, v->asked_ms};
    return v->asked_ms <= r->at_ms && cache_purge_means(&which, &facts, r->at_ms);
}

bool far_is_purged(cache_far *f, const cache_value *v) {
    bool found = false;
    pthread_mutex_lock(&f->lock);
    for (size_t i = 0; i < f->rule_count && !found; i++)
        found = is_meant(&f->rules[i], v);
    pthread_mutex_unlock(&f->lock);
    return found;
}

/* "ID AT OLDER LENGTH MODELCLIENT" */
static void write_rule(const far_rule *r, buf *out) {
    buf_addf(out, "%s %lld %lld %zu %s%s", r->id, (long long)r->at_ms, (long long)r->older_ms,
             strlen(r->model), r->model, r->client);
}

static bool read_number(span *rest, uint64_t *ret) {
    span word;
    return span_cut(rest, ' ', &word) && span_u64(word, ret) && *ret <= INT64_MAX;
}

static bool read_rule(span text, far_rule *ret) {
    span id;
    uint64_t at, older, len;
    if (!span_cut(&text, ' ', &id) || id.len != FAR_RULE_ID_LEN) return false;
    if (!read_number(&text, &at) || !read_number(&text, &older) || !read_number(&text, &len))
        return false;
    if (len > text.len || text.len > 2 * TEXT_MAX) return false;
    *ret = (far_rule){.at_ms = (int64_t)at, .older_ms = (int64_t)older};
    memcpy(ret->id, id.ptr, id.len);
    ret->model = mem_strndup(text.ptr, (size_t)len);
    ret->client = mem_strndup(text.ptr + len, text.len - (size_t)len);
    return true;
}

static bool is_known(const cache_far *f, span id) {
    for (size_t i = 0; i < f->rule_count; i++)
        if (span_eq(span_cstr(f->rules[i].id), id)) return true;
    return false;
}

/* For whoever has not the lock: other workers purge meanwhile. */
static bool knows(cache_far *f, span id) {
    pthread_mutex_lock(&f->lock);
    const bool known = is_known(f, id);
    pthread_mutex_unlock(&f->lock);
    return known;
}

static size_t count_rules(cache_far *f) {
    pthread_mutex_lock(&f->lock);
    const size_t count = f->rule_count;
    pthread_mutex_unlock(&f->lock);
    return count;
}

/* In front; the oldest one goes. true: it was not known, and its texts are taken over. */
static bool take_rule(cache_far *f, far_rule *r) {
    pthread_mutex_lock(&f->lock);
    const bool fresh = !is_known(f, span_cstr(r->id));
    if (fresh) {
        if (f->rule_count == FAR_RULES_MAX) free_rule(&f->rules[--f->rule_count]);
        memmove(f->rules + 1, f->rules, f->rule_count * sizeof *f->rules);
        f->rules[0] = *r;
        f->rule_count++;
    }
    pthread_mutex_unlock(&f->lock);
    return fresh;
}

/* What was asked for since the purge stays: `older` is counted from now on. Clocks of two weirs,
 * and a turn's and the wall's, differ a little: rather too much goes than too little. */
static void follow(far_link *k, const far_rule *r) {
    cache_purge which = purge_of(r);
    const int64_t ago = far_wall_ms() - r->at_ms - SLACK_MS;
    which.older_ms = ago > -which.older_ms ? which.older_ms + ago : 0;
    (void)cache_store_purge(k->far->of->store, &which, k->loop->now_ms);
}

/* ---- the rules of others ---- */

/* More rules than are kept have come since the last look: what they said is not known. */
static void take_rules(far_link *k, const redis_reply *reply) {
    cache_far *f = k->far;
    const size_t count = redis_reply_count(reply), known = count_rules(f);
    size_t fresh = 0;
    for (size_t i = count; i-- > 0;) {
        far_rule r;
        if (!read_rule(redis_reply_text(redis_reply_at(reply, i)), &r)) continue;
        if (knows(f, span_cstr(r.id))) {
            free_rule(&r);
            continue;
        }
        follow(k, &r);
        if (take_rule(f, &r))
            fresh++;
        else /* the purge that made it, on another worker, came between */
            free_rule(&r);
    }
    if (known && fresh == FAR_RULES_MAX)
        (void)cache_store_purge(f->of->store, &(cache_purge){0}, k->loop->now_ms);
}

static void on_news(redis_wait *w, const redis_reply *reply) {
    if (reply) take_rules(CONTAINER_OF(w, far_link, news), reply);
}

static void on_beat(timer *t) {
    far_link *k = CONTAINER_OF(t, far_link, beat);
    const span args[] = {SPAN_OF("LRANGE"), SPAN_OF(RULES_KEY), SPAN_OF("0"),
                         SPAN_OF(FAR_RULE_LAST)};
    if (redis_is_ready(k->redis) && !redis_wait_runs(&k->news))
        (void)!redis_ask(k->redis, &k->news, on_news, args, ARRAY_LEN(args));
    loop_timer_start(k->loop, t, WATCH_MS);
}

void far_watch(far_link *k) {
    redis_wait_init(&k->news);
    timer_init(&k->beat, on_beat);
    k->watches = !atomic_exchange(&k->far->watched, true);
    if (k->watches) loop_timer_start(k->loop, &k->beat, 0);
}

void far_unwatch(far_link *k) {
    loop_timer_stop(k->loop, &k->beat);
    redis_wait_cancel(&k->news);
    if (k->watches) atomic_store(&k->far->watched, false);
}

/* ---- the sweep ---- */

struct far_sweep {
    list link; /* of the far_link */
    far_link *of;
    redis_wait wait;
    far_rule rule;
    buf cursor;
    buf *keys; /* of this step */
    size_t key_count;
    bool all; /* nothing need be looked at */
    uint64_t count;
    far_purged_fn *done; /* NULL: nobody wants to hear of it */
    void *user;
};

static void drop_keys(far_sweep *s) {
    for (size_t i = 0; i < s->key_count; i++)
        buf_done(&s->keys[i]);
    free(s->keys);
    s->keys = NULL;
    s->key_count = 0;
}

static void free_sweep(far_sweep *s) {
    list_remove(&s->link);
    redis_wait_cancel(&s->wait);
    drop_keys(s);
    buf_done(&s->cursor);
    free_rule(&s->rule);
    free(s);
}

static void finish(far_sweep *s, bool whole) {
    far_purged_fn *done = s->done;
    void *user = s->user;
    const uint64_t count = s->count;
    free_sweep(s);
    if (done) done(user, whole, count);
}

static void ask(far_sweep *s, redis_done_fn *done, const span *args, size_t count) {
    if (!redis_ask(s->of->redis, &s->wait, done, args, count)) finish(s, false);
}

static bool is_bad(const redis_reply *reply) {
    return !reply || redis_reply_kind(reply) == REDIS_REFUSED;
}

static redis_done_fn on_scanned;

static void scan(far_sweep *s) {
    char count[16];
    const int n = snprintf(count, sizeof count, "%d", STEP_KEYS);
    const span args[] = {SPAN_OF("SCAN"),  buf_span(&s->cursor),
                         SPAN_OF("MATCH"), SPAN_OF(FAR_KEYS "a:*"),
                         SPAN_OF("COUNT"), span_from(count, (size_t)n)};
    ask(s, on_scanned, args, ARRAY_LEN(args));
}

static void go_on(far_sweep *s) {
    drop_keys(s);
    if (span_eq(buf_span(&s->cursor), SPAN_OF("0")))
        finish(s, true);
    else
        scan(s);
}

static void on_dropped(redis_wait *w, const redis_reply *reply) {
    far_sweep *s = CONTAINER_OF(w, far_sweep, wait);
    if (is_bad(reply)) {
        finish(s, false);
        return;
    }
    s->count += (uint64_t)redis_reply_number(reply);
    go_on(s);
}

/* Those that are left of this step. */
static void drop(far_sweep *s) {
    if (!s->key_count) {
        go_on(s);
        return;
    }
    span *args = mem_alloc((s->key_count + 1) * sizeof *args);
    args[0] = SPAN_OF("UNLINK");
    for (size_t i = 0; i < s->key_count; i++)
        args[1 + i] = buf_span(&s->keys[i]);
    ask(s, on_dropped, args, s->key_count + 1);
    free(args);
}

/* What is no answer of this version is none of theirs, and goes when all does. */
static void on_beginnings(redis_wait *w, const redis_reply *reply) {
    far_sweep *s = CONTAINER_OF(w, far_sweep, wait);
    size_t left = 0;
    if (is_bad(reply) || redis_reply_count(reply) != s->key_count) {
        finish(s, false);
        return;
    }
    for (size_t i = 0; i < s->key_count; i++) {
        cache_value v;
        const bool goes = cache_value_peek(redis_reply_text(redis_reply_at(reply, i)), &v) &&
                          is_meant(&s->rule, &v);
        if (!goes) {
            buf_done(&s->keys[i]);
            continue;
        }
        const buf key = s->keys[i];
        s->keys[i] = BUF_EMPTY;
        s->keys[left++] = key;
    }
    s->key_count = left;
    drop(s);
}

static void look(far_sweep *s) {
    char count[24], last[16];
    const int n = snprintf(count, sizeof count, "%zu", s->key_count);
    const int m = snprintf(last, sizeof last, "%d", CACHE_VALUE_BEGINNING - 1);
    span *args = mem_alloc((s->key_count + 4) * sizeof *args);
    args[0] = SPAN_OF("EVAL");
    args[1] = beginnings;
    args[2] = span_from(count, (size_t)n);
    for (size_t i = 0; i < s->key_count; i++)
        args[3 + i] = buf_span(&s->keys[i]);
    args[3 + s->key_count] = span_from(last, (size_t)m);
    ask(s, on_beginnings, args, s->key_count + 4);
    free(args);
}

static void on_scanned(redis_wait *w, const redis_reply *reply) {
    far_sweep *s = CONTAINER_OF(w, far_sweep, wait);
    if (is_bad(reply) || redis_reply_count(reply) != 2) {
        finish(s, false);
        return;
    }
    const redis_reply *keys = redis_reply_at(reply, 1);
    buf_clear(&s->cursor);
    buf_add(&s->cursor, redis_reply_text(redis_reply_at(reply, 0)));
    s->key_count = redis_reply_count(keys);
    s->keys = mem_zalloc_array(s->key_count + 1, sizeof *s->keys);
    for (size_t i = 0; i < s->key_count; i++)
        buf_add(&s->keys[i], redis_reply_text(redis_reply_at(keys, i)));
    if (!s->key_count)
        go_on(s);
    else if (s->all)
        drop(s);
    else
        look(s);
}

/* The rule stands: from now on all weirs follow it, whatever becomes of the sweep. */
static void on_ruled(redis_wait *w, const redis_reply *reply) {
    far_sweep *s = CONTAINER_OF(w, far_sweep, wait);
    const span trim[] = {SPAN_OF("LTRIM"), SPAN_OF(RULES_KEY), SPAN_OF("0"),
                         SPAN_OF(FAR_RULE_LAST)};
    const span last[] = {SPAN_OF("PEXPIRE"), SPAN_OF(RULES_KEY), SPAN_OF(RULES_LAST_MS)};
    if (is_bad(reply)) {
        finish(s, false);
        return;
    }
    (void)redis_tell(s->of->redis, trim, ARRAY_LEN(trim));
    (void)redis_tell(s->of->redis, last, ARRAY_LEN(last));
    scan(s);
}

static far_rule rule_of(const cache_purge *which) {
    unsigned char bytes[FAR_RULE_ID_LEN / 2];
    far_rule r = {.at_ms = far_wall_ms(), .older_ms = which->older_ms};
    random_bytes(bytes, sizeof bytes);
    hex_encode(bytes, sizeof bytes, r.id);
    r.model = mem_strndup(which->model.ptr, which->model.len);
    r.client = mem_strndup(which->client.ptr, which->client.len);
    return r;
}

far_sweep *far_purge(far_link *k, const cache_purge *which, far_purged_fn *done, void *user) {
    far_sweep *s = mem_zalloc(sizeof *s);
    *s = (far_sweep){.of = k, .rule = rule_of(which), .done = done, .user = user};
    s->all = !which->model.len && !which->client.len && !which->older_ms;
    buf_add_char(&s->cursor, '0');
    redis_wait_init(&s->wait);
    list_push_back(&k->sweeps, &s->link);
    far_rule own = rule_of(which);
    memcpy(own.id, s->rule.id, sizeof own.id);
    own.at_ms = s->rule.at_ms;
    (void)take_rule(k->far, &own);
    buf text = BUF_EMPTY;
    write_rule(&s->rule, &text);
    const span args[] = {SPAN_OF("LPUSH"), SPAN_OF(RULES_KEY), buf_span(&text)};
    const bool asked = redis_ask(k->redis, &s->wait, on_ruled, args, ARRAY_LEN(args));
    buf_done(&text);
    if (asked) return s;
    free_sweep(s);
    return NULL;
}

uint64_t far_sweep_leave(far_sweep *s) {
    s->done = NULL;
    return s->count;
}

void far_sweeps_end(far_link *k) {
    LIST_FOREACH(&k->sweeps, it) free_sweep(LIST_ENTRY(it, far_sweep, link));
}
