#include "sim/refuse.h"

void sim_plan_header(sim_plan *p, span name, span value) {
    if (p->header_count < SIM_HEADERS_MAX && http_header_is_safe(name, value))
        p->headers[p->header_count++] = (http_header){name, value};
}

void sim_plan_headers(sim_plan *p, const sim_request *r, size_t tokens, bool limited) {
    enum { REQUESTS = 10000, TOKENS = 2000000 };
    arena *a = &p->arena;
    size_t left = tokens < TOKENS ? TOKENS - tokens : 0;
    span wait = p->wish.retry_after_ms > 0
                    ? arena_printf(a, "%lldms", (long long)p->wish.retry_after_ms)
                    : SPAN_OF("1s");
    sim_plan_header(p, SPAN_OF("x-request-id"),
                    arena_printf(a, "req_%016llx%016llx",
                                 (unsigned long long)sim_hash(r->path, r->serial),
                                 (unsigned long long)r->serial));
    sim_plan_header(p, SPAN_OF("openai-processing-ms"),
                    arena_printf(a, "%lld", (long long)p->ttft_ms + 1));
    sim_plan_header(p, SPAN_OF("openai-version"), SPAN_OF("2020-10-01"));
    sim_plan_header(p, SPAN_OF("x-ratelimit-limit-requests"), SPAN_OF("10000"));
    sim_plan_header(p, SPAN_OF("x-ratelimit-remaining-requests"),
                    limited ? SPAN_OF("0") : SPAN_OF("9999"));
    sim_plan_header(p, SPAN_OF("x-ratelimit-reset-requests"), limited ? wait : SPAN_OF("6ms"));
    sim_plan_header(p, SPAN_OF("x-ratelimit-limit-tokens"), SPAN_OF("2000000"));
    sim_plan_header(p, SPAN_OF("x-ratelimit-remaining-tokens"),
                    arena_printf(a, "%zu", limited ? 0 : left));
    sim_plan_header(p, SPAN_OF("x-ratelimit-reset-tokens"),
                    limited ? wait : arena_printf(a, "%zums", tokens * 60000 / TOKENS));
}

static void write_nullable(buf *out, const char *text) {
    if (text)
        json_write_string(out, span_cstr(text));
    else
        buf_add_cstr(out, "null");
}

void sim_plan_error(sim_plan *p, int status, const char *type, const char *code, const char *param,
                    span message) {
    buf text = BUF_EMPTY;
    buf_add_cstr(&text, "{\"error\":{\"message\":");
    json_write_string(&text, message);
    buf_addf(&text, ",\"type\":\"%s\",\"param\":", type);
    write_nullable(&text, param);
    buf_add_cstr(&text, ",\"code\":");
    write_nullable(&text, code);
    buf_add_cstr(&text, "}}\n");
    p->status = status;
    p->streams = false;
    p->body = arena_dup(&p->arena, buf_span(&text));
    buf_done(&text);
}

typedef struct refusal_row {
    int status;
    const char *type;
    const char *code;
    const char *message;
} refusal_row;

/* What OpenAI says with each status, as far as it is known; the rest is worded alike. */
static const refusal_row refusals[] = {
    {400, "invalid_request_error", NULL, "The simulator was asked to refuse this request."},
    {401, "invalid_request_error", "invalid_api_key",
     "Incorrect API key provided. The simulator was asked to say so."},
    {403, "invalid_request_error", "unsupported_country_region_territory",
     "Country, region, or territory not supported"},
    {404, "invalid_request_error", "model_not_found",
     "The model does not exist or you do not have access to it."},
    {408, "invalid_request_error", NULL, "The request took too long to arrive."},
    {409, "invalid_request_error", NULL, "The resource was changed by another request."},
    {413, "invalid_request_error", NULL, "The request is too large."},
    {422, "invalid_request_error", NULL, "The request cannot be processed as it is."},
    {429, "requests", "rate_limit_exceeded",
     "Rate limit reached for requests per minute (RPM): Limit 10000, Used 10000, Requested 1."},
    {500, "server_error", NULL,
     "The server had an error while processing your request. Sorry about that!"},
    {502, "server_error", NULL, "Bad gateway."},
    {503, "server_error", NULL, "The engine is currently overloaded, please try again later."},
    {504, "server_error", NULL, "The request timed out within the provider."},
    {529, "server_error", NULL, "The provider is overloaded."},
};

static void refuse_by_status(sim_plan *p) {
    int status = p->wish.status;
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        const refusal_row *row = &refusals[i];
        if (row->status != status) continue;
        sim_plan_error(p, status, row->type, row->code, NULL, span_cstr(row->message));
        return;
    }
    sim_plan_error(
        p, status, status < 500 ? "invalid_request_error" : "server_error", NULL, NULL,
        arena_printf(&p->arena, "The simulator was asked to answer with status %d.", status));
}

static void refuse_by_filter(sim_plan *p) {
    p->status = 400;
    p->streams = false;
    p->body = SPAN_OF(
        "{\"error\":{\"message\":\"The response was filtered due to the prompt triggering the "
        "content "
        "management policy.\",\"type\":null,\"param\":\"prompt\",\"code\":\"content_filter\","
        "\"status\":400,\"innererror\":{\"code\":\"ResponsibleAIPolicyViolation\","
        "\"content_filter_result\":{\"hate\":{\"filtered\":false,\"severity\":\"safe\"},"
        "\"violence\":{\"filtered\":true,\"severity\":\"medium\"}}}}}\n");
}

static void refuse_in_html(sim_plan *p) {
    int status = p->wish.status;
    const char *text = http_status_text(status);
    p->status = status;
    p->streams = false;
    p->body = arena_printf(&p->arena,
                           "<html>\r\n<head><title>%d %s</title></head>\r\n<body>\r\n"
                           "<center><h1>%d %s</h1></center>\r\n</body>\r\n</html>\r\n",
                           status, text, status, text);
}

/* Retry-After in whole seconds, rounded up; the exact time beside it where they differ. */
static void add_retry_after(sim_plan *p) {
    int64_t ms = p->wish.retry_after_ms;
    if (p->wish.retry_after.ptr) {
        sim_plan_header(p, SPAN_OF("retry-after"), arena_dup(&p->arena, p->wish.retry_after));
    } else if (ms >= 0) {
        sim_plan_header(p, SPAN_OF("retry-after"),
                        arena_printf(&p->arena, "%lld", (long long)(ms + 999) / 1000));
        if (ms % 1000)
            sim_plan_header(p, SPAN_OF("retry-after-ms"),
                            arena_printf(&p->arena, "%lld", (long long)ms));
    }
}

void sim_plan_refuse(sim_plan *p) {
    switch (p->wish.refusal) {
    case SIM_SERVES:
    case SIM_REFUSES: refuse_by_status(p); break;
    case SIM_REFUSES_QUOTA:
        sim_plan_error(
            p, 429, "insufficient_quota", "insufficient_quota", NULL,
            SPAN_OF("You exceeded your current quota, please check your plan and billing "
                    "details."));
        break;
    case SIM_REFUSES_LENGTH:
        sim_plan_error(
            p, 400, "invalid_request_error", "context_length_exceeded", "messages",
            SPAN_OF("This model's maximum context length is 128000 tokens. However, your "
                    "messages resulted in 128001 tokens. Please reduce the length of the "
                    "messages."));
        break;
    case SIM_REFUSES_POLICY:
        sim_plan_error(p, 400, "invalid_request_error", "content_policy_violation", NULL,
                       SPAN_OF("Your request was rejected as a result of our safety system."));
        break;
    case SIM_REFUSES_FILTER: refuse_by_filter(p); break;
    case SIM_REFUSES_IN_HTML: refuse_in_html(p); break;
    }
    add_retry_after(p);
}
