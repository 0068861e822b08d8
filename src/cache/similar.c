#include "cache/similar.h"

#include "base/list.h"
#include "base/mem.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>

enum {
    UNIT = 32000, /* rounding makes a vector a little longer: its square must stay below 2^31 */
    LANES = 16,   /* vectors are padded to a multiple of it */
    BUCKETS_FIRST = 64,
    AT_ONCE = 256, /* are taken from the index under one lock */
};

typedef struct bucket bucket;

struct similar {
    atomic_uint refs;
    cache_room *room;
    cache_key of; /* its bucket */
    cache_key key;
    size_t count; /* dimensions, padded */
    size_t told;  /* as the model has them */
    bucket *in;   /* NULL: in none */
    list link;    /* in its bucket, the newest in front */
    list age;     /* in the index, likewise */
    int16_t at[];
};

struct bucket {
    struct bucket *next; /* of those with the same hash */
    uint64_t hash;
    cache_key of;
    list all;
    size_t count;
};

struct similar_index {
    pthread_mutex_t lock;
    bucket **buckets;
    size_t width, bucket_count;
    list age;
    size_t count, most;
};

/* ---- vectors ---- */

static size_t padded(size_t count) {
    return (count + LANES - 1) / LANES * LANES;
}

size_t similar_bytes(const similar *s) {
    return s ? sizeof *s + s->count * sizeof *s->at : 0;
}

/* 0: there is none. */
static double length_of(const float *of, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)of[i] * (double)of[i];
    return isfinite(sum) ? sqrt(sum) : 0;
}

similar *similar_new(const cache_key *bucket_key, const float *of, size_t count, cache_room *room) {
    if (!count || count > SIMILAR_DIMENSIONS_MAX) return NULL;
    const double length = length_of(of, count);
    if (length <= 0) return NULL;
    similar *s = mem_zalloc(sizeof *s + padded(count) * sizeof *s->at);
    atomic_init(&s->refs, 1);
    s->room = room;
    s->of = *bucket_key;
    s->told = count;
    s->count = padded(count);
    list_init(&s->link);
    list_init(&s->age);
    for (size_t i = 0; i < count; i++)
        s->at[i] = (int16_t)lrint((double)of[i] / length * UNIT);
    atomic_fetch_add_explicit(&room->used, similar_bytes(s), memory_order_relaxed);
    return s;
}

similar *similar_ref(similar *s) {
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

void similar_unref(similar *s) {
    if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1) return;
    atomic_fetch_sub_explicit(&s->room->used, similar_bytes(s), memory_order_relaxed);
    free(s);
}

/* By Cauchy and Schwarz no part of the sum is beyond UNIT squared and what rounding adds. */
static int32_t product(const int16_t *a, const int16_t *b, size_t count) {
    int32_t sum = 0;
    for (size_t i = 0; i < count; i += LANES)
        for (size_t k = 0; k < LANES; k++)
            sum += (int32_t)a[i + k] * (int32_t)b[i + k];
    return sum;
}

double similar_cosine(const similar *a, const similar *b) {
    if (a->told != b->told) return 0;
    const double is = (double)product(a->at, b->at, a->count) / ((double)UNIT * UNIT);
    return is > 1 ? 1 : is;
}

/* ---- the index, locked ---- */

static bucket **place_of(similar_index *x, const cache_key *of, uint64_t hash) {
    bucket **at = &x->buckets[hash % x->width];
    while (*at && !((*at)->hash == hash && cache_key_eq(&(*at)->of, of)))
        at = &(*at)->next;
    return at;
}

static uint64_t hash_of(const cache_key *key) {
    return hash_span(span_from((const char *)key->bytes, sizeof key->bytes));
}

static bucket *find_bucket(similar_index *x, const cache_key *of) {
    return *place_of(x, of, hash_of(of));
}

static void grow(similar_index *x) {
    const size_t width = x->width * 2;
    bucket **wider = mem_zalloc_array(width, sizeof(bucket *));
    for (size_t i = 0; i < x->width; i++)
        for (bucket *b = x->buckets[i], *next; b; b = next) {
            next = b->next;
            b->next = wider[b->hash % width];
            wider[b->hash % width] = b;
        }
    free(x->buckets);
    x->buckets = wider;
    x->width = width;
}

static bucket *bucket_for(similar_index *x, const cache_key *of) {
    const uint64_t hash = hash_of(of);
    bucket **at = place_of(x, of, hash);
    if (*at) return *at;
    bucket *b = mem_zalloc(sizeof *b);
    b->hash = hash;
    b->of = *of;
    list_init(&b->all);
    *at = b;
    if (++x->bucket_count > x->width) grow(x);
    return b;
}

static void drop_bucket(similar_index *x, bucket *b) {
    *place_of(x, &b->of, b->hash) = b->next;
    x->bucket_count--;
    free(b);
}

static void take_out(similar_index *x, similar *s) {
    bucket *b = s->in;
    s->in = NULL;
    list_remove(&s->link);
    list_remove(&s->age);
    x->count--;
    if (--b->count == 0) drop_bucket(x, b);
    similar_unref(s);
}

static void trim(similar_index *x) {
    while (x->count > x->most)
        take_out(x, LIST_ENTRY(x->age.prev, similar, age));
}

/* ---- the index ---- */

similar_index *similar_index_new(void) {
    similar_index *x = mem_zalloc(sizeof *x);
    pthread_mutex_init(&x->lock, NULL);
    list_init(&x->age);
    x->width = BUCKETS_FIRST;
    x->buckets = mem_zalloc_array(x->width, sizeof(bucket *));
    return x;
}

void similar_index_free(similar_index *x) {
    if (!x) return;
    free(x->buckets);
    pthread_mutex_destroy(&x->lock);
    free(x);
}

void similar_index_bound(similar_index *x, size_t most) {
    pthread_mutex_lock(&x->lock);
    x->most = most;
    trim(x);
    pthread_mutex_unlock(&x->lock);
}

size_t similar_index_count(similar_index *x) {
    pthread_mutex_lock(&x->lock);
    const size_t count = x->count;
    pthread_mutex_unlock(&x->lock);
    return count;
}

void similar_add(similar_index *x, similar *s, const cache_key *key) {
    pthread_mutex_lock(&x->lock);
    s->key = *key;
    s->in = bucket_for(x, &s->of);
    list_push_front(&s->in->all, &s->link);
    list_push_front(&x->age, &s->age);
    s->in->count++;
    x->count++;
    (void)similar_ref(s);
    trim(x);
    pthread_mutex_unlock(&x->lock);
}

void similar_remove(similar_index *x, similar *s) {
    pthread_mutex_lock(&x->lock);
    if (s->in) take_out(x, s);
    pthread_mutex_unlock(&x->lock);
}

/* ---- looking ---- */

size_t similar_bucket_count(similar_index *x, const similar *to) {
    pthread_mutex_lock(&x->lock);
    const bucket *b = find_bucket(x, &to->of);
    const size_t count = b ? b->count : 0;
    pthread_mutex_unlock(&x->lock);
    return count;
}

/* Up to AT_ONCE, counted, behind the one that was looked at last; where that has gone meanwhile the
 * rest is not looked at. */
static size_t take_some(similar_index *x, const cache_key *of, similar *last,
                        similar *ret[AT_ONCE]) {
    size_t n = 0;
    pthread_mutex_lock(&x->lock);
    bucket *b = last ? last->in : find_bucket(x, of);
    if (b) {
        list *at = last ? last->link.next : b->all.next;
        for (; at != &b->all && n < AT_ONCE; at = at->next)
            ret[n++] = similar_ref(LIST_ENTRY(at, similar, link));
    }
    pthread_mutex_unlock(&x->lock);
    return n;
}

bool similar_find(similar_index *x, const similar *to, double threshold, cache_key *ret,
                  double *ret_similarity) {
    similar *some[AT_ONCE], *last = NULL;
    bool found = false;
    double best = threshold;
    for (size_t n; (n = take_some(x, &to->of, last, some)) > 0;) {
        similar_unref(last);
        last = some[n - 1];
        for (size_t i = 0; i < n; i++) {
            const double is = similar_cosine(some[i], to);
            if (is >= best && (is > best || !found)) {
                found = true;
                best = is;
                *ret = some[i]->key;
            }
            if (i + 1 < n) similar_unref(some[i]);
        }
    }
    similar_unref(last);
    if (found) *ret_similarity = best;
    return found;
}
