#include "telemetry/spans.h"

#include "telemetry/genai.h"

typedef struct call_spans {
    spans_put_fn *put;
    void *user;
    const config *config;
    const call_record *record;
    const trace_notes *notes;
    int64_t wall_us;
    arena arena;
} call_spans;

static uint64_t wall_ns(const call_spans *s, int64_t mono_us) {
    return (uint64_t)(mono_us + s->wall_us) * 1000;
}

static double seconds(int64_t from_us, int64_t to_us) {
    return (double)(to_us - from_us) / 1e6;
}

static span clip(span name) {
    return span_clip(name, TRACE_NAME_MAX);
}

static span joined(call_spans *s, span a, span b) {
    return b.len ? arena_join(&s->arena, (span[]){a, SPAN(" "), clip(b)}, 3) : a;
}

/* ---- attempts ---- */

static void add_request(otlp_attributes *a, const call_spans *s) {
    const trace_request *q = &s->notes->asked;
    otlp_add_flag(a, "gen_ai.request.stream", s->record->stream);
    otlp_add_count(a, "gen_ai.request.max_tokens", q->max_tokens);
    if (q->choices > 1) otlp_add_count(a, "gen_ai.request.choice.count", q->choices);
    if (q->has_seed) otlp_add_integer(a, "gen_ai.request.seed", q->seed);
    if (q->has_temperature) otlp_add_double(a, "gen_ai.request.temperature", q->temperature);
    if (q->has_top_p) otlp_add_double(a, "gen_ai.request.top_p", q->top_p);
    if (q->has_frequency) otlp_add_double(a, "gen_ai.request.frequency_penalty", q->frequency);
    if (q->has_presence) otlp_add_double(a, "gen_ai.request.presence_penalty", q->presence);
    otlp_add_texts(a, "gen_ai.request.stop_sequences", q->stops, q->stop_count);
    otlp_add_text(a, "gen_ai.request.reasoning.level", q->effort);
}

/* Under both names of what was put into a cache: receivers know the older one, the conventions now
 * have the newer. */
static void add_usage(otlp_attributes *a, const token_usage *u) {
    otlp_add_count(a, "gen_ai.usage.input_tokens", u->prompt);
    otlp_add_count(a, "gen_ai.usage.output_tokens", u->completion);
    otlp_add_count(a, "gen_ai.usage.cache_read.input_tokens", u->cached);
    otlp_add_count(a, "gen_ai.usage.cache_write.input_tokens", u->cache_write);
    otlp_add_count(a, "gen_ai.usage.cache_creation.input_tokens", u->cache_write);
    otlp_add_count(a, "gen_ai.usage.reasoning.output_tokens", u->reasoning);
    otlp_add_flag(a, "weir.usage.estimated", u->estimated);
}

static void add_answer(otlp_attributes *a, call_spans *s) {
    const trace_notes *n = s->notes;
    span reasons[TRACE_CHOICES];
    size_t count = 0;
    for (size_t i = 0; i < TRACE_CHOICES; i++)
        if (n->reasons[i].len) reasons[count++] = n->reasons[i];
    if (!count && s->record->finish_reason.len) reasons[count++] = s->record->finish_reason;
    span *kept = arena_alloc(&s->arena, sizeof reasons);
    memcpy(kept, reasons, sizeof reasons);
    otlp_add_texts(a, "gen_ai.response.finish_reasons", kept, count);
    otlp_add_text(a, "gen_ai.response.id", n->response_id);
    otlp_add_text(a, "gen_ai.response.model", n->response_model);
    otlp_add_text(a, "gen_ai.output.messages", n->output);
}

static void add_server(otlp_attributes *a, const config_provider *p) {
    if (!p) return;
    bool socket = p->url.unix_path.len > 0;
    otlp_add_text(a, "server.address", socket ? p->url.unix_path : p->url.host);
    if (!socket) otlp_add_integer(a, "server.port", p->url.port);
}

static bool is_answered(const call_spans *s, unsigned i) {
    return s->notes->answered == (int)i;
}

static void add_attempt(otlp_attributes *a, call_spans *s, unsigned i, span error) {
    const attempt_record *t = &s->record->tries[i];
    const config_provider *p = genai_provider_of(s->config, t->target_label);
    otlp_add_text(a, "gen_ai.operation.name", genai_operation(s->notes->endpoint));
    if (p) otlp_add_text(a, "gen_ai.provider.name", genai_provider_name(p));
    otlp_add_text(a, "gen_ai.request.model", clip(genai_model_of(t->target)));
    add_server(a, p);
    otlp_add_text(a, "error.type", error);
    if (t->status) otlp_add_integer(a, "http.response.status_code", t->status);
    add_request(a, s);
    otlp_add_text(a, "gen_ai.system_instructions", s->notes->system);
    otlp_add_text(a, "gen_ai.input.messages", s->notes->input);
    otlp_add_flag(a, "weir.content_cut", s->notes->content_cut);
    add_usage(a, &t->usage);
    if (s->record->stream && t->first_content_us)
        otlp_add_double(a, "gen_ai.response.time_to_first_chunk",
                        seconds(t->began_us, t->first_content_us));
    if (is_answered(s, i)) add_answer(a, s);
    otlp_add_text(a, "weir.target", clip(t->target));
    otlp_add_integer(a, "weir.attempt", i + 1);
    otlp_add_flag(a, "weir.hedge", t->hedge);
    otlp_add_word(a, "weir.outcome", t->outcome);
    otlp_add_count(a, "weir.cost_nano", t->cost_nano);
    otlp_add_text(a, "weir.provider_request_id", clip(t->provider_request_id));
}

/* The attempt that a hedge was begun beside: the last one before it that is none. */
static uint64_t beside(const call_record *r, unsigned i) {
    while (r->tries[i].hedge && i-- > 0)
        if (!r->tries[i].hedge) return r->tries[i].span_id;
    return 0;
}

static void write_attempt(call_spans *s, unsigned i) {
    const attempt_record *t = &s->record->tries[i];
    otlp_attributes a = {0};
    char status[GENAI_STATUS_MAX];
    span error = genai_attempt_error(t, status), operation = genai_operation(s->notes->endpoint);
    add_attempt(&a, s, i, error);
    if (!operation.len) operation = s->notes->method;
    const otlp_span told = {.trace = &s->notes->context,
                            .id = t->span_id,
                            .parent = s->notes->context.span,
                            .name = joined(s, operation, genai_model_of(t->target)),
                            .kind = OTLP_CLIENT,
                            .start_ns = wall_ns(s, t->began_us),
                            .end_ns = wall_ns(s, t->ended_us),
                            .attributes = &a,
                            .link = beside(s->record, i),
                            .failed = error.len > 0};
    s->put(s->user, &told);
}

/* ---- the call ---- */

/* "127.0.0.1:4711", "[::1]:4711"; another kind of address has no port. */
static void add_client(otlp_attributes *a, span peer) {
    size_t at = peer.len;
    uint64_t port;
    while (at && peer.ptr[at - 1] != ':')
        at--;
    bool has_port = at && span_u64(span_slice(peer, at, peer.len), &port) && port <= 65535;
    span host = has_port ? span_slice(peer, 0, at - 1) : peer;
    if (host.len > 2 && host.ptr[0] == '[') host = span_slice(host, 1, host.len - 1);
    otlp_add_text(a, "client.address", host);
    if (has_port) otlp_add_integer(a, "client.port", (int64_t)port);
}

static void add_http(otlp_attributes *a, const call_spans *s) {
    const call_record *r = s->record;
    if (s->notes->step) return;
    otlp_add_text(a, "http.request.method", s->notes->method);
    otlp_add_text(a, "http.route", s->notes->route);
    otlp_add_text(a, "url.path", clip(s->notes->path));
    if (r->status) otlp_add_integer(a, "http.response.status_code", r->status);
    add_client(a, r->peer);
}

/* Not gen_ai.*: the attempts have those. */
static void add_call(otlp_attributes *a, const call_spans *s) {
    const call_record *r = s->record;
    otlp_add_text(a, "error.type", genai_call_error(r));
    otlp_add_word(a, "weir.request_id", r->request_id);
    otlp_add_text(a, "weir.client", r->client);
    otlp_add_text(a, "weir.user", r->user);
    otlp_add_text(a, "weir.tags", r->tags);
    otlp_add_text(a, "weir.endpoint", r->endpoint);
    otlp_add_text(a, "weir.model", clip(r->model));
    otlp_add_text(a, "weir.target", clip(r->target));
    otlp_add_text(a, "weir.outcome", call_outcome_word(r->outcome));
    otlp_add_integer(a, "weir.attempts", r->attempts);
    if (r->hedges) otlp_add_integer(a, "weir.hedges", r->hedges);
    otlp_add_flag(a, "weir.stream", r->stream);
    if (r->attempts) otlp_add_count(a, "weir.cost_nano", r->cost_nano);
    otlp_add_text(a, "weir.cache", r->cache);
    if (r->similarity > 0) otlp_add_double(a, "weir.cache.similarity", r->similarity);
    if (r->saved_nano) otlp_add_count(a, "weir.saved_nano", r->saved_nano);
    if (r->stream && r->first_token_us >= 0)
        otlp_add_double(a, "weir.time_to_first_token", seconds(0, r->first_token_us));
    if (r->own_us >= 0) otlp_add_double(a, "weir.overhead", seconds(0, r->own_us));
}

/* A refusal that is the client's own affair is no failure of weir's; an answer that was cut is. */
static bool is_failed(const call_record *r) {
    return r->outcome == CALL_CUT || (r->outcome == CALL_FAILED && r->status >= 500);
}

/* A provider's words may repeat what was asked. */
static span why_failed(const call_record *r) {
    return r->error == ERR_PROVIDER_ERROR ? SPAN_EMPTY : span_clip(r->error_text, TRACE_WHY_MAX);
}

static void write_call(call_spans *s) {
    const call_record *r = s->record;
    const trace_context *t = &s->notes->context;
    otlp_attributes a = {0};
    add_http(&a, s);
    add_call(&a, s);
    span name = s->notes->step ? r->endpoint : joined(s, s->notes->method, s->notes->route);
    const otlp_span told = {.trace = t,
                            .id = t->span,
                            .parent = t->parent,
                            .remote = t->parent && !s->notes->step,
                            .name = name,
                            .kind = s->notes->step ? OTLP_INTERNAL : OTLP_SERVER,
                            .start_ns = wall_ns(s, r->started_us),
                            .end_ns = wall_ns(s, r->started_us + r->total_us),
                            .attributes = &a,
                            .failed = is_failed(r),
                            .why = why_failed(r)};
    s->put(s->user, &told);
}

void spans_write(const config *c, const call_record *r, const trace_notes *n, int64_t wall_us,
                 spans_put_fn *put, void *user) {
    call_spans s = {
        .put = put, .user = user, .config = c, .record = r, .notes = n, .wall_us = wall_us};
    arena_init(&s.arena, 0);
    write_call(&s);
    for (unsigned i = 0; r->tries && i < r->attempts; i++)
        if (r->tries[i].span_id && r->tries[i].outcome) write_attempt(&s, i);
    arena_done(&s.arena);
}
