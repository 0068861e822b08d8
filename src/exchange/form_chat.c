/* The form of POST /chat: {"success", "response", "usage", "model", "request_id"}.
 *
 * Streamed, each event is `data: {"delta":"…"}`; the last has "done":true with usage, model and
 * request_id, or is the same error object that a plain answer would be.
 */
#include "exchange/chat_members.h"
#include "exchange/keep_alive.h"
#include "exchange/parse_chat.h"

#include "dialect/words.h"

typedef struct form {
    filter filter;
    keep_alive silence;
    json_value words;    /* PLAIN: all it says, as a JSON string */
    answer_large *large; /* whose they are; NULL: they are small */
    span model;          /* as the provider named it */
} form;

static form *form_of(filter *f) {
    return CONTAINER_OF(f, form, filter);
}

static void on_begin(filter *f) {
    keep_alive_start(&form_of(f)->silence);
}

static void on_head(filter *f, const answer_head *head) {
    if (head->kind == ANSWER_STREAM) exchange_stream_head(f->x);
}

static void note_model(form *m, const answer_event *event) {
    if (!event->envelope) return; /* one that a filter has made */
    json_value model = event->envelope->model;
    bool told = model.type == JSON_STRING && model.raw.len > 2;
    if (told && !m->model.len)
        m->model = arena_dup(&m->filter.x->arena, json_string(model, &m->filter.x->arena));
}

/* In the loop's scratch, until the next. */
static span framed(form *m, const buf *data) {
    m->silence.last_ms = m->filter.x->env->loop->now_ms;
    return chat_framed(m->filter.x, data);
}

/* One line, since no string of JSON has more. */
static void put_delta_kept(form *m, span words, answer_large *l) {
    kept_text text = answer_large_text(l, SPAN_OF("data: {\"delta\":"), words, SPAN_OF("}\n\n"));
    m->silence.last_ms = m->filter.x->env->loop->now_ms;
    exchange_piece_kept(m->filter.x, &text);
}

static void put_delta(form *m, json_value words, answer_large *l) {
    if (words.type != JSON_STRING || words.raw.len <= 2) return;
    if (l) {
        put_delta_kept(m, words.raw, l);
        return;
    }
    buf out = BUF_EMPTY;
    json_writer w = json_writer_of(&out);
    json_open_object(&w);
    json_key(&w, "delta");
    json_put_raw(&w, words.raw);
    json_close_object(&w);
    exchange_piece(m->filter.x, framed(m, &out));
    buf_done(&out);
}

static void on_event(filter *f, const answer_event *event) {
    form *m = form_of(f);
    json_value words = event->large ? event->large->words
                                    : answer_words_json(event, false, filter_arena(f, event));
    note_model(m, event);
    if (event->kind == ANSWER_PLAIN) {
        m->words = words; /* it lives until the end */
        m->large = event->large;
    } else {
        put_delta(m, words, event->large);
    }
}

static void end_stream(form *m) {
    buf out = BUF_EMPTY;
    json_writer w = json_writer_of(&out);
    json_open_object(&w);
    json_key(&w, "done");
    json_put_bool(&w, true);
    json_key(&w, "success");
    json_put_bool(&w, true);
    chat_put_closing(m->filter.x, m->model, &w);
    json_close_object(&w);
    exchange_end_stream(m->filter.x, framed(m, &out));
    buf_done(&out);
}

/* What is large is not copied between what stands around it. */
static void answer(form *m, span before, span words, span after) {
    exchange *x = m->filter.x;
    x->head.status = 200;
    x->head.content_type = SPAN_EMPTY;
    if (m->large) {
        kept_text body = answer_large_text(m->large, before, words, after);
        exchange_answer_kept(x, &body);
        return;
    }
    buf body = BUF_EMPTY;
    buf_add(&body, before);
    buf_add(&body, words);
    buf_add(&body, after);
    exchange_answer(x, buf_span(&body));
    buf_done(&body);
}

static void end_plain(form *m) {
    buf out = BUF_EMPTY;
    json_writer w = json_writer_of(&out);
    json_open_object(&w);
    json_key(&w, "success");
    json_put_bool(&w, true);
    json_key(&w, "response");
    json_put_raw(&w, SPAN_EMPTY);
    size_t before = out.len;
    chat_put_closing(m->filter.x, m->model, &w);
    json_close_object(&w);
    span all = buf_span(&out);
    bool says = m->words.type == JSON_STRING;
    answer(m, span_slice(all, 0, before), says ? m->words.raw : SPAN_OF("\"\""),
           span_slice(all, before, all.len));
    buf_done(&out);
}

static void on_end(filter *f) {
    form *m = form_of(f);
    if (f->x->head.kind == ANSWER_STREAM) {
        end_stream(m);
    } else if (f->x->head_sent) { /* by a keep-alive comment: the client reads a stream */
        put_delta(m, m->words, m->large);
        end_stream(m);
    } else {
        end_plain(m);
    }
}

/* ---- failure ---- */

static void put_failure(const exchange *x, buf *out) {
    json_writer w = json_writer_of(out);
    json_open_object(&w);
    chat_put_failure(x, &w);
    chat_put_request_id(x, &w);
    json_close_object(&w);
}

/* Its clients know the failure object as one of the two last events: it ends the stream whole. */
static void on_fail(filter *f) {
    exchange *x = f->x;
    buf out = BUF_EMPTY;
    put_failure(x, &out);
    if (x->head_sent)
        exchange_end_stream(x, framed(form_of(f), &out));
    else
        exchange_answer_failure(x, buf_span(&out));
    buf_done(&out);
}

static void on_done(filter *f) {
    keep_alive_stop(&form_of(f)->silence);
}

static void add(exchange *x) {
    static const filter_ops ops = {.name = "form_chat",
                                   .place = PLACE_FORM,
                                   .want = WANT_PARTS | WANT_ENVELOPE | WANT_WORDS,
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

const exchange_form form_chat = {.label = "chat", .parse = parse_chat, .add = add};
