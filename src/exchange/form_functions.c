/* The form of POST /chat/functions: {"success", "response", "steps", "usage", "model",
 * "request_id"}.
 *
 * Streamed, each event is `data: {"delta":"…"}` or `data: {"step":{…}}`, in the order in which they
 * come about; the last has "done":true and, but for response and steps, what a plain answer has, or
 * is the same error object that a plain answer would be.
 */
#include "exchange/chat_members.h"
#include "exchange/functions.h"
#include "exchange/keep_alive.h"

#include "dialect/words.h"

typedef struct form {
    filter filter;
    keep_alive silence;
    json_value words; /* PLAIN: all it says, as a JSON string; it lives until the end */
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

/* ---- events ---- */

static span framed(form *m, const buf *data) {
    m->silence.last_ms = m->filter.x->env->loop->now_ms;
    return chat_framed(m->filter.x, data);
}

static void put_member(form *m, const char *name, span value) {
    buf out = BUF_EMPTY;
    json_writer w = json_writer_of(&out);
    json_open_object(&w);
    json_key(&w, name);
    json_put_raw(&w, value);
    json_close_object(&w);
    exchange_piece(m->filter.x, framed(m, &out));
    buf_done(&out);
}

static void put_words(form *m, json_value words) {
    if (words.type == JSON_STRING && words.raw.len > 2) put_member(m, "delta", words.raw);
}

static void on_event(filter *f, const answer_event *event) {
    form *m = form_of(f);
    if (span_eq(event->name, FUNCTIONS_STEP)) {
        put_member(m, "step", event->data);
        return;
    }
    json_value words = event->large ? event->large->words
                                    : answer_words_json(event, false, filter_arena(f, event));
    if (event->kind == ANSWER_PLAIN)
        m->words = words;
    else
        put_words(m, words);
}

/* ---- the end ---- */

/* A run that was stopped has no answer, but it is no failure of the call either. */
static bool was_stopped(const exchange *x) {
    return x->functions->stop != RUN_ENDS;
}

static void put_success(const exchange *x, json_writer *w) {
    json_key(w, "success");
    json_put_bool(w, !was_stopped(x));
}

static void put_stop(const exchange *x, json_writer *w) {
    const functions_run *r = x->functions;
    if (!was_stopped(x)) return;
    json_key(w, "error");
    json_open_object(w);
    json_key(w, "type");
    json_put_string(w, SPAN_OF("run_stopped"));
    json_key(w, "message");
    json_put_string(w, functions_stop_sentence(r, r->stop, &x->env->event_arena));
    json_key(w, "code");
    json_put_string(w, span_cstr(run_stop_code(r->stop)));
    json_close_object(w);
}

static void put_pause(const exchange *x, json_writer *w) {
    if (x->functions->stop != RUN_PAUSED) return;
    json_key(w, "paused");
    functions_write_pause(x->functions, w);
}

static void put_response(const form *m, json_writer *w) {
    const exchange *x = m->filter.x;
    json_key(w, "response");
    if (m->words.type == JSON_STRING && (m->words.raw.len > 2 || !was_stopped(x)))
        json_put_raw(w, m->words.raw);
    else if (was_stopped(x))
        json_put_string(
            w, functions_stop_sentence(x->functions, x->functions->stop, &x->env->event_arena));
    else
        json_put_string(w, SPAN_EMPTY);
}

static void put_steps(const exchange *x, json_writer *w) {
    json_key(w, "steps");
    functions_write_steps(x->functions, w);
}

static void end_plain(form *m) {
    exchange *x = m->filter.x;
    buf body = BUF_EMPTY;
    json_writer w = json_writer_of(&body);
    json_open_object(&w);
    put_success(x, &w);
    put_response(m, &w);
    put_stop(x, &w);
    put_pause(x, &w);
    put_steps(x, &w);
    chat_put_closing(x, x->functions->model, &w);
    json_close_object(&w);
    x->head.status = 200;
    x->head.content_type = SPAN_EMPTY;
    exchange_answer(x, buf_span(&body));
    buf_done(&body);
}

static void end_stream(form *m) {
    exchange *x = m->filter.x;
    buf out = BUF_EMPTY;
    json_writer w = json_writer_of(&out);
    json_open_object(&w);
    json_key(&w, "done");
    json_put_bool(&w, true);
    put_success(x, &w);
    put_stop(x, &w);
    put_pause(x, &w);
    chat_put_closing(x, x->functions->model, &w);
    json_close_object(&w);
    exchange_end_stream(x, framed(m, &out));
    buf_done(&out);
}

static void on_end(filter *f) {
    form *m = form_of(f);
    exchange_enter(f->x->env); /* the sentences' memory */
    if (f->x->facts.stream)
        end_stream(m);
    else
        end_plain(m);
    exchange_leave(f->x->env);
}

/* What was done before the failure has been done, and was paid. */
static void put_failure(exchange *x, buf *out) {
    json_writer w = json_writer_of(out);
    json_open_object(&w);
    chat_put_failure(x, &w);
    if (x->functions && x->functions->state.answers) {
        if (!x->facts.stream) put_steps(x, &w);
        chat_put_closing(x, x->functions->model, &w);
    } else {
        chat_put_request_id(x, &w);
    }
    json_close_object(&w);
}

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
    static const filter_ops ops = {.name = "form_functions",
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

const exchange_form form_functions = {
    .label = "chat.functions", .parse = parse_functions, .add = add, .runs = true};
