/* Lines for people:
 *
 *   17:03:59.123  200  chat.completions     812ms  fast -> openai/gpt-4o-mini  12+34 tokens, first
 * 210ms  019a… 17:03:59.420  warn   breaker_opened: The breaker has opened.
 * target=openai/gpt-4o-mini
 */
#include "observe/line.h"

#include <stdio.h>
#include <string.h>

#define RED    "\033[31m"
#define GREEN  "\033[32m"
#define YELLOW "\033[33m"
#define DIM    "\033[2m"
#define RESET  "\033[0m"

/* ---- text that is safe on a terminal ---- */

static void add_text(buf *out, span text, size_t max) {
    text = span_clip(text, max);
    for (size_t at = 0; at < text.len;) {
        uint32_t code;
        size_t len = span_utf8_at(text, at, &code);
        if (len == 0) {
            buf_add(out, SPAN_OF("\xEF\xBF\xBD")); /* U+FFFD */
            len = 1;
        } else if (utf8_is_unsafe(code)) {
            buf_addf(out, code < 0x80 ? "\\x%02x" : "\\u%04x", (unsigned)code);
        } else {
            buf_add(out, span_from(text.ptr + at, len));
        }
        at += len;
    }
}

/* ---- columns ---- */

static void add_coloured(buf *out, bool colour, const char *code, span text) {
    if (colour) buf_add_cstr(out, code);
    buf_add(out, text);
    if (colour) buf_add_cstr(out, RESET);
}

static void add_time(buf *out, line_clock *clock, int64_t wall_us, bool colour) {
    unsigned us = line_clock_set(clock, wall_us);
    if (colour) buf_add_cstr(out, DIM);
    buf_addf(out, "%s.%03u", clock->local, us / 1000);
    if (colour) buf_add_cstr(out, RESET);
    buf_add_cstr(out, "  ");
}

static void pad(buf *out, size_t from, size_t width) {
    while (out->len - from < width)
        buf_add_char(out, ' ');
}

enum { DURATION_MAX = 32 };

static const char *duration(int64_t us, char out[DURATION_MAX]) {
    long long v = us;
    if (us < 0)
        out[0] = '\0';
    else if (us < 10000)
        (void)snprintf(out, DURATION_MAX, "%lld.%lldms", v / 1000, v / 100 % 10);
    else if (us < 10000000)
        (void)snprintf(out, DURATION_MAX, "%lldms", v / 1000);
    else
        (void)snprintf(out, DURATION_MAX, "%lld.%llds", v / 1000000, v / 100000 % 10);
    return out;
}

/* ---- the line of a call ---- */

static void add_status(buf *out, const call_record *r, bool colour) {
    char text[16];
    int n = snprintf(text, sizeof text, "%3d", r->status);
    const char *code = line_call_level(r) >= LEVEL_WARN ? RED
                       : r->outcome != CALL_OK          ? YELLOW
                                                        : GREEN;
    add_coloured(out, colour, code, span_from(text, (size_t)n));
    buf_add_cstr(out, "  ");
}

static void add_way(buf *out, const call_record *r) {
    add_text(out, r->model, LINE_WORD_MAX);
    if (r->target.len && !span_eq(r->target, r->model)) {
        buf_add_cstr(out, r->model.len ? " -> " : "-> ");
        add_text(out, r->target, LINE_WORD_MAX);
    }
}

static const char *add_tries(buf *out, const call_record *r, const char *between) {
    if (r->attempts < 2) return between;
    char text[DURATION_MAX];
    buf_addf(out, "%s%u attempts", between, r->attempts);
    for (unsigned i = line_first_try(r); i < r->attempts; i++) {
        const attempt_record *t = &r->tries[i];
        buf_add_cstr(out, i == line_first_try(r) ? " (" : ", ");
        add_text(out, t->target, LINE_WORD_MAX);
        buf_addf(out, " %s %s%s", t->outcome, duration(t->ended_us - t->began_us, text),
                 i + 1 == r->attempts ? ")" : "");
    }
    return ", ";
}

/* What is worth a word, separated by commas. */
static void add_details(buf *out, const call_record *r) {
    const char *between = "  ";
    if (r->usage.prompt >= 0 || r->usage.completion >= 0) {
        buf_addf(out, "%s%s%lld+%lld tokens", between, r->usage.estimated ? "about " : "",
                 (long long)(r->usage.prompt > 0 ? r->usage.prompt : 0),
                 (long long)(r->usage.completion > 0 ? r->usage.completion : 0));
        between = ", ";
    }
    if (r->attempts && r->cost_nano > 0) {
        buf_addf(out, "%scost %lld.%09lld", between, (long long)(r->cost_nano / 1000000000),
                 (long long)(r->cost_nano % 1000000000));
        between = ", ";
    }
    if (r->cache.len) {
        buf_addf(out, "%scache %.*s", between, SPAN_ARG(r->cache));
        if (r->similarity > 0) buf_addf(out, " (%.4f)", r->similarity);
        between = ", ";
    }
    if (r->stream && r->first_token_us >= 0) {
        char text[DURATION_MAX];
        buf_addf(out, "%sfirst %s", between, duration(r->first_token_us, text));
        between = ", ";
    }
    between = add_tries(out, r, between);
    if (r->skipped_events) {
        buf_addf(out, "%s%u events skipped", between, r->skipped_events);
        between = ", ";
    }
    if (r->client.len) {
        buf_addf(out, "%sfor ", between);
        add_text(out, r->client, LINE_WORD_MAX);
    }
}

static void add_error(buf *out, const call_record *r, bool colour) {
    span message = line_call_message(r);
    if (message.len == 0) return;
    span error = error_word(r->error);
    buf_add_cstr(out, "  ");
    if (colour) buf_add_cstr(out, line_call_level(r) >= LEVEL_WARN ? RED : YELLOW);
    if (r->outcome == CALL_CUT) buf_add_cstr(out, "cut: ");
    buf_add(out, error);
    if (error.len) buf_add_cstr(out, ": ");
    add_text(out, message, LINE_TEXT_MAX);
    if (colour) buf_add_cstr(out, RESET);
}

void line_text_call(buf *out, line_clock *clock, const call_record *r, bool colour) {
    add_time(out, clock, line_call_wall_us(r), colour);
    add_status(out, r, colour);
    size_t column = out->len;
    add_text(out, r->endpoint, LINE_WORD_MAX);
    pad(out, column, sizeof "chat.completions" - 1);
    char total[DURATION_MAX];
    buf_addf(out, " %8s  ", duration(r->total_us, total));
    add_way(out, r);
    add_details(out, r);
    add_error(out, r, colour);
    buf_add_cstr(out, "  ");
    add_coloured(out, colour, DIM, span_cstr(r->request_id));
    buf_add_char(out, '\n');
}

/* ---- the line of an event ---- */

static void add_value(buf *out, span value) {
    bool quote = value.len == 0 || memchr(value.ptr, ' ', value.len);
    if (quote) buf_add_char(out, '"');
    add_text(out, value, LINE_TEXT_MAX);
    if (quote) buf_add_char(out, '"');
}

void line_text_event(buf *out, line_clock *clock, const line_event *e, bool colour) {
    static const char *const codes[] = {DIM, GREEN, YELLOW, RED, ""};
    add_time(out, clock, e->wall_us, colour);
    size_t column = out->len;
    add_coloured(out, colour, codes[e->level], span_cstr(line_level(e->level)));
    pad(out, column, (colour ? strlen(codes[e->level]) + strlen(RESET) : 0) + 5);
    buf_add_cstr(out, "  ");
    buf_add_cstr(out, e->name);
    if (e->sentence.len) buf_add_cstr(out, ": ");
    add_text(out, e->sentence, LINE_TEXT_MAX);
    for (size_t i = 0; i < e->count; i++) {
        buf_addf(out, "  %s=", e->fields[i].key);
        add_value(out, e->fields[i].value);
    }
    buf_add_char(out, '\n');
}
