/* What an attempt's failure is called, and what of it may be told: no secret. */
#include "call/attempt_internal.h"

#include "call/hint.h"
#include "http/decode.h"

enum { REFUSAL_BYTES_MAX = 256 * 1024 };

/* A word is no word any more where a part of it is missing. */
static span word_without_secrets(const attempt *a, span word) {
    bool whole = !secret_set_found(attempt_secrets(a), word);
    return whole ? arena_dup(a->spec.arena, word) : SPAN_EMPTY;
}

/* ---- refusals ---- */

/* A key's refusal, or its limit, says nothing about the request, whatever it quotes of it. What
 * speaks of the context, or of a failure, names members that do no harm. */
static unsigned refuses_own(const attempt *a, failure_class class, span body) {
    if (class == FAIL_KEY || class == FAIL_LIMIT) return 0;
    const unsigned own = class == FAIL_REQUEST ? a->own : a->own & OWN_USAGE;
    return own ? a->spec.upstream->ops->refuses_own(body, own) : 0;
}

/* A limit of which no header tells when it ends: what the body says. */
static int64_t wait_told(const refusal *said) {
    int64_t ms;
    return duration_read(said->delay, &ms) ? ms : hint_in_text(said->message);
}

void attempt_fail_refused(attempt *a, int status, span body, bool more) {
    refusal said = {0};
    a->status = status;
    more |= body.len > REFUSAL_BYTES_MAX;
    body = span_slice(body, 0, REFUSAL_BYTES_MAX);
    dialect_get(a->dialect)->refuse(status, body, attempt_secrets(a), a->spec.arena, &said);
    failure f = {
        .class = said.class, .error = ERR_PROVIDER_ERROR, .text = said.message, .body = said.body};
    f.cut = said.cut || more;
    f.code = word_without_secrets(a, said.code);
    if (said.class == FAIL_LIMIT && a->hint.after_ms < 0) a->hint.after_ms = wait_told(&said);
    f.unasked = refuses_own(a, said.class, body);
    attempt_fail_with(a, &f);
}

void attempt_take_refusal(attempt *a, span piece) {
    size_t room = REFUSAL_BYTES_MAX - a->body.len;
    if (piece.len <= room)
        buf_add(&a->body, piece);
    else
        attempt_fail_refused(a, a->status, buf_span(&a->body),
                             true); /* what is there says enough */
}

/* What may be shown of a header that no one has looked at. */
static span shown(span value) {
    enum { LONGEST = 40 };
    value = span_clip(value, LONGEST);
    return span_is_utf8(value) ? value : SPAN_OF("?");
}

/* The client of HTTP undoes the codings that it knows. Of an error in another one the status alone
 * says enough. */
bool attempt_is_unreadable(attempt *a, const http_head *head) {
    if (http_coding_of(head->headers) != HTTP_CODING_UNKNOWN) return false;
    span encoding = http_header_list(head->headers, SPAN_OF("content-encoding"), a->spec.arena);
    if (head->status >= 400)
        attempt_fail_refused(a, head->status, SPAN_EMPTY, false);
    else
        attempt_fail(
            a, FAIL_TARGET, ERR_BAD_ENCODING,
            arena_printf(
                a->spec.arena,
                "The provider sent its answer with Content-Encoding: %.*s; of " HTTP_CODINGS
                " one is understood.",
                SPAN_ARG(shown(encoding))));
    return true;
}

/* ---- deadlines and connections ---- */

failure attempt_short(const attempt *a, shortage what, span text) {
    const shortage_row *row = shortage_get(what);
    weir_error e = error_of(row->error);
    e.message = arena_printf(a->spec.arena, "%s (%.*s: %.*s)", error_get(row->error)->sentence,
                             SPAN_ARG(a->spec.upstream->provider->name), SPAN_ARG(text));
    failure f = failure_of(&e);
    f.class = row->everywhere ? FAIL_OUR_SHORTAGE : FAIL_OUR_WAY;
    f.shortage = what;
    f.client_may_retry = false;
    return f;
}

span attempt_unsent_text(const attempt *a, span limit) {
    return arena_printf(a->spec.arena, "nothing could be sent within %.*s", SPAN_ARG(limit));
}

void attempt_fail_short(attempt *a, shortage what, span text) {
    failure f = attempt_short(a, what, text);
    attempt_fail_with(a, &f);
}

void attempt_fail_late(attempt *a, error_id error, const char *what, config_timeout which) {
    const config_target *t = a->spec.entry;
    span limit = config_timeout_text(attempt_config(a), t->of, t->provider, which, a->spec.arena);
    shortage lacks = attempt_get_times(a).lacks;
    if (lacks) {
        attempt_fail_short(a, lacks, attempt_unsent_text(a, limit));
        return;
    }
    attempt_fail(a, FAIL_SILENT, error,
                 arena_printf(a->spec.arena, "No %s came from %.*s within %.*s.", what,
                              SPAN_ARG(t->provider->name), SPAN_ARG(limit)));
}

/* What a failure of the HTTP client means, by its kind, and which deadline it is; TIMEOUT_TOTAL,
 * which the client does not know: none. */
static const struct {
    failure_class class;
    error_id error;
    config_timeout timeout;
} http_failures[] = {
    [HTTP_FAIL_CONNECT] = {FAIL_CONNECTION, ERR_CONNECT_FAILED, TIMEOUT_TOTAL},
    [HTTP_FAIL_TLS] = {FAIL_TLS, ERR_TLS_FAILED, TIMEOUT_TOTAL},
    [HTTP_FAIL_CONNECT_TIMEOUT] = {FAIL_SILENT, ERR_CONNECT_TIMEOUT, TIMEOUT_CONNECT},
    [HTTP_FAIL_FIRST_BYTE_TIMEOUT] = {FAIL_SILENT, ERR_FIRST_BYTE_TIMEOUT, TIMEOUT_FIRST_BYTE},
    [HTTP_FAIL_IDLE_TIMEOUT] = {FAIL_SILENT, ERR_BETWEEN_EVENTS_TIMEOUT, TIMEOUT_BETWEEN_EVENTS},
    [HTTP_FAIL_RESET] = {FAIL_CONNECTION, ERR_CONNECTION_LOST, TIMEOUT_TOTAL},
    [HTTP_FAIL_CUT] = {FAIL_CONNECTION, ERR_CONNECTION_LOST, TIMEOUT_TOTAL},
    [HTTP_FAIL_MALFORMED] = {FAIL_MALFORMED, ERR_BAD_ANSWER, TIMEOUT_TOTAL},
    [HTTP_FAIL_DENSE] = {FAIL_OUR_LIMIT, ERR_ANSWER_TOO_LARGE, TIMEOUT_TOTAL},
    [HTTP_FAIL_LARGE_HEAD] = {FAIL_OUR_LIMIT, ERR_ANSWER_TOO_LARGE, TIMEOUT_TOTAL},
    [HTTP_FAIL_UNSENDABLE] = {FAIL_TARGET, ERR_INTERNAL, TIMEOUT_TOTAL},
};

/* ", as providers.local.timeouts.first_byte says"; empty where it is no deadline. */
static span whose_word(const attempt *a, config_timeout which) {
    const config_target *t = a->spec.entry;
    if (which == TIMEOUT_TOTAL) return SPAN_EMPTY;
    span name = config_timeout_name(t->of, t->provider, which, a->spec.arena);
    return arena_printf(a->spec.arena, ", as %.*s says", SPAN_ARG(name));
}

void attempt_fail_http(attempt *a, const http_fail *http) {
    if (http->kind == HTTP_FAIL_SHORT) {
        attempt_fail_short(a, http->shortage, span_cstr(http->text));
        return;
    }
    error_id error = http_failures[http->kind].error;
    bool streams = a->state == ANSWER && a->reader->kind == ANSWER_STREAM;
    if (streams && http->kind == HTTP_FAIL_CUT) error = ERR_STREAM_CUT;
    span whose = whose_word(a, http_failures[http->kind].timeout);
    span why = secret_set_without(attempt_secrets(a), span_cstr(http->text), a->spec.arena);
    span text =
        arena_printf(a->spec.arena, "%s (%.*s: %.*s%.*s)", error_get(error)->sentence,
                     SPAN_ARG(a->spec.upstream->provider->name), SPAN_ARG(why), SPAN_ARG(whose));
    attempt_fail(a, http_failures[http->kind].class, error, text);
}
