/* A reader on another thread, for as long as what is large takes to be read. */
#include "dialect/reader.h"

#include "dialect/answer_large.h"
#include "dialect/reader_room.h"

#include <stdlib.h>

static bool gathers(const reader *r) {
    return r->kind == ANSWER_PLAIN && r->comes == ANSWER_STREAM;
}

/* Of events that are put together, what there is so far. */
static bool has_gathered_much(const reader *r) {
    return gathers(r) && r->events_told && !r->whole_told &&
           r->ops->turn->bytes(r->events_told) > LARGE_BYTES;
}

/* A body whose length was told is gathered where it stays. */
static bool has_to_move(const reader *r) {
    return r->comes == ANSWER_PLAIN && !r->length && r->body.len > LARGE_BYTES;
}

bool reader_grows_large(const reader *r) {
    if (!r->sure || r->ended) return false;
    if (r->comes != ANSWER_STREAM) return has_to_move(r);
    return sse_reader_holds(&r->events) > LARGE_BYTES || has_gathered_much(r);
}

/* Of a document that is told as a stream: the event that comes next. */
static bool next_is_large(const reader *r) {
    span rest = r->unfolded->rest;
    sse_end end = {0};
    if (rest.len <= LARGE_BYTES) return false;
    return !sse_end_find(&end, span_slice(rest, 0, LARGE_BYTES));
}

bool reader_ends_large(const reader *r) {
    if (r->comes == ANSWER_STREAM)
        return has_gathered_much(r) || sse_reader_holds(&r->events) > LARGE_BYTES;
    if (r->comes != ANSWER_PLAIN) return false;
    return r->unfolded ? next_is_large(r) : !r->ended && r->body.len > LARGE_BYTES;
}

bool reader_is_beyond(const reader *r, size_t more) {
    if (r->comes == ANSWER_PLAIN) return r->body.len + more > r->spec.answer_bytes;
    return sse_reader_holds(&r->events) + more > r->spec.event_bytes;
}

void reader_lend(reader *r, reader *to) {
    *to = *r;
    to->spec.memory = NULL;
    *r = (reader){.spec = to->spec,
                  .ops = to->ops,
                  .kind = to->kind,
                  .comes = to->comes,
                  .skipped = to->skipped};
}

bool reader_take_back(reader *r, reader *from, memory_account *memory) {
    *r = *from;
    *from = (reader){.ops = from->ops};
    r->spec.memory = memory;
    return reader_count_held(r);
}

void reader_expect(reader *r, size_t more) {
    if (!more) return;
    if (r->comes == ANSWER_PLAIN)
        (void)buf_reserve(&r->body, more);
    else if (sse_reader_holds(&r->events) > LARGE_BYTES)
        sse_reader_reserve(&r->events, more);
}

/* Of a document that is told as a stream all that is still needed stands in its events. */
void reader_forget_told(reader *r) {
    sse_reader_forget(&r->events);
    buf_done(&r->clean);
    buf_done(&r->respelt);
    if (r->kind == ANSWER_PLAIN || r->unfolded) buf_done(&r->body);
    free(r->parts);
    r->parts = NULL;
    r->part_count = r->part_cap = 0;
}
