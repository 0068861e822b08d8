/* alerts: what the watch over calls is told of one that has ended. */
#include "alert/alerts.h"
#include "base/cidr.h"
#include "exchange/guard.h"
#include "exchange/limit_asks.h"
#include "exchange/tool_use.h"

/* Whose budget it is, in words for people. */
static span words_of(const exchange *x, const limit_ask *a) {
    if (a->scope == LIMIT_OF_USER) return x->record.user;
    if (a->scope == LIMIT_OF_ADDRESS) return ip_without_port(x->record.peer);
    return a->who;
}

static void add_budgets(alert_note *n, const exchange *x, limit_asks asks) {
    for (size_t i = 0; i < asks.count && n->budget_count < NOTE_BUDGETS_MAX; i++) {
        const limit_ask *a = &asks.items[i];
        if (a->kind != LIMIT_SPEND) continue;
        n->budgets[n->budget_count++] = (note_budget){.scope = a->scope,
                                                      .per = a->quota.per,
                                                      .amount = a->quota.amount,
                                                      .subject = a->subject,
                                                      .since = a->since,
                                                      .who = words_of(x, a)};
    }
}

static bool is_clients(const call_record *r) {
    return r->error != ERR_NONE && error_get(r->error)->fault == FAULT_CLIENT;
}

/* A status says nothing of whose fault it is: 504 is also an answer that is not stored. Only of
 * what a provider has said it is all there is. */
static bool is_failure(const call_record *r) {
    if (is_clients(r)) return false;
    if (r->outcome == CALL_CUT) return true;
    if (r->outcome != CALL_FAILED) return false;
    return r->error != ERR_PROVIDER_ERROR || r->status >= 500 || r->status == 429;
}

/* What is there already, and is wanted only if it is, costs nobody anything: that is no loop. */
static bool is_asked(const exchange *x) {
    return !x->given && x->record.error != ERR_NOT_CACHED;
}

static config_alert_guard verdict_of(guard_action done) {
    static const config_alert_guard verdicts[] = {[GUARD_OFF] = ALERT_GUARD_OFF,
                                                  [GUARD_FLAG] = ALERT_GUARD_FLAG,
                                                  [GUARD_REDACT] = ALERT_GUARD_REDACT,
                                                  [GUARD_BLOCK] = ALERT_GUARD_BLOCK};
    return verdicts[done];
}
_Static_assert((int)NOTE_GUARD_MAX >= (int)GUARD_NOTES_MAX, "the whole text of the record");

/* Strangers are nobody's use, and what is paused is told already. */
static bool is_told(const exchange *x) {
    return x->record.error != ERR_CLIENT_PAUSED &&
           (x->client || !config_asks_keys(exchange_config(x)));
}

stage_result stage_alerts(exchange *x) {
    const call_record *r = &x->record;
    if (!is_told(x)) return STAGE_NEXT;
    alert_note n;
    n.at_ms = x->env->loop->now_ms;
    n.request = is_asked(x) ? x->asked_hash : 0;
    n.cost_nano = r->cost_nano > 0 && !x->functions ? r->cost_nano : 0; /* its steps' is theirs */
    n.expires_us = x->client ? x->client->expires_us : 0;
    n.failed = is_failure(r);
    n.step = x->parent != NULL;
    n.refused = r->outcome == CALL_FAILED && !r->attempts && is_clients(r);
    n.client = r->client;
    n.address = ip_without_port(r->peer);         /* the same over all its connections */
    n.model = x->tool_use ? r->target : r->model; /* "tool/weather" */
    n.label = r->model_label;
    n.guard = r->guard;
    n.verdict = verdict_of((guard_action)x->guarded);
    n.budget_count = 0;
    if (exchange_config(x)->alerts.budget.count && r->cost_nano > 0) {
        add_budgets(&n, x, limit_budgets_of(x));
        add_budgets(&n, x, limit_asks_of_target(x, r->target));
    }
    alert_note_call(x->env->alerts, &n);
    return STAGE_NEXT;
}
