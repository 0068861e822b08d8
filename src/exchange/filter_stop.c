/* The end that a filter makes: what the provider would have said at its own. */
#include "exchange/internal.h"

#include "dialect/dialect_writer.h"
#include "dialect/reader.h"

#include <assert.h>

/* One more event for those behind, read as if it had come. */
static void say(filter *f, span name, span data) {
    exchange *x = f->x;
    const reader_spec spec = {.dialect = endpoint_get(x->facts.endpoint)->dialect, .want = x->want};
    reader r;
    answer_event e;
    reader_init(&r, &spec, SPAN_OF("text/event-stream"), -1);
    reader_take_made(&r, name, data, &e);
    exchange_enter(x->env);
    chain_event(f->next, &e);
    exchange_leave(x->env);
    reader_done(&r);
}

static void finish(filter *f, const answer_event *like, unsigned choice, span reason) {
    buf data = BUF_EMPTY;
    settle_reason(f->x, reason);
    span name = dialect_writer_get(endpoint_get(f->x->facts.endpoint)->dialect)
                    ->write_finish(like, choice, reason, &data);
    if (data.len) say(f, name, buf_span(&data));
    buf_done(&data);
}

static void tell_usage(filter *f, const answer_event *like) {
    buf data = BUF_EMPTY;
    span name = dialect_writer_get(endpoint_get(f->x->facts.endpoint)->dialect)
                    ->write_usage(like, like->usage, &data);
    if (data.len) say(f, name, buf_span(&data));
    buf_done(&data);
}

void filter_stop(filter *f, const answer_event *like, span reason) {
    enum { NEEDS = WANT_PARTS | WANT_ENVELOPE };
    exchange *x = f->x;
    assert((f->ops->want & NEEDS) == NEEDS && like->kind == ANSWER_STREAM);
    if (!chain_cut(f)) return;
    unsigned choices = exchange_dialect(x)->one_answer ? 1 : x->facts.choices;
    const token_usage used = settle_usage(x);
    answer_event last = *like; /* of a response it tells all of that at once */
    last.usage = &used;
    if (x->named) last.envelope = x->named;
    for (unsigned i = 0; i < choices && exchange_goes_on(x); i++)
        if (!choice_set_has(&f->finished, i)) finish(f, &last, i, reason);
    if (!f->usage_told && exchange_goes_on(x)) tell_usage(f, &last);
    if (exchange_goes_on(x)) chain_end(f->next);
    exchange_watch_rest(x);
}
