/* Chat completions and completions of which the chunks have come, put together. */
#include "dialect/openai_turn.h"

#include "base/mem.h"
#include "dialect/merge.h"
#include "dialect/words.h"

#include <stdlib.h>

/* Objects within objects that are joined member by member; deeper ones are taken as they are. */
enum { DEPTH_MAX = 8 };

struct assembly {
    merge all;
};

assembly *openai_begin_completion(size_t most) {
    assembly *a = mem_zalloc(sizeof *a);
    merge_init(&a->all, most);
    return a;
}

void openai_end_completion(assembly *a) {
    if (!a) return;
    merge_done(&a->all);
    free(a);
}

size_t openai_completion_bytes(const assembly *a) {
    return a->all.bytes;
}

static bool is_one_of(span key, const span *names, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (span_eq(key, names[i])) return true;
    return false;
}

/* What is not there, or empty, says nothing against what was. */
static void put_shown(merge *m, merge_node *n, json_value v) {
    if (n->kind == MERGE_NOTHING || openai_shows(v)) merge_put(m, n, v);
}

static void put_told(merge *m, merge_node *n, json_value v) {
    if (n->kind == MERGE_NOTHING || v.type != JSON_NULL) merge_put(m, n, v);
}

/* ---- what a delta tells ---- */

/* Said whole, and by some in each chunk again. */
static bool is_label(span key) {
    static const span labels[] = {SPAN("role"), SPAN("id"), SPAN("type"), SPAN("index")};
    return is_one_of(key, labels, ARRAY_LEN(labels));
}

static bool is_repeat(const merge_node *n, json_value v) {
    return v.type == JSON_STRING && n->kind == MERGE_TEXT &&
           span_eq(buf_span(&n->bytes), span_slice(v.raw, 1, v.raw.len - 1));
}

static void join(merge *m, merge_node *into, json_value object, unsigned depth);

static void join_member(merge *m, merge_node *into, const json_member *said, unsigned depth) {
    merge_node *n = merge_member(m, into, said->key);
    if (is_label(said->key))
        put_shown(m, n, said->value);
    else if (span_eq(said->key, SPAN_OF("name")) && is_repeat(n, said->value))
        return;
    else if (said->value.type == JSON_OBJECT && depth < DEPTH_MAX)
        join(m, n, said->value, depth + 1);
    else
        merge_append(m, n, said->value);
}

static void join(merge *m, merge_node *into, json_value object, unsigned depth) {
    merge_become(into, MERGE_OBJECT);
    json_iter it = json_iter_of(object);
    for (json_member said; json_next_member(&it, &said);)
        join_member(m, into, &said, depth);
}

/* ---- calls of tools ---- */

static bool has_id(const merge_node *call, json_value id) {
    const merge_node *n = merge_find(call, SPAN_OF("id"));
    return n && span_eq(buf_span(&n->bytes), id.raw);
}

static bool has_any_id(const merge_node *call) {
    const merge_node *n = merge_find(call, SPAN_OF("id"));
    return n && n->bytes.len > strlen("\"\"");
}

static merge_node *call_of_id(const merge_node *calls, json_value id) {
    for (merge_node *n = calls->first; n; n = n->next)
        if (has_id(n, id)) return n;
    return NULL;
}

static unsigned behind_all(const merge_node *calls) {
    unsigned number = 0;
    for (const merge_node *n = calls->first; n; n = n->next)
        number = n->number + 1;
    return number;
}

static merge_node *text_at(const merge_node *call, span name) {
    const merge_node *function = merge_find(call, SPAN_OF("function"));
    merge_node *n = function ? merge_find(function, name) : NULL;
    return n && n->kind == MERGE_TEXT ? n : NULL;
}

/* Whether it begins another call than the one that is there, though it has no id: a name comes
 * before its arguments, and some repeat it with each piece of these. */
static bool is_anew(const merge_node *there, json_value call) {
    const json_value function = json_get(call, SPAN_OF("function"));
    const json_value name = json_get(function, SPAN_OF("name"));
    merge_node *arguments = text_at(there, SPAN_OF("arguments"));
    if (name.type != JSON_STRING || !openai_shows(name)) return false;
    if (!arguments || !arguments->bytes.len) return false;
    const merge_node *named = text_at(there, SPAN_OF("name"));
    if (!named || !is_repeat(named, name)) return true;
    return openai_shows(json_get(function, SPAN_OF("arguments"))) &&
           whole_text_is(&arguments->whole, buf_span(&arguments->bytes));
}

/* By its index, or where it stands. Some give every call the same index: then another id is another
 * call; or none: then its id tells. Some have neither. */
static merge_node *find_call(merge *m, merge_node *calls, json_value call, unsigned position) {
    json_value index = json_get(call, SPAN_OF("index")), id = json_get(call, SPAN_OF("id"));
    unsigned number = openai_index(index, position);
    bool named = openai_shows(id);
    if (index.type != JSON_NUMBER && named) {
        merge_node *same = call_of_id(calls, id);
        return same ? same : merge_new_entry(m, calls, behind_all(calls));
    }
    merge_node *n = merge_entry(m, calls, number);
    bool another = named ? has_any_id(n) && !has_id(n, id) : is_anew(n, call);
    return another ? merge_new_entry(m, calls, number) : n;
}

static void take_calls(merge *m, merge_node *calls, json_value said) {
    json_iter it = json_iter_of(said);
    json_value call;
    merge_become(calls, MERGE_ENTRIES);
    for (unsigned i = 0; json_next_element(&it, &call); i++) {
        if (call.type != JSON_OBJECT) continue;
        merge_node *n = find_call(m, calls, call, i);
        json_iter members = json_iter_of(call);
        for (json_member of; json_next_member(&members, &of);)
            if (!span_eq(of.key, SPAN_OF("index"))) join_member(m, n, &of, 1);
    }
}

static void take_delta(merge *m, merge_node *message, json_value delta) {
    json_iter it = json_iter_of(delta);
    for (json_member said; json_next_member(&it, &said);) {
        if (span_eq(said.key, SPAN_OF("tool_calls")) && said.value.type == JSON_ARRAY)
            take_calls(m, merge_member(m, message, said.key), said.value);
        else
            join_member(m, message, &said, 0);
    }
}

/* ---- a choice ---- */

/* Whose chunks carry the whole message so far beside their delta, or in its place. */
static void take_message(merge *m, merge_node *choice, json_value message) {
    merge_node *n = merge_member(m, choice, SPAN_OF("message"));
    if (n->kind != MERGE_OBJECT) merge_put(m, n, message);
}

static void take_choice_member(merge *m, merge_node *choice, const json_member *said) {
    json_value v = said->value;
    if (span_eq(said->key, SPAN_OF("delta"))) {
        merge_node *message = merge_member(m, choice, SPAN_OF("message"));
        if (v.type != JSON_OBJECT) return;
        merge_become(message, MERGE_OBJECT);
        take_delta(m, message, v);
    } else if (span_eq(said->key, SPAN_OF("message")) && v.type == JSON_OBJECT) {
        take_message(m, choice, v);
    } else if (span_eq(said->key, SPAN_OF("text"))) {
        merge_append(m, merge_member(m, choice, said->key), v);
    } else if (span_eq(said->key, SPAN_OF("logprobs")) && v.type == JSON_OBJECT) {
        join(m, merge_member(m, choice, said->key), v, 1);
    } else if (span_eq(said->key, SPAN_OF("finish_reason"))) {
        put_shown(m, merge_member(m, choice, said->key), v);
    } else {
        put_told(m, merge_member(m, choice, said->key), v);
    }
}

static void take_choices(merge *m, merge_node *choices, json_value said) {
    json_iter it = json_iter_of(said);
    json_value choice;
    merge_become(choices, MERGE_ENTRIES);
    for (unsigned i = 0; json_next_element(&it, &choice); i++) {
        if (choice.type != JSON_OBJECT) continue;
        unsigned number = openai_index(json_get(choice, SPAN_OF("index")), i);
        merge_node *n = merge_entry(m, choices, number);
        json_iter members = json_iter_of(choice);
        for (json_member of; json_next_member(&members, &of);)
            take_choice_member(m, n, &of);
    }
}

/* ---- a chunk ---- */

static const json_value null_value = {JSON_NULL, SPAN("null")};

static json_value text_value(span quoted) {
    return (json_value){JSON_STRING, quoted};
}

bool openai_take_chunk(assembly *a, const answer_event *e) {
    merge *m = &a->all;
    json_iter it = json_iter_of(answer_root(e->data));
    for (json_member said; json_next_member(&it, &said);) {
        merge_node *n = merge_member(m, &m->root, said.key);
        if (span_eq(said.key, SPAN_OF("choices")) && said.value.type == JSON_ARRAY)
            take_choices(m, n, said.value);
        else if (span_eq(said.key, SPAN_OF("object")) &&
                 json_is(said.value, SPAN_OF("chat.completion.chunk")))
            merge_put(m, n, text_value(SPAN_OF("\"chat.completion\"")));
        else
            put_shown(m, n, said.value);
    }
    return !merge_full(m);
}

/* ---- the whole ---- */

static void need(merge *m, merge_node *object, span name, json_value otherwise) {
    merge_node *n = merge_member(m, object, name);
    if (n->kind == MERGE_NOTHING) merge_put(m, n, otherwise);
}

/* Some leave out in chunks what a whole answer has to have: clients tell calls apart by it. */
static void complete_call(merge *m, merge_node *call) {
    merge_node *function = merge_find(call, SPAN_OF("function"));
    if (!function || function->kind != MERGE_OBJECT) return;
    need(m, call, SPAN_OF("type"), text_value(SPAN_OF("\"function\"")));
    need(m, function, SPAN_OF("arguments"), text_value(SPAN_OF("\"\"")));
}

static void complete_message(merge *m, merge_node *message) {
    need(m, message, SPAN_OF("role"), text_value(SPAN_OF("\"assistant\"")));
    need(m, message, SPAN_OF("content"), null_value);
    const merge_node *calls = merge_find(message, SPAN_OF("tool_calls"));
    if (!calls || calls->kind != MERGE_ENTRIES) return;
    for (merge_node *n = calls->first; n; n = n->next)
        complete_call(m, n);
}

/* What every client looks for. */
static void complete_choice(merge *m, merge_node *choice, bool is_chat) {
    span number = arena_u64(&m->arena, choice->number);
    need(m, choice, SPAN_OF("index"), (json_value){JSON_NUMBER, number});
    if (!is_chat) {
        need(m, choice, SPAN_OF("text"), text_value(SPAN_OF("\"\"")));
    } else {
        merge_node *message = merge_member(m, choice, SPAN_OF("message"));
        if (message->kind == MERGE_NOTHING) merge_become(message, MERGE_OBJECT);
        if (message->kind == MERGE_OBJECT) complete_message(m, message);
    }
    need(m, choice, SPAN_OF("finish_reason"), null_value);
}

static bool write(assembly *a, bool is_chat, buf *out) {
    merge *m = &a->all;
    merge_node *choices = merge_find(&m->root, SPAN_OF("choices"));
    if (!choices || choices->kind != MERGE_ENTRIES) return false;
    for (merge_node *n = choices->first; n; n = n->next)
        complete_choice(m, n, is_chat);
    merge_write(&m->root, out);
    return !merge_full(m);
}

bool openai_write_completion(assembly *a, buf *out) {
    return write(a, true, out);
}

bool openai_write_text_completion(assembly *a, buf *out) {
    return write(a, false, out);
}
