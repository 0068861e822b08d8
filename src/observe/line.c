#include "observe/line.h"

#include <time.h>

unsigned line_clock_set(line_clock *clock, int64_t wall_us) {
    int64_t second = wall_us / 1000000;
    if (second != clock->second || !clock->utc[0]) {
        clock->second = second;
        clock_rfc3339(second * 1000000, clock->utc);
        time_t t = (time_t)second;
        struct tm tm = {0};
        (void)localtime_r(&t, &tm);
        if (strftime(clock->local, sizeof clock->local, "%H:%M:%S", &tm) == 0) clock->local[0] = 0;
    }
    return (unsigned)(wall_us % 1000000);
}

const char *line_level(config_log_level level) {
    static const char *const names[] = {"debug", "info", "warn", "error"};
    return level < LEVEL_OFF ? names[level] : "off";
}

config_log_level line_call_level(const call_record *r) {
    bool of_request = r->status >= 400 && r->status < 500;
    switch (r->outcome) {
    case CALL_CUT: return LEVEL_WARN;
    case CALL_FAILED: return of_request ? LEVEL_INFO : LEVEL_WARN;
    default: return LEVEL_INFO;
    }
}

int64_t line_call_wall_us(const call_record *r) {
    return r->started_wall_us + (r->total_us > 0 ? r->total_us : 0);
}

unsigned line_first_try(const call_record *r) {
    if (!r->tries) return r->attempts;
    return r->attempts > LINE_TRIES_MAX ? r->attempts - LINE_TRIES_MAX : 0;
}

span line_call_message(const call_record *r) {
    if (r->error_text.len) return r->error_text;
    return r->error == ERR_NONE ? SPAN_EMPTY : span_cstr(error_get(r->error)->sentence);
}
