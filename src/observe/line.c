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

size_t line_decode(const unsigned char *p, size_t left, uint32_t *ret_code) {
    size_t len = p[0] < 0x80 ? 1 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
    if (len > left || !span_is_utf8(span_from((const char *)p, len))) return 0;
    uint32_t code = len == 1 ? p[0] : p[0] & (0x7Fu >> len);
    for (size_t i = 1; i < len; i++)
        code = code << 6 | (p[i] & 0x3F);
    *ret_code = code;
    return len;
}

bool line_is_unsafe(uint32_t code) {
    return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x061C ||
           (code >= 0x200E && code <= 0x200F) || (code >= 0x2028 && code <= 0x202E) ||
           (code >= 0x2066 && code <= 0x2069);
}
