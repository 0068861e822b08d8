/* Answers in the other form than was asked for.
 *
 * The first byte chooses the dialect and whether the rest is a document or a stream. Holds: what is
 * told does not depend on how the bytes come; what is put together is JSON; the events of a
 * document, put together, are a document whose own events make the same once more.
 */
#include "fuzz.h"

#include "dialect/reader.h"
#include "dialect/words.h"
#include "http/sse.h"

/* What a reader told: the events of a stream as they stand in one, or a document. */
typedef struct told {
    buf bytes;
    unsigned sorts; /* of all events */
    reader_result how;
} told;

static void note(told *t, const answer_event *e) {
    t->sorts |= e->sorts;
    if (e->kind == ANSWER_STREAM)
        sse_write(&t->bytes, &(sse_event){e->name, e->data});
    else
        buf_add(&t->bytes, e->data);
}

static told read_all(dialect d, reader_asked asked, span type, span body, size_t step) {
    const reader_spec spec = {.dialect = d,
                              .asked = asked,
                              .choices = 1,
                              .event_bytes = 1 << 20,
                              .answer_bytes = 1 << 20};
    told t = {.how = READER_MORE};
    reader r;
    answer_event e;
    reader_init(&r, &spec, type, -1);
    for (size_t at = 0; at < body.len && t.how == READER_MORE; at += step) {
        span piece = fuzz_piece(body, at, step), rest = piece;
        while ((t.how = reader_next(&r, &rest, &e)) == READER_EVENT)
            note(&t, &e);
        free((char *)piece.ptr);
    }
    if (t.how == READER_MORE)
        while ((t.how = reader_end(&r, true, &e)) == READER_EVENT)
            note(&t, &e);
    reader_done(&r);
    return t;
}

static const span as_json = SPAN("application/json"), as_events = SPAN("text/event-stream");

static void check_pieces(dialect d, reader_asked asked, span type, span body) {
    told whole = read_all(d, asked, type, body, body.len + 1);
    told pieces = read_all(d, asked, type, body, 3);
    HOLDS(whole.how == pieces.how && whole.sorts == pieces.sorts);
    HOLDS(span_eq(buf_span(&whole.bytes), buf_span(&pieces.bytes)));
    buf_done(&whole.bytes);
    buf_done(&pieces.bytes);
}

/* document → events → document. false: it is none, says of an error, or has no end. */
static bool turn_twice(dialect d, span document, told *ret) {
    told events = read_all(d, ASKED_STREAM, as_json, document, document.len + 1);
    bool failed = events.how != READER_END || (events.sorts & (EVENT_ERROR | EVENT_FAILED));
    if (!failed) {
        buf_add_cstr(&events.bytes, "data: [DONE]\n\n");
        *ret = read_all(d, ASKED_DOCUMENT, as_events, buf_span(&events.bytes), 64);
        failed = ret->how != READER_END || (ret->sorts & EVENT_ERROR);
        if (failed) buf_done(&ret->bytes);
    }
    buf_done(&events.bytes);
    return !failed;
}

static bool is_document(span bytes) {
    static const json_limits deep = {.depth = 512, .repeats = true};
    json_value root;
    json_fault fault;
    return json_scan(bytes, &deep, &root, &fault) && root.type == JSON_OBJECT;
}

static void check_document(dialect d, span document) {
    told once, again;
    check_pieces(d, ASKED_STREAM, as_json, document);
    check_pieces(d, ASKED_DOCUMENT, as_json, document);
    if (!is_document(document) || !turn_twice(d, document, &once)) return;
    HOLDS(is_document(buf_span(&once.bytes)));
    HOLDS(turn_twice(d, buf_span(&once.bytes), &again));
    HOLDS(span_eq(buf_span(&once.bytes), buf_span(&again.bytes)));
    buf_done(&again.bytes);
    buf_done(&once.bytes);
}

static void check_stream(dialect d, span stream) {
    check_pieces(d, ASKED_DOCUMENT, as_events, stream);
    check_pieces(d, ASKED_DOCUMENT, as_json, stream);
    check_pieces(d, ASKED_STREAM, SPAN_OF("text/plain"), stream);
    told whole = read_all(d, ASKED_DOCUMENT, as_events, stream, stream.len + 1);
    if (whole.how == READER_END && !(whole.sorts & EVENT_ERROR))
        HOLDS(is_document(buf_span(&whole.bytes)));
    buf_done(&whole.bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const dialect dialects[] = {DIALECT_OPENAI_CHAT, DIALECT_OPENAI_COMPLETIONS,
                                       DIALECT_OPENAI_RESPONSES};
    if (size == 0) return 0;
    dialect d = dialects[data[0] % ARRAY_LEN(dialects)];
    span rest = span_from((const char *)data + 1, size - 1);
    if (data[0] / ARRAY_LEN(dialects) % 2)
        check_document(d, rest);
    else
        check_stream(d, rest);
    return 0;
}
