#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t read_us(clockid_t id) {
    struct timespec t;
    (void)clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_mono_ms(void) {
    return read_us(CLOCK_MONOTONIC) / 1000;
}

int64_t clock_mono_us(void) {
    return read_us(CLOCK_MONOTONIC);
}

int64_t clock_wall_us(void) {
    return read_us(CLOCK_REALTIME);
}

static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

static struct tm utc(int64_t wall_us) {
    time_t seconds = (time_t)(wall_us / 1000000);
    struct tm tm = {0};
    (void)gmtime_r(&seconds, &tm);
    return tm;
}

void clock_rfc3339(int64_t wall_us, char out[CLOCK_RFC3339_LEN + 1]) {
    struct tm tm = utc(wall_us);
    char text[80];
    (void)snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", tm.tm_year + 1900,
                   tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
                   (int)(wall_us % 1000000));
    memcpy(out, text, CLOCK_RFC3339_LEN);
    out[CLOCK_RFC3339_LEN] = '\0';
}

void clock_http_date(int64_t wall_us, char out[CLOCK_HTTP_DATE_LEN + 1]) {
    struct tm tm = utc(wall_us);
    char text[80];
    (void)snprintf(text, sizeof text, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[tm.tm_wday],
                   tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
                   tm.tm_sec);
    memcpy(out, text, CLOCK_HTTP_DATE_LEN);
    out[CLOCK_HTTP_DATE_LEN] = '\0';
}

static int month_index(const char *name) {
    for (int i = 0; i < 12; i++)
        if (memcmp(name, months[i], 3) == 0) return i;
    return -1;
}

/* Whether the calendar has that day; a leap second belongs to its minute. */
static bool is_time(const struct tm *tm) {
    static const int days_of[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const int year = tm->tm_year + 1900;
    if (year < 1970 || tm->tm_mon < 0 || tm->tm_mon > 11) return false;
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return tm->tm_mday >= 1 && tm->tm_mday <= days_of[tm->tm_mon] + (tm->tm_mon == 1 && leap) &&
           tm->tm_hour >= 0 && tm->tm_hour <= 23 && tm->tm_min >= 0 && tm->tm_min <= 59 &&
           tm->tm_sec >= 0 && tm->tm_sec <= 60;
}

bool clock_parse_http_date(span s, int64_t *ret_wall_us) {
    char text[48], day_name[16], month[4], zone[4];
    if (s.len == 0 || s.len >= sizeof text) return false;
    memcpy(text, s.ptr, s.len);
    text[s.len] = '\0';
    struct tm tm = {0};
    int year = 0, used = 0;
    if (sscanf(text, "%15[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d %3[A-Z]%n", day_name, &tm.tm_mday,
               month, &year, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, zone, &used) == 8 &&
        (size_t)used == s.len && strcmp(zone, "GMT") == 0) {
        /* IMF-fixdate */
    } else if (sscanf(text, "%15[A-Za-z], %2d-%3[A-Za-z]-%2d %2d:%2d:%2d %3[A-Z]%n", day_name,
                      &tm.tm_mday, month, &year, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, zone,
                      &used) == 8 &&
               (size_t)used == s.len && strcmp(zone, "GMT") == 0) {
        year += year < 70 ? 2000 : 1900; /* RFC 850 */
    } else if (sscanf(text, "%3[A-Za-z] %3[A-Za-z] %2d %2d:%2d:%2d %4d%n", day_name, month,
                      &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &year, &used) == 7 &&
               (size_t)used == s.len) {
        /* asctime */
    } else {
        return false;
    }
    tm.tm_mon = strlen(month) == 3 ? month_index(month) : -1;
    tm.tm_year = year - 1900;
    if (!is_time(&tm)) return false;
    *ret_wall_us = (int64_t)timegm(&tm) * 1000000;
    return true;
}

/* So many digits from `at` on; -1: they are not all digits, or not there. */
static int digits_at(span s, size_t at, size_t count) {
    int value = 0;
    for (size_t i = at; i < at + count; i++) {
        if (i >= s.len || s.ptr[i] < '0' || s.ptr[i] > '9') return -1;
        value = value * 10 + (s.ptr[i] - '0');
    }
    return value;
}

static bool is_any(span s, size_t at, const char *of) {
    return at < s.len && s.ptr[at] && strchr(of, s.ptr[at]);
}

/* ".5" at *at, which moves behind it; in us. */
static bool read_fraction(span s, size_t *at, int64_t *ret_us) {
    *ret_us = 0;
    if (!is_any(s, *at, ".")) return true;
    int64_t place = 100000;
    size_t first = ++*at;
    for (; digits_at(s, *at, 1) >= 0; ++*at, place /= 10)
        *ret_us += place * digits_at(s, *at, 1);
    return *at > first;
}

/* "Z" or "+01:30" up to the end; in seconds east. */
static bool read_offset(span s, size_t at, int64_t *ret_s) {
    *ret_s = 0;
    if (is_any(s, at, "Zz")) return at + 1 == s.len;
    int hour = digits_at(s, at + 1, 2), minute = digits_at(s, at + 4, 2);
    if (!is_any(s, at, "+-") || !is_any(s, at + 3, ":") || at + 6 != s.len) return false;
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59) return false;
    *ret_s = (s.ptr[at] == '-' ? -1 : 1) * (hour * 3600 + minute * 60);
    return true;
}

bool clock_parse_rfc3339(span s, int64_t *ret_wall_us) {
    struct tm tm = {.tm_year = digits_at(s, 0, 4) - 1900,
                    .tm_mon = digits_at(s, 5, 2) - 1,
                    .tm_mday = digits_at(s, 8, 2),
                    .tm_hour = digits_at(s, 11, 2),
                    .tm_min = digits_at(s, 14, 2),
                    .tm_sec = digits_at(s, 17, 2)};
    if (!is_any(s, 4, "-") || !is_any(s, 7, "-") || !is_any(s, 10, "Tt ") || !is_any(s, 13, ":") ||
        !is_any(s, 16, ":"))
        return false;
    if (!is_time(&tm)) return false;
    size_t at = 19;
    int64_t fraction_us, east_s;
    if (!read_fraction(s, &at, &fraction_us) || !read_offset(s, at, &east_s)) return false;
    const int64_t wall_us = ((int64_t)timegm(&tm) - east_s) * 1000000 + fraction_us;
    if (wall_us > CLOCK_WALL_MAX_US) return false;
    *ret_wall_us = wall_us;
    return true;
}
