/* http/head_scan.h: finds where a message head ends, and refuses bytes that no head may hold.
 *
 * The first line of defence before llhttp sees a byte: every line must end in CRLF, and no control
 * byte may stand anywhere but HTAB inside a header line. Works on the head's bytes from its start,
 * goes on where it stopped when more have come, and so reads each byte once.
 *
 * Source   RFC 9112 sections 2.2 (bare CR and LF), 5.2 (obs-fold); RFC 9110 section 5.5.
 */
#ifndef WEIR_HTTP_HEAD_SCAN_H
#define WEIR_HTTP_HEAD_SCAN_H

#include "base/span.h"

typedef struct head_scan {
    size_t at;      /* the next byte to look at */
    size_t line;    /* where the current line begins */
    unsigned lines; /* complete lines, the start line included */
} head_scan;

typedef enum head_scan_result {
    HEAD_SCAN_MORE,
    HEAD_SCAN_END,      /* *ret_end is the length of the head with its blank line */
    HEAD_SCAN_TOO_MANY, /* more header lines than max_fields */
    HEAD_SCAN_BAD,      /* *ret_why */
} head_scan_result;

/* bytes: the head from its first byte, at least as long as at the last call. */
MUST_USE head_scan_result head_scan_run(head_scan *s, span bytes, unsigned max_fields,
                                        size_t *ret_end, const char **ret_why);

#endif
