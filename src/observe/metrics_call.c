/* What a call's record adds to the metrics.
 *
 * Calls with the same endpoint, model, target, status and outcome go to the same series, so these
 * are looked up once and kept beside the shard's series of weir_calls_total. */
#include "observe/metrics_table.h"

#include <stdio.h>

typedef enum token_kind {
    TOKENS_PROMPT,
    TOKENS_COMPLETION,
    TOKENS_CACHED,
    TOKENS_REASONING
} token_kind;
enum { TOKEN_KINDS = 4 };

/* Those that no call needed yet are NULL. */
struct call_set {
    metric_series *seconds, *first_token, *own, *skipped, *cost, *unpriced;
    metric_series *tokens[TOKEN_KINDS];
};

static void observe_us(metrics_shard *s, metric_series **kept, metric_id id, const span *labels,
                       int64_t us) {
    if (us < 0) return;
    if (!*kept) *kept = metrics_series(s, id, labels);
    metric_observe(*kept, (double)us / 1e6);
}

/* A run asks nobody itself: its steps have used what it tells. */
static void count_tokens(metrics_shard *s, call_set *set, const call_record *r) {
    if (!r->attempts && !r->cache.len) return;
    static const span names[TOKEN_KINDS] = {SPAN("prompt"), SPAN("completion"), SPAN("cached"),
                                            SPAN("reasoning")};
    const int64_t counts[TOKEN_KINDS] = {
        [TOKENS_PROMPT] = r->usage.prompt,
        [TOKENS_COMPLETION] = r->usage.completion,
        [TOKENS_CACHED] = r->usage.cached,
        [TOKENS_REASONING] = r->usage.reasoning,
    };
    for (int kind = 0; kind < TOKEN_KINDS; kind++) {
        if (counts[kind] <= 0) continue;
        if (!set->tokens[kind])
            set->tokens[kind] = metrics_series(
                s, METRIC_TOKENS, (span[]){r->model_label, r->target_label, names[kind]});
        metric_add(set->tokens[kind], (uint64_t)counts[kind]);
    }
}

/* Each attempt's for the target that is paid. */
static void count_cost(metrics_shard *s, call_set *set, const call_record *r) {
    for (unsigned i = 0; r->tries && i < r->attempts; i++) {
        const attempt_record *a = &r->tries[i];
        if (a->cost_nano <= 0) continue;
        bool own = span_eq(a->target_label, r->target_label);
        metric_series *kept = own ? set->cost : NULL;
        if (!kept) kept = metrics_series(s, METRIC_COST, (span[]){r->model_label, a->target_label});
        if (own) set->cost = kept;
        metric_add(kept, (uint64_t)a->cost_nano);
    }
    if (r->cost_nano >= 0 || !r->attempts) return;
    if (!set->unpriced)
        set->unpriced =
            metrics_series(s, METRIC_UNPRICED, (span[]){r->model_label, r->target_label});
    metric_add(set->unpriced, 1);
}

static void count_error(metrics_shard *s, const call_record *r) {
    span labels[] = {error_word(r->error), error_fault_word(error_get(r->error)->fault)};
    metric_add(metrics_series(s, METRIC_ERRORS, labels), 1);
}

static span status_text(int status, char out[4]) {
    if (status < 100 || status > 999) return SPAN_OF("0");
    out[0] = (char)('0' + status / 100);
    out[1] = (char)('0' + status / 10 % 10);
    out[2] = (char)('0' + status % 10);
    return span_from(out, 3);
}

/* Values under "other" have nothing in common but that: their sets are not kept. */
static call_set *set_of(metrics_shard *s, const metric_entry *e, call_set *unkept) {
    if (metric_is_overflow(e)) return unkept;
    call_set **set = &s->call_sets[e->index];
    if (!*set) *set = arena_zalloc(&s->memory, sizeof **set);
    return *set;
}

/* What is given again is not used again. */
static bool is_given(const call_record *r) {
    return span_eq(r->cache, SPAN_OF("hit")) || span_eq(r->cache, SPAN_OF("coalesced"));
}

void metrics_count_call(metrics_shard *s, const call_record *r) {
    if (!s) return;
    char status[4];
    span labels[] = {r->endpoint, r->model_label, r->target_label, status_text(r->status, status),
                     call_outcome_word(r->outcome)};
    metric_series *calls;
    call_set unkept = {0};
    call_set *set = set_of(s, metrics_find(s, METRIC_CALLS, labels, &calls), &unkept);
    metric_add(calls, 1);
    observe_us(s, &set->seconds, METRIC_CALL_SECONDS, (span[]){r->endpoint, r->target_label},
               r->total_us);
    observe_us(s, &set->first_token, METRIC_FIRST_TOKEN_SECONDS, &r->target_label,
               r->stream ? r->first_token_us : -1);
    observe_us(s, &set->own, METRIC_OWN_SECONDS, &r->endpoint, r->own_us);
    if (!is_given(r)) count_tokens(s, set, r);
    count_cost(s, set, r);
    if (r->error != ERR_NONE) count_error(s, r);
    if (r->skipped_events) {
        if (!set->skipped)
            set->skipped = metrics_series(s, METRIC_SKIPPED_EVENTS, &r->target_label);
        metric_add(set->skipped, r->skipped_events);
    }
}
