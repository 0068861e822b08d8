#include "dialect/guess.h"

/* Of a byte order mark too. */
static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\xEF' || c == '\xBB' ||
           c == '\xBF';
}

/* What its type says stands, unless it is contradicted. */
static guess_result judge_events(char first) {
    return first == '{' || first == '[' ? GUESS_DOCUMENT : GUESS_EVENTS;
}

static guess_result judge_document(span begun) {
    static const span fields[] = {SPAN(":"),   SPAN("data:"),  SPAN("event:"),
                                  SPAN("id:"), SPAN("retry:"), SPAN("error:")};
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        if (span_eq(begun, fields[i])) return GUESS_EVENTS;
        if (span_starts(fields[i], begun)) return GUESS_MORE;
    }
    return GUESS_DOCUMENT;
}

guess_result guess_take(guess *g, span bytes) {
    for (size_t i = 0; i < bytes.len; i++) {
        char c = bytes.ptr[i];
        if (!g->len && is_blank(c)) continue;
        if (g->as_events) return judge_events(c);
        g->begun[g->len++] = c; /* no field's name is longer */
        guess_result got = judge_document(span_from(g->begun, g->len));
        if (got != GUESS_MORE) return got;
    }
    return GUESS_MORE;
}
