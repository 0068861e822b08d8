#include "config/pattern.h"

bool pattern_fits(span pattern, span name) {
    return pattern_is_open(pattern) ? span_starts(name, pattern_stem(pattern))
                                    : span_eq(pattern, name);
}

bool patterns_meet(span a, span b) {
    if (!pattern_is_open(b)) return pattern_fits(a, b);
    const span x = pattern_stem(a), y = pattern_stem(b);
    return span_starts(x, y) || (pattern_is_open(a) && span_starts(y, x));
}
