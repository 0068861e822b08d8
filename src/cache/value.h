/* cache/value.h: an answer as the bytes that several weirs keep in a Redis.
 *
 *    0  "weir", the version of this form, flags
 *    6  how long the texts are: model, client, target (16 bits each)
 *   12  when it was asked for, when it was stored, and when it expires (ms of wall time, 64 bits
 *       each)
 *   36  how many events, their bytes, and the bytes that they take here (32 bits each)
 *   48  SHA-256 of the key, of all before and of all behind
 *   80  the texts; the events
 *
 * Numbers are little-endian. An event is five numbers of seven bits a byte, and what differs from
 * the event before it: how much is the same at its beginning, how much at its end, the length of
 * what is between, milliseconds since the event before, and its name's length and one (0: the same
 * name); then name and what is between. They are compressed (raw deflate) where that pays.
 *
 * What another version has written, what was cut off or altered, and what lies under another key
 * than its own is no answer. The hash is no signature: who may write there may have it say
 * anything.
 *
 * Pure. Any thread.
 */
#ifndef WEIR_CACHE_VALUE_H
#define WEIR_CACHE_VALUE_H

#include "cache/key.h"
#include "cache/recording.h"

enum {
    CACHE_VALUE_VERSION = 2,
    CACHE_VALUE_TEXTS_MAX = 900,   /* all three together */
    CACHE_VALUE_BEGINNING = 1024,  /* so much of it has the texts */
    CACHE_VALUE_PACKED_MIN = 4096, /* events of fewer bytes are not compressed */
};

typedef struct cache_value {
    bool stream, usage_asked;
    span model, client, target;
    int64_t asked_ms, stored_ms, expires_ms; /* wall time */
    recording *said;                         /* whole */
} cache_value;

/* false: its texts are too long. */
MUST_USE bool cache_value_write(const cache_key *key, const cache_value *v, buf *out);
/* most: bytes of events. false: it is none, or too large. true: texts are in bytes, ret->said is
 * the caller's, counted in room. */
MUST_USE bool cache_value_read(span bytes, const cache_key *key, cache_room *room, size_t most,
                               cache_value *ret);
/* Of its beginning: all but what was said, unchecked. false: it is none of this version. */
MUST_USE bool cache_value_peek(span beginning, cache_value *ret);

#endif
