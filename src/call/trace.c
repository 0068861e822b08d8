/* logs.level: debug: each try of a call as it begins and ends, and what is decided then, and by
 * which rule. Whoever has another level pays for a look at it. */
#include "call/internal.h"

static bool is_wanted(const call *c) {
    return log_wants(c->spec.log, LEVEL_DEBUG);
}

static uint64_t ms_between(int64_t from_us, int64_t to_us) {
    return to_us > from_us ? (uint64_t)(to_us - from_us) / 1000 : 0;
}

void trace_began(const lane *l) {
    const call *c = l->call;
    if (!is_wanted(c)) return;
    char try[LOG_NUMBER_MAX], key[LOG_NUMBER_MAX];
    const log_field fields[] = {{.key = "request_id", .value = c->spec.request_id},
                                log_number("try", l->try + 1, try),
                                {.key = "target", .value = lane_slot(l)->name},
                                log_number("key", l->key + 1, key)};
    log_event(c->spec.log, LEVEL_DEBUG, "try_began",
              l->hedge ? SPAN_OF("A target is asked beside a slow one.")
                       : SPAN_OF("A target is asked."),
              fields, ARRAY_LEN(fields));
}

/* Milliseconds since it began: when the request was out, the head there, all over. */
void trace_ended(const lane *l, const attempt_record *r) {
    const call *c = l->call;
    if (!is_wanted(c)) return;
    char try[LOG_NUMBER_MAX], status[LOG_NUMBER_MAX], sent[LOG_NUMBER_MAX], head[LOG_NUMBER_MAX],
        all[LOG_NUMBER_MAX];
    log_field fields[8] = {{.key = "request_id", .value = c->spec.request_id},
                           log_number("try", l->try + 1, try),
                           {.key = "target", .value = r->target},
                           {.key = "outcome", .value = span_cstr(r->outcome)},
                           log_number("ms", ms_between(r->began_us, r->ended_us), all)};
    size_t n = 5;
    if (r->sent_us) fields[n++] = log_number("sent_ms", ms_between(r->began_us, r->sent_us), sent);
    if (r->head_us) {
        fields[n++] = log_number("head_ms", ms_between(r->began_us, r->head_us), head);
        fields[n++] = log_number("status", (uint64_t)r->status, status);
    }
    log_event(c->spec.log, LEVEL_DEBUG, "try_ended", SPAN_OF("A try is over."), fields, n);
}

void trace_decided(const call *c, const slot *s, const failure *f, retry_verdict verdict,
                   const retry_plan *plan) {
    static const span words[] = {
        [RETRY_WAIT] = SPAN("wait"), [RETRY_NEXT] = SPAN("next"), [RETRY_STOP] = SPAN("stop")};
    if (!is_wanted(c)) return;
    char wait[LOG_NUMBER_MAX];
    const bool told =
        !c->spec.hushed || !f->body.len; /* with a body they are the provider's words */
    log_field fields[7] = {{.key = "request_id", .value = c->spec.request_id},
                           {.key = "target", .value = s->name},
                           {.key = "failure", .value = span_cstr(failure_name(f->class))}};
    size_t n = 3;
    if (told) fields[n++] = (log_field){.key = "detail", .value = f->text};
    fields[n++] = (log_field){.key = "decision", .value = words[verdict]};
    fields[n++] = (log_field){.key = "rule", .value = span_cstr(plan->why)};
    if (verdict == RETRY_WAIT) fields[n++] = log_number("wait_ms", (uint64_t)plan->wait_ms, wait);
    log_event(c->spec.log, LEVEL_DEBUG, "try_followed",
              SPAN_OF("What follows a failure is decided."), fields, n);
}
