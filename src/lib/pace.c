#include "lib/pace.h"

pace pace_of(unsigned most, bool adaptive) {
    return (pace){.most = most, .adaptive = adaptive, .window = most};
}

unsigned pace_limit(const pace *p) {
    return (unsigned)p->window;
}

int64_t pace_wait_ms(const pace *p, unsigned running, int64_t now_ms) {
    if (running >= pace_limit(p)) return -1;
    return p->open_ms > now_ms ? p->open_ms - now_ms : 0;
}

void pace_ended(pace *p) {
    if (p->echoes) p->echoes--;
}

void pace_answered(pace *p) {
    p->open_ms = 0;
}

void pace_success(pace *p) {
    pace_ended(p);
    if (!p->adaptive) return;
    p->window += 1 / p->window;
    if (p->window > p->most) p->window = p->most;
}

void pace_refused(pace *p, unsigned running, int64_t retry_after_ms, int64_t now_ms) {
    if (!p->adaptive) return;
    int64_t pause_ms = retry_after_ms < PACE_PAUSE_MAX_MS ? retry_after_ms : PACE_PAUSE_MAX_MS;
    if (pause_ms > 0 && now_ms + pause_ms > p->open_ms) p->open_ms = now_ms + pause_ms;
    if (p->echoes) {
        p->echoes--;
        return;
    }
    p->echoes = running ? running - 1 : 0;
    p->window = p->window / 2 > 1 ? p->window / 2 : 1;
}
