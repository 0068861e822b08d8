/* A request's body: gathered within its limit, its content coding undone. */
#include "http/server_internal.h"

static error_id too_large(const char **ret_why) {
    *ret_why = "The request body is beyond the limit.";
    return ERR_BODY_TOO_LARGE;
}

static error_id gather(http_request *r, span piece, const char **ret_why) {
    if (piece.len > r->body_limit - r->body.len) return too_large(ret_why);
    buf_add(&r->body, piece);
    return ERR_NONE;
}

static bool is_coded(const http_request *r) {
    return r->coding != HTTP_CODING_NONE && r->coding != HTTP_CODING_UNKNOWN;
}

/* The limit is of what comes as well: codings know ways to say nothing at any length. */
static error_id decode(http_request *r, span input, const char **ret_why) {
    if (r->received > r->body_limit) return too_large(ret_why);
    if (!r->decoder) r->decoder = http_decoder_new(r->coding);
    error_id bad = ERR_NONE;
    span piece;
    http_decode_result got;
    while (bad == ERR_NONE && (got = http_decode(r->decoder, &input, &piece)) != HTTP_DECODE_MORE) {
        if (got == HTTP_DECODE_PIECE) {
            bad = gather(r, piece, ret_why);
        } else if (got == HTTP_DECODE_DENSE) {
            *ret_why = "The request body is packed more densely than is allowed.";
            bad = ERR_BODY_TOO_LARGE;
        } else {
            *ret_why = "The request body is not what its Content-Encoding says.";
            bad = ERR_BAD_CODED_BODY;
        }
    }
    return bad;
}

error_id body_take(http_request *r, span piece, const char **ret_why) {
    if (is_coded(r)) return decode(r, piece, ret_why);
    if (!r->body.ptr && r->head->content_length > 0) {
        uint64_t whole = (uint64_t)r->head->content_length;
        buf_reserve(&r->body, whole < SKIP_BYTES ? (size_t)whole : SKIP_BYTES);
    }
    return gather(r, piece, ret_why);
}

error_id body_end(http_request *r, const char **ret_why) {
    if (!r->decoder) return ERR_NONE;
    bool complete = http_decoder_complete(r->decoder);
    http_decoder_free(r->decoder);
    r->decoder = NULL;
    if (complete) return ERR_NONE;
    *ret_why = "The request body ends before what its Content-Encoding says is complete.";
    return ERR_BAD_CODED_BODY;
}
