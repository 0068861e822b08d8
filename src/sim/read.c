/* What the dialects' requests have in common: numbers, contents, tools, and what is said to them.
 */
#include "sim/answer.h"
#include "sim/schema.h"

bool sim_fault_of(sim_fault *ret, const char *param, const char *message) {
    *ret = (sim_fault){param, message};
    return false;
}

bool sim_read_count(const sim_body *b, const char *name, int64_t least, int64_t most,
                    int64_t otherwise, int64_t *ret, sim_fault *ret_fault) {
    json_value v = sim_member(b, name);
    int64_t n = otherwise;
    if (v.type != JSON_NONE && v.type != JSON_NULL && (!json_i64(v, &n) || n < least || n > most)) {
        span text = arena_printf(
            b->scratch, "Invalid '%s': expected an integer of %lld to %lld, but got %.*s instead.",
            name, (long long)least, (long long)most, SPAN_ARG(span_clip(v.raw, 40)));
        return sim_fault_of(ret_fault, name, text.ptr);
    }
    *ret = n;
    return true;
}

bool sim_read_flag(const sim_body *b, const char *name, bool *ret, sim_fault *ret_fault) {
    json_value v = sim_member(b, name);
    bool is_flag = v.type <= JSON_TRUE; /* absent, null, false, true */
    if (!is_flag) {
        span text = arena_printf(b->scratch, "Invalid type for '%s': expected a boolean.", name);
        return sim_fault_of(ret_fault, name, text.ptr);
    }
    *ret = v.type == JSON_TRUE;
    return true;
}

span sim_content_text(json_value content, arena *scratch, unsigned *images) {
    if (content.type == JSON_STRING) return json_string(content, scratch);
    if (content.type != JSON_ARRAY) return SPAN_EMPTY;
    enum { PARTS_MAX = 64 };
    span texts[PARTS_MAX];
    size_t count = 0;
    json_iter it = json_iter_of(content);
    json_value part;
    while (json_next_element(&it, &part)) {
        json_value type = json_get(part, SPAN_OF("type")), text = json_get(part, SPAN_OF("text"));
        if (json_is(type, SPAN_OF("image_url")) || json_is(type, SPAN_OF("input_image")))
            ++*images;
        else if (text.type == JSON_STRING && count < PARTS_MAX)
            texts[count++] = json_string(text, scratch);
    }
    return count == 1 ? texts[0] : arena_join(scratch, texts, count);
}

span sim_echo(const sim_body *b, const char *opening, span text, unsigned images) {
    span trimmed = span_trim(text), clipped = span_clip(trimmed, SIM_ECHO_BYTES);
    span seen =
        !images ? SPAN_EMPTY
                : arena_printf(b->scratch, " (with %u image%s)", images, images == 1 ? "" : "s");
    span parts[] = {span_cstr(opening), clipped,
                    clipped.len < trimmed.len ? SPAN_OF(" …") : SPAN_EMPTY, seen};
    return arena_join(b->arena, parts, ARRAY_LEN(parts));
}

static bool cut_at(sim_answer *a, span stop) {
    if (!stop.len) return false;
    size_t at = span_find_span(a->text.given, 0, stop);
    if (at == a->text.given.len) return false;
    a->text.given = span_slice(a->text.given, 0, at);
    return true;
}

void sim_apply_stop(const sim_body *b, sim_answer *a) {
    json_value stop = sim_member(b, "stop"), one;
    if (a->text.words || (a->call_count && !a->beside)) return;
    if (stop.type == JSON_STRING) (void)cut_at(a, json_string(stop, b->scratch));
    if (stop.type != JSON_ARRAY) return;
    json_iter it = json_iter_of(stop);
    while (json_next_element(&it, &one))
        if (one.type == JSON_STRING) (void)cut_at(a, json_string(one, b->scratch));
}

/* The facts of a tool: chat keeps them in a member named as its type, responses beside the type. */
static json_value tool_facts(json_value tool, bool function_key) {
    if (!function_key) return tool;
    json_value custom = json_get(tool, SPAN_OF("custom"));
    return custom.type == JSON_OBJECT ? custom : json_get(tool, SPAN_OF("function"));
}

static void add_call(const sim_body *b, json_value tool, json_value facts, sim_answer *a) {
    if (a->call_count == SIM_CALLS_MAX) return;
    sim_call *call = &a->calls[a->call_count];
    call->custom = json_is(json_get(tool, SPAN_OF("type")), SPAN_OF("custom"));
    call->name = arena_dup(b->arena, json_string(json_get(facts, SPAN_OF("name")), b->scratch));
    sim_name_call(b, a, call);
    if (call->custom) {
        call->arguments = a->text.given;
    } else {
        buf arguments = BUF_EMPTY;
        json_value schema = json_get(facts, SPAN_OF("parameters"));
        if (b->wish->calling.wrong && !a->rounds)
            sim_write_wrong(schema, &arguments);
        else if (schema.type == JSON_OBJECT)
            sim_schema_write(schema, b->scratch, &arguments);
        else
            buf_add_cstr(&arguments, "{}");
        call->arguments = arena_dup(b->arena, buf_span(&arguments));
        buf_done(&arguments);
    }
    a->call_count++;
}

/* The name that tool_choice demands, or empty. {type,function:{name}}, {type,name}, {name}. */
static span chosen_name(const sim_body *b, json_value choice) {
    if (choice.type != JSON_OBJECT) return SPAN_EMPTY;
    json_value facts = choice, name = json_get(choice, SPAN_OF("name"));
    if (name.type != JSON_STRING) {
        facts = tool_facts(choice, true);
        name = json_get(facts, SPAN_OF("name"));
    }
    return name.type == JSON_STRING ? json_string(name, b->scratch) : SPAN_EMPTY;
}

/* allowed_tools: the first tool of that list. */
static span allowed_name(const sim_body *b, json_value choice) {
    if (!json_is(json_get(choice, SPAN_OF("type")), SPAN_OF("allowed_tools"))) return SPAN_EMPTY;
    json_value list = json_get(choice, SPAN_OF("allowed_tools")), first;
    json_value tools = json_get(list.type == JSON_OBJECT ? list : choice, SPAN_OF("tools"));
    json_iter it = json_iter_of(tools);
    if (tools.type != JSON_ARRAY || !json_next_element(&it, &first)) return SPAN_EMPTY;
    return chosen_name(b, first);
}

/* Whether it calls at all. */
static bool calls_now(const sim_body *b, json_value choice, bool user_spoke, const sim_answer *a) {
    const sim_calling *how = &b->wish->calling;
    if (b->wish->text) return false;
    if (how->forever) return true;
    bool round_left = how->script || a->rounds < how->rounds;
    return !json_is(choice, SPAN_OF("none")) && (user_spoke || round_left);
}

bool sim_choose_calls(const sim_body *b, bool function_key, bool user_spoke, span user_text,
                      sim_answer *a, sim_fault *ret_fault) {
    json_value tools = sim_member(b, "tools"), choice = sim_member(b, "tool_choice"), tool;
    if (tools.type == JSON_NONE && function_key) {
        tools = sim_member(b, "functions");
        choice = sim_member(b, "function_call");
        function_key = false;
        a->legacy_call = tools.type == JSON_ARRAY;
    }
    if (tools.type != JSON_ARRAY || !calls_now(b, choice, user_spoke, a)) return true;
    if (b->wish->calling.script) {
        sim_script_calls(b, user_text, a);
        return true;
    }
    span wanted = allowed_name(b, choice);
    if (!wanted.len) wanted = chosen_name(b, choice);
    size_t most = b->wish->calls ? b->wish->calls
                  : sim_member(b, "parallel_tool_calls").type == JSON_TRUE && !a->legacy_call
                      ? SIM_CALLS_MAX
                      : 1;
    bool again = b->wish->calls > 0; /* goes round the tools until there are so many calls */
    size_t found;
    do {
        found = 0;
        json_iter it = json_iter_of(tools);
        while (a->call_count < most && json_next_element(&it, &tool)) {
            json_value facts = tool_facts(tool, function_key),
                       name = json_get(facts, SPAN_OF("name"));
            if (name.type != JSON_STRING || (wanted.len && !json_is(name, wanted))) continue;
            add_call(b, tool, facts, a);
            found++;
        }
    } while (again && found && a->call_count < most);
    if (wanted.len && !a->call_count)
        return sim_fault_of(ret_fault, "tool_choice",
                            "Invalid value for 'tool_choice': no tool of that name is in 'tools'.");
    sim_spoil_calls(b, a);
    return true;
}

void sim_choose_text(const sim_body *b, json_value format, span echo, sim_answer *a) {
    a->text = (sim_text){.given = echo, .words = b->wish->words};
    if (b->wish->calling.mute) {
        a->text = (sim_text){.given = SPAN_EMPTY};
        return;
    }
    if (a->text.words) return;
    json_value schema = json_get(format, SPAN_OF("schema"));
    if (schema.type != JSON_OBJECT)
        schema = json_get(json_get(format, SPAN_OF("json_schema")), SPAN_OF("schema"));
    buf text = BUF_EMPTY;
    if (schema.type == JSON_OBJECT) {
        sim_schema_write(schema, b->scratch, &text);
    } else if (json_is(json_get(format, SPAN_OF("type")), SPAN_OF("json_object"))) {
        buf_add_cstr(&text, "{\"answer\":");
        json_write_string(&text, echo);
        buf_add_char(&text, '}');
    } else {
        return;
    }
    a->text.given = arena_dup(b->arena, buf_span(&text));
    buf_done(&text);
}
