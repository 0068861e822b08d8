/* Whether nearly the same was asked before (cache.semantic): the last user text is embedded by a
 * step of the exchange, and compared with those of questions that are the same otherwise. An answer
 * that is found is put into memory under this question's own key, too: who asks it again, or asked
 * it meanwhile, needs no embedding. Whatever fails is a miss. */
#include "exchange/cache_use.h"
#include "exchange/limit_asks.h"

#include "base/mem.h"
#include "cache/numbers.h"
#include "loop/aside.h"

#include <openssl/evp.h>
#include <stdlib.h>

/* Owned by the look that waits for it; where nobody does any more, by its thread. */
typedef struct scan {
    aside aside;
    struct similar_look *look;
    similar_index *index;
    similar *to;
    double threshold;
    bool found;
    cache_key key;
    double similarity;
} scan;

typedef struct similar_look {
    cache_use *use;
    similar_looked_fn *done;
    span body; /* of the step */
    cache_key bucket;
    exchange *child; /* NULL: none is under way */
    bool starting, refused;
    similar *vector; /* counted; NULL: there is none, yet */
    scan *scan;      /* NULL: none is under way */
    int64_t began_us;
} similar_look;

static similar_look *look_of(const cache_use *u) {
    return u->similar;
}

static exchange *exchange_of(const similar_look *l) {
    return l->use->x;
}

/* ---- which text ---- */

/* The last piece of text of what a user says last; NONE: nobody does. */
static json_value find_text(exchange *x) {
    const json_value none = {.type = JSON_NONE};
    const endpoint e = x->facts.endpoint;
    if (e != EP_CHAT_COMPLETIONS && e != EP_RESPONSES) return none;
    const request_outline *o = exchange_outline(x);
    if (!o || !o->turn_count) return none;
    const outline_turn *last = &o->turns[o->turn_count - 1];
    if (last->role != ROLE_USER) return none;
    for (size_t i = last->to; i-- > last->from;)
        if (o->parts[i].kind == OUTLINE_TEXT && o->parts[i].value.type == JSON_STRING)
            return o->parts[i].value;
    return none;
}

/* ---- what the model says ---- */

static bool read_numbers(json_value of, float *ret, size_t *ret_count) {
    size_t n = 0;
    json_iter it = json_iter_of(of);
    for (json_value v; json_next_element(&it, &v); n++) {
        double d;
        if (n == SIMILAR_DIMENSIONS_MAX || !json_double(v, &d)) return false;
        ret[n] = (float)d;
    }
    *ret_count = n;
    return true;
}

/* Base64 of floats, little-endian, as OpenAI's API has it. */
static bool read_packed(span text, float *ret, size_t *ret_count) {
    enum { BYTES_MAX = SIMILAR_DIMENSIONS_MAX * (int)sizeof(float) };
    unsigned char bytes[BYTES_MAX + 3];
    if (text.len % 4 || text.len / 4 * 3 > sizeof bytes) return false;
    const int n = EVP_DecodeBlock(bytes, (const unsigned char *)text.ptr, (int)text.len);
    size_t pads = 0;
    while (pads < text.len && text.ptr[text.len - 1 - pads] == '=')
        pads++;
    if (n < 0 || (size_t)n < pads || ((size_t)n - pads) % sizeof(float)) return false;
    *ret_count = ((size_t)n - pads) / sizeof(float);
    for (size_t i = 0; i < *ret_count; i++) {
        const unsigned char *b = bytes + i * sizeof(float);
        const uint32_t bits =
            (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
        memcpy(&ret[i], &bits, sizeof bits);
    }
    return true;
}

/* Of `{"data":[{"embedding":…}]}`; NULL: it is none. */
static similar *read_vector(similar_look *l, span body) {
    exchange *x = exchange_of(l);
    json_value root, first;
    json_fault fault;
    float of[SIMILAR_DIMENSIONS_MAX];
    size_t count = 0;
    if (!json_scan(body, NULL, &root, &fault) || root.type != JSON_OBJECT) return NULL;
    json_iter it = json_iter_of(json_get(root, SPAN_OF("data")));
    if (!json_next_element(&it, &first) || first.type != JSON_OBJECT) return NULL;
    const json_value v = json_get(first, SPAN_OF("embedding"));
    const bool good = v.type == JSON_STRING ? read_packed(json_string(v, &x->arena), of, &count)
                                            : v.type == JSON_ARRAY && read_numbers(v, of, &count);
    cache_room *room = cache_store_room(x->env->cache->store);
    return good ? similar_new(&l->bucket, of, count, room) : NULL;
}

/* ---- what is like it ---- */

static void count(similar_look *l, const char *result) {
    const exchange *x = exchange_of(l);
    const span label = span_cstr(result);
    if (x->env->metrics)
        metric_add(metrics_series(x->env->metrics, METRIC_CACHE_SIMILAR, &label), 1);
}

static void conclude(similar_look *l, bool found, const char *result) {
    exchange *x = exchange_of(l);
    count(l, result);
    x->queued_us += loop_exact_us(x->env->loop) - l->began_us; /* it has waited for a provider */
    l->done(l->use, found);
}

/* Under this question's key, for as long as the answer is there by its own; a purge that means it
 * means both. */
static bool adopt(similar_look *l, const cache_key *key, double similarity) {
    exchange *x = exchange_of(l);
    cache_store *s = x->env->cache->store;
    cache_want want = cache_use_want(l->use);
    cached_answer a;
    uint64_t seen;
    const uint64_t purged = cache_store_purges(s);
    want.key = *key;
    if (!cache_store_find(s, &want, x->env->loop->now_ms, &x->arena, &a, &seen)) return false;
    a.key = l->use->key;
    a.similarity = similarity;
    a.purges = purged;
    cache_store_put(s, &a);
    recording_unref(a.said);
    return true;
}

static void run_scan(aside *a) {
    scan *s = CONTAINER_OF(a, scan, aside);
    s->found = similar_find(s->index, s->to, s->threshold, &s->key, &s->similarity);
}

static void free_scan(aside *a) {
    scan *s = CONTAINER_OF(a, scan, aside);
    similar_unref(s->to);
    free(s);
}

static void on_scanned(aside *a) {
    scan *s = CONTAINER_OF(a, scan, aside);
    similar_look *l = s->look;
    const bool found = s->found && adopt(l, &s->key, s->similarity);
    l->scan = NULL;
    free_scan(a);
    conclude(l, found, found ? "hit" : "miss");
}

static void compare(similar_look *l) {
    exchange *x = exchange_of(l);
    scan *s = mem_zalloc(sizeof *s);
    *s = (scan){.aside = {.run = run_scan, .done = on_scanned, .free = free_scan},
                .look = l,
                .index = cache_store_similar(x->env->cache->store),
                .to = similar_ref(l->vector),
                .threshold = exchange_config(x)->cache.semantic.threshold};
    l->scan = s;
    if (similar_bucket_count(s->index, s->to) >= SIMILAR_ASIDE) {
        loop_aside(x->env->loop, &s->aside);
        return;
    }
    run_scan(&s->aside);
    on_scanned(&s->aside);
}

/* ---- the door of the step ---- */

static void hear_answer(void *user, int status, http_headers headers, span body) {
    similar_look *l = user;
    exchange *child = l->child;
    (void)status, (void)headers;
    if (l->starting) {
        l->refused = true;
        return;
    }
    l->child = NULL;
    if (exchange_error(child) == ERR_NONE) l->vector = read_vector(l, body);
    if (l->vector)
        compare(l);
    else
        conclude(l, false, "failed");
}

/* What comes in pieces is no embedding. */
static void hear_head(void *user, int status, http_headers headers) {
    (void)user, (void)status, (void)headers;
}
static void hear_event(void *user, const answer_event *event) {
    (void)user, (void)event;
}
static void hear_piece(void *user, span piece) {
    (void)user, (void)piece;
}
static void hear_end(void *user) {
    similar_look *l = user;
    l->child = NULL;
    conclude(l, false, "failed");
}
static bool hear_full(void *user) {
    (void)user;
    return false;
}
/* Its last word came before; or it was cancelled. */
static void hear_done(void *user) {
    (void)user;
}

static const exchange_door door = {.answer = hear_answer,
                                   .head = hear_head,
                                   .piece = hear_piece,
                                   .event = hear_event,
                                   .end = hear_end,
                                   .abort = hear_end,
                                   .full = hear_full,
                                   .done = hear_done};

static void write_body(similar_look *l, json_value text) {
    exchange *x = exchange_of(l);
    buf body = BUF_EMPTY;
    buf_add_cstr(&body, "{\"model\":");
    json_write_string(&body, exchange_config(x)->cache.semantic.model);
    buf_addf(&body, ",\"input\":%.*s,\"encoding_format\":\"base64\"}", SPAN_ARG(text.raw));
    l->body = arena_dup(&x->arena, buf_span(&body));
    buf_done(&body);
}

/* false: it was refused at once. */
static bool ask(similar_look *l) {
    exchange *x = exchange_of(l);
    const exchange_request q = {.form = &form_direct,
                                .endpoint = EP_EMBEDDINGS,
                                .method = SPAN_OF("POST"),
                                .path = SPAN_OF("/embeddings"),
                                .body = l->body,
                                .peer = x->request->peer,
                                .started_us = x->env->loop->now_us,
                                .due_ms = x->env->loop->now_ms +
                                          exchange_config(x)->cache.semantic.timeout_ms,
                                .parent = x,
                                .own = true,
                                .label = SPAN_OF("embeddings.step")};
    l->began_us = loop_exact_us(x->env->loop);
    l->starting = true;
    exchange *child = exchange_start(x->env, &q, &door, l);
    l->starting = false;
    if (!l->refused) l->child = child;
    return !l->refused;
}

/* ---- for the row ---- */

bool similar_look_begin(cache_use *u, similar_looked_fn *done) {
    exchange *x = u->x;
    const config *c = exchange_config(x);
    if (!c->cache.semantic.on || !c->cache.semantic.model.len || u->similar) return false;
    if (x->large) return false; /* a loop would stand still for what is around its text */
    const json_value text = find_text(x);
    if (text.type != JSON_STRING || text.raw.len > 6 * c->cache.semantic.text_bytes + 2)
        return false;
    const span said = json_string(text, &x->arena);
    if (!said.len || said.len > c->cache.semantic.text_bytes) return false;
    if (!limit_lets_through(x)) return false; /* it will be refused: nobody is asked for it */
    similar_look *l = arena_zalloc(&x->arena, sizeof *l);
    l->use = u;
    l->done = done;
    /* To a model for embeddings 15 is nearly 50, and -5 is 5. */
    l->bucket = cache_use_bucket(u, text, numbers_in(said, &x->arena));
    u->similar = l;
    write_body(l, text);
    if (ask(l)) return true;
    count(l, "failed");
    return false;
}

void similar_look_cancel(cache_use *u) {
    similar_look *l = look_of(u);
    if (!l) return;
    exchange *child = l->child;
    l->child = NULL;
    if (child) exchange_cancel(child);
    if (l->scan) aside_drop(&l->scan->aside);
    l->scan = NULL;
}

similar *similar_look_vector(const cache_use *u) {
    return u->similar ? look_of(u)->vector : NULL;
}

void similar_look_over(cache_use *u) {
    similar_look_cancel(u);
    if (!u->similar) return;
    similar_unref(u->similar->vector);
    u->similar->vector = NULL;
}
