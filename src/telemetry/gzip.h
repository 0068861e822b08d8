/* telemetry/gzip.h: the content coding of what is sent. Any thread. */
#ifndef WEIR_TELEMETRY_GZIP_H
#define WEIR_TELEMETRY_GZIP_H

#include "base/buf.h"

/* Appends text in RFC 1952's form. false: zlib has no memory, and out is as it was. */
MUST_USE bool gzip_write(span text, buf *out);

#endif
