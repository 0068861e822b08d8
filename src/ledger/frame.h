/* ledger/frame.h: how a record stands in a journal, so that a torn or altered one is seen. Pure.
 *
 *   bytes  0  0xF5 'W'
 *          2  kind
 *          3  length of the payload, four bytes, the lowest first
 *          7  CRC-32 (zlib's) of kind, length and payload, four bytes, the lowest first
 *         11  payload
 *
 * Any thread. Source: RFC 1952 section 8 for the CRC.
 */
#ifndef WEIR_LEDGER_FRAME_H
#define WEIR_LEDGER_FRAME_H

#include "base/buf.h"

typedef enum frame_kind {
    FRAME_RESERVE = 1, /* a call is about to be asked: ledger/call.h */
    FRAME_SETTLE = 2,  /* it has ended */
    FRAME_ACT = 3,     /* somebody did something to the gateway: ledger/sink.h */
} frame_kind;

enum { FRAME_OVERHEAD = 11, FRAME_PAYLOAD_MAX = 128 * 1024 };

/* A frame is begun behind what out holds, its payload appended by the caller, and ended: its place
 * is what begin returned. */
size_t frame_begin(buf *out);
void frame_end(buf *out, size_t at, frame_kind kind);

typedef enum frame_result {
    FRAME_FOUND,
    FRAME_CUT,     /* what is there is the beginning of a frame, or nothing */
    FRAME_DAMAGED, /* what is there is none: *ret_bad bytes, up to the next one or to where one may
                      begin, are passed over */
} frame_result;

typedef struct frame {
    unsigned kind; /* a later weir may have further ones */
    span payload;
} frame;

/* Reads one off the front of *rest. FRAME_CUT leaves *rest where it is. whole: nothing will come
 * behind it, so that a length which leads beyond its end is damaged where another frame follows,
 * and what is damaged goes to the next frame that is whole. */
frame_result frame_take(span *rest, bool whole, frame *ret, size_t *ret_bad);

#endif
