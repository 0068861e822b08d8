/* How an answer that is blocked ends. What is said in the place of a plain one is that of a stream
 * which ends before anything is said, put together. */
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

static bool write_instead(exchange *x, const answer_event *event, buf *out) {
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

static const char blocked_text[] = "The answer has something that the gateway's guard does not let "
                                   "through.";

/* An answer in the place of the one that came, read as that is. */
static void say_instead(filter *f, span document) {
    exchange *x = f->x;
    const reader_spec spec = {.dialect = endpoint_get(x->facts.endpoint)->dialect,
                              .want = x->want,
                              .choices = 1,
                              .event_bytes = document.len + 1,
                              .answer_bytes = document.len + 1};
    reader r;
    answer_event e;
    reader_init(&r, &spec, SPAN_OF("application/json"), -1);
    const reader_result got =
        reader_next(&r, &document, &e) == READER_MORE ? reader_end(&r, true, &e) : READER_BAD;
    if (got == READER_EVENT)
        filter_pass_event(f, answer_dup(&e, &x->arena));
    else
        filter_break(f, ERR_CONTENT_BLOCKED, blocked_text);
    reader_done(&r);
}

static void replace(filter *f, const answer_event *event) {
    buf document = BUF_EMPTY;
    if (write_instead(f->x, event, &document))
        say_instead(f, buf_span(&document));
    else
        filter_break(f, ERR_CONTENT_BLOCKED, blocked_text);
    buf_done(&document);
}

void guard_answer_end(filter *f, const answer_event *event) {
    if (event->kind == ANSWER_PLAIN)
        replace(f, event);
    else if (exchange_config(f->x)->guard.end == CONFIG_GUARD_ERROR)
        filter_break(f, ERR_CONTENT_BLOCKED, blocked_text);
    else
        filter_stop(f, event, SPAN_OF("content_filter"));
}
