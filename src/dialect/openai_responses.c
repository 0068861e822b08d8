/* /v1/responses: a stream tells each text in pieces, and then up to four times whole: in its .done,
 * in that of its part, of its item, and in the response's last event. */
#include "dialect/openai.h"

#include "dialect/words.h"

/* What an event tells, by its type behind "response.". */
typedef struct event_row {
    span type;
    part_kind kind;
    span text;  /* the member that holds it */
    span index; /* the member that numbers it */
    bool beside;
    bool full;
} event_row;

#define PIECE(type, kind, index, beside)                                                           \
    { SPAN(type ".delta"), kind, SPAN("delta"), SPAN(index), beside, false }
#define WHOLE(type, kind, text, index, beside)                                                     \
    { SPAN(type ".done"), kind, SPAN(text), SPAN(index), beside, true }

static const event_row event_rows[] = {
    PIECE("output_text", PART_TEXT, "content_index", false),
    WHOLE("output_text", PART_TEXT, "text", "content_index", false),
    PIECE("refusal", PART_REFUSAL, "content_index", false),
    WHOLE("refusal", PART_REFUSAL, "refusal", "content_index", false),
    PIECE("reasoning_text", PART_REASONING, "content_index", false),
    WHOLE("reasoning_text", PART_REASONING, "text", "content_index", false),
    PIECE("reasoning_summary_text", PART_REASONING, "summary_index", true),
    WHOLE("reasoning_summary_text", PART_REASONING, "text", "summary_index", true),
    PIECE("function_call_arguments", PART_TOOL_ARGS, "", false),
    WHOLE("function_call_arguments", PART_TOOL_ARGS, "arguments", "", false),
    PIECE("custom_tool_call_input", PART_TOOL_ARGS, "", false),
    WHOLE("custom_tool_call_input", PART_TOOL_ARGS, "input", "", false),
    PIECE("mcp_call_arguments", PART_TOOL_ARGS, "", false),
    WHOLE("mcp_call_arguments", PART_TOOL_ARGS, "arguments", "", false),
    PIECE("audio", PART_AUDIO, "", false),
    PIECE("audio.transcript", PART_TEXT, "", true),
};

/* Events that hold an object whose texts are whole. */
typedef struct object_row {
    span type;
    bool is_item; /* else a part, with the member that numbers it */
    span index;
    bool beside;
} object_row;

static const object_row object_rows[] = {
    {SPAN("content_part.added"), false, SPAN("content_index"), false},
    {SPAN("content_part.done"), false, SPAN("content_index"), false},
    {SPAN("reasoning_summary_part.added"), false, SPAN("summary_index"), true},
    {SPAN("reasoning_summary_part.done"), false, SPAN("summary_index"), true},
    {SPAN("output_item.added"), true, SPAN(""), false},
    {SPAN("output_item.done"), true, SPAN(""), false},
};

/* One event's members, as they stand. */
typedef struct document {
    const json_member *members;
    size_t count;
} document;

static json_value member(const document *d, span key) {
    return json_find(d->members, d->count, key);
}

static unsigned item_of(const document *d, span index, bool beside) {
    unsigned at = index.len ? openai_index(member(d, index), 0) : 0;
    return beside ? ITEM_BESIDE + at : at;
}

/* ---- signs of life ---- */

/* That it was taken on is no answer, unless it was asked for in the background: whoever asked must
 * then have its id, since it goes on without him. */
static bool is_taken_on(span type) {
    return span_eq(type, SPAN_OF("created")) || span_eq(type, SPAN_OF("queued")) ||
           span_eq(type, SPAN_OF("in_progress"));
}

/* For the connection's sake. */
static bool is_keep_alive(span type) {
    static const span types[] = {SPAN("keepalive"), SPAN("keep_alive"), SPAN("keep-alive"),
                                 SPAN("ping"), SPAN("heartbeat")};
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (span_eq(type, types[i])) return true;
    return false;
}

/* Whatever else comes: who works on it asks nobody else, also where weir does not know the word. */
static bool has_begun(const reader *r, span type) {
    return is_taken_on(type) ? r->spec.background : !is_keep_alive(type);
}

/* ---- pieces and their repeats ---- */

/* Where it belongs; what pads it; figures; tokens, which tell a text once more; a picture. */
static bool is_about_event(span key) {
    return openai_is_label(key) || openai_is_loose(key) || span_ends(key, SPAN_OF("_id")) ||
           span_eq(key, SPAN_OF("usage")) || span_eq(key, SPAN_OF("logprobs")) ||
           span_ends(key, SPAN_OF("_b64"));
}

static void read_beside(reader *r, const json_member *m, unsigned choice) {
    if (!is_about_event(m->key)) openai_read_beside(r, m->key, m->value, choice);
}

static void add_text(reader *r, const event_row *row, unsigned choice, unsigned item,
                     json_value text) {
    const size_t at = r->part_count;
    reader_add_part(r, row->kind, choice, item, text);
    if (r->part_count > at)
        r->parts[at].is_input = span_starts(row->type, SPAN_OF("custom_tool_call_input"));
}

static void read_text(reader *r, const document *d, const event_row *row) {
    unsigned choice = openai_index(member(d, SPAN_OF("output_index")), 0);
    unsigned item = item_of(d, row->index, row->beside);
    for (size_t i = 0; i < d->count; i++) {
        const json_member *m = &d->members[i];
        const bool text = m->value.type == JSON_STRING;
        if (text && span_eq(m->key, row->text))
            add_text(r, row, choice, item, m->value);
        else if (text && row->kind == PART_TOOL_ARGS && span_eq(m->key, SPAN_OF("name")))
            reader_add_part(r, PART_TOOL_NAME, choice, item, m->value);
        else
            read_beside(r, m, choice);
    }
}

static void read_object(reader *r, const document *d, const object_row *row) {
    unsigned choice = openai_index(member(d, SPAN_OF("output_index")), 0);
    for (size_t i = 0; i < d->count; i++) {
        const json_member *m = &d->members[i];
        if (row->is_item && span_eq(m->key, SPAN_OF("item")))
            openai_read_output_item(r, m->value, choice);
        else if (!row->is_item && span_eq(m->key, SPAN_OF("part")))
            openai_read_content_part(r, m->value, choice, item_of(d, row->index, row->beside));
        else
            read_beside(r, m, choice);
    }
}

/* The text that an event goes on with, or repeats: its type without what happens to it. */
static span stem_of(span type) {
    for (size_t at = type.len; at-- > 0;)
        if (type.ptr[at] == '.') return span_slice(type, 0, at);
    return type;
}

static void read_output(reader *r, json_value output) {
    if (output.type != JSON_ARRAY) return;
    json_iter it = json_iter_of(output);
    json_value item;
    for (unsigned i = 0; json_next_element(&it, &item); i++)
        openai_read_output_item(r, item, i);
}

/* What this table does not know: code that is written, a command, a citation. Whoever sees the
 * stream reads it. Only its delta goes on in other events. */
static void read_unknown(reader *r, const document *d, span type, bool is_piece) {
    const unsigned choice = openai_index(member(d, SPAN_OF("output_index")), 0);
    const unsigned item = openai_item_named(stem_of(type));
    for (size_t i = 0; i < d->count; i++) {
        const json_member *m = &d->members[i];
        if (is_about_event(m->key)) continue;
        if (span_eq(m->key, SPAN_OF("response")))
            read_output(r, json_get(m->value, SPAN_OF("output"))); /* what was asked is there too */
        else if (!is_piece && m->value.type == JSON_STRING)
            reader_add_part(r, PART_OTHER, choice, item, m->value);
        else if (span_eq(m->key, SPAN_OF("delta")))
            openai_read_texts(r, PART_OTHER, choice, item, m->value);
        else
            openai_read_beside(r, m->key, m->value, choice);
    }
}

static const event_row *find_event(span type) {
    for (size_t i = 0; i < ARRAY_LEN(event_rows); i++)
        if (span_eq(event_rows[i].type, type)) return &event_rows[i];
    return NULL;
}

static const object_row *find_object(span type) {
    for (size_t i = 0; i < ARRAY_LEN(object_rows); i++)
        if (span_eq(object_rows[i].type, type)) return &object_rows[i];
    return NULL;
}

/* type is what stands behind "response.". */
static void read_piece(reader *r, answer_event *e, const document *d, span type) {
    bool is_piece = e->sorts & EVENT_CONTENT;
    if (r->watched && is_piece)
        reader_watch_piece(r, openai_index(member(d, SPAN_OF("output_index")), 0),
                           reader_whose(type), member(d, SPAN_OF("delta")));
    if (is_piece && !reader_wants_parts(r)) return;
    const event_row *row = find_event(type);
    const object_row *object = row ? NULL : find_object(type);
    if ((row && row->full) || object) e->sorts |= EVENT_FULL;
    if (!reader_wants_parts(r)) return;
    if (row)
        read_text(r, d, row);
    else if (object)
        read_object(r, d, object);
    else
        read_unknown(r, d, type, is_piece);
    if (!is_piece && r->part_count) e->sorts |= EVENT_FULL;
}

/* ---- a whole response ---- */

/* Why it ended: its status, or, where that is "incomplete", what is said of that. */
static void read_status(reader *r, json_value status) {
    static const span ends[] = {SPAN("completed"), SPAN("failed"), SPAN("cancelled")};
    for (size_t i = 0; i < ARRAY_LEN(ends); i++)
        if (json_is(status, ends[i])) reader_add_part(r, PART_FINISH, 0, 0, status);
}

static void read_details(reader *r, json_value details) {
    json_value reason = json_get(details, SPAN_OF("reason"));
    if (reason.type == JSON_STRING) reader_add_part(r, PART_FINISH, 0, 0, reason);
}

/* The same in the words of chat completions, for records; empty: it has not ended. */
static span ended_by(json_value response) {
    static const struct {
        span status, word;
    } words[] = {{SPAN("completed"), SPAN("stop")},
                 {SPAN("incomplete"), SPAN("length")},
                 {SPAN("failed"), SPAN("error")},
                 {SPAN("cancelled"), SPAN("cancelled")}};
    static const span filtered = SPAN("content_filter");
    const json_value status = json_get(response, SPAN_OF("status"));
    const json_value details = json_get(response, SPAN_OF("incomplete_details"));
    if (json_is(json_get(details, SPAN_OF("reason")), filtered)) return filtered;
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (json_is(status, words[i].status)) return words[i].word;
    return SPAN_EMPTY;
}

/* One member of a response object; whole: its texts are told too. */
static void read_response_member(reader *r, answer_event *e, const json_member *m, bool whole) {
    if (span_eq(m->key, SPAN_OF("id"))) {
        r->envelope.id = m->value;
    } else if (span_eq(m->key, SPAN_OF("model"))) {
        r->envelope.model = m->value;
    } else if (span_eq(m->key, SPAN_OF("created_at"))) {
        r->envelope.created = m->value;
    } else if (!whole) {
        return;
    } else if (span_eq(m->key, SPAN_OF("usage"))) {
        openai_read_usage(r, e, m->value);
    } else if (!reader_wants_parts(r)) {
        return;
    } else if (span_eq(m->key, SPAN_OF("output"))) {
        read_output(r, m->value);
    } else if (span_eq(m->key, SPAN_OF("status"))) {
        read_status(r, m->value);
    } else if (span_eq(m->key, SPAN_OF("incomplete_details"))) {
        read_details(r, m->value);
    } else if (span_eq(m->key, SPAN_OF("error"))) { /* why it failed, in the provider's words */
        if (openai_shows(m->value)) reader_add_part(r, PART_OPAQUE, 0, ITEM_BESIDE, m->value);
    } else if (span_eq(m->key, SPAN_OF("output_text"))) { /* all of it, for convenience */
        openai_read_beside(r, m->key, m->value, 0);
    }
}

static void read_response_object(reader *r, answer_event *e, json_value response, bool whole) {
    json_iter it = json_iter_of(response);
    for (json_member m; json_next_member(&it, &m);)
        read_response_member(r, e, &m, whole);
    openai_read_service(r, json_get(response, SPAN_OF("service_tier")));
}

static void read_last(reader *r, answer_event *e, json_value response, span word, bool failed) {
    const span ended = ended_by(response);
    e->sorts |= EVENT_CONTENT | EVENT_FULL | EVENT_FINISH | EVENT_CLOSE;
    e->finish_reason = ended.len ? ended : word;
    if (failed) {
        e->sorts |= EVENT_FAILED;
        e->status = 502;
        e->error = json_get(response, SPAN_OF("error"));
    }
    read_response_object(r, e, response, true);
}

/* ---- events ---- */

/* Any but the last. */
static void read_step(reader *r, answer_event *e, const document *d, span type,
                      json_value response) {
    static const span prefix = SPAN("response.");
    bool own = span_starts(type, prefix);
    span word = own ? span_slice(type, prefix.len, type.len) : type;
    if (!(e->sorts & EVENT_CONTENT) && has_begun(r, word)) e->sorts |= EVENT_BEGUN;
    if (e->envelope && response.type == JSON_OBJECT)
        read_response_object(r, e, response, false);
    else
        openai_read_service(r, json_get(response, SPAN_OF("service_tier")));
    read_piece(r, e, d, word);
}

static void read_by_type(reader *r, answer_event *e, const document *d, span type) {
    if (span_ends(type, SPAN_OF(".delta"))) {
        e->sorts |= EVENT_CONTENT;
        if (!reader_wants_parts(r) && !e->envelope) return;
    }
    json_value response = member(d, SPAN_OF("response"));
    if (span_eq(type, SPAN_OF("response.completed")))
        read_last(r, e, response, SPAN_OF("stop"), false);
    else if (span_eq(type, SPAN_OF("response.incomplete")))
        read_last(r, e, response, SPAN_OF("length"), false);
    else if (span_eq(type, SPAN_OF("response.failed")))
        read_last(r, e, response, SPAN_OF("error"), true);
    else
        read_step(r, e, d, type, response);
}

static void read_stream_event(reader *r, answer_event *e, const document *d) {
    json_value type = {JSON_NONE};
    for (size_t i = 0; i < d->count; i++) {
        const json_member *m = &d->members[i];
        if (span_eq(m->key, SPAN_OF("type")))
            type = m->value;
        else if (span_eq(m->key, SPAN_OF("usage")))
            openai_read_usage(r, e, m->value);
        else if (span_eq(m->key, SPAN_OF("error")))
            openai_read_error(e, m->value);
        else if (openai_is_loose(m->key))
            reader_note_loose(r, m->value);
    }
    /* Some name their events, and do not repeat the name inside. What has neither is none of
     * these: it goes on with the others, and begins nothing. */
    span name = type.type == JSON_STRING ? span_slice(type.raw, 1, type.raw.len - 1) : e->name;
    if (!span_starts(name, SPAN_OF("response."))) openai_look_for_error(e, d->members, d->count);
    if (e->sorts & EVENT_ERROR || span_eq(name, SPAN_OF("error"))) return; /* as its name says */
    if (name.len)
        read_by_type(r, e, d, name);
    else if (reader_wants_parts(r))
        read_unknown(r, d, name, true);
}

/* Whether it is a response at all: one that has only just been taken on has no output. */
static bool is_response(const document *d) {
    return member(d, SPAN_OF("output")).type == JSON_ARRAY ||
           member(d, SPAN_OF("status")).type == JSON_STRING;
}

static void read_plain(reader *r, answer_event *e, const document *d) {
    bool failed = json_is(member(d, SPAN_OF("status")), SPAN_OF("failed"));
    openai_read_error(e, member(d, SPAN_OF("error")));
    if (!is_response(d)) {
        openai_look_for_error(e, d->members, d->count);
        r->no_answer = "The provider's answer has neither output nor status.";
        return;
    }
    for (size_t i = 0; i < d->count; i++)
        read_response_member(r, e, &d->members[i], true);
    openai_read_service(r, member(d, SPAN_OF("service_tier")));
    e->finish_reason = ended_by(answer_root(e->data));
    if (e->sorts & EVENT_ERROR)
        e->sorts ^= EVENT_ERROR | EVENT_FAILED;
    else if (failed)
        r->no_answer = "The provider's response failed, and does not say why.";
    else
        e->sorts |= EVENT_CONTENT;
}

void openai_read_response(reader *r, answer_event *e) {
    json_member members[ANSWER_MEMBERS];
    document d = {.members = members};
    e->is_json = openai_scan(e, members, &d.count);
    if (!e->is_json)
        openai_look_for_listed_error(e);
    else if (e->kind == ANSWER_PLAIN)
        read_plain(r, e, &d);
    else
        read_stream_event(r, e, &d);
}
