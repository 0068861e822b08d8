#include "exchange/cache_use.h"

#include "dialect/dialect_ops.h"

/* What weir's own question brings (the member `usage` of each chunk) is cut out for who did not ask
 * for it, whoever was recorded. */
void retelling_begin(retelling *t, exchange *x, recording_reader at) {
    const reader_spec spec = {.dialect = endpoint_get(x->facts.endpoint)->dialect,
                              .asked = ASKED_STREAM,
                              .want = x->want,
                              .choices = 1,
                              .event_bytes = SIZE_MAX,
                              .answer_bytes = SIZE_MAX,
                              .usage_added = !x->facts.usage_asked};
    t->at = at;
    t->open = true;
    reader_init(&t->reader, &spec, SPAN_OF("text/event-stream"), -1);
}

void retelling_end(retelling *t) {
    if (!t->open) return;
    t->open = false;
    reader_done(&t->reader);
    recording_reader_done(&t->at);
}

bool retelling_next(retelling *t, answer_event *ret, unsigned *ret_at_ms) {
    recorded_event e;
    if (!recording_next(&t->at, &e)) return false;
    *ret_at_ms = e.at_ms;
    reader_take_made(&t->reader, e.name, e.data, ret);
    return true;
}
