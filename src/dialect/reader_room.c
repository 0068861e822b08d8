#include "dialect/reader_room.h"

static bool take(reader *r, size_t bytes) {
    memory_account *account = r->spec.memory;
    if (!account) return true;
    if (bytes < r->hold.bytes) memory_set(account, &r->hold, bytes);
    return memory_grow(account, &r->hold, bytes) == SHARE_TAKEN;
}

/* But for the body and what has come of an event. */
static size_t made(const reader *r) {
    size_t bytes = r->clean.cap + r->respelt.cap;
    if (r->unfolded) bytes += r->unfolded->events.cap;
    return r->events_told ? bytes + r->ops->turn->bytes(r->events_told) : bytes;
}

bool reader_widen_body(reader *r, size_t more) {
    if (more <= r->body.cap - r->body.len) return true;
    size_t want = r->body.cap ? r->body.cap * 2 : r->length;
    if (want < r->body.len + more) want = r->body.len + more;
    if (!take(r, want + made(r))) return false;
    (void)buf_reserve(&r->body, want - r->body.len);
    return true;
}

/* In steps, so that what grows with each event does not ask with each. */
bool reader_room_for_events(reader *r, size_t more) {
    size_t bytes = sse_reader_bytes(&r->events, more) + r->body.cap + made(r);
    return take(r, bytes > MEMORY_SMALL ? bytes + MEMORY_SMALL - bytes % MEMORY_SMALL : 0);
}

bool reader_count_held(reader *r) {
    return reader_room_for_events(r, 0);
}
