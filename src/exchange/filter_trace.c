/* What a traced answer says of itself: its id, its model, why its choices end; and, where that is
 * wanted, its words, as far as TRACE_CONTENT_MAX. */
#include "exchange/trace.h"

#include "base/mem.h"

#include <stdlib.h>

enum { TEXTS_MAX = 64 };

/* One text of the answer: the pieces that have one kind, choice and item. */
typedef struct answer_text {
    part_kind kind;
    unsigned choice, item;
    buf text;
} answer_text;

struct trace_answer {
    answer_text texts[TEXTS_MAX];
    size_t count;
    size_t left; /* bytes that may still be kept */
    bool cut;
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

/* ---- its words ---- */

static answer_text *text_of(trace_answer *a, const answer_part *p) {
    for (size_t i = a->count; i-- > 0;) {
        answer_text *t = &a->texts[i];
        if (t->kind == p->kind && t->choice == p->choice && t->item == p->item) return t;
    }
    if (a->count == TEXTS_MAX) return NULL;
    answer_text *t = &a->texts[a->count++];
    *t = (answer_text){p->kind, p->choice, p->item, BUF_EMPTY};
    return t;
}

static bool is_words(const answer_part *p) {
    switch (p->kind) {
    case PART_TEXT:
    case PART_REFUSAL:
    case PART_REASONING:
    case PART_TOOL_NAME:
    case PART_TOOL_ARGS: return p->value.type == JSON_STRING;
    default: return false;
    }
}

static void keep_words(trace_answer *a, const answer_part *p) {
    json_pieces it = json_pieces_of(p->value);
    answer_text *t = a->left ? text_of(a, p) : NULL;
    for (span piece; json_next_piece(&it, &piece);) {
        span some = t ? span_clip(piece, a->left) : SPAN_EMPTY;
        if (t) buf_add(&t->text, some);
        a->left -= some.len;
        if (some.len == piece.len) continue;
        a->cut = true;
        a->left = 0; /* what follows would stand behind a gap */
        return;
    }
}

/* ---- the filter ---- */

static void on_event(filter *f, const answer_event *event) {
    exchange_trace *t = CONTAINER_OF(f, trace_filter, filter)->trace;
    bool repeats = event->kind == ANSWER_STREAM && event->sorts & EVENT_FULL;
    if (event->envelope) {
        note_name(f->x, event->envelope->id, &t->notes.response_id);
        note_name(f->x, event->envelope->model, &t->notes.response_model);
    }
    for (size_t i = 0; i < event->part_count; i++) {
        const answer_part *p = &event->parts[i];
        if (p->kind == PART_FINISH) note_reason(f->x, &t->notes, p);
        if (t->answer && !repeats && is_words(p)) keep_words(t->answer, p);
    }
    filter_pass_event(f, event);
}

static void on_done(filter *f) {
    trace_answer *a = CONTAINER_OF(f, trace_filter, filter)->trace->answer;
    for (size_t i = 0; a && i < a->count; i++)
        buf_done(&a->texts[i].text);
    free(a);
    filter_pass_done(f);
}

void filter_trace_add(exchange *x, bool content) {
    static const filter_ops ops = {.name = "trace",
                                   .place = PLACE_LENGTH, /* what goes out: guards stand before */
                                   .want = WANT_PARTS | WANT_ENVELOPE,
                                   .begin = filter_pass_begin,
                                   .head = filter_pass_head,
                                   .event = on_event,
                                   .end = filter_pass_end,
                                   .fail = filter_pass_fail,
                                   .done = on_done};
    trace_filter *t = arena_alloc(&x->arena, sizeof *t);
    t->trace = x->trace;
    if (content) {
        x->trace->answer = mem_zalloc(sizeof(trace_answer));
        x->trace->answer->left = TRACE_CONTENT_MAX;
    }
    filter_add(x, &t->filter, &ops);
}

/* ---- as the conventions write it ---- */

static span name_of(const trace_answer *a, const answer_text *args) {
    for (size_t i = 0; i < a->count; i++) {
        const answer_text *t = &a->texts[i];
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
        if (a->texts[i].choice == a->texts[at].choice) return false;
    return true;
}

static void put_choice(json_writer *w, const trace_answer *a, unsigned choice,
                       const trace_notes *n) {
    json_open_object(w);
    json_key(w, "role");
    json_put_string(w, SPAN_OF("assistant"));
    json_key(w, "parts");
    json_open_array(w);
    for (size_t i = 0; i < a->count; i++)
        if (a->texts[i].choice == choice) put_text(w, a, &a->texts[i]);
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
    n->content_cut |= a->cut;
    if (!a->count) return;
    json_open_array(&w);
    for (size_t i = 0; i < a->count; i++)
        if (is_first(a, i)) put_choice(&w, a, a->texts[i].choice, n);
    json_close_array(&w);
    n->output = arena_dup(&x->arena, buf_span(&out));
    buf_done(&out);
}
