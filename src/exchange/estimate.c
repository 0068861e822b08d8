/* What a call used, where its provider does not tell: a guess, made of what was asked and of what
 * came (dialect/usage_guess.h). docs/decisions/0015-untold-usage.md says what is counted when. */
#include "exchange/internal.h"

#include "exchange/holder.h"

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

/* All that has come is in what the provider has told; what follows is counted anew. */
void estimate_told(exchange *x) {
    answer_guess *g = x->answered;
    if (g) *g = guess_begin(g->tokens.family, g->roughly);
}

enum { COUNTED_BYTES = 8 * 1024 * 1024 }; /* 100 ms at worst; more is told by samples */

static int64_t count_prompt(const request_facts *f, const request_outline *o, token_family family,
                            const counted_texts *before) {
    dialect d = endpoint_get(f->endpoint)->dialect;
    return o ? guess_prompt(o, d, family, before) : guess_prompt_roughly(f->body, family);
}

/* As far as it can be told of what is there. */
static int64_t prompt_of(exchange *x, token_family family) {
    if (x->large && x->large->prompts[family] >= 0) return x->large->prompts[family];
    if (x->large || x->facts.body.len > COUNTED_BYTES)
        return guess_prompt_roughly(x->facts.body, family);
    const counted_texts before = {&x->env->counted, exchange_holder(x)};
    return count_prompt(&x->facts, exchange_outline(x), family, &before);
}

/* Who will answer, and what vocabulary that has, is not known so early: mostly all have one. */
void estimate_large(const exchange *x, large_request *l) {
    const request_facts *f = &x->facts;
    span name = f->model_name;
    const config_model *model =
        config_find_model(exchange_config(x), name.len ? name : SPAN_OF("*"));
    for (size_t i = 0; i < TOKENS_FAMILIES; i++)
        l->prompts[i] = -1;
    if (!model || f->body.len > COUNTED_BYTES || !exchange_dialect(x)->is_json) return;
    arena own; /* not kept: a large one's is large */
    arena_init(&own, 0);
    outline_slot slot = f->outline;
    const request_outline *o =
        outline_ask(&slot, endpoint_get(f->endpoint)->dialect, f->root, &own);
    for (size_t i = 0; i < model->target_count; i++) {
        span asked = model->targets[i].model;
        token_family family = tokens_family(asked.len ? asked : name);
        if (l->prompts[family] < 0) l->prompts[family] = count_prompt(f, o, family, NULL);
    }
    arena_done(&own);
}

void estimate_before_drop(exchange *x) {
    if (!exchange_dialect(x)->is_json) return;
    const token_family family = family_of(x);
    if (x->prompt_guess >= 0 && x->prompt_family == family) return; /* a limit was told it */
    x->prompt_family = family;
    x->prompt_guess = call_tells_usage(x->call) ? guess_prompt_roughly(x->facts.body, family)
                                                : prompt_of(x, family);
}

int64_t estimate_prompt(exchange *x) {
    if (x->prompt_guess < 0) {
        x->prompt_family = family_of(x);
        x->prompt_guess = prompt_of(x, x->prompt_family);
    }
    return x->prompt_guess;
}

token_usage settle_usage(exchange *x) {
    token_usage u = x->record.usage;
    /* Of what nobody reads nobody knows what it is. */
    if (u.estimated || !x->has_head || !exchange_dialect(x)->is_json) return u;
    const bool told = u.prompt >= 0;
    const int64_t since = x->answered ? guess_total(x->answered) : 0;
    if (told && !since) return u;
    if (!told) u.prompt = estimate_prompt(x);
    u.completion = (u.completion > 0 ? u.completion : 0) + since;
    u.total = told && u.total > 0 ? u.total + since : u.prompt + u.completion;
    u.estimated = true;
    return u;
}
