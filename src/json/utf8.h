/* json/utf8.h: UTF-8 by RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
 * Inside json/ alone.
 *
 * Any thread. Allocates nothing. Never reads outside [p, end).
 */
#ifndef WEIR_JSON_UTF8_H
#define WEIR_JSON_UTF8_H

#include "base/span.h"

/* The first byte at or after p where no valid sequence begins, or end. */
const char *json_utf8_skip(const char *p, const char *end);

/* Bytes to pass over there: as many as some valid sequence begins with, at least 1 (the "maximal
 * subpart" that one U+FFFD stands for; Unicode, section 3.9). p < end. */
size_t json_utf8_bad_len(const char *p, const char *end);

#endif
