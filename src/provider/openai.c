/* OpenAI and everything that speaks as it does: Azure deployments, vLLM, Ollama, llama.cpp … */
#include "provider/openai.h"

#include "base/hash.h"
#include "dialect/dialect_ops.h"
#include "http/plain_path.h"
#include "http/query.h"

#include <string.h>

/* Only what is unreserved in RFC 3986 stays; a model's name must not add path segments. */
static void add_escaped(buf *out, span s) {
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            memchr("-._~", c, 4)) {
            buf_add_char(out, (char)c);
        } else {
            buf_add_char(out, '%');
            buf_add_char(out, hex[c >> 4]);
            buf_add_char(out, hex[c & 15]);
        }
    }
}

/* The client's query without what the configuration, or weir, says: which version of an API the
 * provider is asked in, and which model where that is known. Some read that in the query first. */
static void add_query(buf *out, const request_facts *f, char mark) {
    span query = f->query;
    for (span parameter; http_query_next(&query, &parameter);) {
        if (!parameter.len || http_query_is_named(parameter, SPAN_OF("api-version"))) continue;
        if (f->model_name.len && http_query_is_named(parameter, SPAN_OF("model"))) continue;
        buf_add_char(out, mark);
        buf_add(out, parameter);
        mark = '&';
    }
}

/* Azure's older form names the deployment in the path:
 * /openai/deployments/{name}/chat/completions?api-version=…
 * but for what stands beside the deployments: /openai/responses?api-version=…, whose body names it,
 * or which needs none. Its newer form, /openai/v1, is OpenAI's.
 * Source: openai-python, lib/azure.py. */
static bool is_deployed(span path) {
    static const span paths[] = {SPAN("/chat/completions"),   SPAN("/completions"),
                                 SPAN("/embeddings"),         SPAN("/audio/transcriptions"),
                                 SPAN("/audio/translations"), SPAN("/audio/speech"),
                                 SPAN("/images/generations"), SPAN("/images/edits")};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        if (span_eq(path, paths[i])) return true;
    return false;
}

/* Where the configured URL names a deployment; its length where it does not. */
static size_t names_deployment(const config_provider *p) {
    return span_find_span(p->url.path, 0, SPAN_OF("/deployments/"));
}

static bool is_azures_older(const config_provider *p) {
    return p->api_version.len && !span_ends(p->url.path, SPAN_OF("/v1"));
}

/* Empty: the path names none, or the configured URL does. */
static span deployment_of(const provider_ask *ask) {
    const config_provider *p = ask->provider;
    if (!is_azures_older(p) || !is_deployed(ask->facts->path)) return SPAN_EMPTY;
    if (names_deployment(p) < p->url.path.len) return SPAN_EMPTY;
    return ask->model.len ? ask->model : ask->facts->model_name;
}

static void add_azures_base(const provider_ask *ask, span deployment, buf *out) {
    const config_provider *p = ask->provider;
    const span base = p->url.path;
    const size_t names = names_deployment(p);
    const bool beside = !is_deployed(ask->facts->path);
    buf_add(out, beside ? span_slice(base, 0, names) : base);
    if ((deployment.len || beside) && names == base.len && !span_ends(base, SPAN_OF("/openai")))
        buf_add_cstr(out, "/openai");
    if (!deployment.len) return;
    buf_add_cstr(out, "/deployments/");
    add_escaped(out, deployment);
}

/* No escape keeps "..", or what hides it, from being resolved by somebody on the way: such a name
 * would lead to another path, with weir's key. */
static bool can_be_named(span deployment) {
    buf escaped = BUF_EMPTY;
    add_escaped(&escaped, deployment);
    bool can = http_path_is_plain(buf_span(&escaped));
    buf_done(&escaped);
    return can;
}

static span request_path(const provider_ask *ask) {
    const config_provider *p = ask->provider;
    const request_facts *f = ask->facts;
    span deployment = deployment_of(ask);
    if (!p->api_version.len && !f->query.len) {
        const span parts[] = {p->url.path, f->path};
        return arena_join(ask->arena, parts, ARRAY_LEN(parts));
    }
    buf out = BUF_EMPTY;
    if (is_azures_older(p))
        add_azures_base(ask, deployment, &out);
    else
        buf_add(&out, p->url.path);
    buf_add(&out, f->path);
    char mark = '?';
    if (p->api_version.len) {
        buf_add_cstr(&out, "?api-version=");
        add_escaped(&out, p->api_version);
        mark = '&';
    }
    add_query(&out, f, mark);
    span path = arena_dup(ask->arena, buf_span(&out));
    buf_done(&out);
    return path;
}

/* weir hands on a trace of its own, or of the client's with a span of its own. */
static bool is_of_trace(span name) {
    return span_ieq(name, SPAN_OF("traceparent")) || span_ieq(name, SPAN_OF("tracestate"));
}

static size_t add_trace(const provider_ask *ask, http_header *h, size_t n) {
    if (!ask->traceparent.len) return n;
    if (http_header_get((http_headers){h, n}, SPAN_OF("traceparent")).ptr)
        return n; /* configured */
    h[n++] = (http_header){SPAN_OF("traceparent"), ask->traceparent};
    if (ask->tracestate.len) h[n++] = (http_header){SPAN_OF("tracestate"), ask->tracestate};
    return n;
}

/* In the place of a client's field of that name, and of weir's own. */
static bool is_configured(const config_provider *p, span name) {
    for (size_t i = 0; i < p->header_count; i++)
        if (span_ieq(name, p->headers[i].name)) return true;
    return false;
}

static http_headers request_headers(const provider_ask *ask) {
    const config_provider *p = ask->provider;
    const request_facts *f = ask->facts;
    const secret *key = credential_key(ask->credential);
    http_hops named;
    http_hops_of(f->headers, &named);
    size_t most = f->headers.count + p->header_count + 8;
    http_header *h = arena_alloc(ask->arena, most * sizeof *h);
    size_t n = 0;
    bool content_type = false, accept = false;
    for (size_t i = 0; i < f->headers.count; i++) {
        http_header in = f->headers.items[i];
        if (!provider_header_out(in.name, &named)) continue;
        if (ask->traceparent.len && is_of_trace(in.name)) continue;
        if (is_configured(p, in.name)) continue;
        content_type |= span_ieq(in.name, SPAN_OF("content-type"));
        accept |= span_ieq(in.name, SPAN_OF("accept"));
        h[n++] = in;
    }
    for (size_t j = 0; j < p->header_count; j++) {
        content_type |= span_ieq(p->headers[j].name, SPAN_OF("content-type"));
        accept |= span_ieq(p->headers[j].name, SPAN_OF("accept"));
        h[n++] = (http_header){p->headers[j].name, p->headers[j].value};
    }
    n = add_trace(ask, h, n);
    if (f->client_request_id.len &&
        !http_header_get((http_headers){h, n}, SPAN_OF("x-client-request-id")).ptr)
        h[n++] = (http_header){SPAN_OF("x-client-request-id"), f->client_request_id};
    if (!content_type && f->body.len)
        h[n++] = (http_header){SPAN_OF("content-type"), SPAN_OF("application/json")};
    if (!accept)
        h[n++] = (http_header){SPAN_OF("accept"), f->stream ? SPAN_OF("text/event-stream")
                                                            : SPAN_OF("application/json")};
    h[n++] = (http_header){SPAN_OF("accept-encoding"), SPAN_OF("identity")};
    if (!is_configured(p, SPAN_OF("user-agent")))
        h[n++] = (http_header){SPAN_OF("user-agent"), SPAN_OF("weir")};
    if (key && p->auth == AUTH_API_KEY && !is_configured(p, SPAN_OF("api-key")))
        h[n++] = (http_header){SPAN_OF("api-key"), secret_reveal(key)};
    if (key && p->auth == AUTH_BEARER && !is_configured(p, SPAN_OF("authorization")))
        h[n++] = (http_header){SPAN_OF("authorization"), secret_reveal_bearer(key)};
    return (http_headers){h, n};
}

/* As its clients ask. */
static dialect speaks(endpoint e) {
    return endpoint_get(e)->dialect;
}

/* Where a stream has a usage chunk weir needs it; a client that says yes or no is heard. */
static bool wants_usage(const provider_ask *ask) {
    const request_facts *f = ask->facts;
    if (!f->stream || ask->without & OWN_USAGE) return false;
    if (ask->provider->stream_usage == STREAM_USAGE_NEVER) return false;
    if (!dialect_get(speaks(f->endpoint))->usage_chunk) return false;
    json_type said = f->include_usage.type;
    return said == JSON_NONE || said == JSON_NULL;
}

static bool ask_usage(json_splice *s, const request_facts *f) {
    json_value options = f->stream_options;
    if (options.type == JSON_NONE)
        return json_splice_member(s, f->body, f->root, SPAN_OF("stream_options"),
                                  SPAN_OF("{\"include_usage\":true}"));
    if (options.type == JSON_NULL)
        return json_splice_value(s, f->body, options, SPAN_OF("{\"include_usage\":true}"));
    if (f->include_usage.type == JSON_NONE)
        return json_splice_member(s, f->body, options, SPAN_OF("include_usage"), SPAN_OF("true"));
    return json_splice_value(s, f->body, f->include_usage, SPAN_OF("true"));
}

static bool body_names_model(const request_facts *f) {
    return f->form ? f->form->model.raw.ptr != NULL : f->model.type == JSON_STRING;
}

static bool body_names(const request_facts *f, span model) {
    return f->form ? body_names_model(f) && span_eq(f->form->model.text, model)
                   : json_is(f->model, model);
}

/* The model as the body is to name it; empty: as it does. One whose path names the model, which its
 * provider never sees, is told of it here. */
static span model_to_name(const provider_ask *ask) {
    const request_facts *f = ask->facts;
    if (f->path_named) {
        span wanted = ask->model.len ? ask->model : f->model_name;
        return body_names(f, wanted) ? SPAN_EMPTY : wanted;
    }
    bool same = !body_names_model(f) || span_eq(ask->model, f->model_name);
    return same ? SPAN_EMPTY : ask->model;
}

/* false: a part of a form cannot hold that name. */
static bool name_model_in_form(json_splice *s, const provider_ask *ask) {
    const request_form *f = ask->facts->form;
    const span wanted = model_to_name(ask), raw = f->model.raw;
    if (!wanted.len) return true;
    if (!http_form_takes(&f->frame, wanted)) return false;
    buf text = BUF_EMPTY;
    if (raw.ptr)
        http_form_put_value(&f->frame, wanted, &text);
    else
        http_form_put_field(&f->frame, SPAN_OF("model"), wanted, &text);
    const span by = arena_dup(ask->arena, buf_span(&text));
    buf_done(&text);
    const size_t from = raw.ptr ? (size_t)(raw.ptr - ask->facts->body.ptr) : f->frame.begins;
    return json_splice_add(s, from, from + raw.len, by);
}

static bool name_model(json_splice *s, const provider_ask *ask) {
    const request_facts *f = ask->facts;
    span wanted = model_to_name(ask);
    if (!wanted.len) return true;
    buf quoted = BUF_EMPTY;
    json_write_string(&quoted, wanted);
    span value = arena_dup(ask->arena, buf_span(&quoted));
    buf_done(&quoted);
    if (f->model.type == JSON_NONE)
        return json_splice_member(s, f->body, f->root, SPAN_OF("model"), value);
    return json_splice_value(s, f->body, f->model, value);
}

/* Of two bounds: the value of the one that is known there, where that says nothing (null), and of
 * the other what it says. They change places. NONE: it is not so. */
typedef struct bound_swap {
    json_value empty, said;
} bound_swap;

/* Where the provider's option leaves the name to who sends, that may be weir itself. */
static config_max_tokens bound_name(const provider_ask *ask) {
    const config_max_tokens said = ask->provider->max_tokens;
    const bool refused = ask->facts->own & ask->without & OWN_BOUND_NAME;
    return said == MAX_TOKENS_AS_SENT && refused ? MAX_TOKENS_NEW : said;
}

/* A chat completion's bound under the name that is known there. Who says something by both has his
 * reasons. */
static bool name_bound(json_splice *s, const provider_ask *ask, bound_swap *ret_swap) {
    static const span old_name = SPAN("max_tokens"), new_name = SPAN("max_completion_tokens");
    const request_facts *f = ask->facts;
    const config_max_tokens wanted = bound_name(ask);
    if (wanted == MAX_TOKENS_AS_SENT || f->endpoint != EP_CHAT_COMPLETIONS) return true;
    const request_bounds found = request_bounds_of(f);
    bool old = wanted == MAX_TOKENS_OLD;
    json_value there = old ? found.max_tokens : found.max_completion_tokens;
    json_value other = old ? found.max_completion_tokens : found.max_tokens;
    if (other.type == JSON_NONE) return true;
    if (there.type == JSON_NONE)
        return json_splice_value(s, f->body, other,
                                 old ? SPAN_OF("\"max_tokens\"")
                                     : SPAN_OF("\"max_completion_tokens\""));
    const json_value empty = json_get(f->root, old ? old_name : new_name);
    const json_value said = json_get(f->root, old ? new_name : old_name);
    if (empty.type != JSON_NULL) return true;
    ret_swap->empty = empty;
    if (said.type != JSON_NULL) ret_swap->said = said;
    return true;
}

/* Where the body says nothing of it: a chat completion and a response may then be of any length. */
static bool add_bound(json_splice *s, const provider_ask *ask, span most) {
    const request_facts *f = ask->facts;
    if (f->endpoint == EP_RESPONSES)
        return json_splice_member(s, f->body, f->root, SPAN_OF("max_output_tokens"), most);
    if (f->endpoint != EP_CHAT_COMPLETIONS) return true;
    const bool old = bound_name(ask) == MAX_TOKENS_OLD;
    return json_splice_member(s, f->body, f->root,
                              old ? SPAN_OF("max_tokens") : SPAN_OF("max_completion_tokens"), most);
}

static bool is_value(json_value a, json_value b) {
    return a.type != JSON_NONE && a.raw.ptr == b.raw.ptr;
}

/* What a bound becomes by the swap and the cap; its own bytes: it stays. */
static json_value bound_to_say(const request_facts *f, json_value own, const bound_swap *swap,
                               span most) {
    const bool swaps = swap->said.type != JSON_NONE;
    const json_value says = swaps && is_value(swap->empty, own)  ? swap->said
                            : swaps && is_value(swap->said, own) ? swap->empty
                                                                 : own;
    const bool beyond = most.len && request_bound_says(says, f->cap_tokens) == BOUND_BEYOND;
    return beyond ? (json_value){JSON_NUMBER, most} : says;
}

/* Every bound that is beyond the cap becomes the cap. */
static bool cap_bound(json_splice *s, const provider_ask *ask, const bound_swap *swap) {
    const request_facts *f = ask->facts;
    if (!f->cap_tokens && swap->said.type == JSON_NONE) return true;
    const span most = f->cap_tokens ? arena_u64(ask->arena, (uint64_t)f->cap_tokens) : SPAN_EMPTY;
    json_value empty = {0};
    bool said = false;
    json_iter it = json_iter_of(f->root);
    for (json_member m; json_next_member(&it, &m);) {
        if (!request_bounds_answer(json_member_name(&m))) continue;
        const json_value says = bound_to_say(f, m.value, swap, most);
        if (says.type != JSON_NUMBER && !is_value(swap->empty, empty)) empty = m.value;
        said |= says.type == JSON_NUMBER;
        if (!is_value(says, m.value) && !json_splice_value(s, f->body, m.value, says.raw))
            return false;
    }
    if (said || !most.len) return true;
    return empty.type == JSON_NONE ? add_bound(s, ask, most)
                                   : json_splice_value(s, f->body, empty, most);
}

/* With the comma before it: a form of weir's own has it behind other members. */
static bool drop_temperature(json_splice *s, const provider_ask *ask) {
    const request_facts *f = ask->facts;
    if (!(f->own & ask->without & OWN_TEMPERATURE)) return true;
    const char *from = NULL;
    json_iter it = json_iter_of(f->root);
    for (json_member m; json_next_member(&it, &m);) {
        const char *to = m.value.raw.ptr + m.value.raw.len;
        if (from && span_eq(m.key, SPAN_OF("temperature")))
            return json_splice_add(s, (size_t)(from - f->body.ptr), (size_t)(to - f->body.ptr),
                                   SPAN_EMPTY);
        from = to;
    }
    return true;
}

static unsigned own_of(const provider_ask *ask, bool adds_usage) {
    const bool names = ask->provider->max_tokens == MAX_TOKENS_AS_SENT;
    const unsigned has = ask->facts->own & (names ? ~0u : ~(unsigned)OWN_BOUND_NAME);
    return (has | (adds_usage ? OWN_USAGE : 0)) & ~ask->without;
}

/* where: "of a deployment". */
static bool refuse_name(const provider_ask *ask, span model, const char *where,
                        weir_error *ret_error) {
    *ret_error = error_of(ERR_UNKNOWN_MODEL);
    ret_error->message = arena_printf(ask->arena, "The model '%.*s' is no name %s.",
                                      SPAN_ARG(span_clip(model, 100)), where);
    return false;
}

static bool build(const provider_ask *ask, provider_request *ret, weir_error *ret_error) {
    const request_facts *f = ask->facts;
    span deployment = deployment_of(ask);
    if (!can_be_named(deployment))
        return refuse_name(ask, deployment, "of a deployment", ret_error);
    json_splice splice;
    json_splice_init(&splice, ask->arena);
    if (f->form && !name_model_in_form(&splice, ask))
        return refuse_name(ask, model_to_name(ask), "that a form can hold", ret_error);
    bool changes = f->root.type == JSON_OBJECT, adds_usage = changes && wants_usage(ask);
    bound_swap swap = {{JSON_NONE, SPAN_EMPTY}, {JSON_NONE, SPAN_EMPTY}};
    if ((changes && !(name_model(&splice, ask) && name_bound(&splice, ask, &swap) &&
                      cap_bound(&splice, ask, &swap) && drop_temperature(&splice, ask))) ||
        (adds_usage && !ask_usage(&splice, f))) {
        *ret_error = error_of(ERR_INTERNAL);
        return false;
    }
    ret->own = own_of(ask, adds_usage);
    ret->method = f->method;
    ret->path = request_path(ask);
    ret->headers = request_headers(ask);
    ret->pieces = json_splice_pieces(&splice, f->body, &ret->piece_count);
    return true;
}

const provider_ops provider_openai = {
    .build = build, .speaks = speaks, .refuses_own = openai_refuses_own};
