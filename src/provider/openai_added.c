/* Whether a provider refuses what weir itself has put into a request. Servers that check their
 * requests strictly name a member that they do not know, each in its own words and its own place: a
 * message, `param`, FastAPI's `loc`, the name of a member, no JSON at all. So the text is searched
 * as text.
 *
 * Some repeat the request too, where it lacks something else ("input": {…}); there the option
 * stands with its value, as weir wrote it. That is no complaint.
 *
 * Others say that there is a member which they do not know, and not which. It may be the client's
 * as well; to ask without weir's own tells, and what is refused costs nothing.
 */
#include "provider/openai.h"

#include <string.h>

/* In any case, and however the two words are joined: stream_options, streamOptions. */
static bool stands_at(span text, size_t at, span first, span second, size_t *ret_end) {
    if (!span_istarts(span_slice(text, at, text.len), first)) return false;
    at += first.len;
    if (at < text.len && (text.ptr[at] == '_' || text.ptr[at] == '-' || text.ptr[at] == ' ')) at++;
    if (!span_istarts(span_slice(text, at, text.len), second)) return false;
    *ret_end = at + second.len;
    return true;
}

/* Behind quotes, also escaped ones, or HTML's, and blanks. */
static span behind_quotes(span rest) {
    for (;;) {
        if (span_starts(rest, SPAN_OF("&quot;")))
            rest = span_slice(rest, 6, rest.len);
        else if (rest.len && rest.ptr[0] && strchr("\"'\\ ", rest.ptr[0]))
            rest = span_slice(rest, 1, rest.len);
        else
            return rest;
    }
}

/* It is the name of a member, quoted, and what weir wrote there follows. */
static bool is_repeated(span text, size_t end, span value) {
    span rest = span_slice(text, end, text.len), behind = behind_quotes(rest);
    if (behind.len == rest.len || !span_starts(behind, SPAN_OF(":"))) return false;
    return span_istarts(behind_quotes(span_slice(behind, 1, behind.len)), value);
}

static bool names_usage_option(span body) {
    for (size_t at = 0; at < body.len; at++) {
        size_t end;
        if (stands_at(body, at, SPAN_OF("stream"), SPAN_OF("options"), &end)) {
            if (!is_repeated(body, end, SPAN_OF("{"))) return true;
        } else if (stands_at(body, at, SPAN_OF("include"), SPAN_OF("usage"), &end)) {
            if (!is_repeated(body, end, SPAN_OF("true"))) return true;
        }
    }
    return false;
}

/* The name that reasoning models have for it is told beside the one that they do not take. */
static bool names_other_bound(span body) {
    for (size_t at = 0; at < body.len; at++)
        if (span_istarts(span_slice(body, at, body.len), SPAN_OF("max_completion_tokens")))
            return true;
    return false;
}

/* But for the request's own, repeated with its number. */
static bool names_temperature(span body) {
    static const span name = SPAN("temperature");
    for (size_t at = 0; at < body.len; at++) {
        if (!span_istarts(span_slice(body, at, body.len), name)) continue;
        const span behind = behind_quotes(span_slice(body, at + name.len, body.len));
        if (!span_starts(behind, SPAN_OF(":"))) return true;
        const span value = behind_quotes(span_slice(behind, 1, behind.len));
        if (!value.len || value.ptr[0] < '0' || value.ptr[0] > '9') return true;
    }
    return false;
}

/* ---- refusals that name nothing ---- */

enum { DEPTH_MAX = 4 };

static bool is_wording(span text) {
    static const span wordings[] = {
        SPAN("Extra inputs are not permitted"), /* pydantic 2 */
        SPAN("extra fields not permitted"),     /* pydantic 1 */
        SPAN("Additional properties are not allowed"),
        SPAN("Unrecognized request argument supplied"),
        SPAN("Unknown parameter"),
        SPAN("Unknown argument"),
        SPAN("Unknown field"),
    };
    text = span_strip(text);
    if (span_ends(text, SPAN_OF("."))) text.len--;
    for (size_t i = 0; i < ARRAY_LEN(wordings); i++)
        if (span_ieq(text, wordings[i])) return true;
    return false;
}

/* The string as it stands: no wording has a character that must be escaped. */
static span inside(json_value string) {
    return span_slice(string.raw, 1, string.raw.len - 1);
}

/* "x", or ["body","x"]: a place within the body. */
static bool is_place(json_value v) {
    json_iter it = json_strings_of(v);
    for (json_value step; json_next_string(&it, &step);)
        if (inside(step).len && !json_is(step, SPAN_OF("body"))) return true;
    return false;
}

static bool complains(json_value v, unsigned depth) {
    static const span places[] = {SPAN("param"), SPAN("loc"), SPAN("field")};
    static const span texts[] = {SPAN("error"), SPAN("errors"), SPAN("detail"), SPAN("message"),
                                 SPAN("msg")};
    json_iter it = json_iter_of(v);
    if (v.type == JSON_STRING) return is_wording(inside(v));
    if (depth == DEPTH_MAX) return false;
    if (v.type == JSON_ARRAY) {
        for (json_value element; json_next_element(&it, &element);)
            if (complains(element, depth + 1)) return true;
        return false;
    }
    for (size_t i = 0; i < ARRAY_LEN(places); i++)
        if (is_place(json_get(v, places[i]))) return false;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (complains(json_get(v, texts[i]), depth + 1)) return true;
    return false;
}

static bool names_no_member(span body) {
    json_value root;
    json_fault fault;
    return json_scan(body, NULL, &root, &fault) ? complains(root, 0) : is_wording(body);
}

unsigned openai_refuses_own(span body, unsigned own) {
    unsigned refused = 0;
    if (own & OWN_USAGE && (names_usage_option(body) || names_no_member(body)))
        refused |= OWN_USAGE;
    if (own & OWN_BOUND_NAME && names_other_bound(body)) refused |= OWN_BOUND_NAME;
    if (own & OWN_TEMPERATURE && names_temperature(body)) refused |= OWN_TEMPERATURE;
    return refused;
}
