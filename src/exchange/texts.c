#include "exchange/texts.h"

static bool is_said(const answer_part *p) {
    switch (p->kind) {
    case PART_TEXT:
    case PART_REFUSAL:
    case PART_REASONING:
    case PART_TOOL_NAME:
    case PART_TOOL_ARGS: return p->value.type == JSON_STRING;
    default: return false;
    }
}

bool answer_is_text(const answer_part *p) {
    return is_said(p) && !p->again;
}

bool answer_has_pieces(const answer_part *p) {
    return is_said(p) || (p->kind == PART_OTHER && p->value.type == JSON_STRING);
}

static answer_text *find(answer_texts *all, const answer_part *p, size_t count) {
    for (size_t i = count; i-- > 0;) {
        answer_text *t = &all->items[i];
        if (t->kind == p->kind && t->choice == p->choice && t->item == p->item) return t;
    }
    return NULL;
}

static answer_text *text_of(answer_texts *all, const answer_part *p) {
    answer_text *t = find(all, p, all->count);
    if (t || all->count == ANSWER_TEXTS_MAX) return t;
    t = &all->items[all->count++];
    *t = (answer_text){p->kind, p->choice, p->item, BUF_EMPTY};
    return t;
}

static void take(answer_texts *all, const answer_part *p) {
    json_pieces it = json_pieces_of(p->value);
    answer_text *t = all->left ? text_of(all, p) : NULL;
    for (span piece; json_next_piece(&it, &piece);) {
        span some = t ? span_clip(piece, all->left) : SPAN_EMPTY;
        if (t) buf_add(&t->text, some);
        all->left -= some.len;
        if (some.len == piece.len) continue;
        all->cut = true;
        all->left = 0; /* what follows would stand behind a gap */
        return;
    }
}

void answer_texts_take(answer_texts *t, const answer_event *event) {
    const bool repeats = event->kind == ANSWER_STREAM && event->sorts & EVENT_FULL;
    const size_t before = t->count;
    for (size_t i = 0; i < event->part_count; i++) {
        const answer_part *p = &event->parts[i];
        if (answer_is_text(p) && !(repeats && find(t, p, before))) take(t, p);
    }
}

bool answer_texts_note(answer_texts *t, const answer_part *part) {
    const bool known = find(t, part, t->count) != NULL;
    if (!known) (void)text_of(t, part);
    return known;
}

void answer_texts_done(answer_texts *t) {
    for (size_t i = 0; i < t->count; i++)
        buf_done(&t->items[i].text);
    t->count = 0;
}
