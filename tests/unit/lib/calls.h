/* What tests of a client keep of its calls: what a stream said, and how many have ended. */
#ifndef WEIR_TEST_LIB_CALLS_H
#define WEIR_TEST_LIB_CALLS_H

#include "lib.h"

#include <pthread.h>

typedef struct stream {
    buf text;
    unsigned events, stop_after;
} stream;

static inline int on_event(void *user, const weir_event *event) {
    stream *s = user;
    assert_int_equal(strlen(event->text), event->text_len);
    assert_int_equal(strlen(event->json), event->json_len);
    assert_true(event->json[0] == '{');
    buf_add(&s->text, span_from(event->text, event->text_len));
    return ++s->events == s->stop_after;
}

static inline weir_result *stream_with(weir_client *c, const char *model, stream *s) {
    weir_request *q = lib_request(model, "a b c d e f");
    weir_result *r = weir_stream(c, q, on_event, s);
    weir_request_free(q);
    return r;
}

typedef struct tally {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned done, events;
    weir_code last;
    char order[64];
    weir_client *client;
} tally;

#define TALLY                                                                                      \
    { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER }

static inline void on_done(void *user, weir_result *result) {
    tally *t = user;
    pthread_mutex_lock(&t->lock);
    t->done++;
    t->last = result->code;
    size_t len = strlen(t->order);
    if (result->text_len && len + 1 < sizeof t->order)
        t->order[len] = result->text[result->text_len - 1];
    pthread_cond_signal(&t->changed);
    pthread_mutex_unlock(&t->lock);
    weir_result_free(result);
}

static inline void await(tally *t, unsigned done) {
    pthread_mutex_lock(&t->lock);
    while (t->done < done)
        pthread_cond_wait(&t->changed, &t->lock);
    pthread_mutex_unlock(&t->lock);
}

static inline weir_call *start(weir_client *c, const char *model, const char *text,
                               int64_t timeout_ms, tally *t) {
    weir_request *q = lib_request(model, text);
    weir_request_set_timeout_ms(q, timeout_ms);
    weir_call *call = weir_start(c, q, NULL, on_done, t);
    weir_request_free(q);
    return call;
}

#endif
