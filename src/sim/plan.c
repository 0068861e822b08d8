/* Reads the request and decides what is answered; sim/steps.c tells it piece by piece. */
#include "sim/plan.h"

#include "dialect/endpoint.h"
#include "sim/refuse.h"

enum { PARTS_MAX = 200000 }; /* tokens of all choices together */

/* EP_OTHER is the list of models here. Embeddings and moderations have one form, which is not told
 * in steps. */
static const sim_dialect *const dialects[EP_COUNT] = {
    [EP_CHAT_COMPLETIONS] = &sim_chat,
    [EP_COMPLETIONS] = &sim_completions,
    [EP_RESPONSES] = &sim_responses,
};

/* Takes "/v1", Azure's "/openai/v1" or "/openai/deployments/NAME" off the path. */
static bool strip_base(span *path, span *ret_deployment) {
    static const span bases[] = {SPAN("/v1/"), SPAN("/openai/v1/")};
    for (size_t i = 0; i < ARRAY_LEN(bases); i++) {
        if (!span_starts(*path, bases[i])) continue;
        *path = span_slice(*path, bases[i].len - 1, path->len);
        return true;
    }
    static const span azure = SPAN("/openai/deployments/");
    if (!span_starts(*path, azure)) return false;
    size_t end = span_find(*path, azure.len, '/');
    *ret_deployment = span_slice(*path, azure.len, end);
    *path = span_slice(*path, end, path->len);
    return true;
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static span percent_decode(span s, arena *a) {
    char *out = arena_alloc(a, s.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        int high = i + 2 < s.len && s.ptr[i] == '%' ? hex_digit(s.ptr[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(s.ptr[i + 2]) : -1;
        out[n++] = low >= 0 ? (char)(high * 16 + low) : s.ptr[i];
        if (low >= 0) i += 2;
    }
    return span_from(out, n);
}

static void complain(sim_plan *p, int status, const char *code, const char *param, span message) {
    sim_plan_error(p, status, "invalid_request_error", code, param, message);
}

/* ---- Who asks ---- */

static bool has_key(const sim_settings *settings, http_headers headers) {
    static const span bearer = SPAN("bearer ");
    span given = http_header_get(headers, SPAN_OF("authorization"));
    if (span_istarts(given, bearer))
        given = span_trim(span_slice(given, bearer.len, given.len));
    else
        given = http_header_get(headers, SPAN_OF("api-key"));
    return span_eq_secret(given, settings->key);
}

/* ---- What is asked ---- */

/* /models, or what stands below it: then *ret_name is that. */
static bool is_models(span path, span *ret_name) {
    static const span models = SPAN("/models");
    if (!span_starts(path, models)) return false;
    span rest = span_slice(path, models.len, path.len);
    if (rest.len && rest.ptr[0] != '/') return false;
    *ret_name = span_slice(rest, 1, rest.len);
    return true;
}

/* *ret_name: of the one model that is asked for, percent-encoded; empty: all are. */
static bool find_endpoint(sim_plan *p, const sim_request *r, arena *scratch, endpoint *ret,
                          span *ret_name, span *ret_deployment) {
    span path = r->path;
    bool based = strip_base(&path, ret_deployment);
    *ret = based ? endpoint_of_path(path) : EP_OTHER;
    if (*ret == EP_OTHER && !(based && is_models(path, ret_name))) {
        complain(p, 404, "unknown_url", NULL,
                 arena_printf(scratch,
                              "Unknown request URL: %.*s %.*s. Please check the URL for typos.",
                              SPAN_ARG(r->method_text), SPAN_ARG(span_clip(r->path, 200))));
        return false;
    }
    bool reads = r->method == HTTP_GET_M || r->method == HTTP_HEAD_M;
    if (*ret == EP_OTHER ? reads : r->method == HTTP_POST_M) return true;
    sim_plan_header(p, SPAN_OF("allow"), *ret == EP_OTHER ? SPAN_OF("GET, HEAD") : SPAN_OF("POST"));
    complain(p, 405, "method_not_supported", NULL,
             arena_printf(scratch, "Not allowed to %.*s on %.*s.", SPAN_ARG(r->method_text),
                          SPAN_ARG(span_clip(r->path, 200))));
    return false;
}

static bool read_json(sim_plan *p, const sim_request *r, json_member *members, sim_body *b) {
    json_fault fault;
    b->raw = r->body;
    b->members = members;
    if (json_scan_object(r->body, NULL, members, SIM_MEMBERS_MAX, &b->count, &fault)) {
        if (b->count > SIM_MEMBERS_MAX) b->count = SIM_MEMBERS_MAX;
        return true;
    }
    span why = json_fault_text(b->scratch, r->body, &fault);
    complain(p, 400, NULL, NULL,
             arena_printf(b->scratch, "We could not parse the JSON body of your request: %.*s.",
                          SPAN_ARG(why)));
    return false;
}

/* The model's name, and its JSON in the answer. */
static bool read_model(sim_plan *p, const sim_body *b, endpoint e, span deployment,
                       span *ret_name) {
    json_value model = sim_member(b, "model");
    if (model.type == JSON_STRING) {
        *ret_name = json_string(model, b->scratch);
        p->answer.model = arena_dup(&p->arena, model.raw);
        return true;
    }
    span name = deployment;
    if (!name.len && e == EP_MODERATIONS) name = SPAN_OF("omni-moderation-latest");
    if (!name.len || (model.type != JSON_NONE && model.type != JSON_NULL)) {
        complain(p, 400, NULL, "model", SPAN_OF("you must provide a model parameter"));
        return false;
    }
    buf text = BUF_EMPTY;
    json_write_string(&text, name);
    p->answer.model = arena_dup(&p->arena, buf_span(&text));
    buf_done(&text);
    *ret_name = name;
    return true;
}

static bool read_wish(sim_plan *p, const sim_request *r, span model, arena *scratch) {
    sim_misread misread;
    if (sim_wish_read(model, r->headers, &p->wish, &misread)) return true;
    span word = span_clip(misread.word, 100);
    span hint = misread.nearest ? arena_printf(scratch, " Did you mean '%s'?", misread.nearest)
                                : SPAN_EMPTY;
    if (misread.header.len)
        complain(p, 400, NULL, misread.header.ptr,
                 arena_printf(scratch, "The simulator does not understand %.*s: '%.*s'.%.*s",
                              SPAN_ARG(misread.header), SPAN_ARG(word), SPAN_ARG(hint)));
    else
        complain(
            p, 404, "model_not_found", "model",
            arena_printf(scratch,
                         "The model '%.*s' does not exist: the simulator does not know '%.*s'.%.*s",
                         SPAN_ARG(span_clip(model, 100)), SPAN_ARG(word), SPAN_ARG(hint)));
    return false;
}

/* A request that has failed as often as it was to now works. */
static void count_tries(sim_plan *p, const sim_request *r, sim_counts *counts) {
    if (!p->wish.times) return;
    uint64_t key =
        p->wish.key.ptr ? sim_hash(p->wish.key, 1) : sim_hash(r->body, sim_hash(r->path, 2));
    if (!counts || !sim_counts_fails(counts, key, p->wish.times)) sim_wish_relent(&p->wish);
}

/* ---- What is answered ---- */

static void answer_dialect(sim_plan *p, const sim_dialect *d, const sim_body *b) {
    sim_answer *a = &p->answer;
    sim_fault fault = {0};
    a->dialect = d;
    if (!sim_read_flag(b, "stream", &a->stream, &fault) || !d->read(b, a, &fault)) {
        complain(p, 400, NULL, fault.param, span_cstr(fault.message));
        return;
    }
    sim_answer_settle(a);
    if (sim_answer_completion_tokens(a) > PARTS_MAX) {
        complain(p, 400, NULL, "n",
                 SPAN_OF("The simulator says at most 200000 tokens in one answer."));
        return;
    }
    if (p->wish.filtered && !a->call_count) {
        a->tokens /= 2;
        a->finish = "content_filter";
    }
    if (a->stream) {
        p->streams = true;
    } else if (p->wish.ending == SIM_ENDS_IN_ERROR) {
        p->wish.status = 500;
        sim_plan_refuse(p);
    } else {
        d->whole(a, p->wish.no_usage, &p->out);
        p->body = buf_span(&p->out);
    }
}

static void answer(sim_plan *p, endpoint e, span model_name, const sim_body *b, size_t *tokens) {
    p->status = 200;
    if (dialects[e]) {
        answer_dialect(p, dialects[e], b);
        *tokens = p->answer.prompt_tokens + sim_answer_completion_tokens(&p->answer);
    } else if (e == EP_EMBEDDINGS) {
        sim_embeddings(p, b, tokens);
    } else if (e == EP_MODERATIONS) {
        sim_moderations(p, b);
    } else {
        sim_models(p, percent_decode(model_name, b->scratch));
    }
}

static void spoil_body(sim_plan *p) {
    switch (p->wish.blemish) {
    case SIM_SOUND: break;
    case SIM_IS_EMPTY: p->body = SPAN_EMPTY; break;
    case SIM_HAS_BAD_JSON: p->body = span_slice(p->body, 0, p->body.len - p->body.len / 3); break;
    case SIM_IS_GARBAGE:
        p->body = SPAN_OF("\x89\x07\xff\xfe neither JSON nor events \x00\x01\x02");
        break;
    }
}

static void decide(sim_plan *p, const sim_settings *settings, const sim_request *r,
                   sim_counts *counts, arena *scratch, size_t *ret_tokens) {
    endpoint e;
    json_member members[SIM_MEMBERS_MAX];
    sim_body b = {.arena = &p->arena, .scratch = scratch, .wish = &p->wish};
    span asked = SPAN_EMPTY, deployment = SPAN_EMPTY, model = SPAN_EMPTY;
    if (settings->key.len && !has_key(settings, r->headers)) {
        complain(p, 401, "invalid_api_key", NULL,
                 SPAN_OF("Incorrect API key provided: the simulator was started with --key."));
        return;
    }
    if (!find_endpoint(p, r, scratch, &e, &asked, &deployment)) return;
    bool posts = e != EP_OTHER;
    p->answer.hash = sim_hash(r->body, sim_hash(r->path, 0));
    p->answer.created_s = r->wall_us / 1000000;
    if (posts && (!read_json(p, r, members, &b) || !read_model(p, &b, e, deployment, &model)))
        return;
    if (!read_wish(p, r, model, scratch)) return;
    count_tries(p, r, counts);
    if (p->wish.pace_ms >= 0) p->pace_ms = p->wish.pace_ms;
    if (p->wish.refusal != SIM_SERVES) {
        sim_plan_refuse(p);
        return;
    }
    if (p->wish.ttft_ms >= 0)
        p->ttft_ms = p->wish.ttft_ms;
    else
        p->ttft_ms = settings->ttft_ms;
    answer(p, e, asked, &b, ret_tokens);
    if (!p->streams) spoil_body(p);
}

void sim_plan_init(sim_plan *p, const sim_settings *settings, const sim_request *request,
                   sim_counts *counts) {
    arena scratch;
    size_t tokens = 0;
    *p = (sim_plan){.pace_ms = settings->pace_ms, .wish = sim_no_wish};
    arena_init(&p->arena, 2048);
    arena_init(&scratch, 0);
    decide(p, settings, request, counts, &scratch, &tokens);
    bool html = p->wish.refusal == SIM_REFUSES_IN_HTML && !p->streams;
    sim_plan_header(p, SPAN_OF("content-type"),
                    p->streams ? SPAN_OF("text/event-stream; charset=utf-8")
                    : html     ? SPAN_OF("text/html")
                               : SPAN_OF("application/json"));
    sim_plan_headers(p, request, tokens, p->status == 429);
    p->wish.key = p->wish.retry_after = SPAN_EMPTY; /* they borrowed from the request */
    arena_done(&scratch);
}

void sim_plan_done(sim_plan *p) {
    buf_done(&p->out);
    arena_done(&p->arena);
}
