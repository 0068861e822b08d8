/* redis/reply.h: what a Redis answers, read by hiredis (RESP2).
 *
 * One thread's. A reply lives until the next one is read.
 */
#ifndef WEIR_REDIS_REPLY_H
#define WEIR_REDIS_REPLY_H

#include "base/span.h"

typedef enum redis_kind {
    REDIS_TEXT, /* also a status: "OK" */
    REDIS_NUMBER,
    REDIS_LIST,
    REDIS_NOTHING,
    REDIS_REFUSED, /* text says why: "NOSCRIPT No matching script" */
} redis_kind;

typedef struct redis_reply redis_reply;

redis_kind redis_reply_kind(const redis_reply *r);
span redis_reply_text(const redis_reply *r);      /* of TEXT and REFUSED; else empty */
int64_t redis_reply_number(const redis_reply *r); /* of NUMBER; else 0 */
size_t redis_reply_count(const redis_reply *r);   /* of LIST; else 0 */
const redis_reply *redis_reply_at(const redis_reply *r, size_t i);
/* It is REFUSED with that word: "NOSCRIPT". */
bool redis_reply_refuses(const redis_reply *r, span word);

typedef struct redis_reader redis_reader;

MUST_USE redis_reader *redis_reader_new(void);
void redis_reader_free(redis_reader *r); /* NULL is allowed */
/* Bytes as they come; false: they are no Redis's, and the reader is of no more use. */
MUST_USE bool redis_reader_feed(redis_reader *r, span bytes);
/* The next whole reply; NULL: more bytes are needed, or *ret_bad: what has come is no reply. */
const redis_reply *redis_reader_next(redis_reader *r, bool *ret_bad);

#endif
