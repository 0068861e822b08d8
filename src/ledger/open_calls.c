#include "ledger/open_calls.h"

#include "base/hash.h"
#include "base/mem.h"

#include <stdlib.h>

enum { FIRST_BUCKETS = 64 };

static void enter(open_call *c, journal_file *f) {
    c->file = f;
    f->open++;
    f->open_bytes += c->code_len + FRAME_OVERHEAD;
}

static void leave(const open_call *c) {
    c->file->open--;
    c->file->open_bytes -= c->code_len + FRAME_OVERHEAD;
}

static void free_call(open_calls *o, open_call **at) {
    open_call *c = *at;
    *at = c->next;
    leave(c);
    o->count--;
    free(c);
}

void open_calls_done(open_calls *o) {
    for (size_t i = 0; i < o->bucket_count; i++)
        while (o->buckets[i])
            free_call(o, &o->buckets[i]);
    free(o->buckets);
    *o = OPEN_CALLS_NONE;
}

static open_call **bucket_of(const open_calls *o, uint64_t hash) {
    return &o->buckets[hash & (o->bucket_count - 1)];
}

static void grow(open_calls *o) {
    open_calls larger = {.bucket_count = o->bucket_count ? 2 * o->bucket_count : FIRST_BUCKETS,
                         .count = o->count};
    larger.buckets = mem_zalloc_array(larger.bucket_count, sizeof(open_call *));
    for (size_t i = 0; i < o->bucket_count; i++)
        for (open_call *c = o->buckets[i], *next; c; c = next) {
            next = c->next;
            open_call **at = bucket_of(&larger, c->hash);
            c->next = *at;
            *at = c;
        }
    free(o->buckets);
    *o = larger;
}

/* Where it is, or the end of its bucket. */
static open_call **find(const open_calls *o, span id, uint64_t hash) {
    open_call **at = bucket_of(o, hash);
    while (*at && !((*at)->hash == hash && span_eq(span_from((*at)->bytes, (*at)->id_len), id)))
        at = &(*at)->next;
    return at;
}

void open_calls_begin(open_calls *o, span id, span code, journal_file *f) {
    open_calls_end(o, id);
    if (o->count == o->bucket_count) grow(o);
    open_call *c = mem_alloc(sizeof *c + id.len + code.len);
    *c = (open_call){.hash = hash_span(id), .id_len = id.len, .code_len = code.len};
    memcpy(c->bytes, id.ptr, id.len);
    memcpy(c->bytes + id.len, code.ptr, code.len);
    open_call **at = bucket_of(o, c->hash);
    c->next = *at;
    *at = c;
    enter(c, f);
    o->count++;
}

void open_calls_end(open_calls *o, span id) {
    if (!o->count) return;
    open_call **at = find(o, id, hash_span(id));
    if (*at) free_call(o, at);
}

static span code_of(const open_call *c) {
    return span_from(c->bytes + c->id_len, c->code_len);
}

void open_calls_each(const open_calls *o, const journal_file *f,
                     void (*each)(span code, void *user), void *user) {
    for (size_t i = 0; i < o->bucket_count; i++)
        for (const open_call *c = o->buckets[i]; c; c = c->next)
            if (c->file == f) each(code_of(c), user);
}

void open_calls_move(open_calls *o, const journal_file *from, journal_file *to) {
    for (size_t i = 0; i < o->bucket_count; i++)
        for (open_call *c = o->buckets[i]; c; c = c->next) {
            if (c->file != from) continue;
            leave(c);
            enter(c, to);
        }
}

void open_calls_each_old(const open_calls *o, void (*each)(span code, void *user), void *user) {
    for (size_t i = 0; i < o->bucket_count; i++)
        for (const open_call *c = o->buckets[i]; c; c = c->next)
            if (c->file->old) each(code_of(c), user);
}

void open_calls_drop_old(open_calls *o) {
    for (size_t i = 0; i < o->bucket_count; i++)
        for (open_call **at = &o->buckets[i]; *at;) {
            if ((*at)->file->old)
                free_call(o, at);
            else
                at = &(*at)->next;
        }
}
