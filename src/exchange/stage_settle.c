/* settle: what did it use, and how long did it take? */
#include "exchange/internal.h"

/* A reason that alternates, or is as long as an event, takes no more memory than a word. */
void settle_reason(exchange *x, span reason) {
    span kept = span_clip(reason, sizeof x->finish_reason);
    if (kept.len) memcpy(x->finish_reason, kept.ptr, kept.len); /* an answer may tell none */
    x->record.finish_reason = span_from(x->finish_reason, kept.len);
}

static call_outcome outcome_of(const exchange *x) {
    if (x->failure.error == ERR_NONE) return x->told_failed ? CALL_CUT : CALL_OK;
    if (error_is_parting(x->failure.error)) return CALL_CANCELLED;
    return x->head_sent && !exchange_status_is_hidden(x) ? CALL_CUT : CALL_FAILED;
}

stage_result stage_settle(exchange *x) {
    call_record *r = &x->record;
    int64_t now_us = loop_exact_us(x->env->loop);
    r->total_us = now_us - x->started_us;
    if (x->call) {
        call_report c = call_get_report(x->call);
        r->attempts = c.attempts;
        r->tries = c.tries;
        r->hedges = c.hedges;
        r->target = c.target;
        r->target_label = c.target_label;
        r->skipped_events = c.skipped;
        if (c.unfinished) settle_reason(x, SPAN_OF("unfinished"));
    }
    /* Of a run its steps tell it, and of a tool nobody knows. */
    if (r->own_us < 0 && !x->functions && !x->tool_use) exchange_note_own(x);
    r->outcome = outcome_of(x);
    r->error = x->failure.error;
    if (r->error != ERR_NONE) {
        r->error_text = x->failure.text;
        /* What the client saw: a stream that fails after its head stays a 200. */
        bool told = x->head_sent && x->sent_status && !error_is_parting(r->error);
        r->status = told ? x->sent_status : x->failure.status;
    } else {
        r->status = x->head.status;
        if (x->told_failed)
            r->error = ERR_PROVIDER_ERROR; /* in its own words, which have gone out */
    }
    r->usage = settle_usage(x);
    if (!r->attempts) r->cost_nano = 0; /* nobody was asked */
    return STAGE_NEXT;
}
