/* What is read out of a provider's answer: events with their parts, refusals, texts for people.
 *
 * The first byte chooses the dialect and whether the rest is a plain body, a stream or a refusal.
 * Holds: a stream says the same whole, in pieces, and where no event is read by one before; every
 * place lies in the event's own bytes, in order, and is the JSON it should be, also where a member
 * is cut out; no byte of the key comes out; a text for people is UTF-8; a refusal is JSON with an
 * error in it.
 */
#include "fuzz.h"
#include "../unit/secrets.h"

#include "dialect/reader.h"
#include "dialect/words.h"

static secret_set *secrets;

static void check_within(span s, span whole) {
    HOLDS(!s.len || (s.ptr >= whole.ptr && s.ptr + s.len <= whole.ptr + whole.len));
}

static void check_value(json_value v, span data) {
    json_value root;
    json_fault fault;
    if (v.type == JSON_NONE) return;
    check_within(v.raw, data);
    HOLDS(json_scan(v.raw, &(json_limits){.depth = 512, .repeats = true}, &root, &fault));
    HOLDS(root.type == v.type);
}

static void check_event(const answer_event *e) {
    const char *last = e->data.ptr;
    HOLDS(!secret_set_found(secrets, e->data) && !secret_set_found(secrets, e->name));
    for (size_t i = 0; i < e->part_count; i++) {
        const answer_part *p = &e->parts[i];
        HOLDS(p->kind == PART_OPAQUE || p->value.type == JSON_STRING);
        HOLDS(p->value.raw.ptr >= last);
        last = p->value.raw.ptr;
        check_value(p->value, e->data);
    }
    check_value(e->error, e->data);
    if (!e->envelope) return;
    check_value(e->envelope->id, e->data);
    check_value(e->envelope->model, e->data);
    check_value(e->envelope->created, e->data);
}

/* Decoded and as JSON it is the same. */
static void check_words(const answer_event *e, bool all_choices, arena *a) {
    span text;
    json_value json = answer_words_json(e, all_choices, a);
    bool any = answer_words(e, all_choices, a, &text);
    HOLDS(any == (json.type == JSON_STRING));
    if (!any) return;
    HOLDS(span_is_utf8(text) && span_eq(json_string(json, a), text));
}

static void check_text(const answer_event *e, arena *a) {
    check_words(e, false, a);
    check_words(e, true, a);
}

/* Without the member it is what it was: JSON, with every place in its own bytes. */
static void check_cut(const answer_event *e, arena *a) {
    answer_event cut;
    if (!e->null_usage.len) return;
    check_within(e->null_usage, e->data);
    answer_cut_usage(e, a, &cut);
    check_event(&cut);
    check_value((json_value){JSON_OBJECT, cut.data}, cut.data);
    HOLDS(cut.data.len < e->data.len && cut.part_count == e->part_count);
    for (size_t i = 0; i < cut.part_count; i++)
        HOLDS(span_eq(cut.parts[i].value.raw, e->parts[i].value.raw));
}

/* What came, and where. */
static void note_event(const answer_event *e, buf *out) {
    buf_addf(out, "%u %d %d %.*s;", e->sorts, e->is_json, e->status, SPAN_ARG(e->null_usage));
    for (size_t i = 0; i < e->part_count; i++) {
        const answer_part *p = &e->parts[i];
        buf_addf(out, "%d %u %u %zu %zu;", (int)p->kind, p->choice, p->item,
                 (size_t)(p->value.raw.ptr - e->data.ptr), p->value.raw.len);
    }
    if (e->envelope)
        buf_addf(out, "%.*s %.*s %.*s;", SPAN_ARG(e->envelope->id.raw),
                 SPAN_ARG(e->envelope->model.raw), SPAN_ARG(e->envelope->created.raw));
}

/* What events are like that come. */
static void forget_likeness(reader *r) {
    free(r->like.of);
    r->like.of = NULL;
}

/* Reads all of it in pieces of `step` bytes; notes what came. alone: each event by itself. */
static void read_all(const reader_spec *spec, span type, span body, size_t step, bool alone,
                     arena *a, buf *out) {
    reader r;
    answer_event e;
    reader_result got = READER_MORE;
    reader_init(&r, spec, type, (int64_t)body.len);
    for (size_t at = 0; at < body.len && got == READER_MORE; at += step) {
        span piece = span_slice(body, at, at + step);
        while ((got = reader_next(&r, &piece, &e)) == READER_EVENT) {
            check_event(&e);
            check_text(&e, a);
            check_cut(&e, a);
            if (e.kind == ANSWER_RAW)
                buf_add(out, e.data);
            else
                note_event(&e, out);
            if (alone) forget_likeness(&r);
        }
    }
    while (got == READER_MORE || got == READER_EVENT) {
        got = reader_end(&r, true, &e);
        if (got != READER_EVENT) break;
        check_event(&e);
        check_text(&e, a);
        note_event(&e, out);
        if (alone) forget_likeness(&r);
    }
    buf_addf(out, "%d %u", (int)got, r.skipped);
    reader_done(&r);
}

static void check_answer(const reader_spec *spec, span type, span body, arena *a) {
    buf whole = BUF_EMPTY, pieces = BUF_EMPTY, alone = BUF_EMPTY;
    read_all(spec, type, body, body.len ? body.len : 1, false, a, &whole);
    read_all(spec, type, body, 3, false, a, &pieces);
    read_all(spec, type, body, body.len ? body.len : 1, true, a, &alone);
    HOLDS(span_eq(buf_span(&whole), buf_span(&pieces)));
    HOLDS(span_eq(buf_span(&whole), buf_span(&alone)));
    buf_done(&whole);
    buf_done(&alone);
    buf_done(&pieces);
}

static void check_refusal(const dialect_ops *ops, span body, arena *a) {
    refusal said = {0};
    json_value root;
    json_fault fault;
    ops->refuse(500, body, secrets, a, &said);
    HOLDS(json_scan(said.body, NULL, &root, &fault));
    HOLDS(json_get(answer_root(said.body), SPAN_OF("error")).type == JSON_OBJECT);
    HOLDS(!secret_set_found(secrets, said.body) && !secret_set_found(secrets, said.message));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const dialect dialects[] = {DIALECT_OPENAI_CHAT,        DIALECT_OPENAI_COMPLETIONS,
                                       DIALECT_OPENAI_EMBEDDINGS,  DIALECT_OPENAI_RESPONSES,
                                       DIALECT_OPENAI_MODERATIONS, DIALECT_RAW};
    if (size == 0) return 0;
    if (!secrets) secrets = secret_set_of("sk-fuzz/1");
    const reader_spec spec = {.dialect = dialects[data[0] % ARRAY_LEN(dialects)],
                              .want = data[0] & 64 ? 0 : WANT_PARTS | WANT_ENVELOPE,
                              .fewest = 1,
                              .choices = 1,
                              .event_bytes = 1 << 20,
                              .answer_bytes = 1 << 20,
                              .usage_added = true,
                              .secrets = secrets};
    span rest = span_from((const char *)data + 1, size - 1);
    arena a;
    arena_init(&a, 0);
    switch (data[0] / ARRAY_LEN(dialects) % 4) {
    case 0: check_answer(&spec, SPAN_OF("application/json"), rest, &a); break;
    case 1: check_answer(&spec, SPAN_OF("text/event-stream"), rest, &a); break;
    case 2: check_refusal(dialect_get(spec.dialect), rest, &a); break;
    case 3: check_answer(&spec, SPAN_OF("audio/mpeg"), rest, &a); break;
    }
    arena_done(&a);
    return 0;
}
