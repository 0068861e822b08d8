/* The texts of messages, deltas and a response's items: what each is and whose.
 *
 * Nothing that somebody may read is left out, whatever servers call it and whatever type it has: a
 * guard sees an answer by its parts alone. What is no text of a known kind is PART_OTHER, or, where
 * it is no string, PART_OPAQUE.
 */
#include "dialect/openai.h"

static void add_opaque(reader *r, unsigned choice, unsigned item, json_value v) {
    if (openai_shows(v)) reader_add_part(r, PART_OPAQUE, choice, item, v);
}

/* Of another type than documented it may say as much. */
static void add_string(reader *r, part_kind kind, unsigned choice, unsigned item, json_value v) {
    if (v.type == JSON_STRING)
        reader_add_part(r, kind, choice, item, v);
    else
        add_opaque(r, choice, item, v);
}

/* {…,"arguments":…}, or of a custom tool {…,"input":…}. */
static void add_arguments(reader *r, unsigned choice, const json_member *m) {
    const size_t at = r->part_count;
    add_string(r, PART_TOOL_ARGS, choice, 0, m->value);
    if (r->part_count > at) r->parts[at].is_input = span_eq(m->key, SPAN_OF("input"));
}

/* ---- texts without a number ---- */

static unsigned item_within(unsigned item, unsigned place) {
    return ITEM_NAMED | ((item * 31 + place + 1) & (ITEM_NAMED - 1));
}

static unsigned item_of_key(unsigned item, span key) {
    for (size_t i = 0; i < key.len; i++)
        item = item_within(item, (unsigned char)key.ptr[i]);
    return item_within(item, 0);
}

unsigned openai_item_named(span key) {
    return item_of_key(ITEM_NAMED, key);
}

bool openai_is_label(span key) {
    static const span labels[] = {SPAN("id"),           SPAN("type"),     SPAN("status"),
                                  SPAN("role"),         SPAN("call_id"),  SPAN("phase"),
                                  SPAN("index"),        SPAN("format"),   SPAN("server_label"),
                                  SPAN("container_id"), SPAN("namespace")};
    for (size_t i = 0; i < ARRAY_LEN(labels); i++)
        if (span_eq(key, labels[i])) return true;
    return false;
}

/* Of what nobody knows, that which goes on in other events, as its name tells. All else is whole as
 * often as it is said, a label or a figure; many repeat theirs in each chunk. */
static bool goes_on(span key) {
    static const span ends[] = {SPAN("text"),    SPAN("content"), SPAN("transcript"), SPAN("delta"),
                                SPAN("summary"), SPAN("output"),  SPAN("code"),       SPAN("diff")};
    for (size_t i = 0; i < ARRAY_LEN(ends); i++)
        if (span_ends(key, ends[i])) return true;
    return false;
}

/* What the provider alone reads. */
static bool is_sealed(span key) {
    return span_eq(key, SPAN_OF("signature")) || span_eq(key, SPAN_OF("data")) ||
           span_eq(key, SPAN_OF("encrypted_content"));
}

/* The signature is of the text as it stands. */
static bool is_signed(json_value object) {
    return openai_shows(json_get(object, SPAN_OF("signature")));
}

static void read_texts(reader *r, part_kind kind, unsigned choice, unsigned item, json_value value,
                       unsigned depth) {
    enum { DEEPEST = 8 };
    json_iter it = json_iter_of(value);
    if (value.type == JSON_STRING) {
        reader_add_part(r, kind, choice, item, value);
    } else if (depth == DEEPEST || (value.type == JSON_OBJECT && is_signed(value))) {
        add_opaque(r, choice, item, value);
    } else if (value.type == JSON_OBJECT) {
        for (json_member m; json_next_member(&it, &m);) {
            if (is_sealed(m.key))
                add_opaque(r, choice, item, m.value);
            else if (!openai_is_label(m.key))
                read_texts(r, kind, choice, item_of_key(item, m.key), m.value, depth + 1);
        }
    } else if (value.type == JSON_ARRAY) {
        json_value element;
        for (unsigned at = 0; json_next_element(&it, &element); at++) {
            const unsigned place = openai_index(json_get(element, SPAN_OF("index")), at);
            read_texts(r, kind, choice, item_within(item, place), element, depth + 1);
        }
    }
}

void openai_read_texts(reader *r, part_kind kind, unsigned choice, unsigned item,
                       json_value value) {
    read_texts(r, kind, choice, item, value, 0);
}

void openai_read_beside(reader *r, span key, json_value value, unsigned choice) {
    const bool holds = value.type == JSON_OBJECT || value.type == JSON_ARRAY;
    if (openai_is_label(key)) return;
    if (value.type == JSON_STRING && goes_on(key))
        reader_add_part(r, PART_OTHER, choice, openai_item_named(key), value);
    else if (holds || value.type == JSON_STRING)
        add_opaque(r, choice, ITEM_BESIDE, value);
}

/* ---- chat completions ---- */

enum { LATER = 0 }; /* the choice, which the caller fills in when he knows it */

/* Reasoning goes by many names: `reasoning`, `reasoning_content`, `reasoning_text`,
 * `reasoning_details`, `thinking`, `thinking_blocks`, `thought`. */
static bool is_reasoning(span key) {
    return span_starts(key, SPAN_OF("reasoning")) || span_starts(key, SPAN_OF("thinking")) ||
           span_starts(key, SPAN_OF("thought"));
}

static bool is_text_of_element(span key) {
    return span_eq(key, SPAN_OF("text")) || span_eq(key, SPAN_OF("refusal")) || is_reasoning(key);
}

static bool has_text(json_value element) {
    json_iter it = json_iter_of(element);
    for (json_member m; element.type == JSON_OBJECT && json_next_member(&it, &m);)
        if (is_text_of_element(m.key)) return true;
    return false;
}

/* {"type":"text","text":…}, {"type":"thinking","thinking":[{"type":"text","text":…}]}, and whatever
 * else there may be. */
static void read_content_element(reader *r, json_value element, unsigned item) {
    if (!has_text(element) || is_signed(element)) {
        add_opaque(r, LATER, item, element);
        return;
    }
    json_iter it = json_iter_of(element);
    for (json_member m; json_next_member(&it, &m);) {
        if (span_eq(m.key, SPAN_OF("text")))
            add_string(r, PART_TEXT, LATER, item, m.value);
        else if (span_eq(m.key, SPAN_OF("refusal")))
            add_string(r, PART_REFUSAL, LATER, item, m.value);
        else if (is_reasoning(m.key))
            openai_read_texts(r, PART_REASONING, LATER, item_within(openai_item_named(m.key), item),
                              m.value);
        else
            openai_read_beside(r, m.key, m.value, LATER);
    }
}

static bool is_text(json_value element) {
    return element.type == JSON_OBJECT &&
           (json_get(element, SPAN_OF("text")).type || json_get(element, SPAN_OF("refusal")).type);
}

/* The texts of a list read as one, which goes on in those of the deltas behind it. */
static void read_content_list(reader *r, json_value content) {
    unsigned others = 0;
    json_iter it = json_iter_of(content);
    for (json_value element; json_next_element(&it, &element);)
        read_content_element(
            r, element,
            openai_index(json_get(element, SPAN_OF("index")), is_text(element) ? 0 : others++));
}

static void read_content(reader *r, json_value content) {
    if (content.type == JSON_STRING)
        reader_add_part(r, PART_TEXT, LATER, 0, content);
    else if (content.type == JSON_ARRAY)
        read_content_list(r, content);
    else if (content.type == JSON_OBJECT)
        read_content_element(r, content, 0);
    else
        add_opaque(r, LATER, 0, content);
}

/* {"name":…,"arguments":…}, or a custom tool's {"name":…,"input":…}. */
static void read_function(reader *r, json_value function) {
    if (function.type != JSON_OBJECT) add_opaque(r, LATER, 0, function);
    json_iter it = json_iter_of(function);
    for (json_member m; function.type == JSON_OBJECT && json_next_member(&it, &m);) {
        if (span_eq(m.key, SPAN_OF("name")))
            add_string(r, PART_TOOL_NAME, LATER, 0, m.value);
        else if (span_eq(m.key, SPAN_OF("arguments")) || span_eq(m.key, SPAN_OF("input")))
            add_arguments(r, LATER, &m);
        else
            add_opaque(r, LATER, 0, m.value);
    }
}

static void set_item(reader *r, size_t first, unsigned item) {
    for (size_t i = first; i < r->part_count; i++)
        r->parts[i].item = item;
}

static void read_tool_call(reader *r, json_value call, unsigned position) {
    size_t first = r->part_count;
    json_value index = {JSON_NONE};
    if (call.type != JSON_OBJECT) add_opaque(r, LATER, position, call);
    json_iter it = json_iter_of(call);
    for (json_member m; call.type == JSON_OBJECT && json_next_member(&it, &m);) {
        if (span_eq(m.key, SPAN_OF("index")))
            index = m.value;
        else if (span_eq(m.key, SPAN_OF("function")) || span_eq(m.key, SPAN_OF("custom")))
            read_function(r, m.value);
        else if (!span_eq(m.key, SPAN_OF("id")) && !span_eq(m.key, SPAN_OF("type")))
            add_opaque(r, LATER, 0, m.value);
    }
    set_item(r, first, openai_index(index, position));
}

static void read_function_call(reader *r, json_value function) {
    const size_t first = r->part_count;
    read_function(r, function);
    set_item(r, first, ITEM_FUNCTION);
}

static void read_tool_calls(reader *r, json_value calls) {
    if (calls.type != JSON_ARRAY) {
        add_opaque(r, LATER, 0, calls);
        return;
    }
    json_iter it = json_iter_of(calls);
    json_value call;
    for (unsigned i = 0; json_next_element(&it, &call); i++)
        read_tool_call(r, call, i);
}

static void read_audio(reader *r, json_value audio) {
    if (audio.type != JSON_OBJECT) add_opaque(r, LATER, 0, audio);
    json_iter it = json_iter_of(audio);
    for (json_member m; audio.type == JSON_OBJECT && json_next_member(&it, &m);) {
        if (span_eq(m.key, SPAN_OF("data")))
            add_string(r, PART_AUDIO, LATER, 0, m.value);
        else if (span_eq(m.key, SPAN_OF("transcript")))
            add_string(r, PART_TEXT, LATER, ITEM_BESIDE, m.value);
        else
            openai_read_beside(r, m.key, m.value, LATER);
    }
}

static void read_reasoning(reader *r, span key, json_value value) {
    if (span_eq(key, SPAN_OF("reasoning_content")) && value.type == JSON_STRING)
        reader_add_part(r, PART_REASONING, LATER, 0, value);
    else if (span_eq(key, SPAN_OF("reasoning")) && value.type == JSON_STRING)
        reader_add_part(r, PART_REASONING, LATER, ITEM_BESIDE, value);
    else
        openai_read_texts(r, PART_REASONING, LATER, openai_item_named(key), value);
}

static void read_member(reader *r, span key, json_value value) {
    if (span_eq(key, SPAN_OF("content")))
        read_content(r, value);
    else if (span_eq(key, SPAN_OF("refusal")))
        add_string(r, PART_REFUSAL, LATER, 0, value);
    else if (is_reasoning(key))
        read_reasoning(r, key, value);
    else if (span_eq(key, SPAN_OF("tool_calls")))
        read_tool_calls(r, value);
    else if (span_eq(key, SPAN_OF("function_call")))
        read_function_call(r, value);
    else if (span_eq(key, SPAN_OF("audio")))
        read_audio(r, value);
    else if (value.type == JSON_STRING && goes_on(key))
        reader_add_part(r, PART_OTHER, LATER, openai_item_named(key), value);
    else
        add_opaque(r, LATER, 0, value);
}

/* Some tell their reasoning as a text and once more as a list (OpenRouter). */
static void note_reasoned_again(reader *r, size_t first) {
    bool told = false;
    for (size_t i = first; i < r->part_count && !told; i++)
        told = r->parts[i].kind == PART_REASONING && r->parts[i].item < ITEM_NAMED;
    for (size_t i = first; i < r->part_count && told; i++)
        r->parts[i].again = r->parts[i].kind == PART_REASONING && r->parts[i].item >= ITEM_NAMED;
}

/* `role` alone opens a message and shows nothing yet; every other member does. */
bool openai_read_message(reader *r, json_cursor *message) {
    bool shows = false, want = reader_wants_parts(r);
    const size_t first = r->part_count;
    json_cursor_enter(message);
    for (span key; json_cursor_member(message, &key);) {
        json_value value = json_cursor_take(message);
        if (span_eq(key, SPAN_OF("role"))) continue;
        shows = shows || openai_shows(value);
        reader_note_piece(r, key, value);
        if (want) read_member(r, key, value);
    }
    note_reasoned_again(r, first);
    return shows;
}

/* ---- responses ---- */

static bool is_known_of_part(span key) {
    static const span known[] = {SPAN("text"), SPAN("refusal"), SPAN("data"), SPAN("transcript")};
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (span_eq(key, known[i])) return true;
    return false;
}

static bool is_known_part(json_value part) {
    json_iter it = json_iter_of(part);
    for (json_member m; part.type == JSON_OBJECT && json_next_member(&it, &m);)
        if (is_known_of_part(m.key)) return true;
    return false;
}

/* {"type":"output_text","text":…,"annotations":[…]}: what kind of text it is may be told behind it.
 */
void openai_read_content_part(reader *r, json_value part, unsigned choice, unsigned item) {
    size_t first = r->part_count;
    json_value type = {JSON_NONE};
    if (!is_known_part(part)) {
        add_opaque(r, choice, item, part);
        return;
    }
    json_iter it = json_iter_of(part);
    for (json_member m; json_next_member(&it, &m);) {
        if (span_eq(m.key, SPAN_OF("type")))
            type = m.value;
        else if (span_eq(m.key, SPAN_OF("text")))
            add_string(r, PART_TEXT, choice, item, m.value);
        else if (span_eq(m.key, SPAN_OF("refusal")))
            add_string(r, PART_REFUSAL, choice, item, m.value);
        else if (span_eq(m.key, SPAN_OF("data")))
            add_string(r, PART_AUDIO, choice, item, m.value);
        else if (span_eq(m.key, SPAN_OF("transcript")))
            add_string(r, PART_TEXT, choice, ITEM_BESIDE, m.value);
        else if (!span_eq(m.key, SPAN_OF("logprobs"))) /* tell the text once more */
            openai_read_beside(r, m.key, m.value, choice);
    }
    if (!json_is(type, SPAN_OF("reasoning_text")) && !json_is(type, SPAN_OF("summary_text")))
        return;
    for (size_t i = first; i < r->part_count; i++)
        if (r->parts[i].kind == PART_TEXT) r->parts[i].kind = PART_REASONING;
}

static void read_content_parts(reader *r, json_value parts, unsigned choice, unsigned item) {
    if (parts.type != JSON_ARRAY) {
        add_opaque(r, choice, item, parts);
        return;
    }
    json_iter it = json_iter_of(parts);
    for (json_value part; json_next_element(&it, &part); item++)
        openai_read_content_part(r, part, choice, item);
}

void openai_read_output_item(reader *r, json_value item, unsigned choice) {
    if (item.type != JSON_OBJECT) {
        add_opaque(r, choice, 0, item);
        return;
    }
    json_iter it = json_iter_of(item);
    for (json_member m; json_next_member(&it, &m);) {
        if (span_eq(m.key, SPAN_OF("content")))
            read_content_parts(r, m.value, choice, 0);
        else if (span_eq(m.key, SPAN_OF("summary")))
            read_content_parts(r, m.value, choice, ITEM_BESIDE);
        else if (span_eq(m.key, SPAN_OF("name")))
            add_string(r, PART_TOOL_NAME, choice, 0, m.value);
        else if (span_eq(m.key, SPAN_OF("arguments")) || span_eq(m.key, SPAN_OF("input")))
            add_arguments(r, choice, &m);
        else if (!openai_is_label(m.key))
            add_opaque(r, choice, 0, m.value);
    }
}
