#include "tools/zone.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { NAME_BYTES_MAX = 64, HEADER = 44, DAY = 86400, OFFSET_MAX = 26 * 3600 };

bool zone_is_name(span name) {
    bool beginning = true; /* of a part */
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool inner = (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '_';
        if (c == '/' ? beginning : !letter && (beginning || !inner)) return false;
        beginning = c == '/';
    }
    return name.len > 0 && name.len <= NAME_BYTES_MAX && !beginning;
}

/* ---- the file ---- */

static int64_t big_endian(const char *p, size_t size) {
    uint64_t value = (unsigned char)*p & 0x80 ? UINT64_MAX : 0;
    for (size_t i = 0; i < size; i++)
        value = value << 8 | (unsigned char)p[i];
    return (int64_t)value;
}

/* One of a file's two blocks: the first has times of four bytes, the second of eight. */
typedef struct block {
    size_t time_size;
    size_t times, types; /* how many */
    size_t size;         /* with its header */
    const char *at;      /* transition times */
    const char *of;      /* the type from each on */
    const char *type;    /* six bytes each: offset, whether in summer, name */
} block;

static bool read_block(span file, size_t time_size, block *ret) {
    if (file.len < HEADER || memcmp(file.ptr, "TZif", 4) != 0) return false;
    const char *counts = file.ptr + 20;
    uint64_t n[6];
    for (size_t i = 0; i < 6; i++)
        n[i] = (uint64_t)big_endian(counts + 4 * i, 4) & UINT32_MAX;
    uint64_t isut = n[0], isstd = n[1], leaps = n[2], times = n[3], types = n[4], names = n[5];
    uint64_t size = HEADER + times * (time_size + 1) + types * 6 + names + leaps * (time_size + 4) +
                    isstd + isut;
    if (size > file.len || !types) return false;
    ret->time_size = time_size;
    ret->times = times;
    ret->types = types;
    ret->size = size;
    ret->at = file.ptr + HEADER;
    ret->of = ret->at + times * time_size;
    ret->type = ret->of + times;
    return true;
}

static bool type_offset(const block *b, size_t type, int32_t *ret) {
    if (type >= b->types) return false;
    int64_t offset = big_endian(b->type + 6 * type, 4);
    if (offset < -OFFSET_MAX || offset > OFFSET_MAX) return false;
    *ret = (int32_t)offset;
    return true;
}

/* ---- the rule behind a file's last transition: "CET-1CEST,M3.5.0,M10.5.0/3" ---- */

typedef struct rule_date {
    char form; /* 'M', 'J' or 0: a day from 0, leap days counted */
    int month, week, day;
    int32_t time; /* seconds after midnight, local */
} rule_date;

static bool cut_number(span *rest, int32_t most, int32_t *ret) {
    int32_t value = 0;
    size_t n = 0;
    for (; n < rest->len && rest->ptr[n] >= '0' && rest->ptr[n] <= '9'; n++)
        if ((value = value * 10 + (rest->ptr[n] - '0')) > most) return false;
    *rest = span_slice(*rest, n, rest->len);
    if (n) *ret = value;
    return n > 0;
}

static bool cut_char(span *rest, char c) {
    if (!rest->len || rest->ptr[0] != c) return false;
    *rest = span_slice(*rest, 1, rest->len);
    return true;
}

/* hh[:mm[:ss]] with a sign. */
static bool cut_time(span *rest, int32_t *ret) {
    int32_t hours, minutes = 0, seconds = 0;
    bool minus = cut_char(rest, '-');
    if (!minus) (void)cut_char(rest, '+');
    if (!cut_number(rest, 167, &hours)) return false;
    if (cut_char(rest, ':') && !cut_number(rest, 59, &minutes)) return false;
    if (cut_char(rest, ':') && !cut_number(rest, 59, &seconds)) return false;
    int32_t value = hours * 3600 + minutes * 60 + seconds;
    *ret = minus ? -value : value;
    return true;
}

/* Letters, or anything in <>. */
static bool cut_zone_name(span *rest) {
    size_t n = 0;
    if (cut_char(rest, '<')) {
        n = span_find(*rest, 0, '>');
        *rest = span_slice(*rest, n, rest->len);
        return cut_char(rest, '>') && n > 0;
    }
    while (n < rest->len && ((rest->ptr[n] >= 'A' && rest->ptr[n] <= 'Z') ||
                             (rest->ptr[n] >= 'a' && rest->ptr[n] <= 'z')))
        n++;
    *rest = span_slice(*rest, n, rest->len);
    return n > 0;
}

static bool cut_date(span *rest, rule_date *ret) {
    *ret = (rule_date){.time = 2 * 3600};
    if (!cut_char(rest, ',')) return false;
    if (cut_char(rest, 'M')) {
        ret->form = 'M';
        if (!cut_number(rest, 12, &ret->month) || !ret->month || !cut_char(rest, '.') ||
            !cut_number(rest, 5, &ret->week) || !ret->week || !cut_char(rest, '.') ||
            !cut_number(rest, 6, &ret->day))
            return false;
    } else {
        if (cut_char(rest, 'J')) ret->form = 'J';
        if (!cut_number(rest, 365, &ret->day) || (ret->form && !ret->day)) return false;
    }
    return !cut_char(rest, '/') || cut_time(rest, &ret->time);
}

static bool is_leap(int64_t year) {
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Days from 1970-01-01 to the first of January. */
static int64_t year_days(int64_t year) {
    int64_t y = year - 1;
    return 365 * (year - 1970) + (y / 4 - y / 100 + y / 400) - (1969 / 4 - 1969 / 100 + 1969 / 400);
}

/* In seconds since 1970, on the clock of the place. */
static int64_t date_in(const rule_date *d, int64_t year) {
    static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
    int64_t day = year_days(year);
    bool leap = is_leap(year);
    if (d->form == 'M') {
        int64_t first = day + before[d->month - 1] + (leap && d->month > 2);
        int64_t length = before[d->month] - before[d->month - 1] + (leap && d->month == 2);
        int64_t weekday = ((first + 4) % 7 + 7) % 7; /* 1970 began on a Thursday */
        int64_t in_month = (d->day - weekday + 7) % 7 + 7 * (d->week - 1);
        while (in_month >= length)
            in_month -= 7;
        day = first + in_month;
    } else if (d->form == 'J') {
        day += d->day - 1 + (leap && d->day > 59);
    } else {
        day += d->day;
    }
    return day * DAY + d->time;
}

static int64_t year_of(int64_t at) {
    time_t t = (time_t)at;
    struct tm tm;
    return gmtime_r(&t, &tm) ? (int64_t)tm.tm_year + 1900 : 1970;
}

static bool rule_offset(span rule, int64_t at, int32_t *ret) {
    int32_t standard, summer;
    rule_date from, to;
    if (!cut_zone_name(&rule) || !cut_time(&rule, &standard)) return false;
    standard = -standard;
    if (!rule.len) {
        *ret = standard;
        return true;
    }
    summer = standard + 3600;
    if (!cut_zone_name(&rule)) return false;
    if (rule.len && rule.ptr[0] != ',') {
        if (!cut_time(&rule, &summer)) return false;
        summer = -summer;
    }
    if (!cut_date(&rule, &from) || !cut_date(&rule, &to) || rule.len) return false;
    int64_t year = year_of(at + standard);
    int64_t begins = date_in(&from, year) - standard, ends = date_in(&to, year) - summer;
    bool in = begins < ends ? at >= begins && at < ends : at >= begins || at < ends;
    *ret = in ? summer : standard;
    return true;
}

/* ---- both ---- */

static bool block_offset(const block *b, span rule, int64_t at, int32_t *ret) {
    size_t low = 0, high = b->times; /* the transitions that have been */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (big_endian(b->at + middle * b->time_size, b->time_size) <= at)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == b->times && rule.len) return rule_offset(rule, at, ret);
    return type_offset(b, low ? (unsigned char)b->of[low - 1] : 0, ret);
}

bool zone_offset(span file, int64_t at, int32_t *ret_offset) {
    block b;
    if (!read_block(file, 4, &b)) return false;
    if (file.ptr[4] < '2') return block_offset(&b, SPAN_EMPTY, at, ret_offset);
    file = span_slice(file, b.size, file.len);
    if (!read_block(file, 8, &b)) return false;
    span rule = span_slice(file, b.size, file.len);
    if (!cut_char(&rule, '\n')) return false;
    rule = span_slice(rule, 0, span_find(rule, 0, '\n'));
    return block_offset(&b, rule, at, ret_offset);
}

size_t zone_write_time(int64_t at, int32_t offset, char out[ZONE_TIME_LEN + 1]) {
    time_t t = (time_t)(at + offset);
    struct tm tm = {0};
    char text[64];
    (void)gmtime_r(&t, &tm);
    int32_t minutes = (offset < 0 ? -offset : offset) / 60;
    int n = snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d", tm.tm_year + 1900,
                     tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
    if (offset)
        n += snprintf(text + n, sizeof text - (size_t)n, "%c%02d:%02d", offset < 0 ? '-' : '+',
                      minutes / 60, minutes % 60);
    else
        n += snprintf(text + n, sizeof text - (size_t)n, "Z");
    size_t len = n < ZONE_TIME_LEN ? (size_t)n : ZONE_TIME_LEN;
    memcpy(out, text, len);
    out[len] = '\0';
    return len;
}
