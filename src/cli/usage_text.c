/* What calls came to, as a table: a line a group, then all of them. */
#include "cli/records_text.h"

#include "cli/terminal.h"

#include <stdio.h>

/* ---- a day's hours ---- */

enum { HOURS = 24, KEY_COLUMNS_MAX = 40 };

/* Of the hours whose keys ("2026-11-28T18:00:00Z") begin with that day. */
static void count_hours(json_value hours, span day, arena *a, int64_t ret[HOURS]) {
    json_iter it = json_iter_of(json_get(hours, SPAN_OF("groups")));
    for (json_value g; json_next_element(&it, &g);) {
        span key = record_text(g, "key", a);
        uint64_t hour;
        if (!span_starts(key, day) || key.len < day.len + 3) continue;
        if (!span_u64(span_slice(key, day.len + 1, day.len + 3), &hour) || hour >= HOURS) continue;
        ret[hour] = record_number(g, "total_calls");
    }
}

/* Of all days, so that they can be compared. */
static int64_t busiest_hour(json_value hours) {
    int64_t most = 0;
    json_iter it = json_iter_of(json_get(hours, SPAN_OF("groups")));
    for (json_value g; json_next_element(&it, &g);) {
        int64_t calls = record_number(g, "total_calls");
        if (calls > most) most = calls;
    }
    return most;
}

/* A bar an hour; nothing where there was no call. */
static void add_sparkline(const int64_t calls[HOURS], int64_t most, buf *out) {
    static const char *const bars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    for (size_t i = 0; i < HOURS; i++) {
        if (calls[i] <= 0 || most <= 0)
            buf_add_char(out, ' ');
        else
            buf_add_cstr(out, bars[(calls[i] * (int64_t)ARRAY_LEN(bars) - 1) / most]);
    }
}

/* ---- lines ---- */

typedef struct table {
    arena *arena;
    json_value hours;
    int64_t most;
    unsigned key_columns;
    bool colour;
    buf *out;
} table;

static const struct {
    const char *title, *member;
    unsigned columns;
    enum { COUNT, MONEY, SECONDS } kind;
} columns[] = {
    {"calls", "total_calls", 10, COUNT},    {"failed", "failed_calls", 8, COUNT},
    {"prompt", "prompt_tokens", 14, COUNT}, {"completion", "completion_tokens", 14, COUNT},
    {"cost", "cost_nano", 12, MONEY},       {"average", "average_response_time", 11, SECONDS},
};

static void put_head(const table *t, span group) {
    buf_add_cstr(t->out, terminal_style_of(t->colour, STYLE_BOLD));
    record_add_cell(group, t->key_columns, false, t->out);
    for (size_t i = 0; i < ARRAY_LEN(columns); i++)
        record_add_cell(span_cstr(columns[i].title), columns[i].columns, true, t->out);
    if (t->hours.type == JSON_OBJECT) buf_add_cstr(t->out, "  0h    6h    12h   18h");
    buf_addf(t->out, "%s\n", terminal_style_of(t->colour, STYLE_PLAIN));
}

static void put_figures(const table *t, json_value of) {
    buf cell = BUF_EMPTY;
    for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
        buf_clear(&cell);
        switch (columns[i].kind) {
        case COUNT: record_add_count(record_number(of, columns[i].member), &cell); break;
        case MONEY: record_add_money(record_number(of, columns[i].member), &cell); break;
        case SECONDS: record_add_seconds(record_decimal(of, columns[i].member), &cell); break;
        }
        record_add_cell(buf_span(&cell), columns[i].columns, true, t->out);
    }
    buf_done(&cell);
}

static span shown_key(json_value group, arena *a) {
    span key = record_text(group, "key", a);
    return key.len ? key : SPAN_OF("(none)");
}

static void put_group(const table *t, json_value group) {
    span key = shown_key(group, t->arena);
    record_add_cell(key, t->key_columns, false, t->out);
    put_figures(t, group);
    if (t->hours.type == JSON_OBJECT) {
        int64_t calls[HOURS] = {0};
        count_hours(t->hours, key, t->arena, calls);
        buf_add_cstr(t->out, "  ");
        buf_add_cstr(t->out, terminal_style_of(t->colour, STYLE_CYAN));
        add_sparkline(calls, t->most, t->out);
        buf_add_cstr(t->out, terminal_style_of(t->colour, STYLE_PLAIN));
    }
    buf_add_char(t->out, '\n');
}

/* What the figures do not say. */
static void put_notes(const table *t, json_value summary) {
    static const struct {
        const char *member, *says;
    } notes[] = {{"unpriced_calls", "without a price: the cost is that of the others"},
                 {"estimated_calls", "with tokens that weir has estimated"},
                 {"cached_calls", "answered from the cache"}};
    for (size_t i = 0; i < ARRAY_LEN(notes); i++) {
        int64_t count = record_number(summary, notes[i].member);
        if (count <= 0) continue;
        record_add_count(count, t->out);
        buf_addf(t->out, " call%s %s\n", count == 1 ? "" : "s", notes[i].says);
    }
}

static unsigned key_columns(json_value groups, span group, arena *a) {
    unsigned widest = sizeof "total";
    json_iter it = json_iter_of(groups);
    if (group.len > widest) widest = (unsigned)group.len;
    for (json_value g; json_next_element(&it, &g);) {
        span key = shown_key(g, a);
        unsigned width = terminal_width(key.ptr, key.len);
        if (width > widest) widest = width;
    }
    return widest < KEY_COLUMNS_MAX ? widest : KEY_COLUMNS_MAX;
}

void usage_write(json_value summary, span group, json_value hours, bool colour, buf *out) {
    arena a;
    arena_init(&a, 0);
    json_value groups = json_get(summary, SPAN_OF("groups"));
    const table t = {.arena = &a,
                     .hours = hours,
                     .most = busiest_hour(hours),
                     .key_columns = key_columns(groups, group, &a),
                     .colour = colour,
                     .out = out};
    put_head(&t, group);
    json_iter it = json_iter_of(groups);
    for (json_value g; json_next_element(&it, &g);)
        put_group(&t, g);
    record_add_cell(SPAN_OF("total"), t.key_columns, false, out);
    put_figures(&t, summary);
    buf_add_char(out, '\n');
    put_notes(&t, summary);
    arena_done(&a);
}

/* A line a group; without groups the one of all. */
void usage_write_csv(json_value summary, buf *out) {
    static const char *const names[] = {
        "key",          "total_calls",          "successful_calls", "failed_calls",
        "success_rate", "total_tokens",         "prompt_tokens",    "completion_tokens",
        "cost_nano",    "unpriced_calls",       "estimated_calls",  "cached_calls",
        "saved_nano",   "average_response_time"};
    json_value groups = json_get(summary, SPAN_OF("groups"));
    bool grouped = groups.type == JSON_ARRAY;
    const char *const *first = grouped ? names : names + 1;
    size_t count = ARRAY_LEN(names) - !grouped;
    record_csv_names(first, count, out);
    if (!grouped) record_csv_line(summary, first, count, out);
    json_iter it = json_iter_of(groups);
    for (json_value g; grouped && json_next_element(&it, &g);)
        record_csv_line(g, first, count, out);
}
