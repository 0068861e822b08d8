/* A reader on another thread, for as long as a whole body takes to be read. */
#include "dialect/reader.h"

#include "dialect/reader_room.h"

bool reader_is_large(const reader *r) {
    enum { AT_ONCE_BYTES = 256 * 1024 };
    return r->comes == ANSWER_PLAIN && !r->ended && r->body.len > AT_ONCE_BYTES;
}

void reader_lend(reader *r, reader *to) {
    *to = *r;
    to->spec.memory = NULL;
    *r = (reader){.spec = to->spec, .ops = to->ops, .kind = to->kind, .comes = to->comes};
    r->spec.memory = NULL;
}

bool reader_take_back(reader *r, reader *from, memory_account *memory, answer_event *event) {
    *r = *from;
    *from = (reader){.ops = from->ops};
    r->spec.memory = memory;
    if (event->envelope == &from->envelope) event->envelope = &r->envelope;
    if (event->usage == &from->usage) event->usage = &r->usage;
    return reader_count_held(r);
}
