/* telemetry/wire.h: writes a message of OTLP in either of its two encodings, protobuf or JSON, so
 * that what a span or a metric is stands in one place (telemetry/otlp.h).
 *
 * Each function is told a field's number and its name in JSON. JSON's rules are OTLP's: ids in hex,
 * 64-bit integers as strings, enumerators as numbers, and what is not there is left out, not null.
 * Pure: any thread.
 *
 * Source   opentelemetry.io/docs/specs/otlp (JSON Protobuf Encoding).
 */
#ifndef WEIR_TELEMETRY_WIRE_H
#define WEIR_TELEMETRY_WIRE_H

#include "config/config.h"
#include "json/json.h"

typedef struct wire {
    config_telemetry_protocol protocol;
    buf *out;
    json_writer json;
} wire;

wire wire_of(config_telemetry_protocol protocol, buf *out);

/* The outermost message. */
void wire_begin(wire *w);
void wire_end(wire *w);
/* A message within one. */
size_t wire_open(wire *w, unsigned number, const char *name);
void wire_close(wire *w, size_t mark);
/* Messages of one field, which may repeat: each is an item. */
void wire_open_list(wire *w, const char *name);
void wire_close_list(wire *w);
size_t wire_open_item(wire *w, unsigned number);
/* Items that were written before, each by a wire of its own; in JSON each with a comma behind it.
 */
void wire_put_items(wire *w, span items);

void wire_text(wire *w, unsigned number, const char *name, span text);
void wire_id(wire *w, unsigned number, const char *name, const unsigned char *bytes, size_t len);
void wire_enum(wire *w, unsigned number, const char *name, unsigned value);
void wire_bool(wire *w, unsigned number, const char *name, bool value);
void wire_i64(wire *w, unsigned number, const char *name, int64_t value);  /* int64 */
void wire_u32(wire *w, unsigned number, const char *name, uint32_t value); /* fixed32 */
void wire_u64(wire *w, unsigned number, const char *name, uint64_t value); /* fixed64 */
void wire_s64(wire *w, unsigned number, const char *name, int64_t value);  /* sfixed64 */
void wire_double(wire *w, unsigned number, const char *name, double value);
/* repeated fixed64 and double, packed. */
void wire_counts(wire *w, unsigned number, const char *name, const uint64_t *values, size_t count);
void wire_bounds(wire *w, unsigned number, const char *name, const double *values, size_t count);

#endif
