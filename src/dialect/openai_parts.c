/* The texts of messages, deltas and a response's items: what each is and whose. */
#include "dialect/openai.h"

static void add_string(reader *r, part_kind kind, unsigned choice, unsigned item, json_value v) {
    if (v.type == JSON_STRING) reader_add_part(r, kind, choice, item, v);
}

static void add_opaque(reader *r, unsigned choice, unsigned item, json_value v) {
    if (openai_shows(v)) reader_add_part(r, PART_OPAQUE, choice, item, v);
}

/* ---- chat completions ---- */

enum { LATER = 0 }; /* the choice, which the caller fills in when he knows it */

/* {"type":"text","text":…}, and whatever else there may be. */
static void read_content_element(reader *r, json_value element, unsigned item) {
    size_t first = r->part_count;
    if (element.type == JSON_OBJECT) {
        json_iter it = json_iter_of(element);
        for (json_member m; json_next_member(&it, &m);) {
            if (span_eq(m.key, SPAN_OF("text")))
                add_string(r, PART_TEXT, LATER, item, m.value);
            else if (span_eq(m.key, SPAN_OF("refusal")))
                add_string(r, PART_REFUSAL, LATER, item, m.value);
        }
    }
    if (r->part_count == first) add_opaque(r, LATER, item, element);
}

static void read_content(reader *r, json_value content) {
    if (content.type == JSON_STRING) {
        reader_add_part(r, PART_TEXT, LATER, 0, content);
    } else if (content.type == JSON_ARRAY) {
        json_iter it = json_iter_of(content);
        json_value element;
        for (unsigned i = 0; json_next_element(&it, &element); i++)
            read_content_element(r, element, i);
    } else {
        add_opaque(r, LATER, 0, content);
    }
}

/* {"name":…,"arguments":…}, or a custom tool's {"name":…,"input":…}. */
static void read_function(reader *r, json_value function) {
    json_iter it = json_iter_of(function);
    for (json_member m; json_next_member(&it, &m);) {
        if (span_eq(m.key, SPAN_OF("name")))
            add_string(r, PART_TOOL_NAME, LATER, 0, m.value);
        else if (span_eq(m.key, SPAN_OF("arguments")) || span_eq(m.key, SPAN_OF("input")))
            add_string(r, PART_TOOL_ARGS, LATER, 0, m.value);
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
    json_iter it = json_iter_of(call);
    for (json_member m; json_next_member(&it, &m);) {
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
    json_iter it = json_iter_of(audio);
    for (json_member m; json_next_member(&it, &m);) {
        if (span_eq(m.key, SPAN_OF("data")))
            add_string(r, PART_AUDIO, LATER, 0, m.value);
        else if (span_eq(m.key, SPAN_OF("transcript")))
            add_string(r, PART_TEXT, LATER, ITEM_BESIDE, m.value);
    }
}

static void read_member(reader *r, span key, json_value value) {
    if (span_eq(key, SPAN_OF("content")))
        read_content(r, value);
    else if (span_eq(key, SPAN_OF("refusal")))
        add_string(r, PART_REFUSAL, LATER, 0, value);
    else if (span_eq(key, SPAN_OF("reasoning_content")))
        add_string(r, PART_REASONING, LATER, 0, value);
    else if (span_eq(key, SPAN_OF("reasoning")) && value.type == JSON_STRING)
        add_string(r, PART_REASONING, LATER, ITEM_BESIDE, value);
    else if (span_eq(key, SPAN_OF("tool_calls")))
        read_tool_calls(r, value);
    else if (span_eq(key, SPAN_OF("function_call")))
        read_function_call(r, value);
    else if (span_eq(key, SPAN_OF("audio")))
        read_audio(r, value);
    else
        add_opaque(r, LATER, 0, value);
}

/* `role` alone opens a message and shows nothing yet; every other member does. */
bool openai_read_message(reader *r, json_cursor *message) {
    bool shows = false, want = reader_wants_parts(r);
    json_cursor_enter(message);
    for (span key; json_cursor_member(message, &key);) {
        json_value value = json_cursor_take(message);
        if (span_eq(key, SPAN_OF("role"))) continue;
        shows = shows || openai_shows(value);
        reader_note_piece(r, key, value);
        if (want) read_member(r, key, value);
    }
    return shows;
}

/* ---- responses ---- */

/* {"type":"output_text","text":…}: what kind of text it is may be told behind it. */
void openai_read_content_part(reader *r, json_value part, unsigned choice, unsigned item) {
    size_t first = r->part_count;
    json_value type = {JSON_NONE};
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
    }
    if (r->part_count == first) add_opaque(r, choice, item, part);
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

/* Of the members of items those that say nothing of their own. */
static bool is_label(span key) {
    static const span labels[] = {SPAN("id"),           SPAN("type"),         SPAN("status"),
                                  SPAN("role"),         SPAN("call_id"),      SPAN("phase"),
                                  SPAN("server_label"), SPAN("container_id"), SPAN("namespace")};
    for (size_t i = 0; i < ARRAY_LEN(labels); i++)
        if (span_eq(key, labels[i])) return true;
    return false;
}

void openai_read_output_item(reader *r, json_value item, unsigned choice) {
    json_iter it = json_iter_of(item);
    for (json_member m; json_next_member(&it, &m);) {
        if (span_eq(m.key, SPAN_OF("content")))
            read_content_parts(r, m.value, choice, 0);
        else if (span_eq(m.key, SPAN_OF("summary")))
            read_content_parts(r, m.value, choice, ITEM_BESIDE);
        else if (span_eq(m.key, SPAN_OF("name")))
            add_string(r, PART_TOOL_NAME, choice, 0, m.value);
        else if (span_eq(m.key, SPAN_OF("arguments")) || span_eq(m.key, SPAN_OF("input")))
            add_string(r, PART_TOOL_ARGS, choice, 0, m.value);
        else if (!is_label(m.key))
            add_opaque(r, choice, 0, m.value);
    }
}
