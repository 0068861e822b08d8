#include "cache/recording.h"

#include "base/mem.h"

#include <pthread.h>
#include <stdlib.h>

enum { FIRST_BYTES = 1024, LATER_BYTES = 32 * 1024 };

struct segment {
    atomic_uint refs; /* of who reads there, of the one before it, of its recording */
    _Atomic(segment *) next;
    cache_room *room;
    size_t cap;
    size_t used; /* the writer's */
    char bytes[];
};

struct recording {
    atomic_uint refs;
    bool let_go;
    cache_room *room;
    segment *first;       /* NULL: nothing was said yet, or nobody can begin any more */
    segment *last;        /* the writer's; NULL: nothing was said yet */
    segment *inner;       /* in the same memory as this, a reference of which is its own; or NULL */
    pthread_mutex_t door; /* of `first`: who begins to read, and who lets go */
    atomic_uint readers;
    atomic_size_t events, bytes;
    atomic_bool ended;
    span before; /* the writer's: the data of the last event, in its segment or in kept */
    buf kept;
    buf before_name;
};

/* How an event stands in a segment, before what differs of its name and data. */
typedef struct entry {
    uint32_t head, tail; /* bytes that are as at the beginning and the end of the one before */
    uint32_t middle;
    uint32_t at_ms;
    uint32_t name; /* bytes; SAME_NAME: as before */
} entry;
#define SAME_NAME UINT32_MAX

/* ---- segments ---- */

static void segment_init(segment *s, cache_room *room, size_t cap) {
    atomic_init(&s->refs, 1);
    atomic_init(&s->next, NULL);
    s->room = room;
    s->cap = cap;
    s->used = 0;
    atomic_fetch_add_explicit(&room->used, sizeof *s + cap, memory_order_relaxed);
}

static segment *segment_new(cache_room *room, size_t cap) {
    segment *s = mem_alloc(sizeof *s + cap);
    segment_init(s, room, cap);
    return s;
}

static segment *segment_ref(segment *s) {
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

static void segment_count_out(const segment *s) {
    atomic_fetch_sub_explicit(&s->room->used, sizeof *s + s->cap, memory_order_relaxed);
}

/* One after the other, not one inside the other: there may be many. */
static void segment_unref(segment *s) {
    while (s && atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) == 1) {
        segment *next = atomic_load_explicit(&s->next, memory_order_relaxed);
        segment_count_out(s);
        free(s);
        s = next;
    }
}

/* ---- the recording ---- */

static void init(recording *r, cache_room *room) {
    memset(r, 0, sizeof *r);
    atomic_init(&r->refs, 1);
    r->room = room;
    pthread_mutex_init(&r->door, NULL);
    atomic_fetch_add_explicit(&room->used, sizeof *r, memory_order_relaxed);
}

recording *recording_new(cache_room *room) {
    recording *r = mem_alloc(sizeof *r);
    init(r, room);
    return r;
}

recording *recording_ref(recording *r) {
    atomic_fetch_add_explicit(&r->refs, 1, memory_order_relaxed);
    return r;
}

void recording_unref(recording *r) {
    if (!r || atomic_fetch_sub_explicit(&r->refs, 1, memory_order_acq_rel) != 1) return;
    segment_unref(r->first);
    segment_unref(r->last);
    if (r->inner) {
        segment_unref(atomic_load_explicit(&r->inner->next, memory_order_relaxed));
        segment_count_out(r->inner);
    }
    atomic_fetch_sub_explicit(&r->room->used, sizeof *r, memory_order_relaxed);
    pthread_mutex_destroy(&r->door);
    buf_done(&r->kept);
    buf_done(&r->before_name);
    free(r);
}

static void keep(buf *kept, span s) {
    buf_clear(kept);
    buf_add(kept, s);
}

/* Its segment may go. */
static void keep_before(span *before, buf *kept) {
    if (before->ptr == kept->ptr) return;
    keep(kept, *before);
    *before = buf_span(kept);
}

void recording_let_go(recording *r) {
    pthread_mutex_lock(&r->door);
    r->let_go = true;
    segment *first = r->first;
    r->first = NULL;
    pthread_mutex_unlock(&r->door);
    segment_unref(first);
}

size_t recording_bytes(const recording *r) {
    return atomic_load_explicit(&r->bytes, memory_order_relaxed);
}

size_t recording_events(const recording *r) {
    return atomic_load_explicit(&r->events, memory_order_acquire);
}

bool recording_ended(const recording *r) {
    return atomic_load_explicit(&r->ended, memory_order_acquire);
}

/* ---- writing ---- */

/* The first segment holds the first event and no more where that is all there will be. */
static segment *begin_segments(recording *r, size_t bytes, bool whole) {
    segment *s = segment_new(r->room, whole || bytes > FIRST_BYTES ? bytes : FIRST_BYTES);
    pthread_mutex_lock(&r->door);
    if (!r->let_go) r->first = segment_ref(s);
    pthread_mutex_unlock(&r->door);
    return r->last = s;
}

static segment *next_segment(recording *r, size_t bytes) {
    segment *s = r->last;
    keep_before(&r->before, &r->kept);
    const size_t cap = 2 * s->cap < LATER_BYTES ? 2 * s->cap : LATER_BYTES;
    segment *more = segment_new(r->room, cap > bytes ? cap : bytes);
    r->last = segment_ref(more);
    atomic_store_explicit(&s->next, more, memory_order_release);
    segment_unref(s);
    return more;
}

static char *room_for(recording *r, size_t bytes, bool whole) {
    segment *s = r->last;
    if (!s)
        s = begin_segments(r, bytes, whole);
    else if (s->cap - s->used < bytes)
        s = next_segment(r, bytes);
    char *at = s->bytes + s->used;
    s->used += bytes;
    return at;
}

/* What comes next is told by what differs from this. */
static void remember(recording *r, span name, span data, const entry *e, const char *middle) {
    if (e->name != SAME_NAME && name.len + r->before_name.len) keep(&r->before_name, name);
    if (!e->head && !e->tail) {
        r->before = span_from(middle, data.len);
    } else {
        keep(&r->kept, data);
        r->before = buf_span(&r->kept);
    }
}

static void add(recording *r, span name, span data, unsigned at_ms, bool whole) {
    const span before = r->before;
    const bool first = !atomic_load_explicit(&r->events, memory_order_relaxed);
    entry e = {.at_ms = at_ms, .name = SAME_NAME};
    e.head = (uint32_t)span_common_head(before, data);
    e.tail = (uint32_t)span_common_tail(before, data, e.head);
    e.middle = (uint32_t)(data.len - e.head - e.tail);
    if (first || !span_eq(name, buf_span(&r->before_name))) e.name = (uint32_t)name.len;
    const size_t named = e.name == SAME_NAME ? 0 : e.name, bytes = sizeof e + named + e.middle;
    char *at = room_for(r, bytes, whole);
    memcpy(at, &e, sizeof e);
    if (named) memcpy(at + sizeof e, name.ptr, named);
    if (e.middle) memcpy(at + sizeof e + named, data.ptr + e.head, e.middle);
    remember(r, name, data, &e, at + sizeof e + named);
    atomic_fetch_add_explicit(&r->bytes, bytes, memory_order_relaxed);
    atomic_fetch_add(&r->events, 1);
}

void recording_add(recording *r, span name, span data, unsigned at_ms) {
    add(r, name, data, at_ms, false);
}

void recording_add_whole(recording *r, span data) {
    add(r, SPAN_EMPTY, data, 0, true);
}

/* No reader sees it before it is given to one. */
recording *recording_of_whole(cache_room *room, span data) {
    const size_t bytes = sizeof(entry) + data.len;
    recording *r = mem_alloc(sizeof *r + sizeof(segment) + bytes);
    init(r, room);
    r->inner = (segment *)(void *)(r + 1);
    segment_init(r->inner, room, bytes);
    r->first = segment_ref(r->inner);
    r->last = segment_ref(r->inner);
    add(r, SPAN_EMPTY, data, 0, true);
    return r;
}

/* Into one segment that fits. */
static void tighten(recording *r) {
    const size_t bytes = recording_bytes(r);
    segment *all = segment_new(r->room, bytes);
    for (segment *s = r->first; s; s = atomic_load_explicit(&s->next, memory_order_relaxed)) {
        memcpy(all->bytes + all->used, s->bytes, s->used);
        all->used += s->used;
    }
    segment_unref(r->first);
    segment_unref(r->last);
    r->first = all;
    r->last = segment_ref(all);
}

void recording_end(recording *r) {
    r->before = SPAN_EMPTY;
    buf_done(&r->kept);
    buf_done(&r->before_name);
    if (r->first && r->first->cap != recording_bytes(r)) {
        pthread_mutex_lock(&r->door);
        if (!atomic_load_explicit(&r->readers, memory_order_acquire)) tighten(r);
        pthread_mutex_unlock(&r->door);
    }
    atomic_store_explicit(&r->ended, true, memory_order_release);
}

/* ---- reading ---- */

bool recording_read(recording *r, recording_reader *ret) {
    pthread_mutex_lock(&r->door);
    const bool may = !r->let_go;
    segment *first = may && r->first ? segment_ref(r->first) : NULL;
    if (may) atomic_fetch_add_explicit(&r->readers, 1, memory_order_relaxed);
    pthread_mutex_unlock(&r->door);
    if (may) *ret = (recording_reader){.of = recording_ref(r), .at = first};
    return may;
}

void recording_reader_done(recording_reader *at) {
    if (!at->of) return;
    segment_unref(at->at);
    atomic_fetch_sub_explicit(&at->of->readers, 1, memory_order_release);
    recording_unref(at->of);
    buf_done(&at->now);
    buf_done(&at->name);
    *at = (recording_reader){0};
}

/* It began to read before anything was said. */
static bool find_first(recording_reader *at) {
    recording *r = at->of;
    pthread_mutex_lock(&r->door);
    at->at = r->first ? segment_ref(r->first) : NULL;
    pthread_mutex_unlock(&r->door);
    return at->at;
}

/* A segment that has one behind it is not written any more, and says how much is in it; in one that
 * has none, the next event is, since it was counted. */
static bool find(recording_reader *at) {
    if (at->events == recording_events(at->of)) return false;
    if (!at->at && !find_first(at)) return false;
    for (segment *next; (next = atomic_load_explicit(&at->at->next, memory_order_acquire));) {
        if (at->offset < at->at->used) break;
        keep_before(&at->before, &at->now);
        segment_ref(next);
        segment_unref(at->at);
        at->at = next;
        at->offset = 0;
    }
    return true;
}

/* `now` becomes the event's data: its head stays where it is. What has nothing of the one before
 * stays in its segment. */
static span put_together(recording_reader *at, const entry *e, const char *middle) {
    buf *now = &at->now;
    if (!e->head && !e->tail) return span_from(middle, e->middle);
    keep_before(&at->before, now);
    const size_t was = now->len, len = (size_t)e->head + e->middle + e->tail;
    if (len > was) (void)buf_reserve(now, len - was);
    char *to = now->ptr;
    if (e->tail && len != was) memmove(to + len - e->tail, to + was - e->tail, e->tail);
    if (e->middle) memcpy(to + e->head, middle, e->middle);
    now->len = len;
    return buf_span(now);
}

bool recording_next(recording_reader *at, recorded_event *ret) {
    if (!find(at)) return false;
    entry e;
    const char *from = at->at->bytes + at->offset;
    memcpy(&e, from, sizeof e);
    const size_t named = e.name == SAME_NAME ? 0 : e.name;
    if (e.name != SAME_NAME) keep(&at->name, span_from(from + sizeof e, named));
    at->before = put_together(at, &e, from + sizeof e + named);
    const size_t bytes = sizeof e + named + e.middle;
    at->offset += bytes;
    at->bytes += bytes;
    at->events++;
    *ret = (recorded_event){buf_span(&at->name), at->before, e.at_ms};
    return true;
}
