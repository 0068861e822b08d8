/* http/chunked.h: the strict reader of the chunked transfer coding. Pure; allocates nothing.
 *
 * Narrower than RFC 9112 section 7.1 where readers are known to differ: a chunk size is 1 to 16 hex
 * digits and nothing else (no sign, prefix or blank); extensions follow the grammar without blanks
 * or escapes and are bounded, each chunk's and all of a message's; lines end in CRLF; trailers are
 * well-formed header lines, bounded, and dropped.
 */
#ifndef WEIR_HTTP_CHUNKED_H
#define WEIR_HTTP_CHUNKED_H

#include "base/span.h"

typedef struct http_chunked_limits {
    size_t ext_bytes;       /* extensions of one chunk */
    size_t ext_total_bytes; /* extensions of all chunks */
    size_t trailer_bytes;
} http_chunked_limits;

typedef struct http_chunked {
    uint64_t left; /* of the current chunk; the size while it is read */
    size_t ext;
    size_t ext_total;
    size_t trailer;
    unsigned char state;
    unsigned char digits;
} http_chunked;

typedef enum http_chunked_result {
    HTTP_CHUNKED_MORE, /* the input is used up */
    HTTP_CHUNKED_DATA, /* *ret_piece: body bytes, borrowed from the input */
    HTTP_CHUNKED_END,  /* the message is complete; the input begins with what follows it */
    HTTP_CHUNKED_BAD,  /* *ret_why */
} http_chunked_result;

void http_chunked_init(http_chunked *c);
/* Takes bytes off the front of *input. Call until it does not return HTTP_CHUNKED_DATA. */
MUST_USE http_chunked_result http_chunked_read(http_chunked *c, const http_chunked_limits *limits,
                                               span *input, span *ret_piece, const char **ret_why);

#endif
