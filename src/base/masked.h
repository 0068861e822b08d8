/* base/masked.h: a secret that somebody shows in part, with a mask in the place of the rest:
 * "sk-ab***wxyz", "sk-...wxyz", "****wxyz". Providers' errors quote keys so.
 *
 * A mask is two or more stars, three or more dots, or one "…" or "•" or more, also as JSON escapes
 * those. It hides a secret where one of the set begins with the letters, digits, dashes and
 * underscores before it and ends with those behind it, and these are SHOWN_MIN or more: fewer say
 * nothing of it, and stand there by chance.
 */
#ifndef WEIR_BASE_MASKED_H
#define WEIR_BASE_MASKED_H

#include "base/secret_set.h"

enum { SHOWN_MIN = 4 };

/* text with "[redacted]" in the place of each, in the arena; text itself where there is none. In
 * time linear in the text, but for a look at the whole set at each mask. */
span masked_without(const secret_set *s, span text, arena *a);

#endif
