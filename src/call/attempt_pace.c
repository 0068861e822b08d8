/* Whether an answer that is gathered comes on. Its bytes are life to the HTTP client, whose
 * deadlines are for silence: a byte now and then would keep a call until timeouts.total.
 *
 * Some servers send blanks before a document for as long as the model thinks
 * (api-docs.deepseek.com, "Rate Limit"). Those begin nothing: timeouts.first_byte is the time for
 * what comes behind them, too.
 */
#include "call/attempt_internal.h"

#include <string.h>

/* The text of a refusal is there at once, or is not worth waiting for. */
enum { REFUSAL_MS = 10 * 1000 };

/* Of what is gathered; a stream has none. */
typedef struct attempt_pace {
    attempt *of;
    timer timer;
    body_pace pace;
    uint64_t come; /* of a document, from its first byte that is no blank on */
} attempt_pace;

static attempt *attempt_of(timer *t) {
    return CONTAINER_OF(t, attempt_pace, timer)->of;
}

static attempt_pace *paced(attempt *a) {
    if (a->paced) return a->paced;
    a->paced = arena_alloc(a->spec.arena, sizeof *a->paced);
    *a->paced = (attempt_pace){.of = a};
    timer_init(&a->paced->timer, NULL); /* start() says what it does */
    return a->paced;
}

void attempt_pace_stop(attempt *a) {
    if (a->paced) loop_timer_stop(a->spec.loop, &a->paced->timer);
}

static void start(attempt *a, timer_fn *fire, int64_t after_ms) {
    attempt_pace *p = paced(a);
    loop_timer_stop(a->spec.loop, &p->timer);
    timer_init(&p->timer, fire);
    loop_timer_start(a->spec.loop, &p->timer, after_ms);
}

/* ---- a document ---- */

/* It may turn out to be events, which have deadlines of their own. */
static bool is_document(const attempt *a) {
    return a->state == ANSWER && a->reader->comes == ANSWER_PLAIN;
}

static void fail_trickling(attempt *a) {
    const config_target *t = a->spec.entry;
    span over = config_timeout_text(attempt_config(a), t->of, t->provider, TIMEOUT_BETWEEN_EVENTS,
                                    a->spec.arena);
    attempt_fail(
        a, FAIL_SILENT, ERR_BETWEEN_EVENTS_TIMEOUT,
        arena_printf(a->spec.arena,
                     "The answer of %.*s came with less than limits.answer_rate (%zu bytes "
                     "a second) over %.*s.",
                     SPAN_ARG(t->provider->name), attempt_config(a)->limits.answer_rate,
                     SPAN_ARG(over)));
}

static void begin_document(attempt *a);

/* While weir itself does not read, nothing can come. */
static void on_pace(timer *t) {
    attempt *a = attempt_of(t);
    if (!is_document(a)) return;
    if (a->paused) {
        begin_document(a);
        return;
    }
    const body_pace_limits limits = {.window_ms = attempt_timeouts(a)->between_events_ms,
                                     .rate = attempt_config(a)->limits.answer_rate};
    int64_t wait_ms = 0;
    switch (
        body_pace_judge(&a->paced->pace, &limits, a->spec.loop->now_ms, a->paced->come, &wait_ms)) {
    case BODY_PACE_FINE: loop_timer_start(a->spec.loop, t, wait_ms); break;
    case BODY_PACE_LATE: /* timeouts.total is the call's */
    case BODY_PACE_SILENT:
        attempt_fail_late(a, ERR_BETWEEN_EVENTS_TIMEOUT, "byte", TIMEOUT_BETWEEN_EVENTS);
        break;
    case BODY_PACE_TRICKLES: fail_trickling(a); break;
    }
}

static void begin_document(attempt *a) {
    attempt_pace *p = paced(a);
    body_pace_begin(&p->pace, a->spec.loop->now_ms, p->come);
    start(a, on_pace, attempt_timeouts(a)->between_events_ms);
}

static void on_blanks_alone(timer *t) {
    attempt *a = attempt_of(t);
    if (is_document(a)) attempt_fail_late(a, ERR_FIRST_BYTE_TIMEOUT, "answer", TIMEOUT_FIRST_BYTE);
}

/* Of JSON's. */
static bool is_blank(span s) {
    for (size_t i = 0; i < s.len; i++)
        if (!strchr(" \t\r\n", s.ptr[i]) || !s.ptr[i]) return false;
    return true;
}

void attempt_pace_document(attempt *a, span piece) {
    const bool first = !a->paced;
    attempt_pace *p = paced(a);
    if (!p->come && is_blank(piece)) {
        if (first) start(a, on_blanks_alone, attempt_timeouts(a)->first_byte_ms);
        return;
    }
    bool begins = !p->come;
    p->come += piece.len;
    if (begins)
        begin_document(a);
    else
        body_pace_heard(&p->pace, a->spec.loop->now_ms);
}

/* ---- a refusal ---- */

static void on_refusal_late(timer *t) {
    attempt *a = attempt_of(t);
    if (a->state == REFUSAL) attempt_fail_refused(a, a->status, buf_span(&a->body), true);
}

void attempt_pace_refusal(attempt *a) {
    start(a, on_refusal_late, REFUSAL_MS);
}
