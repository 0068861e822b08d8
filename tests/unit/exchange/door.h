/* A door that writes down what it hears of one exchange. */
#ifndef WEIR_TEST_DOOR_H
#define WEIR_TEST_DOOR_H

#include "heap.h"

#include "exchange/internal.h"

/* One exchange and the door that asked for it. */
typedef struct asked {
    exchange *x;       /* NULL after done */
    buf said;          /* "head 200|piece …|end|done" */
    buf headers;       /* of what was answered: "name: value\n", in their order */
    bool full;         /* what the door answers when it is asked */
    unsigned leave_at; /* the door cancels from inside the piece of that number; 0: never */
    bool left;         /* it has: it hears nothing more but that it is over */
    unsigned pieces;
    int status;
    error_id error;     /* from done on */
    int status_told;    /* exchange_status(), then */
    call_record record; /* its spans of the arena are gone */
    char reason[64];    /* but this is a copy: why the answer ended */
    void (*on_piece)(struct asked *a);
} asked;

static inline void note(asked *a, const char *word, span what) {
    assert_false(a->left && strcmp(word, "done") != 0);
    if (a->said.len) buf_add_char(&a->said, '|');
    buf_add_cstr(&a->said, word);
    if (what.len) buf_add_char(&a->said, ' ');
    buf_add(&a->said, what);
}

static inline void note_number(asked *a, const char *word, int status, span what) {
    buf text = BUF_EMPTY;
    buf_addf(&text, "%d", status);
    if (what.len) buf_addf(&text, " %.*s", SPAN_ARG(what));
    note(a, word, buf_span(&text));
    buf_done(&text);
}

static inline void note_headers(asked *a, http_headers headers) {
    assert_true(http_header_get(headers, SPAN_OF("x-request-id")).len > 0);
    for (size_t i = 0; i < headers.count; i++)
        buf_addf(&a->headers, "%.*s: %.*s\n", SPAN_ARG(headers.items[i].name),
                 SPAN_ARG(headers.items[i].value));
}

static inline void hear_answer(void *user, int status, http_headers headers, span body) {
    asked *a = user;
    note_headers(a, headers);
    a->status = status;
    note_number(a, "answer", status, body);
}

static inline void hear_head(void *user, int status, http_headers headers) {
    note_headers(user, headers);
    note_number(user, "head", status, SPAN_EMPTY);
}

static inline void hear_piece(void *user, span bytes) {
    asked *a = user;
    note(a, "piece", bytes);
    a->pieces++;
    if (a->leave_at && a->pieces == a->leave_at) {
        a->left = true;
        exchange_cancel(a->x);
    }
    if (a->on_piece) a->on_piece(a);
}

static inline void hear_event(void *user, const answer_event *event) {
    if (event->kind == ANSWER_STREAM) hear_piece(user, event->data);
}

static inline void hear_end(void *user) {
    note(user, "end", SPAN_EMPTY);
}

static inline void hear_abort(void *user) {
    note(user, "abort", SPAN_EMPTY);
}

static inline void hear_broken(void *user) {
    note(user, "broken", SPAN_EMPTY);
}

static inline bool hear_full(void *user) {
    const asked *a = user;
    assert_false(a->left);
    return a->full;
}

static inline void hear_done(void *user) {
    asked *a = user;
    note(a, "done", SPAN_EMPTY);
    a->error = exchange_error(a->x);
    a->status_told = exchange_status(a->x);
    a->record = *exchange_record(a->x);
    snprintf(a->reason, sizeof a->reason, "%.*s", SPAN_ARG(a->record.finish_reason));
    a->x = NULL;
}

static const exchange_door world_door = {.answer = hear_answer,
                                         .head = hear_head,
                                         .piece = hear_piece,
                                         .event = hear_event,
                                         .end = hear_end,
                                         .abort = hear_abort,
                                         .broken = hear_broken,
                                         .full = hear_full,
                                         .done = hear_done};

static inline void asked_done(asked *a) {
    assert_null(a->x);
    buf_done(&a->said);
    buf_done(&a->headers);
}

/* The text with ID in the place of the request's id, which is another one each time. */
static inline void assert_text(const asked *a, const buf *text, const char *expected) {
    span id = span_cstr(a->x ? a->x->record.request_id : a->record.request_id);
    span rest = buf_span(text);
    buf out = BUF_EMPTY;
    for (size_t at; (at = span_find_span(rest, 0, id)) < rest.len;) {
        buf_add(&out, span_slice(rest, 0, at));
        buf_add_cstr(&out, "ID");
        rest = span_slice(rest, at + id.len, rest.len);
    }
    buf_add(&out, rest);
    assert_string_equal(buf_cstr(&out), expected);
    buf_done(&out);
}

static inline void assert_said(const asked *a, const char *expected) {
    assert_text(a, &a->said, expected);
}

static inline void assert_headers(const asked *a, const char *expected) {
    assert_text(a, &a->headers, expected);
}

#endif
