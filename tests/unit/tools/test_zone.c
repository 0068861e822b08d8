#include "heap.h"

#include "tools/zone.h"

#include <time.h>

static void names_lead_nowhere_else(void **state) {
    (void)state;
    static const char *const good[] = {
        "UTC",       "Europe/Berlin", "America/Argentina/Buenos_Aires",
        "Etc/GMT+5", "Etc/GMT-14",    "America/Port-au-Prince"};
    static const char *const bad[] = {"",   "/etc/passwd", "../x", "a/../b",   "a//b",
                                      "a/", ".hidden",     "a/.b", "a b",      "a\n",
                                      "+x", "-x",          "a.b",  "\xc3\xa9", "a/+b"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        if (!zone_is_name(span_cstr(good[i]))) fail_msg("%s", good[i]);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (zone_is_name(span_cstr(bad[i]))) fail_msg("%s", bad[i]);
    assert_false(zone_is_name(span_from("a\0b", 3)));
    char large[100];
    memset(large, 'a', sizeof large);
    assert_true(zone_is_name(span_from(large, 64)));
    assert_false(zone_is_name(span_from(large, 65)));
}

/* The same answers as the system's library, over two centuries, before, at and after each change.
 */
static void agrees_with_the_system(void **state) {
    (void)state;
    static const char *const zones[] = {
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "Australia/Sydney",
        "Asia/Kolkata",
        "Asia/Kathmandu",
        "America/Sao_Paulo",
        "Europe/Dublin",
        "Africa/Cairo",
        "Asia/Gaza",
        "America/Godthab",
        "Pacific/Apia",
        "Etc/GMT+5",
        "Asia/Tehran",
        "Australia/Lord_Howe",
        "America/St_Johns",
        "Pacific/Kiritimati",
        "Antarctica/Troll",
        "Africa/Casablanca",
    };
    for (size_t i = 0; i < ARRAY_LEN(zones); i++) {
        char path[200];
        snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", zones[i]);
        buf file = unit_read(path);
        setenv("TZ", zones[i], 1);
        tzset();
        for (int64_t at = -3000000000; at < 6000000000; at += 86400 * 3 + 7211) {
            time_t t = at;
            struct tm tm;
            int32_t offset;
            assert_non_null(localtime_r(&t, &tm));
            assert_true(zone_offset(buf_span(&file), at, &offset));
            if (offset != tm.tm_gmtoff)
                fail_msg("%s at %lld: %d, not %ld", zones[i], (long long)at, offset, tm.tm_gmtoff);
        }
        buf_done(&file);
    }
    unsetenv("TZ");
    tzset();
}

static void no_such_file_does_harm(void **state) {
    (void)state;
    int32_t offset;
    buf file = unit_read("/usr/share/zoneinfo/Europe/Berlin");
    for (size_t i = 0; i < file.len; i++) {
        char *copy = malloc(i ? i : 1); /* so that a step beyond is seen */
        memcpy(copy, file.ptr, i);
        (void)!zone_offset(span_from(copy, i), 1800000000, &offset);
        free(copy);
    }
    for (size_t i = 0; i < file.len; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            file.ptr[i] = (char)(file.ptr[i] ^ 1 << bit);
            (void)!zone_offset(buf_span(&file), 1800000000, &offset);
            file.ptr[i] = (char)(file.ptr[i] ^ 1 << bit);
        }
    buf_done(&file);
}

static void writes_times(void **state) {
    (void)state;
    char text[ZONE_TIME_LEN + 1];
    assert_int_equal(zone_write_time(0, 0, text), 20);
    assert_string_equal(text, "1970-01-01T00:00:00Z");
    assert_int_equal(zone_write_time(1796000000, 3600, text), 25);
    assert_string_equal(text, "2026-11-30T01:53:20+01:00");
    zone_write_time(1796000000, -34200, text);
    assert_string_equal(text, "2026-11-29T15:23:20-09:30");
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(names_lead_nowhere_else),
        cmocka_unit_test(agrees_with_the_system),
        cmocka_unit_test(no_such_file_does_harm),
        cmocka_unit_test(writes_times),
    };
    return run_watched(tests);
}
