/* A reader that is fed in pieces, and what it said, as text to be compared whole.
 *
 * A line an event: its sorts, then its parts as kind choice/item "value" (raw; the item of a text
 * without a number is `named`), its finish reason, its usage; and at the end the word of how it
 * ended. */
#ifndef WEIR_TEST_SAID_H
#define WEIR_TEST_SAID_H

#include "heap.h"

#include "config/config.h"
#include "dialect/openai.h"

static const struct {
    unsigned bit;
    const char *word;
} said_sorts[] = {{EVENT_CONTENT, "content"}, {EVENT_FULL, "full"},   {EVENT_FINISH, "finish"},
                  {EVENT_USAGE, "usage"},     {EVENT_CLOSE, "close"}, {EVENT_FAILED, "failed"},
                  {EVENT_ERROR, "error"},     {EVENT_BEGUN, "begun"}};

static const char *const said_parts[] = {
    [PART_TEXT] = "text",      [PART_REFUSAL] = "refusal", [PART_REASONING] = "reasoning",
    [PART_TOOL_NAME] = "name", [PART_TOOL_ARGS] = "args",  [PART_AUDIO] = "audio",
    [PART_OTHER] = "other",    [PART_OPAQUE] = "opaque",   [PART_FINISH] = "finish",
};

static const char *const said_results[] = {
    [READER_MORE] = "more", [READER_EVENT] = "event",
    [READER_END] = "end",   [READER_UNFINISHED] = "unfinished",
    [READER_CUT] = "cut",   [READER_TOO_LARGE] = "too large",
    [READER_BAD] = "bad",   [READER_NO_ROOM] = "no room",
};

static inline void said_add_event(buf *out, const answer_event *e) {
    const char *comma = "";
    if (e->name.len) buf_addf(out, "%.*s: ", SPAN_ARG(e->name));
    for (size_t i = 0; i < ARRAY_LEN(said_sorts); i++) {
        if (!(e->sorts & said_sorts[i].bit)) continue;
        buf_addf(out, "%s%s", comma, said_sorts[i].word);
        comma = ",";
    }
    const char *last = e->data.ptr;
    for (size_t i = 0; i < e->part_count; i++) {
        const answer_part *p = &e->parts[i];
        assert_true(p->value.raw.ptr >= last); /* in the order of their places */
        last = p->value.raw.ptr;
        assert_true(last + p->value.raw.len <= e->data.ptr + e->data.len);
        buf_addf(out, " %s %u/", p->is_input ? "input" : said_parts[p->kind], p->choice);
        if (p->item < ITEM_NAMED)
            buf_addf(out, "%u", p->item);
        else
            buf_add_cstr(out, "named");
        buf_addf(out, " %.*s", SPAN_ARG(p->value.raw));
    }
    if (e->finish_reason.len) buf_addf(out, " (%.*s)", SPAN_ARG(e->finish_reason));
    if (e->usage)
        buf_addf(out, " %lld+%lld", (long long)e->usage->prompt, (long long)e->usage->completion);
    if (e->usage && e->usage->service)
        buf_addf(out, " %s", config_service_names[e->usage->service].ptr);
    if (e->status) buf_addf(out, " %d", e->status);
    if (e->envelope)
        buf_addf(out, " [%.*s %.*s %.*s]", SPAN_ARG(e->envelope->id.raw),
                 SPAN_ARG(e->envelope->model.raw), SPAN_ARG(e->envelope->created.raw));
    buf_add_char(out, '\n');
}

/* Of RAW pieces the bytes alone: where they are cut is no matter. */
static inline void said_add(buf *out, const answer_event *e) {
    if (e->kind == ANSWER_RAW)
        buf_add(out, e->data);
    else
        said_add_event(out, e);
}

/* Feeds the body in pieces that end at each of `cuts` (ascending), then its end. The pieces are on
 * the heap, each gone before the next comes. */
static inline buf said_in(const reader_spec *spec, const char *content_type, span body,
                          const size_t *cuts, size_t cut_count, bool clean) {
    buf out = BUF_EMPTY;
    reader r;
    answer_event e;
    reader_result got = READER_MORE;
    reader_init(&r, spec, span_cstr(content_type), -1);
    for (size_t i = 0, from = 0; i <= cut_count && got == READER_MORE; i++) {
        size_t to = i < cut_count ? cuts[i] : body.len;
        char *copy = malloc(to - from + 1);
        if (to > from) memcpy(copy, body.ptr + from, to - from);
        span piece = span_from(copy, to - from);
        while ((got = reader_next(&r, &piece, &e)) == READER_EVENT)
            said_add(&out, &e);
        free(copy);
        from = to;
    }
    if (got == READER_MORE)
        while ((got = reader_end(&r, clean, &e)) == READER_EVENT)
            said_add(&out, &e);
    buf_addf(&out, "%s", said_results[got]);
    if (r.skipped) buf_addf(&out, ", %u skipped", r.skipped);
    reader_done(&r);
    (void)buf_cstr(&out);
    return out;
}

/* Whole, byte by byte, and cut in two at each offset: always the same. */
static inline void assert_said(const reader_spec *spec, const char *content_type, const char *body,
                               const char *expected) {
    span all = span_cstr(body);
    size_t *every = malloc((all.len + 1) * sizeof *every);
    for (size_t i = 0; i <= all.len; i++)
        every[i] = i;
    buf said = said_in(spec, content_type, all, NULL, 0, true);
    assert_string_equal(buf_cstr(&said), expected);
    buf_done(&said);
    said = said_in(spec, content_type, all, every, all.len + 1, true);
    assert_string_equal(buf_cstr(&said), expected);
    buf_done(&said);
    for (size_t at = 0; at <= all.len; at++) {
        said = said_in(spec, content_type, all, &at, 1, true);
        assert_string_equal(buf_cstr(&said), expected);
        buf_done(&said);
    }
    free(every);
}

static inline reader_spec said_spec(dialect d, unsigned want) {
    return (reader_spec){.dialect = d,
                         .want = want,
                         .fewest = 1,
                         .choices = 1,
                         .event_bytes = 65536,
                         .answer_bytes = 65536};
}

#define EVENT_STREAM "text/event-stream; charset=utf-8"

#endif
