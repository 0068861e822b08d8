/* Whether a provider refuses what weir has added to a request. Servers that check their requests
 * strictly name a member that they do not know, each in its own words and its own place: a message,
 * `param`, FastAPI's `loc`, the name of a member, no JSON at all. So the text is searched as text.
 *
 * Some repeat the request too, where it lacks something else ("input": {…}); there the option
 * stands with its value, as weir wrote it. That is no complaint.
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

bool openai_names_usage_option(span body) {
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
