/* http/message.h: what both directions of HTTP share: header fields, methods, a message head.
 *
 * Source   RFC 9110, RFC 9112.
 */
#ifndef WEIR_HTTP_MESSAGE_H
#define WEIR_HTTP_MESSAGE_H

#include "base/arena.h"

typedef struct http_header {
    span name;
    span value; /* without the blanks around it */
} http_header;

typedef struct http_headers {
    const http_header *items;
    size_t count;
} http_headers;

/* What the spans of a head point into, taken from whoever had it; zeroed: nothing. */
typedef struct http_head_memory {
    void *bytes, *fields;
} http_head_memory;
void http_head_memory_free(http_head_memory *m);

/* The first field of that name (without case); an empty span with ptr NULL when there is none. */
span http_header_get(http_headers h, span name);
/* All fields of that name as the one list that they are (RFC 9110 section 5.3): where there are
 * several, joined in the arena. An empty span with ptr NULL when there is none. */
span http_header_list(http_headers h, span name, arena *a);
/* How many fields have that name. */
size_t http_header_count(http_headers h, span name);
/* What a message's Connection fields name: fields that end at this hop beside those that always do
 * (RFC 9110 section 7.6.1). Taken once, as each of its fields is looked up there. */
enum { HTTP_HOPS_MAX = 32 };
typedef struct http_hops {
    span names[HTTP_HOPS_MAX];
    size_t count;
    bool many; /* more, as the codec lets no message have: each field is taken for one of them */
} http_hops;
/* The names are borrowed from h. */
void http_hops_of(http_headers h, http_hops *ret);
/* true for fields that end at one hop or are the proxy's own: Connection and what it names,
 * Keep-Alive, Proxy-*, TE, Trailer, Transfer-Encoding, Upgrade. */
bool http_header_is_hop(span name, const http_hops *named);
/* Names in lower case by their lengths: http_names of[] with a row for each length up to the
 * longest, NULL where there is none of it. Each field of a message is looked up in such lists, and
 * most have few names of its length, or none. */
typedef const span *http_names; /* of one length; the last is empty */
#define HTTP_NAMES(...) ((const span[]){__VA_ARGS__, {NULL, 0}})
static inline bool http_names_have(const http_names *of, size_t lengths, span name) {
    if (name.len >= lengths || !of[name.len]) return false;
    for (http_names n = of[name.len]; n->len; n++)
        if (span_ieq(name, *n)) return true;
    return false;
}
/* Field names and values that weir itself writes: no control bytes, no empty name. */
bool http_header_is_safe(span name, span value);

const char *http_status_text(int status); /* "Not Found"; "" when unknown */

#endif
