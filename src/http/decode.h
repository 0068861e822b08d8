/* http/decode.h: undoes the content codings of HTTP bodies: gzip, deflate, br, zstd.
 *
 * Pure: bytes in, bytes out, as they come: what a sender flushed can be read at once. The server
 * undoes those of requests with it, the client those of answers; it is made at the first body that
 * is coded, and costs others nothing. Not thread-safe.
 *
 * One coding a body. A second one around the first is legal and sent by nobody but those who want
 * to see what happens; it is told as unknown, like one that is not in the table.
 *
 * Bounds: a piece is at most 16 KB; what is remembered is zlib's 32 KB, at most 8 MB for zstd (a
 * frame that wants more is refused, as RFC 9659 asks) and 16 MB for br, whose windows are no
 * larger. A body may become HTTP_DECODE_RATIO times as large beyond its first HTTP_DECODE_SLACK
 * bytes: who packs more densely packs nothing that is worth its reader's time. How large it may
 * become in all is the caller's to say.
 *
 * Source   RFC 9110 section 8.4.1; RFC 1950 to 1952 (zlib, deflate, gzip), RFC 7932 (br), RFC 8878
 *          and 9659 (zstd). The ratio is that of Apache's DeflateInflateRatioLimit.
 */
#ifndef WEIR_HTTP_DECODE_H
#define WEIR_HTTP_DECODE_H

#include "http/message.h"

typedef enum http_coding {
    HTTP_CODING_NONE, /* or `identity` */
    HTTP_CODING_GZIP, /* or `x-gzip`; of several members, too */
    /* In zlib's wrapping as it should be, or without, as some send it. */
    HTTP_CODING_DEFLATE,
    HTTP_CODING_BR,
    HTTP_CODING_ZSTD,    /* of several frames, too; none of its forms before version 0.8 */
    HTTP_CODING_UNKNOWN, /* another one, or several */
} http_coding;

/* Those that are undone, as Accept-Encoding lists them. */
#define HTTP_CODINGS "gzip, deflate, br, zstd"

enum { HTTP_DECODE_RATIO = 200, HTTP_DECODE_SLACK = 8 * 1024 * 1024 };

/* By all Content-Encoding fields of a message. */
http_coding http_coding_of(http_headers headers);
const char *http_coding_name(http_coding coding);

typedef struct http_decoder http_decoder;

typedef enum http_decode_result {
    HTTP_DECODE_MORE,  /* the input is used up */
    HTTP_DECODE_PIECE, /* *ret_piece, not empty, lives until the next call */
    HTTP_DECODE_DENSE, /* it becomes too large for what it is */
    HTTP_DECODE_BAD,   /* it is not what it says, or something follows it */
} http_decode_result;

/* coding: one that is undone. */
MUST_USE http_decoder *http_decoder_new(http_coding coding);
/* NULL is allowed. */
void http_decoder_free(http_decoder *d);
/* Takes bytes off the front of *input. Call until it is no HTTP_DECODE_PIECE. After DENSE and BAD
 * nothing else comes. */
MUST_USE http_decode_result http_decode(http_decoder *d, span *input, span *ret_piece);
/* The last piece was a full one: more may come of what was taken, without input. */
bool http_decoder_is_full(const http_decoder *d);
/* Whether the body may end here: it is whole. So is one without a byte. */
bool http_decoder_complete(const http_decoder *d);

#endif
