/* telemetry/protobuf.h: protocol buffers as far as OTLP needs them: a writer of messages, and a
 * reader of the fields of a short one. docs/decisions/0024-telemetry.md says why it is ours.
 *
 * Pure: any thread. The writer appends to a buffer of the caller's; numbers are those of fields.
 * What is 0 or empty is written all the same: who means the default leaves the field out.
 *
 * Source   protobuf.dev/programming-guides/encoding.
 */
#ifndef WEIR_TELEMETRY_PROTOBUF_H
#define WEIR_TELEMETRY_PROTOBUF_H

#include "base/buf.h"

/* bool, enum, uint32, int64 (as two's complement). */
void pb_put_varint(buf *out, unsigned number, uint64_t value);
void pb_put_fixed32(buf *out, unsigned number, uint32_t value);
void pb_put_fixed64(buf *out, unsigned number, uint64_t value); /* sfixed64 too */
void pb_put_double(buf *out, unsigned number, double value);
void pb_put_bytes(buf *out, unsigned number, span bytes);
/* What is no UTF-8 becomes U+FFFD, byte by byte: a reader refuses the whole message for it. */
void pb_put_text(buf *out, unsigned number, span text);

/* A message within one, or packed numbers: what is appended until pb_close() is its content. */
size_t pb_open(buf *out, unsigned number);
void pb_close(buf *out, size_t mark);
/* Within a packed field. */
void pb_add_fixed64(buf *out, uint64_t value);
void pb_add_double(buf *out, double value);

typedef struct pb_field {
    unsigned number;
    uint64_t value; /* of a varint or a fixed one */
    span bytes;     /* of what has a length; a null ptr: it is a number */
} pb_field;

/* Cuts the next field off *rest. false: none is left, or what is left is none; then *ret_good says
 * which. */
MUST_USE bool pb_next(span *rest, pb_field *ret, bool *ret_good);

#endif
