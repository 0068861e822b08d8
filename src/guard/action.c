#include "guard/guard.h"

static const span words[] = {
    [GUARD_OFF] = SPAN("off"),
    [GUARD_FLAG] = SPAN("flag"),
    [GUARD_REDACT] = SPAN("redact"),
    [GUARD_BLOCK] = SPAN("block"),
};

bool guard_action_read(span word, guard_action *ret) {
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (!span_eq(word, words[i])) continue;
        *ret = (guard_action)i;
        return true;
    }
    return false;
}

const char *guard_action_name(guard_action action) {
    return words[action].ptr;
}
