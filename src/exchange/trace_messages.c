/* What a traced call asks, as the GenAI conventions write it: `[{"role":"user","parts":[{"type":
 * "text","content":"…"}]}]`, as far as TRACE_CONTENT_MAX. Images, files and audio are named and not
 * shown. */
#include "exchange/trace.h"

typedef struct messages {
    exchange *x;
    const request_outline *outline;
    json_value instructions; /* of a response */
    json_writer json;
    size_t left;
    bool cut;
} messages;

bool trace_put_text(json_writer *w, const char *key, span text, size_t *left) {
    span some = span_clip(text, *left);
    *left = some.len == text.len ? *left - some.len : 0;
    json_key(w, key);
    json_put_string(w, some);
    return some.len == text.len;
}

static void put_value(messages *m, const char *key, json_value value) {
    if (value.type != JSON_STRING) return;
    if (!trace_put_text(&m->json, key, json_string(value, &m->x->arena), &m->left)) m->cut = true;
}

static void put_type(messages *m, span type) {
    json_key(&m->json, "type");
    json_put_string(&m->json, type);
}

static void put_part(messages *m, const outline_part *p) {
    json_open_object(&m->json);
    switch (p->kind) {
    case OUTLINE_TEXT:
    case OUTLINE_REFUSAL:
        put_type(m, SPAN_OF("text"));
        put_value(m, "content", p->value);
        break;
    case OUTLINE_REASONING:
        put_type(m, SPAN_OF("reasoning"));
        put_value(m, "content", p->value);
        break;
    case OUTLINE_TOOL_CALL:
        put_type(m, SPAN_OF("tool_call"));
        put_value(m, "id", p->id);
        put_value(m, "name", p->name);
        put_value(m, "arguments", p->value);
        break;
    case OUTLINE_TOOL_RESULT:
        put_type(m, SPAN_OF("tool_call_response"));
        put_value(m, "id", p->id);
        put_value(m, "response", p->value);
        break;
    case OUTLINE_IMAGE: put_type(m, SPAN_OF("image")); break;
    case OUTLINE_FILE: put_type(m, SPAN_OF("file")); break;
    case OUTLINE_AUDIO: put_type(m, SPAN_OF("audio")); break;
    case OUTLINE_OPAQUE: put_type(m, SPAN_OF("other")); break;
    }
    json_close_object(&m->json);
}

static void put_parts(messages *m, const outline_turn *t) {
    json_open_array(&m->json);
    for (size_t i = t->from; i < t->to && m->left; i++)
        put_part(m, &m->outline->parts[i]);
    json_close_array(&m->json);
}

static void put_turn(messages *m, const outline_turn *t) {
    static const span roles[] = {
        [ROLE_SYSTEM] = SPAN("system"), [ROLE_DEVELOPER] = SPAN("developer"),
        [ROLE_USER] = SPAN("user"),     [ROLE_ASSISTANT] = SPAN("assistant"),
        [ROLE_TOOL] = SPAN("tool"),     [ROLE_OTHER] = SPAN("other"),
    };
    json_open_object(&m->json);
    json_key(&m->json, "role");
    json_put_string(&m->json, roles[t->role]);
    json_key(&m->json, "parts");
    put_parts(m, t);
    json_close_object(&m->json);
}

/* Where the API has them apart. */
static bool is_instructions(const messages *m, const outline_turn *t) {
    return m->instructions.type == JSON_STRING && t->source.raw.ptr == m->instructions.raw.ptr;
}

static span take(messages *m, buf *out) {
    span text = arena_dup(&m->x->arena, buf_span(out));
    buf_done(out);
    m->json = (json_writer){0};
    return text;
}

static span read_instructions(messages *m) {
    buf out = BUF_EMPTY;
    m->json = json_writer_of(&out);
    for (size_t i = 0; i < m->outline->turn_count; i++)
        if (!out.len && is_instructions(m, &m->outline->turns[i]))
            put_parts(m, &m->outline->turns[i]);
    return take(m, &out);
}

static span read_turns(messages *m) {
    buf out = BUF_EMPTY;
    m->json = json_writer_of(&out);
    json_open_array(&m->json);
    for (size_t i = 0; i < m->outline->turn_count; i++) {
        if (is_instructions(m, &m->outline->turns[i])) continue;
        if (!m->left) {
            m->cut = true;
            break;
        }
        put_turn(m, &m->outline->turns[i]);
    }
    json_close_array(&m->json);
    return take(m, &out);
}

void trace_messages_read(exchange *x, trace_notes *n) {
    messages m = {.x = x, .left = TRACE_CONTENT_MAX};
    if (x->large) { /* the loop does not read it again */
        n->content_cut = true;
        return;
    }
    m.outline = exchange_outline(x);
    if (!m.outline || !m.outline->turn_count) return;
    if (x->facts.endpoint == EP_RESPONSES)
        m.instructions = json_get(x->facts.root, SPAN_OF("instructions"));
    n->system = read_instructions(&m);
    n->input = read_turns(&m);
    n->content_cut = m.cut;
}
