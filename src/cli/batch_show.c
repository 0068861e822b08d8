#include "cli/batch_show.h"

#include "cli/cli.h"
#include "cli/terminal.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BAR_PAUSE_MS = 100, LINE_PAUSE_MS = 5000, LINE_PAUSE_MAX_MS = 60 * 1000 };

/* To the beginning of the line, and nothing from there on: a bar that was drawn on a wider terminal
 * may have come to take two lines. */
#define CLEAR "\r\033[J"

show_form batch_show_form(void) {
    return terminal_can_redraw(STDERR_FILENO) ? SHOW_BAR : SHOW_LINES;
}

void batch_show_init(batch_show *s, show_form form, unsigned most, int64_t now_ms) {
    bool colour = terminal_has_colour(STDERR_FILENO);
    *s = (batch_show){.form = form, .most = most, .pause_ms = LINE_PAUSE_MS};
    s->next_ms = form == SHOW_LINES ? now_ms + LINE_PAUSE_MS : now_ms;
    (void)rate_meter_note(&s->meter, now_ms, 0);
    s->colours = (progress_colours){
        .bar = terminal_style_of(colour, STYLE_GREEN),
        .bad = terminal_style_of(colour, STYLE_YELLOW),
        .dim = terminal_style_of(colour, STYLE_DIM),
        .plain = terminal_style_of(colour, STYLE_PLAIN),
    };
}

void batch_show_done(batch_show *s) {
    buf_done(&s->text);
}

int64_t batch_show_timeout_ms(const batch_show *s, int64_t now_ms) {
    if (s->form == SHOW_NOTHING) return -1;
    return s->next_ms > now_ms ? s->next_ms - now_ms : 0;
}

/* ---- drawing ---- */

static void put(const char *text, size_t len) {
    fwrite(text, 1, len, stderr);
    fflush(stderr);
}

void batch_show_clear(batch_show *s) {
    if (s->drawn) put(CLEAR, strlen(CLEAR));
    s->drawn = false;
}

static void draw_bar(batch_show *s, const progress *p) {
    buf text = BUF_EMPTY;
    buf_add_cstr(&text, CLEAR);
    progress_write_bar(p, terminal_columns(STDERR_FILENO), &s->colours, &text);
    if (!s->drawn || !span_eq(buf_span(&text), buf_span(&s->text))) put(text.ptr, text.len);
    s->drawn = true;
    buf_done(&s->text);
    s->text = text;
}

static void draw_line(const progress *p) {
    buf text = BUF_EMPTY;
    progress_write_line(p, &text);
    cli_complain("%s", buf_cstr(&text));
    buf_done(&text);
}

static void draw(batch_show *s, const progress *p, int64_t now_ms) {
    if (s->form == SHOW_BAR) {
        draw_bar(s, p);
        s->next_ms = now_ms + BAR_PAUSE_MS;
        return;
    }
    draw_line(p);
    s->pause_ms = s->pause_ms * 2 < LINE_PAUSE_MAX_MS ? s->pause_ms * 2 : LINE_PAUSE_MAX_MS;
    s->next_ms = now_ms + s->pause_ms;
}

void batch_show_update(batch_show *s, const batch *b, const weir_client *client, bool stopping,
                       int64_t now_ms) {
    if (batch_show_timeout_ms(s, now_ms) != 0) return;
    batch_counts c = batch_count(b);
    uint64_t asked = c.answered + c.failed;
    progress p = {
        .done = c.before + asked,
        .total = c.lines,
        .failed = c.failed_before + c.failed,
        .tokens = c.tokens,
        .rate = rate_meter_note(&s->meter, now_ms, asked),
        .limit = weir_client_limit(client),
        .most = s->most,
        .under_way = c.under_way,
        .stopping = stopping,
    };
    draw(s, &p, now_ms);
}

void batch_show_resized(batch_show *s) {
    if (s->form != SHOW_BAR) return;
    batch_show_clear(s);
    s->next_ms = 0;
}

void batch_show_say(batch_show *s, const char *fmt, ...) {
    buf text = BUF_EMPTY;
    va_list args;
    va_start(args, fmt);
    buf_vaddf(&text, fmt, args);
    va_end(args);
    batch_show_clear(s);
    cli_complain("%s", buf_cstr(&text));
    buf_done(&text);
    if (s->form == SHOW_BAR) s->next_ms = 0;
}
