/* The form for clients of OpenAI's API: the bytes as the provider sent them, framed anew. */
#include "exchange/keep_alive.h"

#include "dialect/dialect_writer.h"

#include "http/sse.h"

typedef struct form {
    filter filter;
    keep_alive silence;
    span body;           /* PLAIN */
    answer_large *large; /* whose it is; NULL: it is small */
} form;

static form *form_of(filter *f) {
    return CONTAINER_OF(f, form, filter);
}

static void on_begin(filter *f) {
    keep_alive_start(&form_of(f)->silence);
}

static void on_head(filter *f, const answer_head *head) {
    exchange *x = f->x;
    if (head->kind == ANSWER_STREAM) exchange_stream_head(x);
    if (head->kind == ANSWER_RAW)
        exchange_send_head(x, head->status, head->headers, head->content_type);
}

/* In the loop's scratch, until the next. */
static span framed(form *m, const sse_event *event) {
    exchange *x = m->filter.x;
    buf_clear(&x->env->scratch);
    sse_write(&x->env->scratch, event);
    m->silence.last_ms = x->env->loop->now_ms;
    return buf_span(&x->env->scratch);
}

/* A picture goes out from where it lies: a copy of it would stay with the loop. */
static void put_large(form *m, const sse_event *event) {
    exchange *x = m->filter.x;
    buf_clear(&x->env->scratch);
    sse_write_before(&x->env->scratch, event);
    m->silence.last_ms = x->env->loop->now_ms;
    exchange_piece(x, buf_span(&x->env->scratch));
    exchange_piece(x, event->data);
    exchange_piece(x, SPAN_OF("\n\n"));
}

static void put_kept(form *m, answer_large *l) {
    exchange *x = m->filter.x;
    const sse_event event = {l->event.name, l->event.data};
    buf_clear(&x->env->scratch);
    if (!l->framed.len) sse_write_before(&x->env->scratch, &event);
    span frame = buf_span(&x->env->scratch);
    m->silence.last_ms = x->env->loop->now_ms;
    kept_text text = l->framed.len ? answer_large_text(l, SPAN_EMPTY, l->framed, SPAN_EMPTY)
                                   : answer_large_text(l, frame, l->event.data, SPAN_OF("\n\n"));
    exchange_piece_kept(x, &text);
}

static void put_event(form *m, const answer_event *e) {
    enum { FROM_WHERE_IT_LIES = 64 * 1024 };
    const sse_event event = {e->name, e->data};
    if (e->large)
        put_kept(m, e->large);
    else if (e->data.len >= FROM_WHERE_IT_LIES && sse_is_line(e->data))
        put_large(m, &event);
    else
        exchange_piece(m->filter.x, framed(m, &event));
}

static void on_event(filter *f, const answer_event *event) {
    form *m = form_of(f);
    switch (event->kind) {
    case ANSWER_STREAM: put_event(m, event); break;
    case ANSWER_PLAIN:
        m->body = event->data;
        m->large = event->large;
        break;
    case ANSWER_RAW: exchange_piece(f->x, event->data); break;
    }
}

static void end_stream(form *m) {
    const dialect_ops *d = exchange_dialect(m->filter.x);
    const sse_event marker = {.data = d->end_marker};
    exchange_end_stream(m->filter.x, d->writes_marker ? framed(m, &marker) : SPAN_EMPTY);
}

static void on_end(filter *f) {
    exchange *x = f->x;
    form *m = form_of(f);
    if (x->head.kind == ANSWER_RAW) {
        exchange_end_stream(x, SPAN_EMPTY);
    } else if (x->head.kind == ANSWER_STREAM) {
        end_stream(m);
    } else if (x->head_sent) { /* by a keep-alive comment: the client reads a stream */
        put_event(m, &(answer_event){.data = m->body, .large = m->large});
        end_stream(m);
    } else if (m->large) {
        kept_text body = answer_large_text(m->large, SPAN_EMPTY, m->body, SPAN_EMPTY);
        exchange_answer_kept(x, &body);
    } else {
        exchange_answer(x, m->body);
    }
}

/* Not every client knows an error among the events (langchain4j passes over it): a transfer that
 * ends before its end is noticed by all. */
static void end_with_error(form *m) {
    exchange *x = m->filter.x;
    buf body = BUF_EMPTY, data = BUF_EMPTY;
    if (exchange_status_is_hidden(x))
        failure_body_told(&x->failure, &body);
    else
        exchange_failure_body(x, &body);
    sse_event event = {.name = dialect_writer_get(endpoint_get(x->facts.endpoint)->dialect)
                                   ->write_error(buf_span(&body), &data)};
    event.data = buf_span(&data);
    exchange_break_stream(x, framed(m, &event));
    buf_done(&body);
    buf_done(&data);
}

static void on_fail(filter *f) {
    exchange *x = f->x;
    if (!x->head_sent) {
        exchange_answer_failure(x, SPAN_EMPTY);
        return;
    }
    bool stream = x->facts.stream || x->head.kind == ANSWER_STREAM;
    if (!stream || x->head.kind == ANSWER_RAW) {
        exchange_abort_stream(x);
        return;
    }
    end_with_error(form_of(f));
}

static void on_done(filter *f) {
    keep_alive_stop(&form_of(f)->silence);
}

static void add(exchange *x) {
    static const filter_ops ops = {.name = "form_openai",
                                   .place = PLACE_FORM,
                                   .begin = on_begin,
                                   .head = on_head,
                                   .event = on_event,
                                   .end = on_end,
                                   .fail = on_fail,
                                   .done = on_done};
    form *m = arena_zalloc(&x->arena, sizeof *m);
    keep_alive_init(&m->silence, x);
    filter_add(x, &m->filter, &ops);
}

const exchange_form form_openai = {.parse = parse_openai, .add = add};
