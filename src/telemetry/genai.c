#include "telemetry/genai.h"

#include <stdio.h>

/* ---- names ---- */

span genai_operation(endpoint e) {
    switch (e) {
    case EP_CHAT_COMPLETIONS:
    case EP_RESPONSES: return SPAN_OF("chat");
    case EP_COMPLETIONS: return SPAN_OF("text_completion");
    case EP_EMBEDDINGS: return SPAN_OF("embeddings");
    case EP_OTHER: return SPAN_EMPTY;
    default: return span_cstr(endpoint_get(e)->name);
    }
}

const config_provider *genai_provider_of(const config *c, span target) {
    span name = span_slice(target, 0, span_find(target, 0, '/'));
    for (size_t i = 0; i < c->provider_count; i++)
        if (span_eq(c->providers[i].name, name)) return &c->providers[i];
    return NULL;
}

/* Those of whom the conventions have a word, and which are asked as OpenAI is. */
span genai_provider_name(const config_provider *p) {
    static const struct {
        span host, name;
    } rows[] = {
        {SPAN("openai.azure.com"), SPAN("azure.ai.openai")},
        {SPAN("services.ai.azure.com"), SPAN("azure.ai.inference")},
        {SPAN("googleapis.com"), SPAN("gcp.gemini")},
        {SPAN("anthropic.com"), SPAN("anthropic")},
        {SPAN("groq.com"), SPAN("groq")},
        {SPAN("mistral.ai"), SPAN("mistral_ai")},
        {SPAN("deepseek.com"), SPAN("deepseek")},
        {SPAN("perplexity.ai"), SPAN("perplexity")},
        {SPAN("cohere.ai"), SPAN("cohere")},
        {SPAN("cohere.com"), SPAN("cohere")},
        {SPAN("x.ai"), SPAN("x_ai")},
    };
    if (p->api_version.len) return rows[0].name;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        span host = p->url.host, end = rows[i].host;
        if (!span_iends(host, end)) continue;
        if (host.len == end.len || host.ptr[host.len - end.len - 1] == '.') return rows[i].name;
    }
    return SPAN_OF("openai");
}

span genai_model_of(span target) {
    size_t at = span_find(target, 0, '/');
    return at < target.len ? span_slice(target, at + 1, target.len) : SPAN_EMPTY;
}

/* ---- errors ---- */

span genai_attempt_error(const attempt_record *a, char text[GENAI_STATUS_MAX]) {
    span outcome = span_cstr(a->outcome);
    if (span_eq(outcome, SPAN_OF("ok")) || span_eq(outcome, SPAN_OF("cancelled")))
        return SPAN_EMPTY;
    if (a->status < 400) return outcome;
    int n = snprintf(text, GENAI_STATUS_MAX, "%d", a->status);
    return n > 0 && n < GENAI_STATUS_MAX ? span_from(text, (size_t)n) : outcome;
}

span genai_call_error(const call_record *r) {
    return r->error == ERR_NONE ? SPAN_EMPTY : error_word(r->error);
}

/* ---- metrics ---- */

typedef struct counting {
    metrics_shard *shard;
    const config *config;
    span operation;
    const call_record *record;
} counting;

static void observe(const counting *c, metric_id id, const span labels[4], double value) {
    metric_observe(metrics_series(c->shard, id, labels), value);
}

static void observe_us(const counting *c, metric_id id, const span labels[4], int64_t us) {
    if (us >= 0) observe(c, id, labels, (double)us / 1e6);
}

static void observe_tokens(const counting *c, span labels[4], span type, int64_t tokens) {
    if (tokens < 0) return;
    labels[3] = type;
    observe(c, METRIC_GENAI_TOKENS, labels, (double)tokens);
}

/* What the configuration names, else what the client has: a name that a provider has answered for
 * is one of those that there are. */
static span model_label(span target_label, span target, bool answered) {
    span model = genai_model_of(target_label);
    return model.len || !answered ? model : genai_model_of(target);
}

static void name_labels(const counting *c, span target_label, span model, span labels[4]) {
    const config_provider *p = genai_provider_of(c->config, target_label);
    labels[0] = c->operation;
    labels[1] = p ? genai_provider_name(p) : SPAN_EMPTY;
    labels[2] = model;
    labels[3] = SPAN_EMPTY;
}

static bool is_ok(const attempt_record *a) {
    return span_eq(span_cstr(a->outcome), SPAN_OF("ok"));
}

static void count_attempt(const counting *c, const attempt_record *a) {
    span labels[4];
    char status[GENAI_STATUS_MAX];
    name_labels(c, a->target_label, model_label(a->target_label, a->target, is_ok(a)), labels);
    labels[3] = genai_attempt_error(a, status);
    observe_us(c, METRIC_GENAI_DURATION, labels, a->ended_us - a->began_us);
    if (c->record->stream && a->first_content_us)
        observe_us(c, METRIC_GENAI_FIRST_CHUNK, labels, a->first_content_us - a->began_us);
    observe_tokens(c, labels, SPAN_OF("input"), a->usage.prompt);
    observe_tokens(c, labels, SPAN_OF("output"), a->usage.completion);
}

/* As its client sees it. */
static void count_call(const counting *c) {
    const call_record *r = c->record;
    span labels[4];
    bool answered = r->outcome == CALL_OK;
    name_labels(c, r->target_label, model_label(r->target_label, r->target, answered), labels);
    labels[3] = genai_call_error(r);
    observe_us(c, METRIC_GENAI_SERVER_DURATION, labels, r->total_us);
    if (!r->stream || r->first_token_us < 0) return;
    observe_us(c, METRIC_GENAI_FIRST_TOKEN, labels, r->first_token_us);
    if (r->usage.completion > 1 && answered)
        observe(c, METRIC_GENAI_PER_TOKEN, labels,
                (double)(r->total_us - r->first_token_us) / 1e6 /
                    (double)(r->usage.completion - 1));
}

void genai_count(metrics_shard *s, const config *c, endpoint e, bool step, const call_record *r) {
    const counting all = {s, c, genai_operation(e), r};
    if (!s || !all.operation.len) return;
    for (unsigned i = 0; r->tries && i < r->attempts; i++)
        if (r->tries[i].outcome) count_attempt(&all, &r->tries[i]);
    if (!step) count_call(&all);
}
