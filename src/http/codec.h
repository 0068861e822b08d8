/* http/codec.h: the one strict reader of HTTP/1 messages, requests and answers, over llhttp.
 *
 * Pure: bytes in, callbacks out; no I/O, no clock. Not thread-safe.
 *
 * Refuses every framing that two readers could read differently (RFC 9112 sections 2.2, 5, 6, 7,
 * 11): Content-Length with Transfer-Encoding; differing, repeated, signed or spaced Content-Length;
 * a Transfer-Encoding other than `chunked` alone, whatever its case; blanks before a colon;
 * obs-fold; a bare LF or CR anywhere in heads or chunk framing; NUL or control bytes; missing,
 * second or malformed Host (in HTTP/1.1 requests); a second Authorization; versions other than 1.0
 * and 1.1; over-long chunk extensions and endless trailers. What llhttp lets pass is refused here.
 *
 * The head is gathered in one buffer of the codec's until it is complete; the http_head and its
 * spans live until the next message begins (at the earliest in the feed after on_end, or in the
 * same one if on_end returned true), or http_codec_shrink(). Body bytes are handed on as they come,
 * borrowed.
 */
#ifndef WEIR_HTTP_CODEC_H
#define WEIR_HTTP_CODEC_H

#include "base/buf.h"
#include "base/errors.h"
#include "http/message.h"

#include <llhttp.h>

typedef enum http_method {
    HTTP_GET_M,
    HTTP_HEAD_M,
    HTTP_POST_M,
    HTTP_PUT_M,
    HTTP_DELETE_M,
    HTTP_OPTIONS_M,
    HTTP_PATCH_M,
    HTTP_OTHER_M, /* a token that weir does not know; never forwarded */
} http_method;

typedef struct http_head {
    bool is_request;
    http_method method;
    span method_text;
    span target; /* as sent: "/v1/models?x=1", "*", or absolute form */
    span path;   /* of target, without query; never decoded */
    span query;  /* after '?', or empty */
    span host;   /* requests: whom the client means, of target or Host; empty: HTTP/1.0 alone */
    int minor;   /* HTTP/1.minor */
    int status;  /* answers */
    span reason;
    http_headers headers;
    bool keep_alive; /* by version and Connection */
    bool has_body;   /* a body follows (content_length > 0, chunked or until close) */
    bool chunked;
    bool until_close;       /* answers without a length */
    int64_t content_length; /* -1: not given */
    bool expect_continue;
    bool coded; /* there is a Content-Encoding */
} http_head;

typedef struct http_codec_limits {
    size_t head_bytes;
    size_t url_bytes;
    unsigned headers;
    size_t trailer_bytes;   /* all trailers of a message; 0: the head's limit */
    size_t chunk_ext_bytes; /* extensions of one chunk; 0: 256 */
} http_codec_limits;

typedef struct http_codec http_codec;

/* Callbacks. Returning false pauses: http_codec_feed() returns at once, having consumed up to and
 * including what was reported, and goes on at the next feed (which may bring no bytes). A callback
 * may free the codec if it then returns false. A 1xx answer is reported as a message of its own. */
typedef struct http_codec_ops {
    bool (*on_head)(void *user, const http_head *head);
    bool (*on_body)(void *user, span piece);
    bool (*on_end)(void *user); /* the message is complete; trailers were read and dropped */
} http_codec_ops;

typedef enum http_codec_kind { HTTP_CODEC_REQUEST, HTTP_CODEC_RESPONSE } http_codec_kind;

MUST_USE http_codec *http_codec_new(http_codec_kind kind, const http_codec_limits *limits,
                                    const http_codec_ops *ops, void *user);
/* For messages that begin from now on. */
void http_codec_set_limits(http_codec *c, const http_codec_limits *limits);
/* One that is unused becomes another connection's. */
void http_codec_reuse(http_codec *c, const http_codec_limits *limits, void *user);
void http_codec_free(http_codec *c);

typedef enum http_feed_result { HTTP_FEED_OK, HTTP_FEED_PAUSED, HTTP_FEED_BAD } http_feed_result;

/* Takes bytes; *ret_consumed says how many. After HTTP_FEED_BAD the codec is dead: answer with
 * http_codec_error() and close. Pipelined messages: on_end returning false stops before the next.
 */
MUST_USE http_feed_result http_codec_feed(http_codec *c, span bytes, size_t *ret_consumed);
/* The peer closed. true when that is a legal end here (between messages, or of an answer that runs
 * until close: then on_end is called). */
MUST_USE bool http_codec_eof(http_codec *c);
/* Why the codec is dead: BAD_HTTP, HEAD_TOO_LARGE, URL_TOO_LONG, UNKNOWN_CODING, with a constant
 * sentence. */
error_id http_codec_error(const http_codec *c, const char **ret_why);
/* true when some bytes of a message have been taken and it is not complete. */
bool http_codec_in_message(const http_codec *c);
/* true when nothing is known that the next message, or its reader, would want: another reader would
 * do as well. */
bool http_codec_is_unused(const http_codec *c);
/* Answers only: the next answer is to a HEAD request and has no body. */
void http_codec_expect_head_answer(http_codec *c);
/* Gives the head's memory back: while the connection idles, or once nobody needs what the head of
 * the message in hand says. Nothing happens within a head. */
void http_codec_shrink(http_codec *c);
/* The same where it is more than so many bytes. */
void http_codec_trim(http_codec *c, size_t most);
/* Gives it away instead: the head of the message in hand stays where it is, and is the caller's.
 * Not within a head. */
http_head_memory http_codec_take_head(http_codec *c);

#endif
