/* POST /v1/responses as the simulator answers it. Its streams number their events and have no
 * [DONE].
 *
 * Source   OpenAI's reference: the response object, streaming events.
 */
#include "sim/answer.h"

enum { PER_ITEM_TOKENS = 4 };

typedef struct input_reading {
    span last_type, last_role, last_text;
    span user_text;
    unsigned images;
    size_t tokens;
    unsigned rounds; /* of calls, since the user spoke */
} input_reading;

static bool is_call(span type) {
    return span_ends(type, SPAN_OF("_call"));
}

static void read_item(json_value item, const sim_body *b, input_reading *r) {
    json_value type = json_get(item, SPAN_OF("type")), role = json_get(item, SPAN_OF("role"));
    json_value output = json_get(item, SPAN_OF("output"));
    unsigned images = 0;
    bool called = is_call(r->last_type);
    r->last_type = type.type == JSON_STRING ? json_string(type, b->scratch) : SPAN_OF("message");
    r->last_role = role.type == JSON_STRING ? json_string(role, b->scratch) : SPAN_EMPTY;
    r->last_text = sim_content_text(output.type ? output : json_get(item, SPAN_OF("content")),
                                    b->scratch, &images);
    r->tokens += PER_ITEM_TOKENS + sim_token_count(r->last_text);
    r->rounds += is_call(r->last_type) && !called;
    if (!span_eq(r->last_role, SPAN_OF("user"))) return;
    r->rounds = 0;
    r->user_text = r->last_text;
    r->images = images;
}

static bool read_input(const sim_body *b, input_reading *r, sim_fault *ret_fault) {
    json_value input = sim_member(b, "input"), item;
    json_value instructions = sim_member(b, "instructions");
    if (instructions.type == JSON_STRING)
        r->tokens += PER_ITEM_TOKENS + sim_token_count(json_string(instructions, b->scratch));
    if (input.type == JSON_STRING) {
        r->last_role = SPAN_OF("user");
        r->user_text = json_string(input, b->scratch);
        r->tokens += PER_ITEM_TOKENS + sim_token_count(r->user_text);
        return true;
    }
    if (input.type != JSON_ARRAY)
        return sim_fault_of(ret_fault, "input", "Missing required parameter: 'input'.");
    json_iter it = json_iter_of(input);
    while (json_next_element(&it, &item))
        read_item(item, b, r);
    return true;
}

static bool responses_read(const sim_body *b, sim_answer *a, sim_fault *ret_fault) {
    input_reading r = {0};
    int64_t limit;
    if (!read_input(b, &r, ret_fault) ||
        !sim_read_count(b, "max_output_tokens", 1, INT32_MAX, INT32_MAX, &limit, ret_fault))
        return false;
    a->choices = 1;
    a->limit = (size_t)limit;
    a->logprobs = -1;
    a->prompt_tokens = r.tokens;
    bool tool_spoke = span_ends(r.last_type, SPAN_OF("_call_output"));
    span echo = tool_spoke                    ? sim_echo(b, "The tool says: ", r.last_text, 0)
                : r.user_text.len || r.images ? sim_echo(b, "You said: ", r.user_text, r.images)
                                              : SPAN_OF("You said nothing.");
    sim_choose_text(b, json_get(sim_member(b, "text"), SPAN_OF("format")), echo, a);
    a->rounds = r.rounds;
    bool user_spoke = span_eq(r.last_role, SPAN_OF("user"));
    return sim_choose_calls(b, false, user_spoke, r.user_text, a, ret_fault);
}

/* ---- The object ---- */

static const char *status_of(const sim_answer *a) {
    return a->finish[0] == 's' || a->call_count ? "completed" : "incomplete";
}

static void add_message(const sim_answer *a, const char *status, bool with_text, buf *out) {
    buf_addf(
        out,
        "{\"id\":\"msg_%016llx\",\"type\":\"message\",\"status\":\"%s\",\"role\":\"assistant\","
        "\"content\":[",
        (unsigned long long)a->hash, status);
    if (with_text) {
        buf_add_cstr(out, "{\"type\":\"output_text\",\"annotations\":[],\"logprobs\":[],\"text\":");
        sim_answer_write_text(a, out);
        buf_add_char(out, '}');
    }
    buf_add_cstr(out, "]}");
}

static void add_call(const sim_answer *a, size_t i, const char *status, bool whole, buf *out) {
    const sim_call *call = &a->calls[i];
    buf_addf(out,
             "{\"id\":\"%s_%016llx%02zx\",\"type\":\"%s\",\"status\":\"%s\",\"call_id\":\"%.*s\","
             "\"name\":",
             call->custom ? "ctc" : "fc", (unsigned long long)a->hash, i,
             call->custom ? "custom_tool_call" : "function_call", status, SPAN_ARG(call->id));
    json_write_string(out, call->name);
    buf_addf(out, ",\"%s\":", call->custom ? "input" : "arguments");
    json_write_string(out, whole ? call->arguments : SPAN_EMPTY);
    buf_add_char(out, '}');
}

static void add_usage(const sim_answer *a, buf *out) {
    size_t completion = sim_answer_completion_tokens(a);
    buf_addf(out,
             "{\"input_tokens\":%zu,\"input_tokens_details\":{\"cached_tokens\":0},"
             "\"output_tokens\":%zu,\"output_tokens_details\":{\"reasoning_tokens\":0},"
             "\"total_tokens\":%zu}",
             a->prompt_tokens, completion, a->prompt_tokens + completion);
}

static void add_output(const sim_answer *a, buf *out) {
    if (!a->call_count) add_message(a, status_of(a), true, out);
    for (size_t i = 0; i < a->call_count; i++) {
        if (i) buf_add_char(out, ',');
        add_call(a, i, "completed", true, out);
    }
}

/* ended: with output and usage; else as it is while in progress. */
static void add_response(const sim_answer *a, bool ended, bool no_usage, buf *out) {
    const char *status = ended ? status_of(a) : "in_progress";
    buf_addf(
        out,
        "{\"id\":\"resp_%016llx\",\"object\":\"response\",\"created_at\":%lld,\"status\":\"%s\",",
        (unsigned long long)a->hash, (long long)a->created_s, status);
    buf_add_cstr(out, "\"error\":null,\"incomplete_details\":");
    if (status[0] == 'i' && ended)
        buf_addf(out, "{\"reason\":\"%s\"}",
                 a->finish[0] == 'l' ? "max_output_tokens" : "content_filter");
    else
        buf_add_cstr(out, "null");
    buf_addf(out, ",\"instructions\":null,\"max_output_tokens\":null,\"model\":%.*s,\"output\":[",
             SPAN_ARG(a->model));
    if (ended) add_output(a, out);
    buf_add_cstr(out,
                 "],\"parallel_tool_calls\":true,\"previous_response_id\":null,"
                 "\"reasoning\":{\"effort\":null,\"summary\":null},\"service_tier\":\"default\","
                 "\"store\":false,\"temperature\":1.0,\"text\":{\"format\":{\"type\":\"text\"}},"
                 "\"tool_choice\":\"auto\",\"tools\":[],\"top_p\":1.0,\"truncation\":\"disabled\","
                 "\"usage\":");
    if (ended && !no_usage)
        add_usage(a, out);
    else
        buf_add_cstr(out, "null");
    buf_add_cstr(out, ",\"user\":null,\"metadata\":{}}");
}

static void responses_whole(const sim_answer *a, bool no_usage, buf *out) {
    add_response(a, true, no_usage, out);
}

/* ---- The stream ---- */

static void begin(sim_answer *a, const char *type, sim_events *e) {
    sim_event_begin(e, type);
    buf_addf(e->out, "{\"type\":\"%s\",\"sequence_number\":%u", type, a->sequence++);
}

static void end(sim_events *e) {
    buf_add_char(e->out, '}');
    sim_event_end(e);
}

static void tell_response(sim_answer *a, const char *type, bool ended, sim_events *e) {
    begin(a, type, e);
    buf_add_cstr(e->out, ",\"response\":");
    add_response(a, ended, e->no_usage, e->out);
    end(e);
}

static void tell_item(sim_answer *a, const char *type, size_t i, bool whole, sim_events *e) {
    begin(a, type, e);
    buf_addf(e->out, ",\"output_index\":%zu,\"item\":", i);
    const char *status = whole ? status_of(a) : "in_progress";
    if (a->call_count)
        add_call(a, i, status, whole, e->out);
    else
        add_message(a, status, whole, e->out);
    end(e);
}

static void tell_content(sim_answer *a, const char *type, bool whole, sim_events *e) {
    begin(a, type, e);
    buf_addf(e->out,
             ",\"item_id\":\"msg_%016llx\",\"output_index\":0,\"content_index\":0,\"part\":"
             "{\"type\":\"output_text\",\"annotations\":[],\"logprobs\":[],\"text\":",
             (unsigned long long)a->hash);
    if (whole)
        sim_answer_write_text(a, e->out);
    else
        buf_add_cstr(e->out, "\"\"");
    buf_add_char(e->out, '}');
    end(e);
}

static void tell_text(sim_answer *a, const char *type, const sim_part *part, sim_events *e) {
    begin(a, type, e);
    buf_addf(e->out,
             ",\"item_id\":\"msg_%016llx\",\"output_index\":0,\"content_index\":0,\"logprobs\":[],"
             "\"%s\":",
             (unsigned long long)a->hash, part ? "delta" : "text");
    if (part)
        json_write_string(e->out, part->token);
    else
        sim_answer_write_text(a, e->out);
    end(e);
}

static void tell_arguments(sim_answer *a, size_t i, const sim_part *part, sim_events *e) {
    const sim_call *call = &a->calls[i];
    const char *type = call->custom ? (part ? "response.custom_tool_call_input.delta"
                                            : "response.custom_tool_call_input.done")
                                    : (part ? "response.function_call_arguments.delta"
                                            : "response.function_call_arguments.done");
    begin(a, type, e);
    buf_addf(e->out, ",\"item_id\":\"%s_%016llx%02zx\",\"output_index\":%zu,\"%s\":",
             call->custom ? "ctc" : "fc", (unsigned long long)a->hash, i, i,
             part           ? "delta"
             : call->custom ? "input"
                            : "arguments");
    json_write_string(e->out, part ? part->token : call->arguments);
    if (!part && !call->custom) {
        buf_add_cstr(e->out, ",\"name\":");
        json_write_string(e->out, call->name);
    }
    end(e);
}

static void responses_open(sim_answer *a, sim_events *e) {
    tell_response(a, "response.created", false, e);
    tell_response(a, "response.in_progress", false, e);
    if (a->call_count) return;
    tell_item(a, "response.output_item.added", 0, false, e);
    tell_content(a, "response.content_part.added", false, e);
}

static void close_call(sim_answer *a, size_t i, sim_events *e) {
    tell_arguments(a, i, NULL, e);
    tell_item(a, "response.output_item.done", i, true, e);
}

static void responses_part(sim_answer *a, unsigned choice, const sim_part *part, sim_events *e) {
    (void)choice;
    switch (part->kind) {
    case SIM_PART_TEXT: tell_text(a, "response.output_text.delta", part, e); break;
    case SIM_PART_CALL:
        if (part->call > 0) close_call(a, part->call - 1, e);
        tell_item(a, "response.output_item.added", part->call, false, e);
        break;
    case SIM_PART_ARGUMENTS: tell_arguments(a, part->call, part, e); break;
    }
}

static void responses_close(sim_answer *a, sim_events *e) {
    if (a->call_count) {
        close_call(a, a->call_count - 1, e);
    } else {
        tell_text(a, "response.output_text.done", NULL, e);
        tell_content(a, "response.content_part.done", true, e);
        tell_item(a, "response.output_item.done", 0, true, e);
    }
    bool whole = status_of(a)[0] == 'c';
    tell_response(a, whole ? "response.completed" : "response.incomplete", true, e);
}

static void responses_fail(sim_answer *a, const char *message, sim_events *e) {
    begin(a, "error", e);
    buf_addf(e->out, ",\"code\":\"server_error\",\"message\":\"%s\",\"param\":null", message);
    end(e);
}

const sim_dialect sim_responses = {
    responses_read, responses_whole, responses_open,
    responses_part, responses_close, responses_fail,
};
