/* The messages of a chat completion; those among a response's items have the same members. */
#include "dialect/outline_internal.h"

typedef struct message {
    outline_whose whose;
    const json_member *member; /* that is being read */
} message;

static outline_role role_of(json_value word) {
    static const struct {
        span word;
        outline_role role;
    } roles[] = {
        {SPAN("system"), ROLE_SYSTEM}, {SPAN("developer"), ROLE_DEVELOPER},
        {SPAN("user"), ROLE_USER},     {SPAN("assistant"), ROLE_ASSISTANT},
        {SPAN("tool"), ROLE_TOOL},     {SPAN("function"), ROLE_TOOL},
    };
    for (size_t i = 0; i < ARRAY_LEN(roles); i++)
        if (json_is(word, roles[i].word)) return roles[i].role;
    return ROLE_OTHER;
}

/* ---- the members: each says some parts of the turn ---- */

static void read_unknown(outline_builder *b, const message *m) {
    outline_add_part(b, &(outline_part){.kind = OUTLINE_OPAQUE,
                                        .source = m->member->value,
                                        .name = json_member_name(m->member)});
}

/* Role, name and the like: they say whose turn it is. */
static void read_label(outline_builder *b, const message *m) {
    if (m->member->value.type != JSON_STRING) read_unknown(b, m);
}

static void read_name(outline_builder *b, const message *m) {
    read_label(b, m);
    if (m->member->value.type == JSON_STRING) outline_name_turn(b, m->member->value);
}

static void read_content(outline_builder *b, const message *m) {
    outline_read_content(b, &m->whose, m->member->value);
}

static void read_text(outline_builder *b, const message *m, outline_kind kind) {
    json_value text = m->member->value;
    if (text.type == JSON_STRING)
        outline_add_part(b, &(outline_part){.kind = kind, .value = text, .source = text});
    else
        read_unknown(b, m);
}

static void read_refusal(outline_builder *b, const message *m) {
    read_text(b, m, OUTLINE_REFUSAL);
}

static void read_reasoning(outline_builder *b, const message *m) {
    read_text(b, m, OUTLINE_REASONING);
}

/* An answer that was spoken is named by its id. */
static void read_audio(outline_builder *b, const message *m) {
    json_value audio = m->member->value, id = outline_string_at(audio, "id");
    if (id.type == JSON_STRING)
        outline_add_part(b, &(outline_part){.kind = OUTLINE_AUDIO, .value = id, .source = audio});
    else
        read_unknown(b, m);
}

/* Which of the two counts, where there are both, is for its provider to say. */
static void read_tool_call(outline_builder *b, json_value call) {
    const json_value none = {0};
    json_value function = json_get(call, SPAN_OF("function"));
    json_value custom = json_get(call, SPAN_OF("custom"));
    bool is_custom = custom.type == JSON_OBJECT;
    json_value said = is_custom ? custom : function, id = outline_string_at(call, "id");
    if (is_custom && function.type == JSON_OBJECT)
        outline_read_call(b, call, id, none, none);
    else
        outline_read_call(b, call, id, json_get(said, SPAN_OF("name")),
                          json_get(said, is_custom ? SPAN_OF("input") : SPAN_OF("arguments")));
}

static void read_tool_calls(outline_builder *b, const message *m) {
    if (m->member->value.type != JSON_ARRAY) {
        read_unknown(b, m);
        return;
    }
    json_value call;
    json_iter it = json_iter_of(m->member->value);
    while (!outline_is_full(b) && json_next_element(&it, &call))
        read_tool_call(b, call);
}

static void read_function_call(outline_builder *b, const message *m) {
    json_value call = m->member->value;
    outline_read_call(b, call, (json_value){0}, json_get(call, SPAN_OF("name")),
                      json_get(call, SPAN_OF("arguments")));
}

typedef void member_reader(outline_builder *b, const message *m);

static const struct {
    span name;
    member_reader *read;
} readers[] = {
    {SPAN("role"), read_label},
    {SPAN("content"), read_content},
    {SPAN("name"), read_name},
    {SPAN("tool_calls"), read_tool_calls},
    {SPAN("tool_call_id"), read_label},
    {SPAN("refusal"), read_refusal},
    {SPAN("reasoning_content"), read_reasoning},
    {SPAN("reasoning"), read_reasoning},
    {SPAN("function_call"), read_function_call},
    {SPAN("audio"), read_audio},
    /* of an item */
    {SPAN("type"), read_label},
    {SPAN("id"), read_label},
    {SPAN("status"), read_label},
    {SPAN("phase"), read_label},
};

static member_reader *reader_of(json_value name) {
    for (size_t i = 0; i < ARRAY_LEN(readers); i++)
        if (json_is(name, readers[i].name)) return readers[i].read;
    return read_unknown;
}

static void read_member(outline_builder *b, message *m, const json_member *member) {
    const bool silent = member->value.type == JSON_NULL;
    member_reader *read = reader_of(json_member_name(member));
    m->member = member;
    if (!silent || read == read_content) read(b, m);
}

enum { KEPT = 8 }; /* members of a message that are gone through once */

typedef struct members {
    json_member kept[KEPT]; /* the first ones: their keys and values alone */
    size_t count;           /* of all */
} members;

static json_value find(const members *all, json_value source, span name) {
    for (size_t i = 0; i < all->count && i < KEPT; i++)
        if (json_is(json_member_name(&all->kept[i]), name)) return all->kept[i].value;
    return all->count > KEPT ? json_get(source, name) : (json_value){0};
}

static json_value string_or_none(json_value v) {
    return v.type == JSON_STRING ? v : (json_value){0};
}

static void read_all(outline_builder *b, json_value source, const members *all) {
    const outline_role role = role_of(find(all, source, SPAN_OF("role")));
    message m = {.whose = {.text = OUTLINE_TEXT}};
    if (role == ROLE_TOOL)
        m.whose = (outline_whose){OUTLINE_TOOL_RESULT,
                                  string_or_none(find(all, source, SPAN_OF("tool_call_id"))),
                                  string_or_none(find(all, source, SPAN_OF("name")))};
    outline_open_turn(b, role, source, (json_value){0}); /* whoever has a name says it */
    for (size_t i = 0; i < all->count && i < KEPT && !outline_is_full(b); i++)
        read_member(b, &m, &all->kept[i]);
    if (all->count <= KEPT) return;
    json_iter it = json_iter_of(source);
    json_member member;
    for (size_t i = 0; !outline_is_full(b) && json_next_member(&it, &member); i++)
        if (i >= KEPT) read_member(b, &m, &member);
}

/* The message at which the cursor stands. Whose it is may be said last, so its members are gathered
 * before any of them is read. */
static void take_message(outline_builder *b, json_cursor *at) {
    members all;
    const char *from = at->at;
    all.count = 0;
    json_cursor_enter(at);
    for (span key; json_cursor_member(at, &key); all.count++) {
        const json_value value = json_cursor_take(at);
        if (all.count >= KEPT) continue;
        all.kept[all.count].key = key;
        all.kept[all.count].value = value;
    }
    const json_value source = {JSON_OBJECT, span_from(from, (size_t)(at->at - from))};
    read_all(b, source, &all);
}

void outline_read_message(outline_builder *b, json_value source) {
    json_cursor at = {source.raw.ptr, source.raw.ptr + source.raw.len};
    take_message(b, &at);
}

void outline_take_messages(outline_builder *b, json_cursor *list) {
    json_cursor_enter(list);
    while (!outline_is_full(b) && json_cursor_element(list)) {
        if (json_cursor_type(list) == JSON_OBJECT)
            take_message(b, list);
        else
            outline_add_opaque_turn(b, ROLE_OTHER, json_cursor_take(list));
    }
}
