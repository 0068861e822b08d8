/* The last filter for a program: JSON as it is, a stream's events one by one, nothing framed. */
#include "exchange/internal.h"

typedef struct form {
    filter filter;
    span body; /* PLAIN: lives until the end */
    buf raw;   /* RAW: gathered */
} form;

static form *form_of(filter *f) {
    return CONTAINER_OF(f, form, filter);
}

static void on_head(filter *f, const answer_head *head) {
    if (head->kind == ANSWER_STREAM) exchange_stream_head(f->x);
}

static void gather(form *m, span piece) {
    exchange *x = m->filter.x;
    size_t most = exchange_config(x)->limits.answer_bytes;
    if (m->raw.len + piece.len <= most) {
        buf_add(&m->raw, piece);
        return;
    }
    (void)exchange_refuse(x, ERR_ANSWER_TOO_LARGE, NULL,
                          "The provider's answer is larger than limits.answer (%zu bytes).", most);
    exchange_answer_failure(x);
}

static void on_event(filter *f, const answer_event *event) {
    form *m = form_of(f);
    switch (event->kind) {
    case ANSWER_STREAM: exchange_piece(f->x, event->sse.data); break;
    case ANSWER_PLAIN: m->body = event->sse.data; break;
    case ANSWER_RAW: gather(m, event->sse.data); break;
    }
}

static void on_end(filter *f) {
    exchange *x = f->x;
    form *m = form_of(f);
    if (x->head.kind != ANSWER_STREAM) {
        buf raw = m->raw; /* outlives the exchange's end until the door has heard of it */
        m->raw = BUF_EMPTY;
        exchange_answer(x, x->head.kind == ANSWER_RAW ? buf_span(&raw) : m->body);
        buf_done(&raw);
        return;
    }
    exchange_finish(x);
    x->door->end(x->user);
}

static void on_fail(filter *f) {
    exchange *x = f->x;
    if (!x->head_sent) {
        exchange_answer_failure(x);
        return;
    }
    exchange_finish(x);
    x->door->abort(x->user);
}

static void on_done(filter *f) {
    buf_done(&form_of(f)->raw);
}

void filter_form_direct_add(exchange *x) {
    static const filter_ops ops = {.name = "form_direct",
                                   .head = on_head,
                                   .event = on_event,
                                   .end = on_end,
                                   .fail = on_fail,
                                   .done = on_done};
    form *m = arena_zalloc(&x->arena, sizeof *m);
    m->raw = BUF_EMPTY;
    filter_add(x, &m->filter, &ops);
}
