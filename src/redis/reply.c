#include "redis/reply.h"

#include "base/mem.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>

struct redis_reader {
    redisReader *reader;
    redisReply *last;
};

/* hiredis' struct under a name of weir's. */
static const redisReply *own(const redis_reply *r) {
    return (const redisReply *)(const void *)r;
}

redis_kind redis_reply_kind(const redis_reply *r) {
    switch (own(r)->type) {
    case REDIS_REPLY_INTEGER: return REDIS_NUMBER;
    case REDIS_REPLY_ARRAY: return REDIS_LIST;
    case REDIS_REPLY_NIL: return REDIS_NOTHING;
    case REDIS_REPLY_ERROR: return REDIS_REFUSED;
    default: return REDIS_TEXT;
    }
}

span redis_reply_text(const redis_reply *r) {
    const redis_kind kind = redis_reply_kind(r);
    if (kind != REDIS_TEXT && kind != REDIS_REFUSED) return SPAN_EMPTY;
    return span_from(own(r)->str, (size_t)own(r)->len);
}

int64_t redis_reply_number(const redis_reply *r) {
    return redis_reply_kind(r) == REDIS_NUMBER ? own(r)->integer : 0;
}

size_t redis_reply_count(const redis_reply *r) {
    return redis_reply_kind(r) == REDIS_LIST ? own(r)->elements : 0;
}

const redis_reply *redis_reply_at(const redis_reply *r, size_t i) {
    return (const redis_reply *)(const void *)own(r)->element[i];
}

bool redis_reply_refuses(const redis_reply *r, span word) {
    return redis_reply_kind(r) == REDIS_REFUSED && span_starts(redis_reply_text(r), word);
}

/* ---- the reader ---- */

redis_reader *redis_reader_new(void) {
    redis_reader *r = mem_zalloc(sizeof *r);
    r->reader = redisReaderCreate();
    if (r->reader) return r;
    fputs("weir: out of memory\n", stderr); /* as base/mem.c */
    abort();
}

static void drop_last(redis_reader *r) {
    if (r->last) freeReplyObject(r->last);
    r->last = NULL;
}

void redis_reader_free(redis_reader *r) {
    if (!r) return;
    drop_last(r);
    redisReaderFree(r->reader);
    free(r);
}

bool redis_reader_feed(redis_reader *r, span bytes) {
    return redisReaderFeed(r->reader, bytes.ptr, bytes.len) == REDIS_OK;
}

const redis_reply *redis_reader_next(redis_reader *r, bool *ret_bad) {
    void *reply = NULL;
    drop_last(r);
    *ret_bad = redisReaderGetReply(r->reader, &reply) != REDIS_OK;
    r->last = reply;
    return (const redis_reply *)reply;
}
