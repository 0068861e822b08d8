#include "dialect/reader.h"

#include "base/mem.h"
#include "dialect/reader_like.h"
#include "dialect/reader_room.h"
#include "dialect/words.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* ---- its life ---- */

static bool is_type(span content_type, span wanted) {
    span rest = content_type, media;
    return span_cut(&rest, ';', &media) && span_ieq(span_trim(media), wanted);
}

static bool is_json_type(span content_type) {
    span rest = content_type, media;
    if (!span_cut(&rest, ';', &media)) return true; /* none given */
    media = span_trim(media);
    return media.len == 0 || span_ieq(media, SPAN_OF("application/json")) ||
           span_iends(media, SPAN_OF("+json"));
}

static answer_kind kind_of(const dialect_ops *ops, span content_type) {
    if (is_type(content_type, SPAN_OF("text/event-stream"))) return ANSWER_STREAM;
    return ops->is_json || is_json_type(content_type) ? ANSWER_PLAIN : ANSWER_RAW;
}

void reader_init(reader *r, const reader_spec *spec, span content_type, int64_t length) {
    const dialect_ops *ops = dialect_get(spec->dialect);
    answer_kind comes = kind_of(ops, content_type);
    *r = (reader){.spec = *spec, .ops = ops, .kind = comes, .comes = comes, .sure = true};
    if (ops->turn && spec->asked != ASKED_AS_IT_COMES) {
        r->kind = spec->asked == ASKED_STREAM ? ANSWER_STREAM : ANSWER_PLAIN;
        r->guess.as_events = comes == ANSWER_STREAM;
        r->sure = false;
    }
    r->spelled.secrets = spec->secrets;
    if (!ops->is_json && comes == ANSWER_STREAM) r->sure = false;
    if (!ops->is_json) r->spec.want = 0; /* nobody knows what would be its parts */
    sse_reader_init(&r->events, spec->event_bytes);
    r->events.errors = true;
    if (length > 0 && (uint64_t)length <= spec->answer_bytes) r->length = (size_t)length;
    r->hold.holder = spec->holder;
    r->usage = token_usage_unknown;
}

void reader_done(reader *r) {
    sse_reader_done(&r->events);
    buf_done(&r->body);
    buf_done(&r->clean);
    if (r->window) secret_window_done(r->window);
    free(r->window);
    r->window = NULL;
    buf_done(&r->respelt);
    if (r->unfolded) buf_done(&r->unfolded->events);
    free(r->unfolded);
    r->unfolded = NULL;
    spelled_done(&r->spelled);
    if (r->events_told) r->ops->turn->end(r->events_told);
    r->events_told = NULL;
    free(r->parts);
    r->parts = NULL;
    r->part_cap = 0;
    free(r->like.of);
    r->like.of = NULL;
    if (r->spec.memory) memory_drop(r->spec.memory, &r->hold);
}

bool reader_make_room(reader *r) {
    enum { FIRST_PARTS = TEMPLATE_PARTS }; /* of most events */
    if (r->part_cap >= READER_PARTS_MAX) {
        r->crowded = true;
        return false;
    }
    r->part_cap = r->part_cap ? 2 * r->part_cap : FIRST_PARTS;
    r->parts = mem_realloc(r->parts, r->part_cap * sizeof *r->parts);
    return true;
}

void reader_note_finished(reader *r, unsigned choice) {
    choice_set_add(&r->finished, choice);
    r->finishes += choice >= ANSWER_CHOICES - 1;
}

void reader_watch_text(reader *r, unsigned choice, unsigned whose, span piece) {
    reader_note_watched(r, choice, whose, piece);
    if (spelled_take(&r->spelled, choice, whose, piece)) r->spells = true;
}

static unsigned within(unsigned whose, unsigned place) {
    return whose * 31 + place + 1;
}

static unsigned within_key(unsigned whose, span key) {
    for (size_t i = 0; i < key.len; i++)
        whose = within(whose, (unsigned char)key.ptr[i]);
    return within(whose, 0);
}

/* Which of its array an element goes on with: by its own word, as tool calls come, or its place. */
static unsigned place_of(json_value element, unsigned at) {
    int64_t index;
    bool told =
        element.type == JSON_OBJECT && json_i64(json_get(element, SPAN_OF("index")), &index);
    return told ? (unsigned)index : at;
}

/* Each text in it by the way that leads to it, so that nothing beside a text comes between its
 * pieces. What lies deeper than any text of an answer does is one text. */
static void watch_texts(reader *r, unsigned choice, unsigned whose, json_value v, unsigned depth) {
    enum { DEEPEST = 8 };
    if (v.type == JSON_STRING) {
        reader_watch_text(r, choice, whose, span_slice(v.raw, 1, v.raw.len - 1));
    } else if (depth == DEEPEST) {
        json_iter it = json_strings_of(v);
        for (json_value s; json_next_string(&it, &s);)
            watch_texts(r, choice, whose, s, depth);
    } else if (v.type == JSON_OBJECT) {
        json_iter it = json_iter_of(v);
        for (json_member m; json_next_member(&it, &m);)
            watch_texts(r, choice, within_key(whose, m.key), m.value, depth + 1);
    } else if (v.type == JSON_ARRAY) {
        json_iter it = json_iter_of(v);
        json_value e;
        for (unsigned at = 0; json_next_element(&it, &e); at++)
            watch_texts(r, choice, within(whose, place_of(e, at)), e, depth + 1);
    }
}

void reader_watch_piece(reader *r, unsigned choice, unsigned whose, json_value piece) {
    if (piece.type == JSON_STRING)
        reader_watch_text(r, choice, whose, span_slice(piece.raw, 1, piece.raw.len - 1));
    else
        watch_texts(r, choice, whose, piece, 0);
}

/* ---- one event ---- */

/* Redacted before it is read, so that every place is one of the bytes that are handed on. Lives
 * until the next. */
static span without_secrets(reader *r, span text) {
    buf_clear(&r->clean);
    return secret_set_redact(r->spec.secrets, text, &r->clean) ? buf_span(&r->clean) : text;
}

void reader_read_event(reader *r, answer_event *e, event_notes *ret) {
    ret->loose_count = ret->text_count = 0;
    r->notes = ret;
    r->part_count = 0;
    if (r->spec.want & WANT_ENVELOPE) {
        r->envelope = (answer_envelope){{JSON_NONE}, {JSON_NONE}, {JSON_NONE}};
        e->envelope = &r->envelope;
    }
    r->ops->read(r, e);
    r->notes = NULL;
    e->parts = r->parts;
    e->part_count = r->part_count;
}

/* Not all of its parts are there, for whoever has to see all of them. */
static bool is_crowded(reader *r) {
    if (r->crowded) r->no_answer = "The provider's answer has more than 262144 parts.";
    return r->crowded;
}

/* One that no other will be compared with. */
static void read_event(reader *r, answer_event *e) {
    event_notes unused;
    reader_read_event(r, e, &unused);
}

void reader_take_made(reader *r, span name, span data, answer_event *ret) {
    *ret = (answer_event){.kind = ANSWER_STREAM, .name = name, .data = data};
    read_event(r, ret);
}

/* ---- streams ---- */

/* Whether so many, and all that have begun, are finished. */
static bool all_finished(const reader *r, unsigned asked) {
    unsigned told = choice_set_count(&r->finished);
    /* The set holds no more; beyond it what is told is counted. */
    if (asked > ANSWER_CHOICES && r->finishes) told += r->finishes - 1;
    return told >= asked && choice_set_covers(&r->finished, &r->begun);
}

bool reader_is_whole(const reader *r) {
    if (r->comes != ANSWER_STREAM) return false;
    switch (r->ops->end) {
    case ENDS_WITH_CHOICES: return all_finished(r, r->spec.choices);
    case ENDS_WITH_EVENT: return r->closed;
    case ENDS_WITH_BODY: return false;
    }
    return false;
}

/* Nothing was said, seen or finished. What nobody reads may be empty. */
static bool is_no_answer(reader *r) {
    if (r->answered || !r->ops->is_json) return false;
    r->no_answer = "The provider's stream ended without an answer.";
    return true;
}

/* Servers that do not know `n` make one choice of each prompt and say that this was all. */
static reader_result end_by_marker(reader *r) {
    if (is_no_answer(r)) return READER_BAD;
    bool fewer = r->ops->end == ENDS_WITH_CHOICES && all_finished(r, r->spec.fewest);
    return reader_is_whole(r) || fewer ? READER_END : READER_UNFINISHED;
}

/* clean: the body itself ended as its framing says. */
static reader_result end_by_body(reader *r, bool clean) {
    if (clean && is_no_answer(r)) return READER_BAD;
    bool whole = reader_is_whole(r) || (r->ops->end == ENDS_WITH_BODY && clean);
    return whole ? READER_END : READER_CUT;
}

/* It is called one, whatever it says. */
static void note_error(const reader *r, answer_event *e) {
    if (!r->ops->is_json || e->sorts & EVENT_ERROR) return;
    e->sorts |= EVENT_ERROR;
    e->status = 502;
}

/* MORE: it is left out. */
static reader_result take_event(reader *r, const sse_event *event, answer_event *ret) {
    if (r->ops->end_marker.len && span_eq(event->data, r->ops->end_marker)) {
        r->ended = true;
        return end_by_marker(r);
    }
    bool nameless = event->name.len && secret_set_found(r->spec.secrets, event->name);
    span name = nameless ? SPAN_EMPTY : event->name;
    *ret = (answer_event){
        .kind = ANSWER_STREAM, .name = name, .data = without_secrets(r, event->data)};
    r->watched = r->spec.secrets && reader_flows(r);
    if (!reader_read_like(r, ret)) {
        event_notes notes;
        reader_read_event(r, ret, &notes);
        reader_learn(r, ret, &notes);
    }
    if (r->watched && !ret->is_json) reader_watch_text(r, 0, 0, ret->data);
    if (is_crowded(r)) return READER_BAD;
    if (r->spells) {
        r->no_answer = "The provider's answer spells what is secret between weir and it.";
        return READER_BAD;
    }
    if (span_eq(name, SPAN_OF("error"))) note_error(r, ret);
    if (!ret->is_json && r->ops->is_json && !(ret->sorts & EVENT_ERROR)) {
        r->skipped++;
        return READER_MORE;
    }
    r->answered |= (ret->sorts & EVENT_ANSWERS) != 0;
    r->closed |= (ret->sorts & EVENT_CLOSE) != 0;
    return READER_EVENT;
}

/* Most events come whole, and nothing is held. */
static bool may_read(reader *r, size_t more) {
    bool holds = sse_reader_holds(&r->events) > MEMORY_SMALL || r->hold.bytes;
    return !holds || reader_room_for_events(r, more);
}

static reader_result next_of_stream(reader *r, span *input, answer_event *ret) {
    if (r->ended) return end_by_marker(r);
    if (!may_read(r, input->len)) return READER_NO_ROOM;
    for (;;) {
        sse_event event;
        sse_result got = sse_read(&r->events, input, &event);
        if (got != SSE_EVENT) return got == SSE_MORE ? READER_MORE : READER_TOO_LARGE;
        reader_result taken = take_event(r, &event, ret);
        if (taken != READER_MORE) return taken;
    }
}

static reader_result end_of_stream(reader *r, bool clean, answer_event *ret) {
    sse_event event;
    while (clean && !r->ended && sse_read_end(&r->events, &event) == SSE_EVENT)
        if (take_event(r, &event, ret) == READER_EVENT) return READER_EVENT;
    return r->ended ? end_by_marker(r) : end_by_body(r, clean);
}

/* ---- whole bodies ---- */

static reader_result gather(reader *r, span *input) {
    span piece = *input;
    if (r->body.len + piece.len > r->spec.answer_bytes) return READER_TOO_LARGE;
    if (!reader_widen_body(r, piece.len)) return READER_NO_ROOM;
    buf_add(&r->body, piece);
    *input = SPAN_EMPTY;
    return READER_MORE;
}

/* Of what is no JSON object. */
static const char *what_it_is_instead(span body) {
    static const json_limits deep = {.depth = 512, .repeats = true};
    json_value root;
    json_fault fault;
    if (!answer_root(body).raw.len) return "The provider's answer is empty.";
    return json_scan(body, &deep, &root, &fault) ? "The provider's answer is no JSON object."
                                                 : "The provider's answer is not valid JSON.";
}

static reader_result end_of_plain(reader *r, bool clean, answer_event *ret) {
    if (r->ended) return READER_END;
    if (!clean) return READER_CUT;
    r->ended = true;
    span body = buf_span(&r->body);
    if (r->ops->is_json) body = json_behind_mark(body);
    *ret =
        (answer_event){.kind = ANSWER_PLAIN, .sorts = EVENT_FULL, .data = without_secrets(r, body)};
    read_event(r, ret);
    if (is_crowded(r)) return READER_BAD;
    if (!r->ops->is_json || ret->sorts & (EVENT_ERROR | EVENT_FAILED)) return READER_EVENT;
    if (!ret->is_json) r->no_answer = what_it_is_instead(ret->data);
    return r->no_answer ? READER_BAD : READER_EVENT;
}

/* ---- what nobody reads ---- */

static reader_result tell_raw(span told, answer_event *ret, reader_result else_) {
    if (!told.len) return else_;
    *ret = (answer_event){.kind = ANSWER_RAW, .data = told};
    return READER_EVENT;
}

static secret_window *window_of(reader *r) {
    if (!r->window) r->window = mem_zalloc(sizeof *r->window);
    return r->window;
}

static reader_result next_piece(reader *r, span *input, answer_event *ret) {
    span piece = *input;
    *input = SPAN_EMPTY;
    return tell_raw(secret_window_take(window_of(r), r->spec.secrets, piece), ret, READER_MORE);
}

static reader_result end_of_pieces(reader *r, bool clean, answer_event *ret) {
    reader_result end = clean ? READER_END : READER_CUT;
    return tell_raw(secret_window_end(window_of(r), r->spec.secrets), ret, end);
}

/* ---- what comes in the other form than was asked for ---- */

/* What was looked at is the beginning of what it turned out to be: blanks and half a field's name,
 * which are no event. */
static void begin_events(reader *r) {
    sse_event event;
    span looked_at = buf_span(&r->body);
    sse_result nothing = sse_read(&r->events, &looked_at, &event);
    assert(nothing != SSE_EVENT);
    buf_done(&r->body);
}

/* Some servers send line ends for hours before they send events: many are as one. Not none: behind
 * one a byte order mark is no mark. */
static void forget_line_ends(reader *r) {
    for (size_t i = 0; i < r->body.len; i++)
        if (r->body.ptr[i] != '\n' && r->body.ptr[i] != '\r') return;
    if (r->body.len < 2) return;
    buf_clear(&r->body);
    buf_add_char(&r->body, '\n');
}

/* What was looked at is told with what follows. */
static void begin_pieces(reader *r) {
    window_of(r)->held = r->body;
    r->body = BUF_EMPTY;
    r->sure = true;
    r->comes = r->kind = ANSWER_RAW;
}

/* false: the input was used up over it. */
static bool make_sure(reader *r, span *input) {
    guess_result got = guess_take(&r->guess, *input);
    if (got == GUESS_MORE) {
        buf_add(&r->body, *input);
        if (r->guess.as_events) forget_line_ends(r);
        *input = SPAN_EMPTY;
        return false;
    }
    r->sure = true;
    r->comes = got == GUESS_EVENTS ? ANSWER_STREAM : ANSWER_PLAIN;
    if (r->comes == ANSWER_STREAM)
        begin_events(r);
    else if (!r->ops->is_json)
        begin_pieces(r);
    return true;
}

/* The events have come to an end. */
static reader_result tell_whole(reader *r, answer_event *ret) {
    static const span nothing =
        SPAN("{\"error\":{\"message\":\"The provider's stream ended without its answer.\","
             "\"type\":\"server_error\",\"param\":null,\"code\":\"stream_interrupted\"}}");
    r->whole_told = true;
    buf_clear(&r->body);
    bool any = r->events_told && r->ops->turn->write(r->events_told, &r->body);
    *ret = (answer_event){.kind = any ? ANSWER_PLAIN : ANSWER_STREAM,
                          .sorts = any ? EVENT_FULL : 0,
                          .data = any ? without_secrets(r, buf_span(&r->body)) : nothing};
    read_event(r, ret);
    return is_crowded(r) ? READER_BAD : READER_EVENT;
}

/* got: of an event, or the end of all. One that says of a failure is told as it is. */
static reader_result take_told(reader *r, reader_result got, answer_event *ret) {
    if (got == READER_END) return r->whole_told ? READER_END : tell_whole(r, ret);
    if (got != READER_EVENT || (ret->sorts & (EVENT_ERROR | EVENT_FAILED))) return got;
    if (!r->events_told) r->events_told = r->ops->turn->begin(r->spec.answer_bytes);
    if (!r->ops->turn->take(r->events_told, ret)) return READER_TOO_LARGE;
    return reader_count_held(r) ? READER_MORE : READER_NO_ROOM;
}

bool reader_tell_gathered(reader *r, answer_event *ret) {
    bool gathers = r->kind == ANSWER_PLAIN && r->comes == ANSWER_STREAM;
    return gathers && !r->whole_told && tell_whole(r, ret) == READER_EVENT;
}

static reader_result next_of_gathered(reader *r, span *input, answer_event *ret) {
    reader_result got;
    do
        got = take_told(r, next_of_stream(r, input, ret), ret);
    while (got == READER_MORE && input->len);
    return got;
}

static reader_result end_of_gathered(reader *r, bool clean, answer_event *ret) {
    reader_result got;
    do
        got = take_told(r, end_of_stream(r, clean, ret), ret);
    while (got == READER_MORE);
    return got;
}

/* Of a response each text is told some five times. A document of many small choices, or of many and
 * a long id, would else become larger by its square. */
static size_t unfolded_most(const reader *r, span document) {
    enum { TIMES = 8 };
    return r->spec.answer_bytes + TIMES * document.len;
}

/* A document that says of a failure is told as it is. */
static reader_result end_of_unfolded(reader *r, bool clean, answer_event *ret) {
    if (!r->unfolded) {
        reader_result got = end_of_plain(r, clean, ret);
        if (got != READER_EVENT || (ret->sorts & (EVENT_ERROR | EVENT_FAILED))) return got;
        unfolded_text *u = r->unfolded = mem_zalloc(sizeof *u);
        if (!r->ops->turn->unfold(ret->data, unfolded_most(r, ret->data), &u->events))
            return READER_TOO_LARGE;
        if (!reader_count_held(r)) return READER_NO_ROOM;
        u->rest = buf_span(&u->events);
        sse_reader_init(&r->events, SIZE_MAX); /* limits.answer has been kept */
        r->ended = false;
    }
    reader_result got = next_of_stream(r, &r->unfolded->rest, ret);
    return got == READER_MORE ? READER_END : got;
}

bool reader_flows(const reader *r) {
    return r->kind == ANSWER_STREAM && r->comes == ANSWER_STREAM;
}

span reader_content_type(const reader *r, span content_type) {
    bool document = r->kind == ANSWER_PLAIN && r->ops->turn;
    return document && !is_json_type(content_type) ? SPAN_EMPTY : content_type;
}

/* ---- any of them ---- */

reader_result reader_next(reader *r, span *input, answer_event *ret) {
    if (!r->sure && !make_sure(r, input))
        return r->body.len > r->spec.answer_bytes ? READER_TOO_LARGE
               : reader_count_held(r)             ? READER_MORE
                                                  : READER_NO_ROOM;
    switch (r->comes) {
    case ANSWER_STREAM:
        return r->kind == ANSWER_STREAM ? next_of_stream(r, input, ret)
                                        : next_of_gathered(r, input, ret);
    case ANSWER_PLAIN: return gather(r, input);
    case ANSWER_RAW: return next_piece(r, input, ret);
    }
    return READER_BAD;
}

reader_result reader_end(reader *r, bool clean, answer_event *ret) {
    if (!r->sure && !r->ops->is_json && r->body.len) begin_pieces(r);
    switch (r->comes) {
    case ANSWER_STREAM:
        return r->kind == ANSWER_STREAM ? end_of_stream(r, clean, ret)
                                        : end_of_gathered(r, clean, ret);
    case ANSWER_PLAIN:
        return r->kind == ANSWER_PLAIN ? end_of_plain(r, clean, ret)
                                       : end_of_unfolded(r, clean, ret);
    case ANSWER_RAW: return end_of_pieces(r, clean, ret);
    }
    return READER_BAD;
}
