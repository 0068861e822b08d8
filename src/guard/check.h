/* guard/check.h: what a match must pass besides its pattern: checksums, and how random it looks.
 * Pure; any thread. What parts digits does not count.
 *
 * Sources  ISO/IEC 7812-1 (Luhn); ISO 13616, ISO 7064 (IBAN, mod 97-10, mod 11-10, mod 11-2); the
 *          countries' own rules stand at each in guard/check_ids.c.
 */
#ifndef WEIR_GUARD_CHECK_H
#define WEIR_GUARD_CHECK_H

#include "base/span.h"

typedef struct guard_check guard_check;

/* NULL: there is none of that name. */
const guard_check *guard_check_find(span name);
/* How much of value, from its beginning, passes: all of it, of an IBAN as much as its country says;
 * 0: it does not. */
size_t guard_check_length(const guard_check *check, span value);
/* The i-th name; empty behind the last. */
span guard_check_name(size_t i);

/* Shannon's, in bits a byte. */
double guard_entropy(span value);

#endif
