#include "lib/result.h"

#include "base/mem.h"
#include "json/json.h"

#include <stdlib.h>

static const char *const code_names[] = {
    [WEIR_OK] = "ok",
    [WEIR_CANCELLED] = "cancelled",
    [WEIR_MISUSE] = "misuse",
    [WEIR_INVALID] = "invalid",
    [WEIR_UNAUTHENTICATED] = "unauthenticated",
    [WEIR_NOT_FOUND] = "not_found",
    [WEIR_RATE_LIMITED] = "rate_limited",
    [WEIR_UNREACHABLE] = "unreachable",
    [WEIR_TIMEOUT] = "timeout",
    [WEIR_PROVIDER] = "provider",
    [WEIR_INTERRUPTED] = "interrupted",
    [WEIR_INTERNAL] = "internal",
    [WEIR_STOPPED] = "stopped",
};

const char *weir_code_name(weir_code code) {
    return (unsigned)code < ARRAY_LEN(code_names) ? code_names[code] : "unknown";
}

/* ---- what went wrong ---- */

/* A provider's refusal by its status, as the official SDKs sort them. */
static weir_code code_of_status(int status) {
    switch (status) {
    case 401:
    case 403: return WEIR_UNAUTHENTICATED;
    case 404: return WEIR_NOT_FOUND;
    case 429: return WEIR_RATE_LIMITED;
    case 408:
    case 409: return WEIR_PROVIDER;
    }
    return status >= 400 && status < 500 ? WEIR_INVALID : WEIR_PROVIDER;
}

weir_code code_of_error(error_id id, int status, bool begun) {
    switch (id) {
    case ERR_NONE: return WEIR_OK;
    case ERR_CLIENT_GONE:
    case ERR_CLIENT_SLOW: return WEIR_CANCELLED;
    case ERR_CONNECT_TIMEOUT:
    case ERR_FIRST_BYTE_TIMEOUT:
    case ERR_FIRST_TOKEN_TIMEOUT:
    case ERR_BETWEEN_EVENTS_TIMEOUT:
    case ERR_TOTAL_TIMEOUT: return WEIR_TIMEOUT;
    case ERR_TOO_BUSY:
    case ERR_DRAINING:
    case ERR_MEMORY_FULL:
    case ERR_INTERNAL: return WEIR_INTERNAL;
    default: break;
    }
    if (begun) return WEIR_INTERRUPTED;
    switch (id) {
    case ERR_CONNECT_FAILED:
    case ERR_OUT_OF_RESOURCES:
    case ERR_POOL_FULL:
    case ERR_PROXY_FAILED:
    case ERR_TLS_FAILED:
    case ERR_CONNECTION_LOST: return WEIR_UNREACHABLE;
    case ERR_STREAM_CUT: return WEIR_INTERRUPTED;
    case ERR_UNKNOWN_MODEL:
    case ERR_UNKNOWN_PATH: return WEIR_NOT_FOUND;
    case ERR_PROVIDER_REFUSED: return WEIR_UNAUTHENTICATED;
    case ERR_PROVIDER_LIMITED: return WEIR_RATE_LIMITED;
    case ERR_PROVIDER_ERROR: return code_of_status(status);
    default: return error_get(id)->fault == FAULT_CLIENT ? WEIR_INVALID : WEIR_PROVIDER;
    }
}

/* ---- the result ---- */

typedef struct result {
    weir_result is; /* first: what the caller holds */
    arena arena;
} result;

static const char *keep(arena *a, span s) {
    return arena_dup(a, s).ptr;
}

static const char *keep_or_null(arena *a, span s) {
    return s.len ? keep(a, s) : NULL;
}

static const char *member(arena *a, json_value object, const char *name) {
    json_value v = json_get(object, span_cstr(name));
    return v.type == JSON_STRING ? keep(a, json_string(v, a)) : NULL;
}

/* A failure is JSON that was checked where it came from, or made here. */
static void tell_error(weir_result *r, arena *a, span failure) {
    json_value root, error = {JSON_NONE, SPAN_EMPTY};
    json_fault fault;
    if (json_scan(failure, NULL, &root, &fault)) error = json_get(root, SPAN_OF("error"));
    r->error_message = member(a, error, "message");
    r->error_type = member(a, error, "type");
    r->error_code = member(a, error, "code");
    r->error_param = member(a, error, "param");
    if (!r->error_message) r->error_message = keep(a, SPAN_OF("The call failed."));
}

static double seconds(int64_t us) {
    return us < 0 ? -1 : (double)us / 1e6;
}

static void tell_record(weir_result *r, arena *a, const call_record *record) {
    const token_usage *u = &record->usage;
    r->target = keep_or_null(a, record->target);
    r->finish_reason = keep_or_null(a, record->finish_reason);
    r->provider_request_id = keep_or_null(a, record->provider_request_id);
    r->attempts = record->attempts;
    r->prompt_tokens = u->prompt;
    r->completion_tokens = u->completion;
    r->total_tokens = u->total;
    r->cached_tokens = u->cached;
    r->reasoning_tokens = u->reasoning;
    r->tokens_estimated = u->estimated;
    r->response_seconds = record->total_us < 0 ? 0 : seconds(record->total_us);
    r->first_token_seconds = seconds(record->first_token_us);
}

static void tell_headers(weir_result *r, arena *a, http_headers headers) {
    if (!headers.count) return;
    weir_header *kept = arena_alloc(a, headers.count * sizeof *kept);
    for (size_t i = 0; i < headers.count; i++)
        kept[i] = (weir_header){keep(a, headers.items[i].name), keep(a, headers.items[i].value)};
    r->headers = kept;
    r->header_count = headers.count;
}

weir_result *result_new(const result_facts *f) {
    result *made = mem_zalloc(sizeof *made);
    arena *a = &made->arena;
    weir_result *r = &made->is;
    arena_init(a, 512);
    *r = (weir_result){.code = f->code,
                       .status = f->status,
                       .retry_after_ms = f->retry_after_ms,
                       .prompt_tokens = -1,
                       .completion_tokens = -1,
                       .total_tokens = -1,
                       .cached_tokens = -1,
                       .reasoning_tokens = -1,
                       .first_token_seconds = -1};
    if (f->has_text) {
        r->text = keep(a, f->text);
        r->text_len = f->text.len;
    }
    span body = f->code == WEIR_OK ? f->body : f->failure;
    if (f->has_body || f->code != WEIR_OK) {
        r->body = keep(a, body);
        r->body_len = body.len;
    }
    if (f->code != WEIR_OK) tell_error(r, a, f->failure);
    r->safe_text = f->code == WEIR_OK ? r->text : keep(a, f->sentence);
    if (!r->safe_text) r->safe_text = keep(a, SPAN_EMPTY);
    r->model = keep_or_null(a, f->model);
    r->request_id = keep(a, span_cstr(f->request_id));
    tell_headers(r, a, f->headers);
    if (f->record) tell_record(r, a, f->record);
    return r;
}

void weir_result_free(weir_result *r) {
    if (!r) return;
    result *made = CONTAINER_OF(r, result, is);
    arena_done(&made->arena);
    free(made);
}
