/* What a traced answer says of itself: its id, its model, why its choices end; and, where that is
 * wanted, its words, as far as TRACE_CONTENT_MAX. */
#include "exchange/texts.h"
#include "exchange/trace.h"

#include "base/mem.h"

#include <stdlib.h>

struct trace_answer {
    answer_texts said;
};

typedef struct trace_filter {
    filter filter;
    exchange_trace *trace;
} trace_filter;

/* ---- of itself ---- */

static void note_name(exchange *x, json_value value, span *kept) {
    if (kept->len || value.type != JSON_STRING) return;
    span text = json_string(value, &x->env->event_arena);
    *kept = arena_dup(&x->arena, span_clip(text, TRACE_NAME_MAX));
}

static void note_reason(exchange *x, trace_notes *n, const answer_part *p) {
    if (p->choice >= TRACE_CHOICES || p->value.type != JSON_STRING || n->reasons[p->choice].len)
        return;
    span word = json_string(p->value, &x->env->event_arena);
    n->reasons[p->choice] = arena_dup(&x->arena, span_clip(word, TRACE_REASON_MAX));
}

/* ---- the filter ---- */

static void on_event(filter *f, const answer_event *event) {
    exchange_trace *t = CONTAINER_OF(f, trace_filter, filter)->trace;
    if (event->envelope) {
        note_name(f->x, event->envelope->id, &t->notes.response_id);
        note_name(f->x, event->envelope->model, &t->notes.response_model);
    }
    for (size_t i = 0; i < event->part_count; i++) {
        const answer_part *p = &event->parts[i];
        if (p->kind == PART_FINISH) note_reason(f->x, &t->notes, p);
    }
    if (t->answer) answer_texts_take(&t->answer->said, event);
    filter_pass_event(f, event);
}

static void on_done(filter *f) {
    trace_answer *a = CONTAINER_OF(f, trace_filter, filter)->trace->answer;
    if (a) answer_texts_done(&a->said);
    free(a);
    filter_pass_done(f);
}

void filter_trace_add(exchange *x, bool content) {
    static const filter_ops ops = {.name = "trace",
                                   .place = PLACE_LENGTH, /* what goes out: guards stand before */
                                   .want = WANT_PARTS | WANT_ENVELOPE,
                                   FILTER_PASSES,
                                   .event = on_event,
                                   .end = filter_pass_end,
                                   .done = on_done};
    trace_filter *t = arena_alloc(&x->arena, sizeof *t);
    t->trace = x->trace;
    if (content) {
        x->trace->answer = mem_zalloc(sizeof(trace_answer));
        x->trace->answer->said.left = TRACE_CONTENT_MAX;
    }
    filter_add(x, &t->filter, &ops);
}

/* ---- as the conventions write it ---- */

static span name_of(const trace_answer *a, const answer_text *args) {
    for (size_t i = 0; i < a->said.count; i++) {
        const answer_text *t = &a->said.items[i];
        if (t->kind == PART_TOOL_NAME && t->choice == args->choice && t->item == args->item)
            return buf_span(&t->text);
    }
    return SPAN_EMPTY;
}

static void put_text(json_writer *w, const trace_answer *a, const answer_text *t) {
    if (t->kind == PART_TOOL_NAME) return; /* with its arguments */
    bool calls = t->kind == PART_TOOL_ARGS;
    json_open_object(w);
    json_key(w, "type");
    json_put_string(w, calls                       ? SPAN_OF("tool_call")
                       : t->kind == PART_REASONING ? SPAN_OF("reasoning")
                                                   : SPAN_OF("text"));
    if (calls) {
        json_key(w, "name");
        json_put_string(w, name_of(a, t));
    }
    json_key(w, calls ? "arguments" : "content");
    json_put_string(w, buf_span(&t->text));
    json_close_object(w);
}

static bool is_first(const trace_answer *a, size_t at) {
    for (size_t i = 0; i < at; i++)
        if (a->said.items[i].choice == a->said.items[at].choice) return false;
    return true;
}

static void put_choice(json_writer *w, const trace_answer *a, unsigned choice,
                       const trace_notes *n) {
    json_open_object(w);
    json_key(w, "role");
    json_put_string(w, SPAN_OF("assistant"));
    json_key(w, "parts");
    json_open_array(w);
    for (size_t i = 0; i < a->said.count; i++)
        if (a->said.items[i].choice == choice) put_text(w, a, &a->said.items[i]);
    json_close_array(w);
    if (choice < TRACE_CHOICES && n->reasons[choice].len) {
        json_key(w, "finish_reason");
        json_put_string(w, n->reasons[choice]);
    }
    json_close_object(w);
}

void trace_answer_write(exchange *x, const trace_answer *a, trace_notes *n) {
    buf out = BUF_EMPTY;
    json_writer w = json_writer_of(&out);
    n->content_cut |= a->said.cut;
    if (!a->said.count) return;
    json_open_array(&w);
    for (size_t i = 0; i < a->said.count; i++)
        if (is_first(a, i)) put_choice(&w, a, a->said.items[i].choice, n);
    json_close_array(&w);
    n->output = arena_dup(&x->arena, buf_span(&out));
    buf_done(&out);
}
