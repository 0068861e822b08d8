#include "cache/far_internal.h"

#include "base/clock.h"
#include "base/mem.h"
#include "loop/aside.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    LOOKS_FAILED = 3, /* in a row: then nobody looks for a while */
    PAUSE_MIN_MS = 500,
    PAUSE_MAX_MS = 10 * 1000,
    REWRITE_MS = 1000,
    WRITES_MAX = 64,               /* that are under way */
    WRITE_BYTES = 2 * 1024 * 1024, /* of an answer; a larger one stays in memory alone */
    ASIDE_BYTES = 32 * 1024,       /* from here on it is worth a thread */
    FORMS = 2,
};

/* ---- keys ---- */

enum { KEY_LEN = sizeof FAR_KEYS "a:" - 1 + SHA256_HEX_LEN + 2 };

static span key_text(const cache_key *key, bool stream, char out[KEY_LEN + 1]) {
    char hex[SHA256_HEX_LEN + 1];
    hex_encode(key->bytes, sizeof key->bytes, hex);
    (void)snprintf(out, KEY_LEN + 1, FAR_KEYS "a:%s:%c", hex, stream ? 's' : 'd');
    return span_from(out, KEY_LEN);
}

/* ---- figures ---- */

static void count_look(far_link *k, const char *result) {
    const span label = span_cstr(result);
    if (k->metrics) metric_add(metrics_series(k->metrics, METRIC_CACHE_LOOKS, &label), 1);
}

static void count_write(far_link *k, const char *result) {
    const span label = span_cstr(result);
    if (k->metrics) metric_add(metrics_series(k->metrics, METRIC_CACHE_WRITES, &label), 1);
}

static void add(json_writer *w, const char *name, uint64_t n) {
    json_key(w, name);
    json_put_u64(w, n);
}

void cache_far_write_figures(cache_far *f, buf *out) {
    json_writer w = json_writer_of(out);
    json_open_object(&w);
    json_key(&w, "server");
    json_put_string(&w, f->config->shown);
    json_key(&w, "away");
    json_put_bool(&w, atomic_load(&f->away) > 0);
    add(&w, "hits", atomic_load(&f->hits));
    add(&w, "misses", atomic_load(&f->misses));
    add(&w, "failed", atomic_load(&f->failed));
    add(&w, "written", atomic_load(&f->written));
    add(&w, "unwritten", atomic_load(&f->unwritten));
    json_close_object(&w);
}

/* ---- what comes back ---- */

/* Owned by the look that waits for it; where nobody does any more, by its thread. */
typedef struct far_reading {
    aside aside;
    far_look *look;
    cache_far *far;
    cache_key key;
    size_t count;
    bool stream[FORMS];
    buf bytes[FORMS];
    cache_value found[FORMS]; /* said NULL: it is none */
} far_reading;

static void free_reading(far_reading *r) {
    for (size_t i = 0; i < r->count; i++) {
        buf_done(&r->bytes[i]);
        recording_unref(r->found[i].said);
    }
    free(r);
}

static void on_reading_dropped(aside *a) {
    free_reading(CONTAINER_OF(a, far_reading, aside));
}

/* It may be on another thread. */
static void read_all(aside *a) {
    far_reading *r = CONTAINER_OF(a, far_reading, aside);
    cache_room *room = cache_store_room(r->far->of->store);
    for (size_t i = 0; i < r->count; i++) {
        cache_value v;
        const span bytes = buf_span(&r->bytes[i]);
        if (!bytes.len || !cache_value_read(bytes, &r->key, room, r->far->answer_bytes, &v))
            continue;
        r->found[i] = v;
        if (v.stream == r->stream[i]) continue;
        recording_unref(v.said);
        r->found[i].said = NULL;
    }
}

/* Into memory, as if it had been stored there when it was. */
static bool keep(far_reading *r, const cache_value *v) {
    const int64_t now_ms = r->look->link->loop->now_ms, wall = far_wall_ms();
    const uint64_t purged = cache_store_purges(r->far->of->store); /* before its rules are asked */
    if (!v->said || v->expires_ms <= wall || far_is_purged(r->far, v)) return false;
    const int64_t age = wall - v->stored_ms, ago = wall - v->asked_ms;
    const cached_answer a = {.key = r->look->key,
                             .stream = v->stream,
                             .said = v->said,
                             .model = v->model,
                             .client = v->client,
                             .target = v->target,
                             .usage_asked = v->usage_asked,
                             .purges = purged,
                             .asked_ms = now_ms - (ago > 0 ? ago : 0),
                             .stored_ms = now_ms - (age > 0 ? age : 0),
                             .expires_ms = now_ms + (v->expires_ms - wall)};
    cache_store_put(r->far->of->store, &a);
    return true;
}

static void conclude(far_reading *r) {
    far_look *l = r->look;
    bool found = false;
    for (size_t i = 0; i < r->count; i++)
        found |= keep(r, &r->found[i]);
    atomic_fetch_add(found ? &r->far->hits : &r->far->misses, 1);
    count_look(l->link, found ? "hit" : "miss");
    l->reading = NULL;
    free_reading(r);
    l->done(l, found);
}

static void on_read(aside *a) {
    conclude(CONTAINER_OF(a, far_reading, aside));
}

static void fail_look(far_look *l) {
    far_link *k = l->link;
    const unsigned more = k->failures < LOOKS_FAILED ? 0 : k->failures - LOOKS_FAILED;
    const int64_t pause = more < 5 ? (int64_t)PAUSE_MIN_MS << more : PAUSE_MAX_MS;
    if (++k->failures >= LOOKS_FAILED) k->again_ms = k->loop->now_ms + pause;
    atomic_fetch_add(&k->far->failed, 1);
    count_look(k, "failed");
    l->done(l, false);
}

static void on_found(redis_wait *w, const redis_reply *reply) {
    far_look *l = CONTAINER_OF(w, far_look, wait);
    far_link *k = l->link;
    const size_t count = l->either ? FORMS : 1;
    if (!reply || redis_reply_count(reply) != count) {
        fail_look(l);
        return;
    }
    k->failures = 0;
    far_reading *r = mem_zalloc(sizeof *r);
    size_t bytes = 0;
    *r = (far_reading){.aside = {.run = read_all, .done = on_read, .free = on_reading_dropped},
                       .look = l,
                       .far = k->far,
                       .key = l->key,
                       .count = count};
    l->reading = r;
    for (size_t i = 0; i < count; i++) {
        const span text = redis_reply_text(redis_reply_at(reply, i));
        r->stream[i] = l->stream == (i == 0);
        buf_add(&r->bytes[i], text);
        bytes += text.len;
    }
    if (bytes >= ASIDE_BYTES) {
        loop_aside(k->loop, &r->aside);
        return;
    }
    read_all(&r->aside);
    conclude(r);
}

bool far_look_up(far_link *k, far_look *l, const cache_want *want,
                 void (*done)(far_look *l, bool found)) {
    char texts[FORMS][KEY_LEN + 1];
    span args[1 + FORMS] = {SPAN_OF("MGET")};
    *l = (far_look){
        .link = k, .key = want->key, .stream = want->stream, .either = want->either, .done = done};
    redis_wait_init(&l->wait);
    args[1] = key_text(&want->key, want->stream, texts[0]);
    args[2] = key_text(&want->key, !want->stream, texts[1]);
    const bool rests = k->failures >= LOOKS_FAILED && k->loop->now_ms < k->again_ms;
    if (!rests && redis_ask(k->redis, &l->wait, on_found, args, want->either ? 3 : 2)) return true;
    count_look(k, "skipped");
    return false;
}

void far_look_cancel(far_look *l) {
    if (!l->link) return;
    redis_wait_cancel(&l->wait);
    if (l->reading) aside_drop(&l->reading->aside);
    l->reading = NULL;
}

/* ---- what is written ---- */

typedef struct far_write {
    list link; /* of the far_link, until it is over */
    aside aside;
    bool packing; /* on another thread */
    redis_wait wait;
    far_link *of;
    cache_key key;
    cache_value value;
    char *texts; /* its own */
    buf bytes;
    bool good;
} far_write;

static void free_write(far_write *w) {
    recording_unref(w->value.said);
    buf_done(&w->bytes);
    free(w->texts);
    free(w);
}

static void end_write(far_write *w, const char *result) {
    far_link *k = w->of;
    atomic_fetch_add(w->good ? &k->far->written : &k->far->unwritten, 1);
    count_write(k, result);
    list_remove(&w->link);
    k->writing--;
    free_write(w);
}

static void fail_write(far_write *w) {
    w->good = false;
    w->of->rewrite_ms = w->of->loop->now_ms + REWRITE_MS;
    end_write(w, "failed");
}

static void on_written(redis_wait *wait, const redis_reply *reply) {
    far_write *w = CONTAINER_OF(wait, far_write, wait);
    if (!reply || redis_reply_kind(reply) == REDIS_REFUSED)
        fail_write(w);
    else
        end_write(w, "written");
}

static void send_value(far_write *w) {
    char key[KEY_LEN + 1], ttl[24];
    const int64_t lasts = w->value.expires_ms - far_wall_ms();
    const int n = snprintf(ttl, sizeof ttl, "%lld", (long long)lasts);
    const span args[] = {SPAN_OF("SET"), key_text(&w->key, w->value.stream, key),
                         buf_span(&w->bytes), SPAN_OF("PX"), span_from(ttl, (size_t)n)};
    if (!w->good || lasts <= 0 ||
        !redis_ask(w->of->redis, &w->wait, on_written, args, ARRAY_LEN(args)))
        fail_write(w);
}

static void pack(aside *a) {
    far_write *w = CONTAINER_OF(a, far_write, aside);
    w->good = cache_value_write(&w->key, &w->value, &w->bytes);
}

static void on_packed(aside *a) {
    far_write *w = CONTAINER_OF(a, far_write, aside);
    w->packing = false;
    send_value(w);
}

static void on_packing_dropped(aside *a) {
    free_write(CONTAINER_OF(a, far_write, aside));
}

static span keep_text(char **at, span text) {
    const span kept = span_from(*at, text.len);
    if (text.len) memcpy(*at, text.ptr, text.len);
    *at += text.len;
    return kept;
}

/* By the clocks as they are now, as a turn's stands while the wall's goes on; and never later than
 * it was: an answer must not seem to have been asked for after a purge that came after it. */
static int64_t wall_of(int64_t turn_ms, int64_t wall_us, int64_t now_us) {
    return (wall_us - (now_us - turn_ms * 1000)) / 1000;
}

static far_write *write_of(far_link *k, const cached_answer *a) {
    const int64_t wall_us = clock_wall_us(), now_us = loop_exact_us(k->loop);
    far_write *w = mem_zalloc(sizeof *w);
    char *at = w->texts = mem_alloc(a->model.len + a->client.len + a->target.len + 1);
    w->aside = (aside){.run = pack, .done = on_packed, .free = on_packing_dropped};
    w->of = k;
    w->key = a->key;
    w->value = (cache_value){.stream = a->stream,
                             .usage_asked = a->usage_asked,
                             .said = recording_ref(a->said),
                             .asked_ms = wall_of(a->asked_ms, wall_us, now_us),
                             .stored_ms = wall_of(a->stored_ms, wall_us, now_us),
                             .expires_ms = wall_of(a->expires_ms, wall_us, now_us)};
    w->value.model = keep_text(&at, a->model);
    w->value.client = keep_text(&at, a->client);
    w->value.target = keep_text(&at, a->target);
    redis_wait_init(&w->wait);
    return w;
}

void far_put(far_link *k, const cached_answer *a) {
    const bool can = redis_is_ready(k->redis) && k->loop->now_ms >= k->rewrite_ms &&
                     k->writing < WRITES_MAX && recording_bytes(a->said) <= WRITE_BYTES;
    if (!can) {
        atomic_fetch_add(&k->far->unwritten, 1);
        count_write(k, "skipped");
        return;
    }
    far_write *w = write_of(k, a);
    list_push_back(&k->writes, &w->link);
    k->writing++;
    w->packing = recording_bytes(a->said) >= CACHE_VALUE_PACKED_MIN;
    if (w->packing) {
        loop_aside(k->loop, &w->aside);
        return;
    }
    pack(&w->aside);
    send_value(w);
}

/* ---- being there ---- */

static void tell_gauge(const far_link *k) {
    if (k->metrics) metric_set(metrics_series(k->metrics, METRIC_CACHE_AWAY, NULL), k->away);
}

/* Of several links the first that is away and the last that is back is told. */
static void on_ready(void *user) {
    far_link *k = user;
    if (k->away && atomic_fetch_sub(&k->far->away, 1) == 1)
        log_event(k->log, LEVEL_INFO, "cache_store_back",
                  SPAN_OF("Answers are kept by the shared store again."), NULL, 0);
    k->away = false;
    tell_gauge(k);
}

static void on_away(void *user, const char *why) {
    far_link *k = user;
    k->away = true;
    tell_gauge(k);
    if (atomic_fetch_add(&k->far->away, 1) > 0) return;
    const log_field fields[] = {{"server", k->far->config->shown, false},
                                {"reason", span_cstr(why), false}};
    log_event(k->log, LEVEL_WARN, "cache_store_away",
              SPAN_OF("The store of answers is away: each weir has those in its memory alone."),
              fields, ARRAY_LEN(fields));
}

/* ---- life ---- */

cache_far *cache_far_new(config *c, cache *of, buf *ret_why) {
    const config_redis *to = &c->cache.store;
    tls_context *tls = NULL;
    if (to->tls && !(tls = tls_client_new(to->ca_file, ret_why))) return NULL;
    cache_far *f = mem_zalloc(sizeof *f);
    f->snapshot = config_ref(c);
    f->config = to;
    f->answer_bytes = c->cache.answer_bytes;
    f->tls = tls;
    f->of = of;
    pthread_mutex_init(&f->lock, NULL);
    return f;
}

void cache_far_free(cache_far *f) {
    if (!f) return;
    far_rules_done(f);
    pthread_mutex_destroy(&f->lock);
    tls_context_unref(f->tls);
    config_unref(f->snapshot);
    free(f);
}

far_link *far_link_new(cache_far *f, loop *l, log_shard *log, metrics_shard *shard) {
    static const redis_ops ops = {on_ready, on_away, .reads_will_do = true};
    if (!f) return NULL;
    far_link *k = mem_zalloc(sizeof *k);
    *k = (far_link){.far = f, .loop = l, .log = log, .metrics = shard};
    list_init(&k->writes);
    list_init(&k->sweeps);
    k->redis = redis_new(l, f->config, f->tls, &ops, k);
    far_watch(k);
    return k;
}

void far_link_free(far_link *k) {
    if (!k) return;
    far_unwatch(k);
    far_sweeps_end(k);
    LIST_FOREACH(&k->writes, it) {
        far_write *w = LIST_ENTRY(it, far_write, link);
        list_remove(&w->link);
        redis_wait_cancel(&w->wait);
        if (w->packing)
            aside_drop(&w->aside);
        else
            free_write(w);
    }
    redis_free(k->redis);
    free(k);
}
