/* schema/pattern.h: regular expressions of schemas, which are JavaScript's, by PCRE2.
 *
 * Compiled: immutable, any thread. Steps and memory of a search are bounded, whatever pattern and
 * text are. \d, \w and \s are ASCII's, \uXXXX is a character; a pattern is found anywhere in a
 * text.
 *
 * Sources  ECMA-262 section 22.2, pcre2api(3), pcre2compat(3).
 */
#ifndef WEIR_SCHEMA_PATTERN_H
#define WEIR_SCHEMA_PATTERN_H

#include "base/buf.h"

typedef struct schema_pattern schema_pattern;

typedef enum schema_found { SCHEMA_NOT_FOUND, SCHEMA_FOUND, SCHEMA_TOO_LONG } schema_found;

/* NULL: *ret_why has a sentence appended. text is UTF-8. */
MUST_USE schema_pattern *schema_pattern_new(span text, buf *ret_why);
/* NULL is allowed. */
void schema_pattern_free(schema_pattern *p);

/* SCHEMA_TOO_LONG: it was not found within the bounds. *ret_work: what it took, as schema_work()
 * counts: an ordinary pattern next to nothing. */
schema_found schema_pattern_find(const schema_pattern *p, span text, size_t *ret_work);

#endif
