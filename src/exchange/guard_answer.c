/* What is said in the place of a plain answer that is blocked: that of a stream which ends before
 * anything is said, put together. */
#include "exchange/guard.h"

#include "dialect/dialect_writer.h"
#include "dialect/reader.h"

typedef struct replacement {
    exchange *x;
    const dialect_writer *writer;
    const turn_ops *turn;
    assembly *all;
} replacement;

static void take(replacement *r, span name, span data) {
    const reader_spec spec = {.dialect = endpoint_get(r->x->facts.endpoint)->dialect,
                              .want = r->x->want};
    reader from;
    answer_event e;
    reader_init(&from, &spec, SPAN_OF("text/event-stream"), -1);
    reader_take_made(&from, name, data, &e);
    (void)!r->turn->take(r->all, &e);
    reader_done(&from);
}

static void take_finish(replacement *r, const answer_event *like, unsigned choice) {
    buf data = BUF_EMPTY;
    const span name = r->writer->write_finish(like, choice, SPAN_OF("content_filter"), &data);
    if (data.len) take(r, name, buf_span(&data));
    buf_done(&data);
}

static void take_usage(replacement *r, const answer_event *like) {
    buf data = BUF_EMPTY;
    const span name = like->usage ? r->writer->write_usage(like, like->usage, &data) : SPAN_EMPTY;
    if (data.len) take(r, name, buf_span(&data));
    buf_done(&data);
}

bool guard_answer_write(exchange *x, const answer_event *event, buf *out) {
    enum { MOST = 1024 * 1024 };
    const dialect_ops *d = exchange_dialect(x);
    if (!d->turn) return false;
    replacement r = {.x = x,
                     .writer = dialect_writer_get(endpoint_get(x->facts.endpoint)->dialect),
                     .turn = d->turn,
                     .all = d->turn->begin(MOST)};
    const unsigned choices = d->one_answer ? 1 : x->facts.choices;
    for (unsigned i = 0; i < choices && i < ANSWER_CHOICES; i++)
        take_finish(&r, event, i);
    take_usage(&r, event);
    const bool written = r.turn->write(r.all, out);
    r.turn->end(r.all);
    if (written) settle_reason(x, SPAN_OF("content_filter"));
    return written;
}
