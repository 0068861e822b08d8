#include "redis/reply.h"

#include "base/arena.h"
#include "base/mem.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>

struct redis_reply {
    redis_kind kind;
    int64_t number;
    span text;
    redis_reply *items;
    size_t count;
};

/* Replies are made where they are to stand: their lists' items in one piece, and all of it given
 * back at once. */
struct redis_reader {
    redisReader *reader;
    arena memory;
    const redis_reply *last;
};

enum { FIRST_BYTES = 1024, ITEMS_MAX = 1 << 18 };

redis_kind redis_reply_kind(const redis_reply *r) {
    return r->kind;
}

span redis_reply_text(const redis_reply *r) {
    return r->text;
}

int64_t redis_reply_number(const redis_reply *r) {
    return r->number;
}

size_t redis_reply_count(const redis_reply *r) {
    return r->count;
}

const redis_reply *redis_reply_at(const redis_reply *r, size_t i) {
    return &r->items[i];
}

bool redis_reply_refuses(const redis_reply *r, span word) {
    return redis_reply_kind(r) == REDIS_REFUSED && span_starts(redis_reply_text(r), word);
}

/* ---- what hiredis has made of it ---- */

#if HIREDIS_MAJOR >= 1
typedef size_t item_count;
#else
typedef int item_count;
#endif

static void *put(const redisReadTask *task, redis_reply made) {
    redis_reader *r = task->privdata;
    redis_reply *list = task->parent ? task->parent->obj : NULL;
    redis_reply *at = list ? &list->items[task->idx] : arena_alloc(&r->memory, sizeof *at);
    *at = made;
    return at;
}

static void *on_text(const redisReadTask *task, char *text, size_t len) {
    redis_reader *r = task->privdata;
    const redis_kind kind = task->type == REDIS_REPLY_ERROR ? REDIS_REFUSED : REDIS_TEXT;
    return put(task, (redis_reply){kind, .text = arena_dup(&r->memory, span_from(text, len))});
}

static void *on_number(const redisReadTask *task, long long number) {
    return put(task, (redis_reply){REDIS_NUMBER, .number = number});
}

static void *on_nothing(const redisReadTask *task) {
    return put(task, (redis_reply){REDIS_NOTHING});
}

static void *on_list(const redisReadTask *task, item_count count) {
    redis_reader *r = task->privdata;
    redis_reply list = {REDIS_LIST, .count = (size_t)count}; /* a negative one is large */
    if (list.count > ITEMS_MAX) return NULL;
    list.items = arena_zalloc(&r->memory, (list.count + 1) * sizeof *list.items);
    return put(task, list);
}

static void on_free(void *reply) {
    (void)reply;
}

#if HIREDIS_MAJOR >= 1
/* RESP3's, which nobody has asked for. */
static void *on_double(const redisReadTask *task, double number, char *text, size_t len) {
    (void)task;
    (void)number;
    (void)text;
    (void)len;
    return NULL;
}

static void *on_bool(const redisReadTask *task, int value) {
    (void)task;
    (void)value;
    return NULL;
}

static redisReplyObjectFunctions functions = {.createString = on_text,
                                              .createArray = on_list,
                                              .createInteger = on_number,
                                              .createDouble = on_double,
                                              .createNil = on_nothing,
                                              .createBool = on_bool,
                                              .freeObject = on_free};
#else
static redisReplyObjectFunctions functions = {.createString = on_text,
                                              .createArray = on_list,
                                              .createInteger = on_number,
                                              .createNil = on_nothing,
                                              .freeObject = on_free};
#endif

/* ---- the reader ---- */

redis_reader *redis_reader_new(void) {
    redis_reader *r = mem_zalloc(sizeof *r);
    arena_init(&r->memory, FIRST_BYTES);
    r->reader = redisReaderCreateWithFunctions(&functions);
    if (!r->reader) {
        fputs("weir: out of memory\n", stderr); /* as base/mem.c */
        abort();
    }
    r->reader->privdata = r;
    return r;
}

void redis_reader_free(redis_reader *r) {
    if (!r) return;
    redisReaderFree(r->reader);
    arena_done(&r->memory);
    free(r);
}

bool redis_reader_feed(redis_reader *r, span bytes) {
    return redisReaderFeed(r->reader, bytes.ptr, bytes.len) == REDIS_OK;
}

/* Where the last was whole, there is none that has come in part. */
const redis_reply *redis_reader_next(redis_reader *r, bool *ret_bad) {
    void *reply = NULL;
    if (r->last) arena_reset(&r->memory, FIRST_BYTES);
    r->last = NULL;
    *ret_bad = redisReaderGetReply(r->reader, &reply) != REDIS_OK;
    return r->last = reply;
}
