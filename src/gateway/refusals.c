#include "gateway/refusals.h"

#include "exchange/exchange.h"

/* ---- requests ---- */

static void count(refusals *r, error_id id) {
    const span labels[] = {error_word(id), error_fault_word(error_get(id)->fault)};
    metric_add(metrics_series(r->metrics, METRIC_ERRORS, labels), 1);
}

/* With the names of a call's line. What is empty does not apply. */
static void write_line(refusals *r, const http_refusal *what, uint64_t passed_over) {
    static const http_head none;
    const http_head *head = what->head ? what->head : &none;
    const int status = error_get(what->id)->status;
    char status_text[LOG_NUMBER_MAX], passed_text[LOG_NUMBER_MAX];
    const log_field all[] = {
        {.key = "request_id", .value = what->request_id},
        {.key = "client_request_id", .value = exchange_client_id(head->headers)},
        {.key = "peer", .value = what->peer},
        {.key = "method", .value = head->method_text},
        {.key = "path", .value = head->path},
        log_number("status", (uint64_t)status, status_text),
        {.key = "error", .value = error_word(what->id)},
        log_number("passed_over", passed_over, passed_text),
    };
    log_field fields[ARRAY_LEN(all)];
    size_t used = 0;
    for (size_t i = 0; i < ARRAY_LEN(all) - !passed_over; i++)
        if (all[i].value.len) fields[used++] = all[i];
    log_event(r->log, status < 500 ? LEVEL_INFO : LEVEL_WARN, "request_refused", what->why, fields,
              used);
}

void refusals_tell(refusals *r, const http_refusal *what) {
    uint64_t passed_over;
    count(r, what->id);
    if (sparing_due(&r->requests, REFUSALS_MOST, REFUSALS_PER_MS, r->loop->now_ms, &passed_over))
        write_line(r, what, passed_over);
    else
        metric_add(metrics_series(r->metrics, METRIC_REFUSALS_UNLOGGED, NULL), 1);
}

/* ---- handshakes ---- */

void refusals_tell_handshake(refusals *r, span peer, http_handshake_end how, const char *text) {
    static const span words[] = {[HANDSHAKE_FAILED] = SPAN("failed"),
                                 [HANDSHAKE_LOST] = SPAN("lost"),
                                 [HANDSHAKE_SLOW] = SPAN("slow")};
    metric_add(metrics_series(r->metrics, METRIC_HANDSHAKES_FAILED, &words[how]), 1);
    /* Whoever only looks whether somebody listens leaves before it has begun. */
    uint64_t passed_over;
    if (how == HANDSHAKE_LOST || !sparing_due(&r->handshakes, HANDSHAKES_MOST, HANDSHAKES_PER_MS,
                                              r->loop->now_ms, &passed_over))
        return;
    char passed_text[LOG_NUMBER_MAX];
    const log_field fields[] = {{.key = "peer", .value = peer},
                                {.key = "detail", .value = span_cstr(text)},
                                log_number("passed_over", passed_over, passed_text)};
    log_event(r->log, LEVEL_INFO, "tls_handshake_failed",
              SPAN_OF("A client's TLS handshake did not come to an end."), fields,
              ARRAY_LEN(fields) - !passed_over);
}
