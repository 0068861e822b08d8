/* POST /v1/completions as the simulator answers it.
 *
 * Source   OpenAI's reference: the completion object.
 */
#include "sim/answer.h"

enum { PROMPTS_MAX = 2048 };

/* The prompt is a text, a list of texts, a list of token numbers or a list of such lists. Each of
 * several has choices of its own, which all say what the last one gets. */
static bool read_prompt(const sim_body *b, span *ret_text, size_t *ret_tokens, size_t *ret_prompts,
                        sim_fault *ret_fault) {
    json_value prompt = sim_member(b, "prompt"), one;
    *ret_prompts = 1;
    if (prompt.type == JSON_STRING) {
        *ret_text = json_string(prompt, b->scratch);
        *ret_tokens = sim_token_count(*ret_text);
        return true;
    }
    if (prompt.type != JSON_ARRAY)
        return sim_fault_of(ret_fault, "prompt", "Missing required parameter: 'prompt'.");
    json_iter it = json_iter_of(prompt);
    size_t several = 0;
    while (json_next_element(&it, &one)) {
        several += one.type == JSON_STRING || one.type == JSON_ARRAY;
        if (one.type == JSON_STRING) {
            *ret_text = json_string(one, b->scratch);
            *ret_tokens += sim_token_count(*ret_text);
        } else {
            *ret_tokens += one.type == JSON_ARRAY ? json_count(one) : 1;
        }
    }
    if (several) *ret_prompts = several;
    return true;
}

static bool completions_read(const sim_body *b, sim_answer *a, sim_fault *ret_fault) {
    span prompt = SPAN_EMPTY;
    size_t tokens = 0, prompts;
    int64_t n, limit, logprobs;
    bool echo;
    if (!read_prompt(b, &prompt, &tokens, &prompts, ret_fault) ||
        !sim_read_count(b, "n", 1, SIM_CHOICES_MAX, 1, &n, ret_fault) ||
        !sim_read_count(b, "max_tokens", 0, INT32_MAX, INT32_MAX, &limit, ret_fault) ||
        !sim_read_count(b, "logprobs", 0, 5, -1, &logprobs, ret_fault) ||
        !sim_read_flag(b, "echo", &echo, ret_fault))
        return false;
    if (prompts > PROMPTS_MAX)
        return sim_fault_of(ret_fault, "prompt", "Too many prompts: at most 2048 are taken.");
    json_value options = sim_member(b, "stream_options");
    if (options.type == JSON_OBJECT && !a->stream)
        return sim_fault_of(
            ret_fault, "stream_options",
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.");
    a->include_usage = json_get(options, SPAN_OF("include_usage")).type == JSON_TRUE;
    a->choices = (unsigned)n * (unsigned)prompts;
    a->limit = (size_t)limit;
    a->logprobs = (int)logprobs;
    a->prompt_tokens = tokens;
    span opening =
        echo ? arena_printf(b->scratch,
                            "%.*s You said: ", SPAN_ARG(span_clip(prompt, SIM_ECHO_BYTES)))
             : SPAN_OF("You said: ");
    sim_choose_text(b, (json_value){0}, sim_echo(b, opening.ptr, prompt, 0), a);
    sim_apply_stop(b, a);
    return true;
}

static void add_opening(const sim_answer *a, buf *out) {
    buf_addf(out,
             "{\"id\":\"cmpl-%016llx\",\"object\":\"text_completion\",\"created\":%lld,"
             "\"model\":%.*s,\"system_fingerprint\":\"fp_sim\",\"choices\":[",
             (unsigned long long)a->hash, (long long)a->created_s, SPAN_ARG(a->model));
}

static void add_usage(const sim_answer *a, buf *out) {
    size_t completion = sim_answer_completion_tokens(a);
    buf_addf(out, "{\"prompt_tokens\":%zu,\"completion_tokens\":%zu,\"total_tokens\":%zu}",
             a->prompt_tokens, completion, a->prompt_tokens + completion);
}

/* One token's place in one of the old form's parallel lists. */
static void add_logprob(const sim_answer *a, const sim_part *part, size_t list, buf *out) {
    size_t hundredths = 1 + part->token.len % 7;
    switch (list) {
    case 0: json_write_string(out, part->token); break;
    case 1: buf_addf(out, "-0.0%zu", hundredths); break;
    case 2:
        buf_add_char(out, '{');
        if (a->logprobs) {
            json_write_string(out, part->token);
            buf_addf(out, ":-0.0%zu", hundredths);
        }
        buf_add_char(out, '}');
        break;
    default: buf_addf(out, "%zu", part->offset); break;
    }
}

/* Of one part, or of all with only NULL. */
static void add_logprobs(const sim_answer *a, const sim_part *only, buf *out) {
    static const char *const lists[] = {"tokens", "token_logprobs", "top_logprobs", "text_offset"};
    if (a->logprobs < 0) {
        buf_add_cstr(out, "null");
        return;
    }
    for (size_t list = 0; list < ARRAY_LEN(lists); list++) {
        buf_addf(out, "%s\"%s\":[", list ? "," : "{", lists[list]);
        sim_walk w = {0};
        sim_part part;
        if (only) add_logprob(a, only, list, out);
        for (bool any = false; !only && sim_walk_next(a, &w, &part); any = true) {
            if (any) buf_add_char(out, ',');
            add_logprob(a, &part, list, out);
        }
        buf_add_char(out, ']');
    }
    buf_add_char(out, '}');
}

static void completions_whole(const sim_answer *a, bool no_usage, buf *out) {
    add_opening(a, out);
    for (unsigned i = 0; i < a->choices; i++) {
        buf_addf(out, "%s{\"index\":%u,\"text\":", i ? "," : "", i);
        sim_answer_write_text(a, out);
        buf_add_cstr(out, ",\"logprobs\":");
        add_logprobs(a, NULL, out);
        buf_addf(out, ",\"finish_reason\":\"%s\"}", a->finish);
    }
    buf_add_char(out, ']');
    if (!no_usage) {
        buf_add_cstr(out, ",\"usage\":");
        add_usage(a, out);
    }
    buf_add_char(out, '}');
}

static void add_event(sim_answer *a, unsigned choice, const sim_part *part, const char *finish,
                      sim_events *e) {
    sim_event_begin(e, NULL);
    add_opening(a, e->out);
    buf_addf(e->out, "{\"index\":%u,\"text\":", choice);
    json_write_string(e->out, part ? part->token : SPAN_EMPTY);
    buf_add_cstr(e->out, ",\"logprobs\":");
    if (part)
        add_logprobs(a, part, e->out);
    else
        buf_add_cstr(e->out, "null");
    if (finish)
        buf_addf(e->out, ",\"finish_reason\":\"%s\"}]", finish);
    else
        buf_add_cstr(e->out, ",\"finish_reason\":null}]");
    buf_add_cstr(e->out, a->include_usage && !e->no_usage ? ",\"usage\":null}" : "}");
    sim_event_end(e);
}

static void completions_open(sim_answer *a, sim_events *e) {
    (void)a;
    (void)e;
}

static void completions_part(sim_answer *a, unsigned choice, const sim_part *part, sim_events *e) {
    add_event(a, choice, part, NULL, e);
}

static void completions_close(sim_answer *a, sim_events *e) {
    for (unsigned i = 0; i < a->choices; i++)
        add_event(a, i, NULL, a->finish, e);
    if (a->include_usage && !e->no_usage) {
        sim_event_begin(e, NULL);
        add_opening(a, e->out);
        buf_add_cstr(e->out, "],\"usage\":");
        add_usage(a, e->out);
        buf_add_char(e->out, '}');
        sim_event_end(e);
    }
    sim_event_done(e);
}

static void completions_fail(sim_answer *a, const char *message, sim_events *e) {
    sim_chat.fail(a, message, e);
}

const sim_dialect sim_completions = {
    completions_read, completions_whole, completions_open,
    completions_part, completions_close, completions_fail,
};
