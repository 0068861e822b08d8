/* Why a provider refused, in OpenAI's words and those of its look-alikes. */
#include "dialect/openai.h"

static bool mentions(span text, span needle) {
    for (size_t i = 0; i + needle.len <= text.len; i++)
        if (span_ieq(span_slice(text, i, i + needle.len), needle)) return true;
    return false;
}

static bool mentions_any(span text, const span *needles, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (mentions(text, needles[i])) return true;
    return false;
}

failure_class openai_classify(int status, span code, span type, span message) {
    static const span too_long[] = {SPAN("context length"), SPAN("context window"),
                                    SPAN("prompt is too long"), SPAN("context_length"),
                                    SPAN("exceeds the available context size")};
    if (span_eq(code, SPAN_OF("context_length_exceeded"))) return FAIL_CONTEXT_LENGTH;
    if (span_eq(code, SPAN_OF("content_policy_violation")) ||
        span_eq(code, SPAN_OF("content_filter")) || span_eq(code, SPAN_OF("moderation_blocked")))
        return FAIL_CONTENT_POLICY;
    if (span_eq(code, SPAN_OF("insufficient_quota")) ||
        span_eq(type, SPAN_OF("insufficient_quota")))
        return FAIL_KEY;
    switch (status) {
    case 408:
    case 409: return FAIL_OVERLOAD;
    case 429: return FAIL_LIMIT;
    case 401:
    case 402:
    case 403: return FAIL_KEY;
    case 404: return FAIL_TARGET;
    case 400:
    case 413:
    case 422:
        return mentions_any(message, too_long, ARRAY_LEN(too_long)) ? FAIL_CONTEXT_LENGTH
                                                                    : FAIL_REQUEST;
    default: break;
    }
    if (status >= 500) return FAIL_OVERLOAD;
    if (status >= 400) return FAIL_REQUEST;
    return FAIL_TARGET; /* a redirect: the configured address is wrong */
}

/* Text that a person can read in one line: no control bytes, no markup soup, bounded. */
static span readable(span text, arena *a) {
    enum { LONGEST = 200 };
    char *out = arena_alloc(a, LONGEST + 1); /* with the byte that tells where a cut may fall */
    size_t n = 0;
    bool in_tag = false, blank = true;
    for (size_t i = 0; i < text.len && n <= LONGEST; i++) {
        char c = text.ptr[i];
        if (c == '<') in_tag = true;
        if (!in_tag && (unsigned char)c > ' ' && c != 0x7f) {
            out[n++] = c;
            blank = false;
        } else if (!blank) {
            out[n++] = ' ';
            blank = true;
        }
        if (c == '>') in_tag = false;
    }
    span result = span_trim(span_clip(span_from(out, n), LONGEST));
    return span_is_utf8(result) ? result : SPAN_EMPTY;
}

static span redacted(span text, const secret *key, arena *a) {
    buf copy = BUF_EMPTY;
    buf_add(&copy, text);
    secret_redact(key, &copy);
    span result = arena_dup(a, buf_span(&copy));
    buf_done(&copy);
    return result;
}

/* {"error":{message,type,param,code}} for a provider that answered in another shape. */
static span shaped(int status, span message, span type, span code, arena *a) {
    buf out = BUF_EMPTY;
    json_writer w = json_writer_of(&out);
    json_open_object(&w);
    json_key(&w, "error");
    json_open_object(&w);
    json_key(&w, "message");
    json_put_string(&w, message);
    json_key(&w, "type");
    if (type.len)
        json_put_string(&w, type);
    else
        json_put_string(&w,
                        status >= 500 ? SPAN_OF("server_error") : SPAN_OF("invalid_request_error"));
    json_key(&w, "param");
    json_put_null(&w);
    json_key(&w, "code");
    json_put_string(&w, code.len ? code : SPAN_OF("provider_error"));
    json_close_object(&w);
    json_close_object(&w);
    span result = arena_dup(a, buf_span(&out));
    buf_done(&out);
    return result;
}

static span text_of(json_value v, arena *a) {
    return v.type == JSON_STRING ? json_string(v, a) : SPAN_EMPTY;
}

void openai_refuse(int status, span body, const secret *key, arena *a, refusal *ret) {
    json_value root = {JSON_NONE, SPAN_EMPTY};
    json_fault fault;
    span message = SPAN_EMPTY, type = SPAN_EMPTY, code = SPAN_EMPTY;
    bool openai_shape = false;
    if (json_scan(body, NULL, &root, &fault) && root.type == JSON_OBJECT) {
        json_value error = json_get(root, SPAN_OF("error"));
        if (error.type == JSON_OBJECT) {
            message = text_of(json_get(error, SPAN_OF("message")), a);
            type = text_of(json_get(error, SPAN_OF("type")), a);
            code = text_of(json_get(error, SPAN_OF("code")), a);
            openai_shape = true;
        } else {
            /* `{"error":"…"}`, `{"message":"…"}`, `{"detail":"…"}`: seen at look-alikes. */
            message = text_of(error, a);
            if (!message.len) message = text_of(json_get(root, SPAN_OF("message")), a);
            if (!message.len) message = text_of(json_get(root, SPAN_OF("detail")), a);
            type = text_of(json_get(root, SPAN_OF("type")), a);
            code = text_of(json_get(root, SPAN_OF("code")), a); /* an event of /v1/responses */
        }
    }
    ret->class = openai_classify(status, code, type, message);
    ret->code = code;
    if (openai_shape) {
        ret->body = redacted(body, key, a);
        ret->message = redacted(message, key, a);
        return;
    }
    if (!message.len) message = readable(redacted(body, key, a), a); /* before it is cut */
    if (message.len)
        message = arena_printf(a, "The provider answered with status %d: %.*s", status,
                               SPAN_ARG(message));
    else
        message =
            arena_printf(a, "The provider answered with status %d and no explanation.", status);
    ret->message = redacted(message, key, a);
    ret->body = redacted(shaped(status, ret->message, type, code, a), key, a);
}
