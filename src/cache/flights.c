#include "cache/flights.h"

#include "base/mem.h"

#include <pthread.h>
#include <stdlib.h>

enum { SHARDS = 16, BUCKETS = 64, SPARE_MAX = MEM_REUSE ? 32 : 0 };

struct flight_desk {
    loop *loop;
    list seats;
    list spare; /* flights that are over, to be used again */
    unsigned spare_count;
    atomic_bool told; /* a message is on its way */
};

/* How many of a desk follow. */
typedef struct row {
    flight_desk *desk;
    unsigned seats;
} row;

struct flight {
    list link; /* in its bucket; in none: nobody joins any more */
    atomic_uint refs;
    flights *table;
    cache_key key;
    uint64_t hash; /* of it */
    flight_form form;
    uint64_t purges;       /* when it began */
    _Atomic uint64_t held; /* by which holder's leader; 0: it is not */
    _Atomic(recording *) said;
    flight_desk *leader;
    pthread_mutex_t lock; /* of rows, and of leader */
    row *rows;
    size_t row_count, row_cap;
    atomic_uint followers;
    _Atomic flight_state state;
    arena arena; /* of what follows, which is written before the state */
    span target;
    failure *why; /* NULL: none */
};

typedef struct flight_shard {
    pthread_mutex_t lock;
    list buckets[BUCKETS];
} flight_shard;

struct flights {
    atomic_uint open;
    flight_shard shards[SHARDS];
};

/* ---- desks ---- */

flight_desk *flight_desk_new(loop *on) {
    flight_desk *d = mem_zalloc(sizeof *d);
    d->loop = on;
    list_init(&d->seats);
    list_init(&d->spare);
    return d;
}

static void flight_free(flight *f) {
    pthread_mutex_destroy(&f->lock);
    arena_done(&f->arena);
    free(f->rows);
    free(f);
}

void flight_desk_free(flight_desk *d) {
    if (!d) return;
    for (list *node; (node = list_pop_front(&d->spare));)
        flight_free(LIST_ENTRY(node, flight, link));
    free(d);
}

/* Who hears news may leave, or others with him: each is asked once. */
static void read_news(loop *l, void *arg) {
    (void)l;
    flight_desk *d = arg;
    atomic_store(&d->told, false);
    loop_enter(l);
    list waiting;
    list_init(&waiting);
    for (list *node; (node = list_pop_front(&d->seats));)
        list_push_back(&waiting, node);
    for (list *node; (node = list_pop_front(&waiting));) {
        flight_seat *seat = LIST_ENTRY(node, flight_seat, link);
        list_push_back(&d->seats, node);
        seat->news(seat);
    }
}

static void tell(flight_desk *d) {
    if (!atomic_exchange(&d->told, true)) loop_post(d->loop, read_news, d);
}

/* ---- the table ---- */

flights *flights_new(void) {
    flights *t = mem_zalloc(sizeof *t);
    for (size_t i = 0; i < SHARDS; i++) {
        pthread_mutex_init(&t->shards[i].lock, NULL);
        for (size_t k = 0; k < BUCKETS; k++)
            list_init(&t->shards[i].buckets[k]);
    }
    return t;
}

void flights_free(flights *t) {
    if (!t) return;
    for (size_t i = 0; i < SHARDS; i++)
        pthread_mutex_destroy(&t->shards[i].lock);
    free(t);
}

unsigned flights_open(flights *t) {
    return atomic_load_explicit(&t->open, memory_order_relaxed);
}

static uint64_t hash_of(const cache_key *key) {
    return hash_span(span_from((const char *)key->bytes, sizeof key->bytes));
}

static flight_shard *shard_of(flights *t, uint64_t hash) {
    return &t->shards[hash % SHARDS];
}

static flight *take_flight(flight_desk *d) {
    list *node = list_pop_front(&d->spare);
    if (node) {
        d->spare_count--;
        return LIST_ENTRY(node, flight, link);
    }
    flight *f = mem_zalloc(sizeof *f);
    list_init(&f->link);
    pthread_mutex_init(&f->lock, NULL);
    arena_init(&f->arena, 0);
    return f;
}

/* With two references: its leader's and the table's. */
static flight *flight_new(flights *t, const flight_ticket *k, uint64_t hash, flight_desk *desk) {
    flight *f = take_flight(desk);
    atomic_init(&f->refs, 2);
    f->table = t;
    f->key = *k->key;
    f->hash = hash;
    f->form = k->form;
    f->purges = k->purges;
    f->leader = desk;
    atomic_fetch_add_explicit(&t->open, 1, memory_order_relaxed);
    return f;
}

/* d: of the loop that this is called on. */
static void flight_unref(flight *f, flight_desk *d) {
    if (atomic_fetch_sub(&f->refs, 1) != 1) return;
    recording_unref(flight_recording(f));
    if (d->spare_count == SPARE_MAX) {
        flight_free(f);
        return;
    }
    arena_done(&f->arena);
    atomic_init(&f->said, NULL);
    atomic_init(&f->followers, 0);
    atomic_init(&f->state, FLIGHT_OPEN);
    atomic_init(&f->held, 0);
    f->row_count = 0;
    f->target = SPAN_EMPTY;
    f->why = NULL;
    list_push_front(&d->spare, &f->link);
    d->spare_count++;
}

/* ---- joining and leaving ---- */

static row *row_of(flight *f, flight_desk *d) {
    for (size_t i = 0; i < f->row_count; i++)
        if (f->rows[i].desk == d) return &f->rows[i];
    if (f->row_count == f->row_cap) {
        f->row_cap = f->row_cap ? 2 * f->row_cap : 4;
        f->rows = mem_realloc(f->rows, f->row_cap * sizeof *f->rows);
    }
    f->rows[f->row_count] = (row){d, 0};
    return &f->rows[f->row_count++];
}

/* Whoever follows is counted before he looks at what was said, and what is said is counted before
 * it is looked who follows: so one of the two sees the other. */
static void follow(flight *f, flight_desk *d) {
    pthread_mutex_lock(&f->lock);
    row_of(f, d)->seats++;
    atomic_fetch_add(&f->followers, 1);
    if (f->leader) tell(f->leader);
    pthread_mutex_unlock(&f->lock);
    tell(d);
}

static void unfollow(flight *f, flight_desk *d) {
    pthread_mutex_lock(&f->lock);
    row *r = row_of(f, d);
    if (--r->seats == 0) *r = f->rows[--f->row_count];
    atomic_fetch_sub(&f->followers, 1);
    if (f->leader) tell(f->leader);
    pthread_mutex_unlock(&f->lock);
}

static flight *find(list *bucket, const flight_ticket *k) {
    LIST_FOREACH(bucket, node) {
        flight *f = LIST_ENTRY(node, flight, link);
        if (f->form == k->form && f->purges == k->purges && cache_key_eq(&f->key, k->key)) return f;
    }
    return NULL;
}

/* Under its shard's lock. */
static void take_out(flight *f) {
    if (list_empty(&f->link)) return;
    list_remove(&f->link);
    atomic_fetch_sub_explicit(&f->table->open, 1, memory_order_relaxed);
    atomic_fetch_sub(&f->refs, 1); /* the table's; its leader has one more */
}

void flights_join(flights *t, const flight_ticket *ticket, flight_desk *desk, flight_seat *seat) {
    const uint64_t hash = hash_of(ticket->key);
    flight_shard *h = shard_of(t, hash);
    list *bucket = &h->buckets[hash / SHARDS % BUCKETS];
    pthread_mutex_lock(&h->lock);
    flight *f = find(bucket, ticket);
    if (f && flight_is_held(f, &ticket->holders)) {
        take_out(f);
        f = NULL;
    }
    seat->leads = !f;
    if (!f) {
        f = flight_new(t, ticket, hash, desk);
        list_push_back(bucket, &f->link);
    } else {
        atomic_fetch_add(&f->refs, 1);
        follow(f, desk);
    }
    pthread_mutex_unlock(&h->lock);
    seat->of = f;
    seat->at = desk;
    list_init(&seat->link);
    list_push_back(&desk->seats, &seat->link);
}

/* In no table any more, and of nobody else: nobody can look who leads. */
static bool is_left_alone(flight *f) {
    return list_empty(&f->link) && atomic_load(&f->refs) == 1;
}

static void retire_leader(flight *f) {
    if (is_left_alone(f)) return;
    pthread_mutex_lock(&f->lock);
    f->leader = NULL;
    pthread_mutex_unlock(&f->lock);
}

void flight_leave(flight_seat *seat) {
    flight *f = seat->of;
    if (!f) return;
    seat->of = NULL;
    list_remove(&seat->link);
    if (seat->leads)
        retire_leader(f);
    else
        unfollow(f, seat->at);
    flight_unref(f, seat->at);
}

/* ---- its leader ---- */

/* In one order with who follows, as follow() has it. */
void flight_record(flight *f, recording *said) {
    atomic_store(&f->said, said);
}

unsigned flight_followers(const flight *f) {
    return atomic_load(&f->followers);
}

void flight_tell(flight *f) {
    if (!flight_followers(f)) return;
    pthread_mutex_lock(&f->lock);
    for (size_t i = 0; i < f->row_count; i++)
        tell(f->rows[i].desk);
    pthread_mutex_unlock(&f->lock);
}

void flight_close(flight *f) {
    flight_shard *h = shard_of(f->table, f->hash);
    pthread_mutex_lock(&h->lock);
    take_out(f);
    pthread_mutex_unlock(&h->lock);
}

void flight_hold(flight *f, uint64_t holder) {
    atomic_store(&f->held, holder);
    if (holder) flight_tell(f);
}

void flight_land(flight *f, span target) {
    flight_close(f); /* whoever follows does so by now */
    if (flight_followers(f)) f->target = arena_dup(&f->arena, target);
    atomic_store(&f->state, FLIGHT_LANDED);
    flight_tell(f);
}

static http_headers headers_of(arena *a, http_headers in) {
    http_header *out = arena_alloc(a, in.count * sizeof *out);
    for (size_t i = 0; i < in.count; i++)
        out[i] = (http_header){arena_dup(a, in.items[i].name), arena_dup(a, in.items[i].value)};
    return (http_headers){out, in.count};
}

void flight_fail(flight *f, const failure *why) {
    arena *a = &f->arena;
    flight_close(f);
    if (!flight_followers(f)) return;
    f->why = arena_alloc(a, sizeof *f->why);
    *f->why = *why;
    f->why->text = arena_dup(a, why->text);
    f->why->param = arena_dup(a, why->param);
    f->why->code = arena_dup(a, why->code);
    f->why->body = arena_dup(a, why->body);
    f->why->request_id = arena_dup(a, why->request_id);
    f->why->headers = headers_of(a, why->headers);
    atomic_store(&f->state, FLIGHT_FAILED);
    flight_tell(f);
}

/* ---- what became of it ---- */

flight_state flight_get_state(const flight *f) {
    return atomic_load(&f->state);
}

bool flight_is_held(const flight *f, const flight_holders *who) {
    const uint64_t by = atomic_load(&f->held);
    for (size_t i = 0; i < FLIGHT_HOLDERS; i++)
        if (by == who->ids[i]) return false;
    return by;
}

recording *flight_recording(const flight *f) {
    return atomic_load(&f->said);
}

span flight_target(const flight *f) {
    return f->target;
}

const failure *flight_failure(const flight *f) {
    static const failure none = {0};
    return f->why ? f->why : &none;
}
