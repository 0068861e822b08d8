/* The last filter for a program: JSON as it is, a stream's events one by one, nothing framed. */
#include "exchange/internal.h"

typedef struct form {
    filter filter;
    span body; /* PLAIN: lives until the end */
} form;

static form *form_of(filter *f) {
    return CONTAINER_OF(f, form, filter);
}

static void on_head(filter *f, const answer_head *head) {
    if (head->kind == ANSWER_STREAM) exchange_stream_head(f->x);
}

static void on_event(filter *f, const answer_event *event) {
    if (event->kind == ANSWER_STREAM)
        exchange_piece(f->x, event->data);
    else
        form_of(f)->body = event->data;
}

static void on_end(filter *f) {
    exchange *x = f->x;
    if (x->head.kind != ANSWER_STREAM) {
        exchange_answer(x, form_of(f)->body);
        return;
    }
    exchange_finish(x);
    x->door->end(x->user);
}

static void on_fail(filter *f) {
    exchange *x = f->x;
    if (!x->head_sent) {
        exchange_answer_failure(x, SPAN_EMPTY);
        return;
    }
    exchange_finish(x);
    x->door->abort(x->user);
}

static void on_done(filter *f) {
    (void)f; /* nothing is timed, and the arena goes with the exchange */
}

void filter_form_direct_add(exchange *x) {
    static const filter_ops ops = {.name = "form_direct",
                                   .head = on_head,
                                   .event = on_event,
                                   .end = on_end,
                                   .fail = on_fail,
                                   .done = on_done};
    form *m = arena_zalloc(&x->arena, sizeof *m);
    filter_add(x, &m->filter, &ops);
}
