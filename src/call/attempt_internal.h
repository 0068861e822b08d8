/* call/attempt_internal.h: an attempt as its parts see it. Inside call/, for those that stand
 * below.
 *
 * attempt.c runs it from its start to its end; attempt_head.c is the border that heads come in at,
 * attempt_answer.c reads what a 2xx head brings, attempt_large.c a document that is large;
 * attempt_fail.c says what a failure is: a refusal, a deadline, a broken connection.
 *
 * Whoever fails or ends an attempt has told its owner when that returns: it touches it no more.
 */
#ifndef WEIR_CALL_ATTEMPT_INTERNAL_H
#define WEIR_CALL_ATTEMPT_INTERNAL_H

#include "call/attempt.h"
#include "http/body_pace.h"

typedef enum attempt_state {
    SENT,    /* the head is awaited */
    ANSWER,  /* a 2xx head has come: its reader gets the body */
    WHOLE,   /* so is what follows an answer that is complete; nothing can spoil it any more */
    REFUSAL, /* the body of an error is gathered */
    DRAIN,   /* the answer is complete; the end of its body may still come */
    TELLING, /* all has come; another thread makes the document of it that is the answer */
    OVER,    /* the owner has been told, or has cancelled */
} attempt_state;

struct attempt {
    attempt_spec spec;
    const attempt_ops *ops;
    void *user;
    attempt_state state;
    http_call *http;        /* NULL once it has ended */
    unsigned own;           /* OWN_*: what its request has of weir's */
    credential *credential; /* counted; NULL: none was sent */
    secret_set *secrets;    /* counted; what nobody is to hear */
    dialect dialect;
    timer watch; /* the first token's deadline, then that between events; in WHOLE and DRAIN, how
                    long the rest is waited for */
    struct attempt_pace *paced; /* attempt_pace.c; NULL: nothing is gathered */
    int64_t began_ms;
    int64_t event_ms; /* when the last event came */
    int status;
    retry_hint hint;
    http_headers crossing; /* none once the request was dropped */
    span request_id;
    http_call_facts times;
    int64_t first_content_us;
    token_usage usage; /* as told last */
    reader *reader;    /* in the arena, from the 2xx head on; NULL before */
    buf body;          /* REFUSAL */
    bool reading;      /* there is a reader */
    bool telling;      /* the owner is being told an event of it */
    bool spoken;       /* content has come, or the news that it is being worked on */
    bool document;     /* it does not flow, as far as its type says: no first token is awaited */
    bool flowing;      /* the answer has begun: the deadline between events runs */
    bool paused;
    bool unfinished;            /* it ended without saying why */
    struct large_answer *large; /* attempt_large.c; NULL: nothing large has come */
    struct attempt_rest *rest;  /* likewise; NULL: no events of a document were too many */
};

static inline const config *attempt_config(const attempt *a) {
    return loop_snapshot_config(a->spec.snapshot);
}

static inline const config_timeouts *attempt_timeouts(const attempt *a) {
    return &a->spec.entry->timeouts;
}

static inline const secret_set *attempt_secrets(const attempt *a) {
    return a->secrets;
}

/* ---- attempt.c ---- */

/* The only ways out but attempt_cancel(). What fails after the answer was complete ends well. */
COLD void attempt_fail_with(attempt *a, failure *f);
/* text: empty: the error's own sentence. */
COLD void attempt_fail(attempt *a, failure_class class, error_id error, span text);
void attempt_end(attempt *a);
/* What it has read, but for the event that is being told: whoever cancels there may still read it.
 */
void attempt_forget(attempt *a);
void attempt_drop_connection(attempt *a);

/* ---- attempt_head.c ---- */

/* The same without secrets: fields with one in their name have lost both name and value, and values
 * that part. */
http_head attempt_clean_head(const attempt *a, const http_head *head);
/* The value of that field, in the arena; empty where it has lost a part. */
span attempt_intact_value(const attempt *a, const http_head *head, const http_head *clean,
                          span name);
/* The fields that may cross to the client, all of them whole; in spec.asking. */
http_headers attempt_crossing(const attempt *a, const http_head *head, const http_head *clean);

/* ---- attempt.c ---- */

/* Refused with something of weir's, taken without: that is known of the target from now on. */
void attempt_learn_refused(attempt *a);

/* ---- attempt_answer.c ---- */

/* Of a stream the first token's deadline runs from now on. */
void attempt_await_token(attempt *a);
void attempt_open_reader(attempt *a, const http_head *head, span told_type);
void attempt_take_answer(attempt *a, span piece);
/* The body is over; cut: before its end. */
void attempt_end_answer(attempt *a, const http_fail *cut);
/* What reader_next() said when the input was used up. */
void attempt_took(attempt *a, reader_result got);
void attempt_take_event(attempt *a, const answer_event *e);
/* attempt_end_answer() once reader_end() has been called and has got that. */
void attempt_end_from(attempt *a, reader_result got, answer_event *event, const http_fail *cut);
/* WHOLE: how long what may still follow is waited for, from now on. */
void attempt_watch_rest(attempt *a);
/* Of events that are put together to a document: no more of them are waited for. */
void attempt_tell_gathered(attempt *a);

/* ---- attempt_pace.c ---- */

/* A piece of a document has come. */
void attempt_pace_document(attempt *a, span piece);
/* The head of a refusal has. */
void attempt_pace_refusal(attempt *a);
void attempt_pace_stop(attempt *a);

/* ---- attempt_large.c ---- */

/* The next bytes: true: they are of something large, which is gathered, and read by another thread.
 */
MUST_USE bool attempt_takes_large(attempt *a, span piece);
/* All that has come was read: what is large is gathered from here on. */
void attempt_look_for_large(attempt *a);
/* The body is over; cut: before its end. true: another thread reads what is left to be read, and
 * attempt_end_from() goes on. */
MUST_USE bool attempt_ends_large(attempt *a, const http_fail *cut);
/* Of events that are put together to a large document: another thread does so, and the attempt ends
 * then. false: it is small. */
MUST_USE bool attempt_tells_large(attempt *a);
/* Nobody reads any more. */
void attempt_close_reader(attempt *a);
/* Another thread has the reader. */
bool attempt_is_away(const attempt *a);
/* So many events of a document have been told at once: the loop has others to serve, or nobody
 * takes them now. true: attempt_end_from() goes on later. */
MUST_USE bool attempt_rests(attempt *a, unsigned told);
/* The owner takes events again. */
void attempt_rested(attempt *a);
/* Nobody wants to know any more. */
void attempt_drop_large(attempt *a);

/* ---- attempt_fail.c ---- */

/* A piece of the body of an error. */
void attempt_take_refusal(attempt *a, span piece);
/* The provider has answered so, or an event stands for such an answer. more: the body went on, or
 * may have. */
COLD void attempt_fail_refused(attempt *a, int status, span body, bool more);
/* For want of something of weir's own; text: what it was for. */
COLD void attempt_fail_short(attempt *a, shortage what, span text);
/* A deadline passed that watches more than the connection. Where nothing has left weir so far, for
 * a reason of its own, that is the failure. */
COLD void attempt_fail_late(attempt *a, error_id error, const char *what, config_timeout which);
COLD void attempt_fail_http(attempt *a, const http_fail *http);
/* The head names a content coding that nobody here undoes: then the attempt has failed. */
MUST_USE bool attempt_is_unreadable(attempt *a, const http_head *head);

#endif
