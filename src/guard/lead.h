/* guard/lead.h: what can be told of a pattern before it is compiled: the literal that its matches
 * begin with, and what no rule may have. Inside guard/. Pure; any thread.
 *
 * Source  pcre2pattern(3).
 */
#ifndef WEIR_GUARD_LEAD_H
#define WEIR_GUARD_LEAD_H

#include "base/buf.h"
#include "guard/shape.h"

/* What a pattern begins with. */
typedef struct pattern_head {
    size_t len;  /* of the literal, appended to what was given */
    bool whole;  /* nothing follows it: the pattern is the literal */
    bool apart;  /* before it no letter or digit may stand */
    bool edge;   /* it begins where a word does or ends: \b */
    bool parted; /* before it no letter may stand */
} pattern_head;

/* The literal at the pattern's beginning, behind what only looks back ("\b", "(?<!…)") and "(?i)".
 * len 0: it begins with no literal. */
pattern_head pattern_head_of(span pattern, buf *literal);
/* By an ASCII letter or digit. */
bool lead_begins_word(span literal);

/* How many digits each match begins with at least: with nothing but what parts digits between or
 * before them, and with nothing at all. Never more than there are: of a pattern that has comments,
 * options, names, negated classes or rare escapes it is 0. */
guard_digits pattern_digits_of(span pattern);

/* The pattern without what only looks back, wherever it stands: whatever the pattern matches behind
 * any text, this does at the beginning of one. */
void pattern_loosen(span pattern, buf *out);

/* NULL, or what is in it that a rule may not have: a sentence without an end. */
const char *pattern_refused(span pattern);

#endif
