#include "exchange/keep_alive.h"

#include "http/sse.h"

static int64_t pause_ms(const keep_alive *k) {
    const config_model *model = k->x->model;
    if (model && model->keep_alive_comment_ms) return model->keep_alive_comment_ms;
    return exchange_config(k->x)->server.keep_alive_comment_ms;
}

/* An endpoint that tells its answers whole says JSON, whatever was asked; on a path that is passed
 * through nobody knows the answer's form before its first bytes, and in a body that nobody reads a
 * comment would be a part of it. */
static bool may_comment(const exchange *x) {
    if (x->pauses & PAUSE_DOOR || (x->has_head && x->head.kind == ANSWER_RAW)) return false;
    return x->head_sent || endpoint_get(x->facts.endpoint)->streams;
}

/* The timer is not restarted with every event: it looks, when it fires, how long it has been. */
static void on_silence(timer *t) {
    keep_alive *k = CONTAINER_OF(t, keep_alive, timer);
    exchange *x = k->x;
    int64_t silent = x->env->loop->now_ms - k->last_ms;
    if (silent < pause_ms(k)) {
        loop_timer_start(x->env->loop, t, pause_ms(k) - silent);
        return;
    }
    if (may_comment(x)) {
        exchange_stream_head(x);
        buf_clear(&x->env->scratch);
        sse_write_comment(&x->env->scratch, SPAN_OF("keep-alive"));
        exchange_piece(x, buf_span(&x->env->scratch));
        k->last_ms = x->env->loop->now_ms;
    }
    if (x->phase < PHASE_CLOSING) loop_timer_start(x->env->loop, t, pause_ms(k));
}

void keep_alive_init(keep_alive *k, exchange *x) {
    *k = (keep_alive){.x = x};
    timer_init(&k->timer, on_silence);
}

void keep_alive_start(keep_alive *k) {
    exchange *x = k->x;
    k->last_ms = x->env->loop->now_ms;
    if (x->facts.stream && pause_ms(k) > 0) loop_timer_start(x->env->loop, &k->timer, pause_ms(k));
}

void keep_alive_stop(keep_alive *k) {
    loop_timer_stop(k->x->env->loop, &k->timer);
}
