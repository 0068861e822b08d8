#include "config/nearest.h"

#include "config/units.h"

#include <ctype.h>
#include <string.h>

/* Names of units, in lower case and without an "s" at the end. */
typedef struct spelling {
    const char *name, *unit;
} spelling;

static const spelling durations[] = {
    {"ms", "ms"}, {"msec", "ms"},  {"milli", "ms"}, {"millisecond", "ms"}, {"s", "s"},
    {"sec", "s"}, {"second", "s"}, {"min", "m"},    {"minute", "m"},       {"h", "h"},
    {"hr", "h"},  {"hour", "h"},   {"d", "d"},      {"day", "d"},
};

/* A binary unit is what weir's are; "m" for megabytes is no more than the habit of other programs.
 */
static const spelling sizes[] = {
    {"b", "B"},      {"byte", "B"},      {"k", "KB"},        {"kb", "KB"},    {"kib", "KB"},
    {"kbyte", "KB"}, {"kilobyte", "KB"}, {"ki", "KB"},       {"m", "MB"},     {"mb", "MB"},
    {"mib", "MB"},   {"mbyte", "MB"},    {"megabyte", "MB"}, {"mi", "MB"},    {"meg", "MB"},
    {"g", "GB"},     {"gb", "GB"},       {"gib", "GB"},      {"gbyte", "GB"}, {"gigabyte", "GB"},
    {"gi", "GB"},    {"gig", "GB"},
};

/* "20", "1.5", also with _ or ' between digits, and a comma where decimals begin: the beginning of
 * text, as weir writes numbers. The rest stays in *text. false: it begins with no number, or with
 * one that may be two: "1,500". */
static bool cut_number(span *text, buf *ret) {
    size_t i = 0, decimals = 0;
    char point = '\0';
    for (; i < text->len; i++) {
        char c = text->ptr[i];
        if (isdigit((unsigned char)c)) {
            buf_add_char(ret, c);
            decimals += point != '\0';
        } else if ((c == '.' || c == ',') && ret->len && !point) {
            buf_add_char(ret, '.');
            point = c;
        } else if ((c != '_' && c != '\'') || !ret->len) {
            break;
        }
    }
    *text = span_slice(*text, i, text->len);
    return ret->len && (!point || decimals) && (point != ',' || decimals != 3);
}

static const char *unit_called(const spelling *all, size_t count, span name) {
    char lower[16];
    if (!name.len || name.len >= sizeof lower) return NULL;
    for (size_t i = 0; i < name.len; i++)
        lower[i] = (char)tolower((unsigned char)name.ptr[i]);
    size_t len = name.len > 2 && lower[name.len - 1] == 's' ? name.len - 1 : name.len;
    if (span_eq(span_from(lower, name.len), SPAN_OF("ms"))) len = name.len;
    for (size_t i = 0; i < count; i++)
        if (span_eq(span_cstr(all[i].name), span_from(lower, len))) return all[i].unit;
    return NULL;
}

/* Of what is meant, whether weir would read it. */
static bool reads(const option_type *type, span text) {
    int64_t whole;
    double number;
    if (type == &type_duration) return unit_duration(text, &whole);
    if (type == &type_size) return unit_size(text, &whole);
    if (type == &type_ratio) return unit_ratio(text, &number);
    return unit_count(text, &whole);
}

static bool with_unit(const option_type *type, const spelling *all, size_t count, span text,
                      buf *out) {
    if (!cut_number(&text, out)) return false;
    const char *unit = unit_called(all, count, span_trim(text));
    if (!unit) return false;
    buf_add_cstr(out, unit);
    return reads(type, buf_span(out));
}

/* A share of one, as programs have it: 0.2; and a percentage without its sign. */
static bool percentage(span text, buf *out) {
    double number;
    if (!cut_number(&text, out)) return false;
    text = span_trim(text);
    bool word = text.len && (span_ieq(text, SPAN_OF("percent")) || span_eq(text, SPAN_OF("%")));
    if ((text.len && !word) || !unit_number(buf_span(out), &number)) return false;
    if (!word && number > 0 && number < 1) {
        buf_clear(out);
        unit_write_ratio(number, out);
        return true;
    }
    buf_add_char(out, '%');
    return reads(&type_ratio, buf_span(out));
}

static bool yes_or_no(span text, buf *out) {
    static const char *const yes[] = {"true", "on", "yes", "y", "1", "enabled", "enable"},
                             *const no[] = {"false", "off", "no", "n", "0", "disabled", "disable"};
    for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
        bool is_yes = span_ieq(text, span_cstr(yes[i]));
        if (!is_yes && !span_ieq(text, span_cstr(no[i]))) continue;
        buf_add_cstr(out, is_yes ? "true" : "false");
        return true;
    }
    return false;
}

static bool whole(span text, buf *out) {
    return cut_number(&text, out) && !span_trim(text).len && reads(&type_count, buf_span(out));
}

COLD static bool write_value(const option_type *type, span text, buf *out) {
    if (type == &type_duration) return with_unit(type, durations, ARRAY_LEN(durations), text, out);
    if (type == &type_size) return with_unit(type, sizes, ARRAY_LEN(sizes), text, out);
    if (type == &type_ratio) return percentage(text, out);
    if (type == &type_bool || type == &type_section) return yes_or_no(text, out);
    return (type == &type_count || type == &type_integer) && whole(text, out);
}

bool nearest_value(const option_type *type, span text, buf *out) {
    buf value = BUF_EMPTY;
    bool found = write_value(type, span_trim(text), &value);
    if (found) buf_add(out, buf_span(&value));
    buf_done(&value);
    return found;
}
