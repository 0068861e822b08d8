/* What a client of POST /chat/functions is told of its run. */
#include "exchange/functions.h"
#include "exchange/guard.h"

static bool is_word(const answer_part *p) {
    return p->choice == 0 && (p->kind == PART_TEXT || p->kind == PART_REFUSAL);
}

/* What the client is to read of it: not that a choice ends, as another answer may follow. */
static void tell_words(functions_run *r, const answer_event *event) {
    exchange *x = r->x;
    if (!(event->sorts & EVENT_CONTENT) || !event->part_count) return;
    answer_part *parts = arena_alloc(&x->env->event_arena, event->part_count * sizeof *parts);
    size_t count = 0;
    for (size_t i = 0; i < event->part_count; i++)
        if (is_word(&event->parts[i])) parts[count++] = event->parts[i];
    if (!count) return;
    exchange_take_event(x, &(answer_event){.kind = ANSWER_STREAM,
                                           .sorts = EVENT_CONTENT | (event->sorts & EVENT_FULL),
                                           .is_json = event->is_json,
                                           .data = event->data,
                                           .parts = parts,
                                           .part_count = count,
                                           .envelope = event->envelope,
                                           .large = event->large});
}

/* Behind what out holds. */
static void add_guarded(const functions_run *r, span json, buf *out) {
    if (r->guard)
        guard_steps_write(r->guard, json, out);
    else
        buf_add(out, json);
}

void functions_write_steps(const functions_run *r, json_writer *w) {
    buf steps = BUF_EMPTY, told = BUF_EMPTY;
    json_writer own = json_writer_of(&steps);
    talk_write_steps(&r->talk, &own);
    add_guarded(r, buf_span(&steps), &told);
    json_put_raw(w, buf_span(&told));
    buf_done(&steps);
    buf_done(&told);
}

span functions_guard_text(const functions_run *r, span text, arena *a) {
    if (!r->guard) return text;
    buf step = BUF_EMPTY, told = BUF_EMPTY;
    json_writer w = json_writer_of(&step);
    json_open_object(&w);
    json_key(&w, "result");
    json_put_string(&w, text);
    json_close_object(&w);
    guard_steps_write(r->guard, buf_span(&step), &told);
    json_member m = {.value = {JSON_STRING, SPAN("\"\"")}};
    json_iter it = json_iter_of((json_value){JSON_OBJECT, buf_span(&told)});
    (void)json_next_member(&it, &m); /* under one name or another */
    span kept = arena_dup(a, json_string(m.value, a));
    buf_done(&step);
    buf_done(&told);
    return kept;
}

static void tell_step(functions_run *r, const functions_call *c) {
    exchange *x = r->x;
    if (!x->facts.stream) return;
    buf step = BUF_EMPTY, data = BUF_EMPTY;
    json_writer w = json_writer_of(&step);
    talk_write_step(&w, c->said, &c->result);
    add_guarded(r, buf_span(&step), &data);
    buf_done(&step);
    functions_take_head(r, ANSWER_STREAM);
    exchange_take_event(x, &(answer_event){.kind = ANSWER_STREAM,
                                           .is_json = true,
                                           .name = FUNCTIONS_STEP,
                                           .data = buf_span(&data)});
    buf_done(&data);
}

/* The last words as a chat completion's event, as a provider would tell them. */
static void take_words(functions_run *r) {
    exchange *x = r->x;
    buf text = BUF_EMPTY;
    buf_add_cstr(&text, "{\"object\":\"chat.completion\",\"choices\":[{\"index\":0,\"message\":"
                        "{\"role\":\"assistant\",\"content\":");
    size_t from = text.len;
    json_write_string(&text, buf_span(&r->words));
    size_t to = text.len;
    buf_add_cstr(&text, "},\"finish_reason\":\"stop\"}]}");
    span data =
        arena_dup(&x->arena, buf_span(&text)); /* a plain answer's bytes live until its end */
    buf_done(&text);
    const answer_part words = {.kind = PART_TEXT,
                               .value = {JSON_STRING, span_slice(data, from, to)}};
    exchange_take_event(x, &(answer_event){.kind = ANSWER_PLAIN,
                                           .sorts = EVENT_CONTENT | EVENT_FULL | EVENT_FINISH,
                                           .is_json = true,
                                           .data = data,
                                           .parts = &words,
                                           .part_count = 1});
}

static void tell_last(functions_run *r) {
    exchange *x = r->x;
    functions_take_head(r, x->facts.stream ? ANSWER_STREAM : ANSWER_PLAIN);
    if (!x->facts.stream && x->phase == PHASE_ANSWERING) take_words(r);
}

const functions_way functions_told = {.step_label = SPAN("chat.functions.step"),
                                      .read = model_said_read,
                                      .add_said = functions_add_message,
                                      .add_result = talk_add_result,
                                      .event = tell_words,
                                      .step = tell_step,
                                      .last = tell_last};
