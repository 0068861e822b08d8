/* price: what did it cost? Every attempt for itself, since a lost hedge and a broken stream cost
 * too; the call costs their sum, and a run that of its steps. An attempt at a target without a
 * price adds nothing; a call is unpriced where none that was answered has one.
 */
#include "exchange/internal.h"

#include "base/clock.h"
#include "call/price_part.h"
#include "exchange/functions.h"

#include <string.h>

/* What weir itself has stopped while the provider had all of it: as far as anybody knows that was
 * at work, for a client that does not wait as for one that does. */
static bool was_stopped(const attempt_record *a) {
    return !a->status && a->sent_us && a->outcome && !strcmp(a->outcome, "cancelled");
}

/* Refusals and what nobody answers cost nothing, whatever a target's price is; nor does what asks
 * no model for anything. */
static bool costs(const attempt_record *a) {
    return (a->status >= 200 && a->status < 300) || was_stopped(a);
}

/* What is not told is not free: the attempt that answered used what the record says; another one
 * that was stopped, at least the prompt. */
static void fill_usage(exchange *x, attempt_record *a, bool is_answer) {
    const uint8_t service = a->usage.service;
    if (is_answer) {
        a->usage = x->record.usage;
    } else if (a->usage.prompt < 0 && exchange_dialect(x)->is_json) {
        a->usage = token_usage_unknown;
        a->usage.prompt = a->usage.total = estimate_prompt(x);
        a->usage.completion = 0;
        a->usage.estimated = true;
    }
    a->usage.service = service; /* told, also where nothing else is */
}

stage_result stage_price(exchange *x) {
    if (x->functions) x->record.cost_nano = x->functions->state.cost_nano; /* its steps' */
    const prices *known = snapshot_prices(x->snapshot->snapshot);
    if (!x->call || !x->record.attempts || !known) return STAGE_NEXT;
    const call_report c = call_get_report(x->call);
    const int64_t now_us = clock_wall_us();
    int64_t sum = 0;
    unsigned answered = 0, priced = 0;
    for (unsigned i = 0; i < c.attempts; i++) {
        attempt_record *a = &c.tries[i];
        if (costs(a) && !x->facts.asks_no_model) {
            fill_usage(x, a, (int)i == c.answered);
            a->cost_nano = prices_cost(known, a->target, &a->usage, now_us);
            answered++;
            priced += a->cost_nano >= 0;
        } else {
            a->cost_nano = 0;
        }
        if (a->cost_nano > 0) sum = price_add(sum, a->cost_nano);
    }
    x->record.cost_nano = answered && !priced ? -1 : sum;
    return STAGE_NEXT;
}
