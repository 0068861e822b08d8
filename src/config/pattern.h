/* config/pattern.h: names that a * at the end makes stand for any rest: of models, endpoints,
 * targets and tags. Pure. Any thread. */
#ifndef WEIR_CONFIG_PATTERN_H
#define WEIR_CONFIG_PATTERN_H

#include "base/buf.h"

static inline bool pattern_is_open(span pattern) {
    return span_ends(pattern, SPAN_OF("*"));
}

/* Without its star. */
static inline span pattern_stem(span pattern) {
    return span_slice(pattern, 0, pattern.len - pattern_is_open(pattern));
}

bool pattern_fits(span pattern, span name);
/* Whether there is a name that both stand for. */
bool patterns_meet(span a, span b);

#endif
