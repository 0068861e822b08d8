/* gateway/embedded.h: files that the build puts into the program (tools/embed). */
#ifndef WEIR_GATEWAY_EMBEDDED_H
#define WEIR_GATEWAY_EMBEDDED_H

#include "base/span.h"

extern const span embedded_openapi;     /* openapi.json */
extern const span embedded_docs;        /* docs.html */
extern const span embedded_docs_policy; /* its Content-Security-Policy, with the hashes of its
                                           script and style */

#endif
