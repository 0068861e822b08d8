/* A request's body: gathered within its limit and where there is room for it, its content coding
 * undone. */
#include "http/server_internal.h"

static error_id too_large(http_request *r, const char **ret_why) {
    r->beyond = true;
    *ret_why = "The request body is beyond the limit.";
    return ERR_BODY_TOO_LARGE;
}

static bool is_coded(const http_request *r) {
    return r->coding != HTTP_CODING_NONE && r->coding != HTTP_CODING_UNKNOWN;
}

/* ---- room ---- */

static error_id no_room(share_verdict verdict, const char **ret_why) {
    switch (verdict) {
    case SHARE_TAKEN: return ERR_NONE;
    case SHARE_OWN_GONE:
        *ret_why = "Bodies and answers of this client take as much memory as its share allows "
                   "(limits.client_share, limits.memory).";
        return ERR_OVER_MEMORY_SHARE;
    case SHARE_ALL_GONE:
        *ret_why = "There is no room in memory for the request body now (limits.memory).";
        return ERR_MEMORY_FULL;
    }
    return ERR_INTERNAL;
}

static error_id take_room(http_request *r, size_t bytes, const char **ret_why) {
    return no_room(memory_grow(&r->conn->server->loop->memory, &r->hold, bytes), ret_why);
}

error_id body_expect(http_request *r, const char **ret_why) {
    int64_t length = r->head->content_length;
    return length > 0 && !is_coded(r) ? take_room(r, (size_t)length, ret_why) : ERR_NONE;
}

/* What is told is there at once; what is not, doubles. A request that is used again has memory
 * before it has room. */
static size_t room_for(const http_request *r, size_t need) {
    enum { FIRST_BYTES = 1024 };
    size_t cap = r->body.cap;
    size_t want = need <= cap           ? cap
                  : r->hold.bytes > cap ? r->hold.bytes
                  : cap                 ? cap * 2
                                        : FIRST_BYTES;
    return want > need ? want : need;
}

static error_id make_room(http_request *r, size_t need, const char **ret_why) {
    size_t want = room_for(r, need);
    error_id bad = take_room(r, want, ret_why);
    if (bad == ERR_NONE) (void)buf_reserve(&r->body, want - r->body.len);
    return bad;
}

error_id body_claim(http_request *r, uint64_t holder, const char **ret_why) {
    const int64_t told = r->head->content_length;
    const bool beyond = r->body.len > r->body_limit || r->received > r->body_limit ||
                        (told > 0 && (uint64_t)told > r->body_limit);
    if (beyond) return too_large(r, ret_why);
    return no_room(memory_move(&r->conn->server->loop->memory, &r->hold, holder), ret_why);
}

void body_drop(http_request *r, size_t keep_bytes) {
    if (r->body.cap > keep_bytes) buf_done(&r->body);
    buf_clear(&r->body);
    memory_drop(&r->conn->server->loop->memory, &r->hold);
}

/* ---- bytes ---- */

static error_id gather(http_request *r, span piece, const char **ret_why) {
    if (piece.len > r->body_limit - r->body.len) return too_large(r, ret_why);
    size_t need = r->body.len + piece.len;
    if (need > r->body.cap || need > r->hold.bytes) {
        error_id bad = make_room(r, need, ret_why);
        if (bad != ERR_NONE) return bad;
    }
    buf_add(&r->body, piece);
    return ERR_NONE;
}

/* The limit is of what comes as well: codings know ways to say nothing at any length. */
static error_id undo(http_request *r, span input, const char **ret_why) {
    if (r->received > r->body_limit) return too_large(r, ret_why);
    if (!r->coded) r->coded = http_coded_new(r->conn->server->loop, r->coding);
    span piece;
    http_coded_result got;
    while ((got = http_coded_take(r->coded, &input, &piece)) == HTTP_CODED_PIECE) {
        error_id bad = gather(r, piece, ret_why);
        if (bad != ERR_NONE) return bad;
    }
    if (got == HTTP_CODED_ENOUGH) later_slice(r->conn, input.len);
    if (got == HTTP_CODED_DENSE) {
        *ret_why = "The request body is packed more densely than is allowed.";
        return ERR_BODY_TOO_LARGE;
    }
    if (got == HTTP_CODED_BAD) {
        *ret_why = "The request body is not what its Content-Encoding says.";
        return ERR_BAD_CODED_BODY;
    }
    return ERR_NONE;
}

error_id body_take(http_request *r, span piece, const char **ret_why) {
    if (is_coded(r)) return undo(r, piece, ret_why);
    return gather(r, piece, ret_why);
}

error_id body_end(http_request *r, const char **ret_why) {
    if (!r->coded) return ERR_NONE;
    bool complete = http_coded_is_whole(r->coded);
    http_coded_free(r->coded);
    r->coded = NULL;
    if (complete) return ERR_NONE;
    *ret_why = "The request body ends before what its Content-Encoding says is complete.";
    return ERR_BAD_CODED_BODY;
}
