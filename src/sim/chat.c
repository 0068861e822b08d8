/* POST /v1/chat/completions as the simulator answers it.
 *
 * Source   OpenAI's reference: the chat completion object, the chat completion chunk object.
 */
#include "sim/answer.h"

#include <stdio.h>

enum { PER_MESSAGE_TOKENS = 4 };

typedef struct chat_reading {
    span last_role, last_text; /* of the last message */
    span user_text;            /* of the last message from the user */
    unsigned images;
    size_t tokens;
    unsigned rounds; /* messages that call, since the user spoke */
} chat_reading;

static bool read_messages(const sim_body *b, chat_reading *r, sim_fault *ret_fault) {
    json_value messages = sim_member(b, "messages"), message;
    if (messages.type != JSON_ARRAY)
        return sim_fault_of(ret_fault, "messages", "Missing required parameter: 'messages'.");
    json_iter it = json_iter_of(messages);
    while (json_next_element(&it, &message)) {
        json_value role = json_get(message, SPAN_OF("role"));
        if (role.type != JSON_STRING)
            return sim_fault_of(ret_fault, "messages", "Invalid 'messages': each needs a 'role'.");
        unsigned images = 0;
        r->last_role = json_string(role, b->scratch);
        r->last_text = sim_content_text(json_get(message, SPAN_OF("content")), b->scratch, &images);
        r->tokens += PER_MESSAGE_TOKENS + sim_token_count(r->last_text);
        r->rounds += json_get(message, SPAN_OF("tool_calls")).type == JSON_ARRAY;
        if (span_eq(r->last_role, SPAN_OF("user"))) {
            r->rounds = 0;
            r->user_text = r->last_text;
            r->images = images;
        }
    }
    if (!r->last_role.len)
        return sim_fault_of(
            ret_fault, "messages",
            "Invalid 'messages': empty array. Expected an array with minimum length 1, but "
            "got an empty array instead.");
    return true;
}

static bool read_options(const sim_body *b, sim_answer *a, sim_fault *ret_fault) {
    int64_t n, limit, top;
    bool logprobs;
    if (!sim_read_count(b, "n", 1, SIM_CHOICES_MAX, 1, &n, ret_fault) ||
        !sim_read_count(b, "max_tokens", 1, INT32_MAX, INT32_MAX, &limit, ret_fault) ||
        !sim_read_count(b, "max_completion_tokens", 1, INT32_MAX, limit, &limit, ret_fault) ||
        !sim_read_count(b, "top_logprobs", 0, 20, 0, &top, ret_fault) ||
        !sim_read_flag(b, "logprobs", &logprobs, ret_fault))
        return false;
    json_value options = sim_member(b, "stream_options");
    if (options.type == JSON_OBJECT && !a->stream)
        return sim_fault_of(
            ret_fault, "stream_options",
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.");
    a->include_usage = json_get(options, SPAN_OF("include_usage")).type == JSON_TRUE;
    a->choices = (unsigned)n;
    a->limit = (size_t)limit;
    a->logprobs = logprobs ? (int)top : -1;
    return true;
}

static bool chat_read(const sim_body *b, sim_answer *a, sim_fault *ret_fault) {
    chat_reading r = {0};
    if (!read_messages(b, &r, ret_fault) || !read_options(b, a, ret_fault)) return false;
    a->prompt_tokens = r.tokens + 3;
    bool tool_spoke =
        span_eq(r.last_role, SPAN_OF("tool")) || span_eq(r.last_role, SPAN_OF("function"));
    span echo = tool_spoke                    ? sim_echo(b, "The tool says: ", r.last_text, 0)
                : r.user_text.len || r.images ? sim_echo(b, "You said: ", r.user_text, r.images)
                                              : SPAN_OF("You said nothing.");
    sim_choose_text(b, sim_member(b, "response_format"), echo, a);
    a->rounds = r.rounds;
    bool user_spoke = span_eq(r.last_role, SPAN_OF("user"));
    if (!sim_choose_calls(b, true, user_spoke, r.user_text, a, ret_fault)) return false;
    if (a->call_count && b->wish->calling.talk) {
        a->beside = true;
        a->text = (sim_text){.given = SPAN_OF("Let me see.")};
    }
    sim_apply_stop(b, a);
    return true;
}

static void add_usage(const sim_answer *a, buf *out) {
    size_t completion = sim_answer_completion_tokens(a);
    buf_addf(out,
             "{\"prompt_tokens\":%zu,\"completion_tokens\":%zu,\"total_tokens\":%zu,"
             "\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0},"
             "\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0,"
             "\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}",
             a->prompt_tokens, completion, a->prompt_tokens + completion);
}

static void add_logprob(span token, int rank, buf *out) {
    json_writer w = json_writer_of(out);
    /* Any falling figures would do; these tell tokens and ranks apart. */
    double logprob = -0.01 * (double)(1 + token.len % 7) - rank;
    buf_add_cstr(out, "{\"token\":");
    json_write_string(out, token);
    buf_add_cstr(out, ",\"logprob\":");
    json_put_fixed(&w, logprob, 2);
    buf_add_cstr(out, ",\"bytes\":[");
    for (size_t i = 0; i < token.len; i++)
        buf_addf(out, "%s%u", i ? "," : "", (unsigned char)token.ptr[i]);
    buf_add_char(out, ']');
}

static void add_token_logprobs(const sim_answer *a, span token, buf *out) {
    add_logprob(token, 0, out);
    buf_add_cstr(out, ",\"top_logprobs\":[");
    for (int rank = 0; rank < a->logprobs; rank++) {
        char text[16];
        int n = snprintf(text, sizeof text, " other%d", rank);
        if (rank) buf_add_char(out, ',');
        add_logprob(rank ? span_from(text, (size_t)n) : token, rank, out);
        buf_add_char(out, '}');
    }
    buf_add_cstr(out, "]}");
}

static void add_all_logprobs(const sim_answer *a, buf *out) {
    sim_walk w = {0};
    sim_part part;
    bool any = false;
    buf_add_cstr(out, "{\"content\":[");
    while (a->call_count == 0 && sim_walk_next(a, &w, &part)) {
        if (any) buf_add_char(out, ',');
        add_token_logprobs(a, part.token, out);
        any = true;
    }
    buf_add_cstr(out, "],\"refusal\":null}");
}

static void add_call(const sim_call *call, buf *out) {
    const char *kind = call->custom ? "custom" : "function";
    buf_add_char(out, '{');
    if (call->id.len) buf_addf(out, "\"id\":\"%.*s\",", SPAN_ARG(call->id));
    buf_addf(out, "\"type\":\"%s\",\"%s\":{\"name\":", kind, kind);
    json_write_string(out, call->name);
    buf_addf(out, ",\"%s\":", call->custom ? "input" : "arguments");
    json_write_string(out, call->arguments);
    buf_add_cstr(out, "}}");
}

static void add_message(const sim_answer *a, buf *out) {
    buf_add_cstr(out, "{\"role\":\"assistant\",\"content\":");
    if (a->call_count && !a->beside)
        buf_add_cstr(out, "null");
    else
        sim_answer_write_text(a, out);
    buf_add_cstr(out, ",\"refusal\":null");
    if (a->call_count && a->legacy_call) {
        buf_add_cstr(out, ",\"function_call\":{\"name\":");
        json_write_string(out, a->calls[0].name);
        buf_add_cstr(out, ",\"arguments\":");
        json_write_string(out, a->calls[0].arguments);
        buf_add_char(out, '}');
    } else if (a->call_count) {
        buf_add_cstr(out, ",\"tool_calls\":[");
        for (size_t i = 0; i < a->call_count; i++) {
            if (i) buf_add_char(out, ',');
            add_call(&a->calls[i], out);
        }
        buf_add_char(out, ']');
    }
    buf_add_cstr(out, ",\"annotations\":[]}");
}

static void add_opening(const sim_answer *a, const char *object, buf *out) {
    buf_addf(out,
             "{\"id\":\"chatcmpl-%016llx\",\"object\":\"%s\",\"created\":%lld,\"model\":%.*s,"
             "\"service_tier\":\"default\",\"system_fingerprint\":\"fp_sim\",\"choices\":[",
             (unsigned long long)a->hash, object, (long long)a->created_s, SPAN_ARG(a->model));
}

static void chat_whole(const sim_answer *a, bool no_usage, buf *out) {
    add_opening(a, "chat.completion", out);
    for (unsigned i = 0; i < a->choices; i++) {
        buf_addf(out, "%s{\"index\":%u,\"message\":", i ? "," : "", i);
        add_message(a, out);
        buf_add_cstr(out, ",\"logprobs\":");
        if (a->logprobs >= 0)
            add_all_logprobs(a, out);
        else
            buf_add_cstr(out, "null");
        buf_addf(out, ",\"finish_reason\":\"%s\"}", a->finish);
    }
    buf_add_char(out, ']');
    if (!no_usage) {
        buf_add_cstr(out, ",\"usage\":");
        add_usage(a, out);
    }
    buf_add_char(out, '}');
}

/* ---- The stream. Each event is one choice's: begin_delta, the delta's members, end_delta. ---- */

static void begin_delta(const sim_answer *a, unsigned choice, sim_events *e) {
    sim_event_begin(e, NULL);
    add_opening(a, "chat.completion.chunk", e->out);
    buf_addf(e->out, "{\"index\":%u,\"delta\":{", choice);
}

static void end_delta(const sim_answer *a, const sim_part *logged, const char *finish,
                      sim_events *e) {
    buf_add_cstr(e->out, "},\"logprobs\":");
    if (logged && a->logprobs >= 0) {
        buf_add_cstr(e->out, "{\"content\":[");
        add_token_logprobs(a, logged->token, e->out);
        buf_add_cstr(e->out, "],\"refusal\":null}");
    } else {
        buf_add_cstr(e->out, "null");
    }
    buf_add_cstr(e->out, ",\"finish_reason\":");
    if (finish)
        buf_addf(e->out, "\"%s\"", finish);
    else
        buf_add_cstr(e->out, "null");
    buf_add_cstr(e->out, a->include_usage && !e->no_usage ? "}],\"usage\":null}" : "}]}");
    sim_event_end(e);
}

static void chat_open(sim_answer *a, sim_events *e) {
    for (unsigned i = 0; i < a->choices; i++) {
        begin_delta(a, i, e);
        buf_add_cstr(e->out, "\"role\":\"assistant\",\"content\":");
        buf_add_cstr(e->out, a->call_count && !a->beside ? "null" : "\"\"");
        buf_add_cstr(e->out, ",\"refusal\":null");
        end_delta(a, NULL, NULL, e);
    }
}

static void add_call_delta(const sim_answer *a, const sim_part *part, buf *out) {
    const sim_call *call = &a->calls[part->call];
    bool opens = part->kind == SIM_PART_CALL;
    const char *kind = call->custom ? "custom" : "function";
    if (a->legacy_call) {
        buf_add_cstr(out, "\"function_call\":{");
    } else {
        buf_addf(out, "\"tool_calls\":[{\"index\":%zu,", part->call);
        if (opens && call->id.len) buf_addf(out, "\"id\":\"%.*s\",", SPAN_ARG(call->id));
        if (opens) buf_addf(out, "\"type\":\"%s\",", kind);
        buf_addf(out, "\"%s\":{", kind);
    }
    if (opens) {
        buf_add_cstr(out, "\"name\":");
        json_write_string(out, call->name);
        buf_add_char(out, ',');
    }
    buf_addf(out, "\"%s\":", call->custom ? "input" : "arguments");
    json_write_string(out, opens ? SPAN_EMPTY : part->token);
    buf_add_cstr(out, a->legacy_call ? "}" : "}}]");
}

static void chat_part(sim_answer *a, unsigned choice, const sim_part *part, sim_events *e) {
    begin_delta(a, choice, e);
    if (part->kind == SIM_PART_TEXT) {
        buf_add_cstr(e->out, "\"content\":");
        json_write_string(e->out, part->token);
    } else {
        add_call_delta(a, part, e->out);
    }
    end_delta(a, part->kind == SIM_PART_TEXT ? part : NULL, NULL, e);
}

static void chat_close(sim_answer *a, sim_events *e) {
    for (unsigned i = 0; i < a->choices; i++) {
        begin_delta(a, i, e);
        end_delta(a, NULL, a->finish, e);
    }
    if (a->include_usage && !e->no_usage) {
        sim_event_begin(e, NULL);
        add_opening(a, "chat.completion.chunk", e->out);
        buf_add_cstr(e->out, "],\"usage\":");
        add_usage(a, e->out);
        buf_add_char(e->out, '}');
        sim_event_end(e);
    }
    sim_event_done(e);
}

static void chat_fail(sim_answer *a, const char *message, sim_events *e) {
    (void)a;
    sim_event_begin(e, NULL);
    buf_addf(
        e->out,
        "{\"error\":{\"message\":\"%s\",\"type\":\"server_error\",\"param\":null,\"code\":null}}",
        message);
    sim_event_end(e);
}

const sim_dialect sim_chat = {
    chat_read, chat_whole, chat_open, chat_part, chat_close, chat_fail,
};
