/* What a call used, where its provider does not tell: a guess, made of what was asked and of what
 * came (dialect/usage_guess.h). docs/decisions/0015-untold-usage.md says what is counted when. */
#include "exchange/internal.h"

/* Of the model that answers, whatever the client calls it: a target is named provider/model. */
static token_family family_of(const exchange *x) {
    span target = x->call ? call_get_report(x->call).target : SPAN_EMPTY;
    size_t slash = span_find(target, 0, '/');
    if (slash == target.len) return tokens_family(x->facts.model_name);
    return tokens_family(span_slice(target, slash + 1, target.len));
}

void estimate_answer(exchange *x, const answer_event *event) {
    if (!event->part_count) return;
    if (!x->answered) {
        x->answered = arena_alloc(&x->arena, sizeof *x->answered);
        *x->answered = guess_begin(family_of(x), x->call && call_tells_usage(x->call));
    }
    guess_add(x->answered, event);
}

/* As far as it can be told of what is there. An outline that nobody else has asked for is not kept:
 * a stream may last for hours. */
static int64_t prompt_of(const exchange *x) {
    enum { COUNTED_BYTES = 8 * 1024 * 1024 }; /* some 10 ms; no loop stands longer for a figure */
    const request_facts *f = &x->facts;
    dialect d = endpoint_get(f->endpoint)->dialect;
    token_family family = family_of(x);
    if (f->body.len > COUNTED_BYTES) return guess_prompt_roughly(f->body, family);
    outline_slot slot = f->outline;
    arena own;
    arena_init(&own, 0);
    const request_outline *o = outline_ask(&slot, d, f->root, &own);
    int64_t tokens = o ? guess_prompt(o, d, family) : guess_prompt_roughly(f->body, family);
    arena_done(&own);
    return tokens;
}

void estimate_before_drop(exchange *x) {
    if (!exchange_dialect(x)->is_json) return;
    if (call_tells_usage(x->call))
        x->prompt_guess = guess_prompt_roughly(x->facts.body, family_of(x));
    else
        x->prompt_guess = prompt_of(x);
}

token_usage settle_usage(exchange *x) {
    token_usage u = x->record.usage;
    /* Of what nobody reads nobody knows what it is. */
    if (u.prompt >= 0 || !x->has_head || !exchange_dialect(x)->is_json) return u;
    if (x->prompt_guess < 0) x->prompt_guess = prompt_of(x);
    u.prompt = x->prompt_guess;
    if (u.completion < 0) u.completion = x->answered ? guess_total(x->answered) : 0;
    u.total = u.prompt + u.completion;
    u.estimated = true;
    return u;
}
