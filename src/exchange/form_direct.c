/* The form for a program: events as they are, one by one, nothing framed; what is neither JSON nor
 * events, in pieces. */
#include "exchange/internal.h"

typedef struct form {
    filter filter;
    span body; /* PLAIN */
} form;

static form *form_of(filter *f) {
    return CONTAINER_OF(f, form, filter);
}

static void on_head(filter *f, const answer_head *head) {
    if (head->kind == ANSWER_STREAM) exchange_stream_head(f->x);
    if (head->kind == ANSWER_RAW)
        exchange_send_head(f->x, head->status, head->headers, head->content_type);
}

static void on_event(filter *f, const answer_event *event) {
    if (event->kind == ANSWER_PLAIN) form_of(f)->body = event->data;
    if (event->kind == ANSWER_RAW)
        exchange_piece(f->x, event->data);
    else
        exchange_event(f->x, event);
}

static void on_end(filter *f) {
    exchange *x = f->x;
    if (x->head.kind != ANSWER_PLAIN)
        exchange_end_stream(x, SPAN_EMPTY);
    else
        exchange_answer(x, form_of(f)->body);
}

static void on_fail(filter *f) {
    exchange *x = f->x;
    if (x->head_sent)
        exchange_abort_stream(x);
    else
        exchange_answer_failure(x, SPAN_EMPTY);
}

static void on_begin(filter *f) {
    (void)f; /* nothing is timed */
}

static void on_done(filter *f) {
    (void)f; /* the arena goes with the exchange */
}

static void add(exchange *x) {
    static const filter_ops ops = {.name = "form_direct",
                                   .place = PLACE_FORM,
                                   .want = WANT_PARTS | WANT_ENVELOPE,
                                   .begin = on_begin,
                                   .head = on_head,
                                   .event = on_event,
                                   .end = on_end,
                                   .fail = on_fail,
                                   .done = on_done};
    form *m = arena_zalloc(&x->arena, sizeof *m);
    filter_add(x, &m->filter, &ops);
}

const exchange_form form_direct = {.parse = parse_openai, .add = add};
