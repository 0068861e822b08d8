#include "dialect/refusal_text.h"

#include "base/attr.h"

enum {
    STAR_MAX = 160,  /* bytes that a '*' stands for */
    CAN_WITHIN = 24, /* bytes before the word of "... %" */
    WORD_MAX = 200,  /* bytes that an '@' stands for */
};

/* ---- the form ---- */

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* How many bytes are a quote at the front of s: ' " ` and the typographic ones, U+2018 to U+201D.
 */
static size_t quote_len(span s) {
    char c = s.ptr[0];
    if (c == '\'' || c == '"' || c == '`') return 1;
    if (c != '\xe2' || s.len < 3 || s.ptr[1] != '\x80') return 0;
    unsigned char last = (unsigned char)s.ptr[2];
    return last >= 0x98 && last <= 0x9d ? 3 : 0;
}

/* The number at the front of s: separators count between digits alone. */
static size_t number_len(span s) {
    size_t n = 1;
    while (n < s.len) {
        bool separator = s.ptr[n] == ',' || s.ptr[n] == '.' || s.ptr[n] == '_';
        if (is_digit(s.ptr[n]))
            n++;
        else if (separator && n + 1 < s.len && is_digit(s.ptr[n + 1]))
            n += 2;
        else
            break;
    }
    return n;
}

/* Of JSON or Python that stands in a string, "\n" is a blank. */
static bool escapes_blank(span s) {
    return s.len > 1 && s.ptr[0] == '\\' && (s.ptr[1] == 'n' || s.ptr[1] == 'r' || s.ptr[1] == 't');
}

size_t refusal_fold(span text, char *out, size_t room) {
    size_t n = 0;
    for (size_t i = 0, step; i < text.len && n < room; i += step) {
        span rest = span_from(text.ptr + i, text.len - i);
        unsigned char c = (unsigned char)rest.ptr[0];
        step = 1;
        if (c >= 'a' && c <= 'z') { /* most are */
            out[n++] = (char)c;
        } else if (is_digit((char)c)) {
            step = number_len(rest);
            out[n++] = '#';
        } else if (c <= ' ' || c == 0x7f || escapes_blank(rest)) {
            if (c == '\\') step = 2;
            if (n && out[n - 1] != ' ') out[n++] = ' ';
        } else if (quote_len(rest)) {
            step = quote_len(rest);
        } else if (c != '\\') {
            out[n++] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
        }
    }
    return n;
}

/* ---- finding ---- */

static bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || c == '#' || c == '_';
}

/* A word neither begins before text[at] nor goes on there. */
static bool is_edge(span text, size_t at) {
    return at == 0 || at >= text.len || !is_word(text.ptr[at - 1]) || !is_word(text.ptr[at]);
}

static const span can[] = {
#define ROW(class, at, kind, words, source)
#define CAN(word) SPAN(word),
#include "dialect/refusal_words.def"
#undef ROW
#undef CAN
};

/* What may stand between a word of `can` and what is said of it. */
static const span about[] = {SPAN(""),        SPAN(" parameter"), SPAN(" input"),
                             SPAN(" inputs"), SPAN(" output"),    SPAN(" content"),
                             SPAN(" mode"),   SPAN(" messages"),  SPAN(" requests")};

static bool ends_with_word(span text, span word) {
    return span_ends(text, word) && is_edge(text, text.len - word.len);
}

static bool can_before(span text) {
    for (size_t i = 0; i < ARRAY_LEN(about); i++) {
        if (!span_ends(text, about[i])) continue;
        span said = span_slice(text, 0, text.len - about[i].len);
        for (size_t w = 0; w < ARRAY_LEN(can); w++)
            if (ends_with_word(said, can[w])) return true;
    }
    return false;
}

static bool can_at(span text, size_t at) {
    span rest = span_slice(text, at, text.len);
    for (size_t w = 0; w < ARRAY_LEN(can); w++)
        if (span_starts(rest, can[w]) && is_edge(text, at + can[w].len)) return true;
    return false;
}

static bool can_within(span text, size_t from) {
    for (size_t at = from; at < text.len && at < from + CAN_WITHIN; at++) {
        if (is_edge(text, at) && can_at(text, at)) return true;
        if (memchr(".;:", text.ptr[at], 3)) return false;
    }
    return false;
}

static size_t plain_len(span wording) {
    size_t n = 0;
    while (n < wording.len && !memchr("@*%", wording.ptr[n], 3))
        n++;
    return n;
}

/* The text from `at` on goes on as the wording does. Each run of the wording is taken where it
 * first stands: none of the table's needs another try. */
static bool goes_on(span text, size_t at, span wording) {
    while (wording.len) {
        char c = wording.ptr[0];
        size_t run = plain_len(wording);
        if (c == '%') return can_within(text, at);
        if (c == '@') {
            size_t end = at;
            while (end < text.len && end - at < WORD_MAX && text.ptr[end] != ' ')
                end++;
            if (end == at) return false;
            at = end;
            wording = span_slice(wording, 1, wording.len);
        } else if (c == '*') {
            wording = span_slice(wording, 1, wording.len);
            run = plain_len(wording);
            span near = span_slice(text, 0, at + STAR_MAX + run);
            at = span_find_span(near, at, span_slice(wording, 0, run));
            if (at >= near.len) return false;
        } else {
            span here = span_slice(text, at, text.len);
            if (!span_starts(here, span_slice(wording, 0, run))) return false;
            at += run;
            wording = span_slice(wording, run, wording.len);
        }
    }
    return is_edge(text, at);
}

bool refusal_says(span text, span wording) {
    bool can_first = wording.len && wording.ptr[0] == '%';
    span rest = span_slice(wording, can_first, wording.len);
    span first = span_slice(rest, 0, plain_len(rest));
    for (size_t at = 0; (at = span_find_span(text, at, first)) < text.len; at++) {
        bool begins = can_first ? can_before(span_slice(text, 0, at)) : is_edge(text, at);
        if (begins && goes_on(text, at, rest)) return true;
    }
    return false;
}

bool refusal_has_word(span text, span word) {
    for (size_t at = 0; (at = span_find_span(text, at, word)) < text.len; at++)
        if (is_edge(text, at) && is_edge(text, at + word.len)) return true;
    return false;
}
