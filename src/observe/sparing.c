#include "observe/sparing.h"

bool sparing_due(sparing *s, unsigned most, int64_t per_ms, int64_t now_ms,
                 uint64_t *ret_passed_over) {
    if (now_ms >= s->until_ms) {
        s->until_ms = now_ms + per_ms;
        s->lines = 0;
    }
    if (s->lines >= most) {
        s->passed_over++;
        return false;
    }
    s->lines++;
    *ret_passed_over = s->passed_over;
    s->passed_over = 0;
    return true;
}
