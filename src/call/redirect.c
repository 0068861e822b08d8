#include "call/redirect.h"

#include "http/chars.h"

enum { SHOWN_BYTES_MAX = 100 };

/* "https://host:port" or "//host" at the front; empty where there is none that may be shown. */
static span place_of(span location) {
    size_t slashes = span_find_span(location, 0, SPAN_OF("//"));
    span scheme = span_slice(location, 0, slashes);
    if (scheme.len && !span_ieq(scheme, SPAN_OF("http:")) && !span_ieq(scheme, SPAN_OF("https:")))
        return SPAN_EMPTY;
    size_t from = slashes + 2, end = from;
    while (end < location.len && location.ptr[end] != '/' && location.ptr[end] != '?' &&
           location.ptr[end] != '#')
        end++;
    span place = span_slice(location, 0, end);
    bool shown = place.len <= SHOWN_BYTES_MAX && http_is_authority(span_slice(location, from, end));
    return shown ? place : SPAN_EMPTY;
}

span redirect_text(span provider, int status, span location, arena *a) {
    span place = place_of(location);
    if (place.len)
        return arena_printf(a,
                            "The url of provider %.*s redirects to %.*s (status %d). weir follows "
                            "no redirects; the configuration must name the place itself.",
                            SPAN_ARG(provider), SPAN_ARG(place), status);
    if (location.len)
        return arena_printf(a,
                            "The url of provider %.*s redirects elsewhere (status %d). weir "
                            "follows no redirects; the configuration must name the place itself.",
                            SPAN_ARG(provider), status);
    return arena_printf(a,
                        "The url of provider %.*s is answered with status %d, which is none of "
                        "a model API's.",
                        SPAN_ARG(provider), status);
}
