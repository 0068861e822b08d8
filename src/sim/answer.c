#include "sim/answer.h"

static bool walk_call(const sim_answer *a, sim_walk *w, sim_part *ret) {
    while (w->call < a->call_count) {
        const sim_call *call = &a->calls[w->call];
        if (!w->opened) {
            w->opened = true;
            w->offset = 0;
            *ret = (sim_part){.kind = SIM_PART_CALL, .call = w->call, .token = call->name};
            return true;
        }
        span rest = span_slice(call->arguments, w->offset, call->arguments.len), token;
        if (sim_token_cut(&rest, &token)) {
            *ret = (sim_part){
                .kind = SIM_PART_ARGUMENTS, .call = w->call, .token = token, .offset = w->offset};
            w->offset += token.len;
            return true;
        }
        w->call++;
        w->opened = false;
    }
    return false;
}

bool sim_walk_next(const sim_answer *a, sim_walk *w, sim_part *ret) {
    if (a->call_count && (!a->beside || w->index == a->text_tokens)) return walk_call(a, w, ret);
    span token;
    size_t offset = w->offset;
    if (w->index >= a->tokens || !sim_text_next(&a->text, w->index, &w->offset, &token))
        return false;
    w->index++;
    *ret = (sim_part){.kind = SIM_PART_TEXT, .token = token, .offset = offset};
    return true;
}

/* A call costs a token for its name and those of its arguments. */
static size_t call_tokens(const sim_answer *a) {
    size_t tokens = 0;
    for (size_t i = 0; i < a->call_count; i++)
        tokens += 1 + sim_token_count(a->calls[i].arguments);
    return tokens;
}

void sim_answer_settle(sim_answer *a) {
    if (a->call_count) {
        a->text_tokens = a->beside ? sim_text_tokens(&a->text) : 0;
        a->tokens = a->text_tokens + call_tokens(a);
        a->finish = a->legacy_call ? "function_call" : "tool_calls";
        return;
    }
    a->tokens = a->text_tokens = sim_text_tokens(&a->text);
    if (a->tokens > a->limit) {
        a->tokens = a->limit;
        a->finish = "length";
    } else if (!a->finish) {
        a->finish = "stop";
    }
}

size_t sim_answer_completion_tokens(const sim_answer *a) {
    return a->tokens * a->choices;
}

void sim_answer_write_text(const sim_answer *a, buf *out) {
    if (a->text.words == 0 && (a->beside || a->tokens == a->text_tokens)) {
        json_write_string(out, a->text.given);
        return;
    }
    buf text = BUF_EMPTY;
    sim_walk w = {0};
    sim_part part;
    while (sim_walk_next(a, &w, &part))
        buf_add(&text, part.token);
    json_write_string(out, buf_span(&text));
    buf_done(&text);
}

static void line_end(sim_events *e) {
    buf_add_cstr(e->out, e->crlf ? "\r\n" : "\n");
}

void sim_event_begin(sim_events *e, const char *name) {
    if (e->comments) {
        buf_add_cstr(e->out, ": the simulator was asked for comments");
        line_end(e);
    }
    if (name) {
        buf_addf(e->out, "event: %s", name);
        line_end(e);
    }
    buf_add_cstr(e->out, "data: ");
}

void sim_event_end(sim_events *e) {
    line_end(e);
    line_end(e);
}

void sim_event_done(sim_events *e) {
    if (e->no_done) return;
    sim_event_begin(e, NULL);
    buf_add_cstr(e->out, "[DONE]");
    sim_event_end(e);
}
