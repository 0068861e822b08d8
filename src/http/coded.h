/* http/coded.h: a body in a content coding, undone in slices: one read of 64 KB may stand for
 * 13 MB, or for nothing at all behind thousands of empty blocks, and a loop must not stand still
 * for either.
 *
 * As much of it is undone in a turn as an uncoded read would bring, and more where that takes no
 * time. The server undoes the bodies of requests with it (server_body.c), the client those of
 * answers (client_coded.c); what is left of a read they keep, each in its own way, until the next
 * turn. Belongs to its loop; what is what in a coding, and its bounds: http/decode.h.
 */
#ifndef WEIR_HTTP_CODED_H
#define WEIR_HTTP_CODED_H

#include "http/decode.h"
#include "loop/loop.h"

typedef struct http_coded http_coded;

typedef enum http_coded_result {
    HTTP_CODED_MORE,   /* the input is used up */
    HTTP_CODED_PIECE,  /* *ret_piece, not empty, lives until the next call */
    HTTP_CODED_ENOUGH, /* for this turn: what is left of the input, which may be nothing, waits */
    HTTP_CODED_DENSE,  /* as in http/decode.h */
    HTTP_CODED_BAD,
} http_coded_result;

/* coding: one that is undone. */
MUST_USE http_coded *http_coded_new(loop *l, http_coding coding);
/* NULL is allowed. */
void http_coded_free(http_coded *c);
/* Takes bytes off the front of *input. Call until it is no HTTP_CODED_PIECE; after ENOUGH, in
 * another turn. After DENSE and BAD nothing else comes. */
MUST_USE http_coded_result http_coded_take(http_coded *c, span *input, span *ret_piece);
/* Whether the body may end here. */
bool http_coded_is_whole(const http_coded *c);

#endif
