#include "gateway/foreseen.h"

#include "dialect/endpoint.h"
#include "dialect/failure.h"

/* ---- whatever is configured ---- */

static void tell_errors(metrics_shard *s) {
    for (error_id id = ERR_NONE + 1; id < ERR_COUNT; id++)
        metrics_foresee(s, METRIC_ERRORS,
                        (span[]){error_word(id), error_fault_word(error_get(id)->fault)});
}

static void tell_handshakes(metrics_shard *s, const config *c) {
    bool tls = false;
    for (size_t i = 0; i < c->listener_count; i++)
        tls |= c->listeners[i].tls_cert.len > 0;
    static const span reasons[] = {SPAN("failed"), SPAN("lost"), SPAN("slow")};
    for (size_t i = 0; tls && i < ARRAY_LEN(reasons); i++)
        metrics_foresee(s, METRIC_HANDSHAKES_FAILED, &reasons[i]);
}

/* Of a body that finds no room. */
static void tell_no_room(metrics_shard *s) {
    metrics_foresee(s, METRIC_SHORTAGES,
                    (span[]){span_cstr(shortage_get(SHORTAGE_ROOM)->word), SPAN_EMPTY});
}

static void tell_reloads(metrics_shard *s) {
    metrics_foresee(s, METRIC_RELOADS, (span[]){SPAN("ok")});
    metrics_foresee(s, METRIC_RELOADS, (span[]){SPAN("failed")});
}

static void tell_telemetry(metrics_shard *s, const config *c) {
    static const span outcomes[] = {SPAN("sent"), SPAN("rejected"), SPAN("dropped")};
    static const span signals[] = {SPAN("traces"), SPAN("metrics")};
    for (size_t i = 0; c->telemetry.on && i < ARRAY_LEN(outcomes); i++)
        metrics_foresee(s, METRIC_TELEMETRY_SPANS, &outcomes[i]);
    for (size_t i = 0; c->telemetry.on && i < ARRAY_LEN(signals); i++)
        metrics_foresee(s, METRIC_TELEMETRY_FAILURES, &signals[i]);
}

static void tell_alerts(metrics_shard *s, const config *c) {
    static const span outcomes[] = {SPAN("delivered"), SPAN("failed"), SPAN("given_up"),
                                    SPAN("dropped")};
    for (size_t i = 0; c->alerts.on && i < ARRAY_LEN(outcomes); i++)
        metrics_foresee(s, METRIC_ALERT_DELIVERIES, &outcomes[i]);
    for (unsigned k = 0; c->alerts.on && k < ALERT_KINDS; k++) {
        const span kind = span_cstr(alert_kind_name((alert_kind)k));
        metrics_foresee(s, METRIC_ALERTS, &kind);
    }
}

/* ---- of a provider, of a target ---- */

static void tell_provider(metrics_shard *s, const config_provider *p) {
    for (shortage what = SHORTAGE_NONE + 1; what < SHORTAGE_COUNT; what++)
        metrics_foresee(s, METRIC_SHORTAGES,
                        (span[]){span_cstr(shortage_get(what)->word), p->name});
    if (p->health.path.len) metrics_foresee(s, METRIC_PROVIDER_DOWN, &p->name);
}

static void tell_target(metrics_shard *s, const config_target *t) {
    for (failure_class f = FAIL_NONE; f <= FAIL_GONE; f++)
        metrics_foresee(s, METRIC_ATTEMPTS, (span[]){t->name, span_cstr(failure_name(f))});
    metrics_foresee(s, METRIC_RETRIES, &t->name);
    metrics_foresee(s, METRIC_SKIPPED_EVENTS, &t->name);
}

/* ---- of a model ---- */

static const failure_class leaves_for[] = {FAIL_CONNECTION, FAIL_SILENT, FAIL_MALFORMED,
                                           FAIL_OVERLOAD,   FAIL_LIMIT,  FAIL_KEY,
                                           FAIL_TARGET,     FAIL_TLS,    FAIL_OUR_WAY};

static bool tell_fallback(metrics_shard *s, const config_target *from, const config_target *to) {
    bool room = true;
    for (size_t i = 0; room && i < ARRAY_LEN(leaves_for); i++)
        room =
            metrics_foresee(s, METRIC_FALLBACKS,
                            (span[]){to->name, from->name, span_cstr(failure_name(leaves_for[i]))});
    return room;
}

/* From each target to the one that stands `steps` behind it; around the end of the list where the
 * order is not what is asked by. */
static bool tell_steps(metrics_shard *s, const config_model *m, size_t steps) {
    const size_t n = m->target_count;
    bool room = true;
    for (size_t from = 0; room && from < n; from++)
        if (m->pick != PICK_ORDER || from + steps < n)
            room = tell_fallback(s, &m->targets[from], &m->targets[(from + steps) % n]);
    return room;
}

/* Those between neighbours of all models first: there are as many of the others as the square of
 * what is configured, and one long list would leave no room for any model behind it. */
static void tell_fallbacks(metrics_shard *s, const config *c) {
    bool room = true, more = true;
    for (size_t steps = 1; room && more; steps++) {
        more = false;
        for (size_t i = 0; room && i < c->model_count; i++) {
            if (steps >= c->models[i].target_count) continue;
            more = true;
            room = tell_steps(s, &c->models[i], steps);
        }
    }
}

/* What calls mostly come to. */
static const struct {
    span status;
    call_outcome outcome;
} usual[] = {
    {SPAN("200"), CALL_OK},     {SPAN("200"), CALL_CUT},    {SPAN("499"), CALL_CANCELLED},
    {SPAN("429"), CALL_FAILED}, {SPAN("500"), CALL_FAILED}, {SPAN("502"), CALL_FAILED},
    {SPAN("503"), CALL_FAILED}, {SPAN("504"), CALL_FAILED},
};

static void tell_calls(metrics_shard *s, const config_model *m) {
    const span chat = span_cstr(endpoint_get(EP_CHAT_COMPLETIONS)->name);
    for (size_t t = 0; t < m->target_count; t++)
        for (size_t i = 0; i < ARRAY_LEN(usual); i++)
            metrics_foresee(s, METRIC_CALLS,
                            (span[]){chat, m->name, m->targets[t].name, usual[i].status,
                                     call_outcome_word(usual[i].outcome)});
}

/* What calls cost, and those of which that is not known. */
static void tell_costs(metrics_shard *s, const config_model *m) {
    for (size_t t = 0; t < m->target_count; t++) {
        const span labels[] = {m->name, m->targets[t].name};
        metrics_foresee(s, METRIC_COST, labels);
        metrics_foresee(s, METRIC_UNPRICED, labels);
    }
}

static void tell_model(metrics_shard *s, const config *c, const config_model *m) {
    for (size_t t = 0; t < m->target_count; t++) {
        tell_target(s, &m->targets[t]);
        if (!c->hedge.on) continue;
        metrics_foresee(s, METRIC_HEDGES, (span[]){m->targets[t].name, SPAN("won")});
        metrics_foresee(s, METRIC_HEDGES, (span[]){m->targets[t].name, SPAN("lost")});
    }
    tell_calls(s, m);
    tell_costs(s, m);
}

void foreseen_tell(metrics_shard *s, const config *c) {
    tell_errors(s);
    tell_reloads(s);
    tell_telemetry(s, c);
    tell_alerts(s, c);
    tell_handshakes(s, c);
    tell_no_room(s);
    for (size_t i = 0; i < c->provider_count; i++)
        tell_provider(s, &c->providers[i]);
    for (size_t i = 0; i < c->model_count; i++)
        tell_model(s, c, &c->models[i]);
    tell_fallbacks(s, c);
}
