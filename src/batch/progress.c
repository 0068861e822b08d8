#include "batch/progress.h"

#include <inttypes.h>
#include <stdio.h>

enum { BAR_MIN = 10, BAR_MAX = 40, PARTS_MAX = 6, PART_MAX = 48 };

void progress_write_count(int64_t count, buf *out) {
    if (count < 10000)
        buf_add_i64(out, count);
    else if (count < 1000000)
        buf_addf(out, "%.1fk", (double)count / 1e3);
    else if (count < 1000000000)
        buf_addf(out, "%.1fM", (double)count / 1e6);
    else
        buf_addf(out, "%.1fG", (double)count / 1e9);
}

void progress_write_time(int64_t seconds, buf *out) {
    if (seconds < 60)
        buf_addf(out, "%" PRId64 "s", seconds);
    else if (seconds < 3600)
        buf_addf(out, "%" PRId64 "m %" PRId64 "s", seconds / 60, seconds % 60);
    else
        buf_addf(out, "%" PRId64 "h %" PRId64 "m", seconds / 3600, seconds / 60 % 60);
}

/* -1: not known. */
static int64_t seconds_left(const progress *p) {
    const int64_t longest = 1000 * 3600;
    if (p->rate <= 0 || p->total <= p->done) return -1;
    double seconds = (double)(p->total - p->done) / p->rate;
    return seconds < (double)longest ? (int64_t)(seconds + 0.5) : longest;
}

static void write_rate(double rate, buf *out) {
    buf_addf(out, rate < 10 ? "%.1f" : "%.0f", rate);
}

/* ---- the bar ---- */

/* What stands in the line beside the bar. All of it is ASCII: a byte is a column. */
typedef struct part {
    char text[PART_MAX];
    const char *colour;
    unsigned weight; /* the higher, the sooner it gets its place */
    bool shown;
} part;

typedef struct parts {
    part list[PARTS_MAX];
    size_t count;
} parts;

static void add_part(parts *all, unsigned weight, const char *colour, const buf *text) {
    part *p = &all->list[all->count++];
    *p = (part){.colour = colour, .weight = weight};
    (void)snprintf(p->text, sizeof p->text, "%.*s", (int)text->len, text->ptr);
}

static void add_counts(parts *all, const progress *p, const progress_colours *c, buf *text) {
    buf_addf(text, "%" PRIu64, p->done);
    if (p->total) buf_addf(text, "/%" PRIu64, p->total);
    add_part(all, 6, c->plain, text);
}

static void add_state(parts *all, const progress *p, const progress_colours *c, buf *text) {
    buf_clear(text);
    if (p->stopping)
        buf_addf(text, "stopping: %u under way", p->under_way);
    else if (p->limit < p->most)
        buf_addf(text, "slowed to %u at a time", p->limit);
    else
        return;
    add_part(all, p->stopping ? 5 : 1, c->bad, text);
}

static void add_left(parts *all, const progress *p, const progress_colours *c, buf *text) {
    int64_t left = seconds_left(p);
    if (left < 0 || p->stopping) return;
    buf_clear(text);
    progress_write_time(left, text);
    buf_add_cstr(text, " left");
    add_part(all, 3, c->plain, text);
}

static void lay_parts(const progress *p, const progress_colours *c, parts *all) {
    buf text = BUF_EMPTY;
    add_counts(all, p, c, &text);
    if (p->failed) {
        buf_clear(&text);
        buf_addf(&text, "%" PRIu64 " failed", p->failed);
        add_part(all, 4, c->bad, &text);
    }
    if (p->tokens > 0) {
        buf_clear(&text);
        progress_write_count(p->tokens, &text);
        buf_add_cstr(&text, " tokens");
        add_part(all, 1, c->dim, &text);
    }
    if (p->rate >= 0) {
        buf_clear(&text);
        write_rate(p->rate, &text);
        buf_add_cstr(&text, "/s");
        add_part(all, 2, c->dim, &text);
    }
    add_left(all, p, c, &text);
    add_state(all, p, c, &text);
    buf_done(&text);
}

/* Gives places by weight, until one does not fit; returns the columns that are left. */
static size_t choose_parts(parts *all, size_t room) {
    for (unsigned weight = 6; weight > 0; weight--)
        for (size_t i = 0; i < all->count; i++) {
            part *p = &all->list[i];
            size_t needed = strlen(p->text) + 2;
            if (p->weight != weight) continue;
            if (needed > room) return room;
            p->shown = true;
            room -= needed;
        }
    return room;
}

static void write_coloured(buf *out, const char *colour, span text, const progress_colours *c) {
    buf_add_cstr(out, colour);
    buf_add(out, text);
    if (*colour) buf_add_cstr(out, c->plain);
}

static void write_bar(const progress *p, size_t width, const progress_colours *c, buf *out) {
    size_t cells = width - 2; /* between the brackets */
    double share = p->done < p->total ? (double)p->done / (double)p->total : 1;
    size_t full = (size_t)(share * (double)cells);
    buf bar = BUF_EMPTY;
    for (size_t i = 0; i < full; i++)
        buf_add_char(&bar, '=');
    if (full < cells) buf_add_char(&bar, '>');
    buf_add_char(out, '[');
    write_coloured(out, c->bar, buf_span(&bar), c);
    for (size_t i = full + 1; i < cells; i++)
        buf_add_char(out, ' ');
    buf_add_char(out, ']');
    buf_done(&bar);
}

void progress_write_bar(const progress *p, unsigned width, const progress_colours *colours,
                        buf *out) {
    parts all = {.count = 0};
    if (width < 2) return;
    size_t room = width - 1; /* the last column stays free: terminals differ in when they wrap */
    lay_parts(p, colours, &all);
    room = choose_parts(&all, room + 2); /* no blanks before the first */
    bool first = true;
    if (p->total && room >= BAR_MIN + 2) {
        write_bar(p, room - 2 < BAR_MAX ? room - 2 : BAR_MAX, colours, out);
        first = false;
    }
    for (size_t i = 0; i < all.count; i++) {
        if (!all.list[i].shown) continue;
        if (!first) buf_add_cstr(out, "  ");
        first = false;
        write_coloured(out, all.list[i].colour, span_cstr(all.list[i].text), colours);
    }
}

/* ---- for logs ---- */

void progress_write_line(const progress *p, buf *out) {
    int64_t left = seconds_left(p);
    buf_addf(out, "%" PRIu64, p->done);
    if (p->total) buf_addf(out, " of %" PRIu64, p->total);
    buf_add_cstr(out, (p->total ? p->total : p->done) == 1 ? " line" : " lines");
    buf_addf(out, ", %" PRIu64 " failed, ", p->failed);
    progress_write_count(p->tokens, out);
    buf_add_cstr(out, " tokens");
    if (p->rate >= 0) {
        buf_add_cstr(out, ", ");
        write_rate(p->rate, out);
        buf_add_cstr(out, " lines/s");
    }
    if (p->stopping) {
        buf_addf(out, ", stopping: %u under way", p->under_way);
        return;
    }
    if (left >= 0) {
        buf_add_cstr(out, ", ");
        progress_write_time(left, out);
        buf_add_cstr(out, " left");
    }
    if (p->limit < p->most) buf_addf(out, ", slowed to %u at a time", p->limit);
}

/* ---- the rate ---- */

double rate_meter_note(rate_meter *m, int64_t now_ms, uint64_t done) {
    if (m->count == 0 || now_ms - m->samples[m->newest].at_ms >= RATE_INTERVAL_MS) {
        m->newest = m->count ? (m->newest + 1) % RATE_SAMPLES : 0;
        m->samples[m->newest].at_ms = now_ms;
        m->samples[m->newest].done = done;
        if (m->count < RATE_SAMPLES) m->count++;
    }
    unsigned oldest = (m->newest + RATE_SAMPLES - (m->count - 1)) % RATE_SAMPLES;
    int64_t span_ms = now_ms - m->samples[oldest].at_ms;
    if (span_ms < RATE_INTERVAL_MS) return -1;
    return (double)(done - m->samples[oldest].done) * 1000.0 / (double)span_ms;
}
