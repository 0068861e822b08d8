/* length: how much of an answer its client gets. What goes beyond is cut off, of each choice by
 * itself, and the reason why that ends is "length", as a provider has it. Once nothing more can
 * come of any choice the provider is cancelled. */
#include "exchange/event_edits.h"
#include "exchange/length.h"

#include "dialect/words.h"

#include <stdlib.h>

typedef struct choice_length {
    int64_t characters; /* that it may still have; -1: any number */
    token_count tokens;
} choice_length;

typedef struct length_filter {
    filter filter;
    int64_t most_tokens; /* 0: any */
    unsigned count;
    choice_set full; /* those that have been cut */
    choice_set over; /* those, and the others that have finished */
    choice_length choices[];
} length_filter;

/* What is made of one event. */
typedef struct cutting {
    length_filter *l;
    const answer_event *event;
    event_edits edits;
    bool says; /* something is left */
    /* Once all texts are cut, by their places: so that each choice finds its own by halving. */
    answer_edit *cuts;
    size_t cut_count;
    const char **said; /* where its texts stand that are not empty; NULL: not looked for yet */
    size_t said_count;
} cutting;

static unsigned choice_of(const length_filter *l, const answer_part *p) {
    if (exchange_dialect(l->filter.x)->one_answer) return 0;
    return p->choice < l->count ? p->choice : l->count - 1;
}

static bool is_text(const answer_part *p) {
    switch (p->kind) {
    case PART_TEXT:
    case PART_REFUSAL:
    case PART_REASONING:
    case PART_TOOL_ARGS: return p->value.type == JSON_STRING && !p->again;
    default: return false;
    }
}

/* ---- how much fits ---- */

static size_t character_at(span text, size_t at) {
    size_t to = at + 1;
    while (to < text.len && ((unsigned char)text.ptr[to] & 0xC0) == 0x80)
        to++;
    return to;
}

static size_t fitting_characters(choice_length *c, span text) {
    if (c->characters < 0) return text.len;
    size_t at = 0;
    while (at < text.len && c->characters > 0) {
        at = character_at(text, at);
        c->characters--;
    }
    return at;
}

/* Character by character only where the end is. */
static size_t fitting_tokens(choice_length *c, int64_t most, span text) {
    if (!most) return text.len;
    token_count all = c->tokens;
    tokens_add(&all, text);
    if (tokens_total(&all) <= most) {
        c->tokens = all;
        return text.len;
    }
    size_t at = 0;
    while (at < text.len) {
        size_t to = character_at(text, at);
        token_count more = c->tokens;
        tokens_add(&more, span_slice(text, at, to));
        if (tokens_total(&more) > most) return at;
        c->tokens = more;
        at = to;
    }
    return at;
}

/* Bytes of the piece, which is a whole number of characters, that the choice may still say. */
static size_t fitting(length_filter *l, choice_length *c, span piece) {
    size_t characters = fitting_characters(c, piece);
    return fitting_tokens(c, l->most_tokens, span_slice(piece, 0, characters));
}

/* ---- one event ---- */

static void cut_text(cutting *k, size_t i, unsigned choice) {
    const answer_part *p = &k->event->parts[i];
    choice_length *c = &k->l->choices[choice];
    json_pieces it = json_pieces_of(p->value);
    buf kept = BUF_EMPTY;
    bool full = choice_set_has(&k->l->full, choice);
    for (span piece; !full && json_next_piece(&it, &piece);) {
        size_t fits = fitting(k->l, c, piece);
        buf_add(&kept, span_slice(piece, 0, fits));
        full = fits < piece.len;
    }
    k->says |= kept.len > 0;
    if (full) {
        choice_set_add(&k->l->full, choice);
        span text = kept.len ? arena_dup(k->edits.arena, buf_span(&kept)) : SPAN_OF("");
        event_edits_add(&k->edits, (answer_edit){.part = i, .text = text});
    }
    buf_done(&kept);
}

/* A response says so in two places, of which the second is null, or missing, as long as it is
 * whole. It has members: its status is one. */
static void cut_details(cutting *k) {
    static const span name = SPAN("incomplete_details");
    const json_value root = answer_root(k->event->data), details = json_get(root, name);
    if (details.type == JSON_NULL)
        event_edits_add(&k->edits,
                        (answer_edit){.bytes = details.raw,
                                      .json = SPAN_OF("{\"reason\":\"max_output_tokens\"}")});
    if (details.type == JSON_NONE)
        event_edits_add(
            &k->edits,
            (answer_edit){
                .bytes = span_slice(root.raw, 1, 1),
                .json = SPAN_OF("\"incomplete_details\":{\"reason\":\"max_output_tokens\"},")});
}

static void cut_finish(cutting *k, size_t i, unsigned choice) {
    const answer_part *p = &k->event->parts[i];
    choice_set_add(&k->l->over, choice);
    k->says = true;
    if (!choice_set_has(&k->l->full, choice) || p->value.type != JSON_STRING) return;
    settle_reason(k->l->filter.x, SPAN_OF("length"));
    if (!exchange_dialect(k->l->filter.x)->one_answer) {
        event_edits_add(&k->edits, (answer_edit){.part = i, .text = SPAN_OF("length")});
        return;
    }
    const bool status = json_is(p->value, SPAN_OF("completed"));
    event_edits_add(&k->edits, (answer_edit){.part = i,
                                             .text = status ? SPAN_OF("incomplete")
                                                            : SPAN_OF("max_output_tokens")});
    if (status) cut_details(k);
}

static bool stands_in(span outer, span inner) {
    return inner.ptr >= outer.ptr && inner.ptr < outer.ptr + outer.len;
}

static const char *place_of(const cutting *k, size_t part) {
    return k->event->parts[part].value.raw.ptr;
}

static void gather_cuts(cutting *k) {
    k->edits.count = answer_edits_sort(k->event, k->edits.items, k->edits.count);
    k->cuts = arena_alloc(k->edits.arena, k->edits.count * sizeof *k->cuts);
    for (size_t i = 0; i < k->edits.count; i++) {
        const answer_edit *e = &k->edits.items[i];
        if (!e->json.ptr && is_text(&k->event->parts[e->part])) k->cuts[k->cut_count++] = *e;
    }
}

/* NULL: none of the texts in it was cut. */
static const answer_edit *first_cut_in(const cutting *k, span whole) {
    size_t from = 0, to = k->cut_count;
    while (from < to) {
        const size_t middle = from + (to - from) / 2;
        if (place_of(k, k->cuts[middle].part) < whole.ptr)
            from = middle + 1;
        else
            to = middle;
    }
    if (from == k->cut_count) return NULL;
    const answer_edit *first = &k->cuts[from];
    return stands_in(whole, k->event->parts[first->part].value.raw) ? first : NULL;
}

/* What is told of the tokens beside a text that was cut says how it went on. */
static void cut_logprobs(cutting *k) {
    if (!k->event->is_json) return;
    const json_value root = answer_root(k->event->data);
    const json_value choices = json_get(root, SPAN_OF("choices"));
    if (choices.type != JSON_ARRAY) {
        if (first_cut_in(k, root.raw)) event_edits_drop_logprobs(&k->edits, root);
        return;
    }
    json_iter it = json_iter_of(choices);
    for (json_value choice; json_next_element(&it, &choice);)
        if (first_cut_in(k, choice.raw)) event_edits_drop_logprobs(&k->edits, choice);
}

static int by_place(const void *a, const void *b) {
    const char *const *x = a, *const *y = b;
    return (*x > *y) - (*x < *y);
}

static void gather_said(cutting *k) {
    k->said = arena_alloc(k->edits.arena, k->event->part_count * sizeof *k->said);
    for (size_t i = 0; i < k->event->part_count; i++) {
        const answer_part *p = &k->event->parts[i];
        if (is_text(p) && !json_is(p->value, SPAN_OF("")))
            k->said[k->said_count++] = p->value.raw.ptr;
    }
    qsort(k->said, k->said_count, sizeof *k->said, by_place);
}

/* Whether there are any of its texts before that place, which is in it. */
static bool says_before(cutting *k, span whole, const char *place) {
    if (!k->said) gather_said(k);
    size_t from = 0, to = k->said_count;
    while (from < to) {
        const size_t middle = from + (to - from) / 2;
        if (k->said[middle] < whole.ptr)
            from = middle + 1;
        else
            to = middle;
    }
    return from < k->said_count && k->said[from] < place;
}

/* A call whose arguments are behind the end is none: without them it would be another one. A stream
 * has ended before it, and before whatever follows. Of the item with the end something is left, or
 * it goes too. */
static void cut_items(cutting *k, json_value items, span empty) {
    const answer_edit *cut = items.type == JSON_ARRAY ? first_cut_in(k, items.raw) : NULL;
    if (!cut) return;
    const char *place = place_of(k, cut->part), *kept_to = NULL;
    json_iter it = json_iter_of(items);
    json_value v;
    bool more;
    while ((more = json_next_element(&it, &v)) && v.raw.ptr < place) {
        const bool ends = v.raw.ptr + v.raw.len > place;
        if (ends && !cut->text.len && !says_before(k, v.raw, place)) break;
        kept_to = v.raw.ptr + v.raw.len;
    }
    if (!more) return;
    const char *last = items.raw.ptr + items.raw.len - 1;
    const answer_edit e = kept_to
                              ? (answer_edit){.bytes = span_from(kept_to, (size_t)(last - kept_to)),
                                              .json = SPAN_OF("")}
                              : (answer_edit){.bytes = items.raw, .json = empty};
    event_edits_add(&k->edits, e);
}

static void cut_calls(cutting *k) {
    if (k->event->kind != ANSWER_PLAIN || !k->event->is_json) return;
    const json_value root = answer_root(k->event->data);
    cut_items(k, json_get(root, SPAN_OF("output")), SPAN_OF("[]"));
    const json_value choices = json_get(root, SPAN_OF("choices"));
    if (choices.type != JSON_ARRAY) return;
    json_iter it = json_iter_of(choices);
    for (json_value choice; json_next_element(&it, &choice);) {
        const json_value message = json_get(choice, SPAN_OF("message"));
        cut_items(k, json_get(message, SPAN_OF("tool_calls")), SPAN_OF("null"));
        const json_value only = json_get(message, SPAN_OF("function_call")); /* the older form */
        const answer_edit *cut = only.type == JSON_OBJECT ? first_cut_in(k, only.raw) : NULL;
        if (!cut || cut->text.len) continue;
        event_edits_add(&k->edits, (answer_edit){.bytes = only.raw, .json = SPAN_OF("null")});
    }
}

/* What is changed within what goes is not. In the order of their places. */
static void drop_covered(cutting *k) {
    const char *gone_to = NULL;
    size_t kept = 0;
    for (size_t i = 0; i < k->edits.count; i++) {
        const answer_edit *e = &k->edits.items[i];
        const span at = e->json.ptr ? e->bytes : k->event->parts[e->part].value.raw;
        if (gone_to && at.ptr < gone_to) continue;
        gone_to = at.ptr + at.len;
        k->edits.items[kept++] = *e;
    }
    k->edits.count = kept;
}

/* Why a choice ends may stand before what it says. */
static void look(cutting *k) {
    const answer_event *e = k->event;
    for (size_t i = 0; i < e->part_count; i++) {
        const answer_part *p = &e->parts[i];
        const unsigned choice = choice_of(k->l, p);
        if (is_text(p))
            cut_text(k, i, choice);
        else if (p->kind != PART_FINISH)
            k->says |= !choice_set_has(&k->l->full, choice);
    }
    for (size_t i = 0; i < e->part_count; i++)
        if (e->parts[i].kind == PART_FINISH) cut_finish(k, i, choice_of(k->l, &e->parts[i]));
    if (!k->edits.count) return;
    gather_cuts(k);
    cut_logprobs(k);
    cut_calls(k);
    k->edits.count = answer_edits_sort(e, k->edits.items, k->edits.count);
    drop_covered(k);
}

/* ---- the filter ---- */

static length_filter *length_of(filter *f) {
    return CONTAINER_OF(f, length_filter, filter);
}

/* No choice goes on: what has been cut, or has finished, is all. */
static bool is_over(const length_filter *l) {
    choice_set both = l->over;
    for (unsigned i = 0; i < l->count; i++)
        if (choice_set_has(&l->full, i)) choice_set_add(&both, i);
    return choice_set_count(&both) >= l->count;
}

static void on_event(filter *f, const answer_event *event) {
    length_filter *l = length_of(f);
    const bool stream = event->kind == ANSWER_STREAM;
    /* A repeat says nothing new, and what was cut is not repeated: the stream has ended there. */
    if (event->kind == ANSWER_RAW || (stream && event->sorts & EVENT_FULL)) {
        filter_pass_event(f, event);
        return;
    }
    cutting k = {.l = l, .event = event, .edits = {.arena = filter_arena(f, event)}};
    const unsigned full = choice_set_count(&l->full);
    look(&k);
    answer_event cut = *event;
    if (k.edits.count) answer_rewrite(event, k.edits.items, k.edits.count, k.edits.arena, &cut);
    if (!k.edits.count || k.says || !stream) filter_pass_event(f, &cut);
    if (stream && choice_set_count(&l->full) > full && is_over(l))
        filter_stop(f, &cut, SPAN_OF("length"));
}

void filter_length_add(exchange *x, const config_answer_limit *most) {
    static const filter_ops ops = {.name = "length",
                                   .place = PLACE_LENGTH,
                                   .want = WANT_PARTS | WANT_ENVELOPE,
                                   FILTER_PASSES,
                                   .event = on_event,
                                   .end = filter_pass_end,
                                   .done = filter_pass_done};
    unsigned count = exchange_dialect(x)->one_answer ? 1 : x->facts.choices;
    if (count > ANSWER_CHOICES) count = ANSWER_CHOICES;
    length_filter *l = arena_zalloc(&x->arena, sizeof *l + count * sizeof l->choices[0]);
    l->count = count;
    l->most_tokens = most->tokens;
    const token_family family = tokens_family(x->facts.model_name);
    for (unsigned i = 0; i < count; i++)
        l->choices[i] = (choice_length){.characters = most->characters ? most->characters : -1,
                                        .tokens = tokens_begin(family)};
    filter_add(x, &l->filter, &ops);
}
