/* What somebody outside says of an answer (guard.external), after the rules have looked at it. A
 * plain answer waits for its verdict. A stream is asked about by sentence: what is said goes no
 * further than the sentence whose verdict is awaited, of all choices together; the provider waits
 * meanwhile. */
#include "exchange/guard_event.h"
#include "exchange/verdict.h"

enum {
    SENTENCE_MAX = 2000,     /* bytes: one that is longer is asked about in parts */
    WAITING_MAX = 256 * 1024 /* of events that wait for a sentence's end */
};

/* How far the texts of an event were gathered. */
typedef struct gathered {
    const answer_event *event; /* the last that waits; NULL: they are all there */
    size_t part;               /* the next of its parts */
    json_pieces pieces;        /* of the one before it */
    span rest;                 /* of a piece */
} gathered;

typedef struct verdict_filter {
    filter filter;
    verdict verdict;
    answer_queue waiting; /* what the verdict is awaited for, or a sentence's end */
    buf text;             /* of it, at most as much as is told at once */
    gathered gathered;
    answer_event *passed; /* the last that was passed on; NULL: none was */
    answer_texts told;    /* which texts have come in pieces; none of their bytes */
    bool over;            /* it was blocked */
    bool ended;           /* nothing more comes, and the last words wait for their verdict */
} verdict_filter;

static verdict_filter *of(filter *f) {
    return CONTAINER_OF(f, verdict_filter, filter);
}

/* ---- what is said ---- */

static bool ends_sentence(span text) {
    static const span ends[] = {SPAN("."),
                                SPAN("!"),
                                SPAN("?"),
                                SPAN("\n"),
                                SPAN("\xe3\x80\x82"),
                                SPAN("\xef\xbc\x81"),
                                SPAN("\xef\xbc\x9f")};
    for (size_t i = 0; i < ARRAY_LEN(ends); i++)
        if (span_ends(text, ends[i])) return true;
    return text.len >= SENTENCE_MAX;
}

/* false: it has no more texts. Those of a plain answer stand apart; a piece goes on where the one
 * before it ended. */
static bool begin_part(verdict_filter *f) {
    gathered *g = &f->gathered;
    const answer_event *event = g->event;
    const bool repeats = event->kind == ANSWER_STREAM && event->sorts & EVENT_FULL;
    while (g->part < event->part_count) {
        const answer_part *p = &event->parts[g->part++];
        if (!answer_is_text(p)) continue;
        if (answer_texts_note(&f->told, p) && repeats) continue;
        if (event->kind == ANSWER_PLAIN && f->text.len) buf_add_char(&f->text, '\n');
        g->pieces = json_pieces_of(p->value);
        return true;
    }
    return false;
}

/* More of what the last event says, as far as there is room: however long it is, no copy of all of
 * it is made. */
static void gather(verdict_filter *f) {
    gathered *g = &f->gathered;
    while (f->text.len < VERDICT_TEXT_MAX) {
        if (g->rest.len || json_next_piece(&g->pieces, &g->rest)) {
            const span piece = span_clip(g->rest, VERDICT_TEXT_MAX - f->text.len);
            if (!piece.len) return;
            buf_add(&f->text, piece);
            g->rest = span_slice(g->rest, piece.len, g->rest.len);
        } else if (!begin_part(f)) {
            g->event = NULL;
            return;
        }
    }
}

static void begin_event(verdict_filter *f, const answer_event *event) {
    answer_queue_add(&f->waiting, event);
    f->gathered = (gathered){.event = answer_queue_last(&f->waiting)};
    gather(f);
}

/* What is told was good: the next of it. false: that was all. */
static bool gather_more(verdict_filter *f) {
    if (!f->gathered.event) return false;
    buf_drop_front(&f->text, f->text.len - verdict_again(buf_span(&f->text)).len);
    const size_t again = f->text.len;
    gather(f);
    return f->text.len > again;
}

/* ---- what follows ---- */

static bool goes_on(const verdict_filter *f) {
    return !f->over && exchange_goes_on(f->filter.x);
}

static void pass_waiting(verdict_filter *f) {
    f->gathered.event = NULL;
    for (answer_event *e; goes_on(f) && (e = answer_queue_take(&f->waiting));) {
        filter_pass_event(&f->filter, chain_keep_plain(f->filter.x, e));
        if (!goes_on(f)) {
            answer_free(e);
            return;
        }
        answer_free(f->passed);
        f->passed = e;
    }
    buf_clear(&f->text);
}

static void block(verdict_filter *f) {
    answer_event *first = answer_queue_take(&f->waiting);
    f->over = true;
    if (!first) return;
    /* Of a response the last that was passed on tells its number. */
    guard_answer_end(&f->filter, f->passed && first->kind == ANSWER_STREAM ? f->passed : first);
    answer_free(first);
}

static void conclude(verdict_filter *f, verdict_result r) {
    exchange *x = f->filter.x;
    const config_guard_external *c = &exchange_config(x)->guard.external;
    if (r == VERDICT_BAD)
        guard_note(x->guard, GUARD_OUT, &guard_external,
                   c->out == EXTERNAL_BLOCK ? GUARD_BLOCK : GUARD_FLAG, 1);
    if (r == VERDICT_NONE && c->on_failure == EXTERNAL_CLOSED) {
        f->over = true;
        filter_break(&f->filter, ERR_GUARD_AWAY, NULL);
    } else if (r == VERDICT_BAD && c->out == EXTERNAL_BLOCK) {
        block(f);
    } else {
        pass_waiting(f);
    }
}

static void pass_end(verdict_filter *f) {
    exchange *x = f->filter.x;
    if (!exchange_goes_on(x)) return;
    if (!f->over || x->head.kind == ANSWER_PLAIN) filter_pass_end(&f->filter);
}

static void on_verdict(verdict *v, verdict_result r) {
    verdict_filter *f = CONTAINER_OF(v, verdict_filter, verdict);
    exchange *x = f->filter.x;
    if (r == VERDICT_GOOD && gather_more(f)) {
        if (verdict_ask(v, x, buf_span(&f->text))) return;
        r = VERDICT_NONE;
    }
    exchange_enter(x->env);
    conclude(f, r);
    if (f->ended) pass_end(f);
    exchange_leave(x->env);
    filter_release(&f->filter);
}

static void ask(verdict_filter *f) {
    if (!f->text.len) {
        pass_waiting(f);
    } else if (verdict_ask(&f->verdict, f->filter.x, buf_span(&f->text))) {
        filter_hold(&f->filter);
    } else {
        conclude(f, VERDICT_NONE);
    }
}

/* ---- the filter ---- */

static void on_event(filter *base, const answer_event *event) {
    verdict_filter *f = of(base);
    if (f->over) return;
    if (event->kind == ANSWER_RAW) {
        filter_pass_event(base, event);
        return;
    }
    begin_event(f, event);
    const bool ends = event->kind == ANSWER_PLAIN || event->sorts & (EVENT_FINISH | EVENT_CLOSE);
    if (ends || f->gathered.event || f->waiting.bytes > WAITING_MAX || !f->text.len ||
        ends_sentence(buf_span(&f->text)))
        ask(f);
}

/* A stream that ends without saying why has its last words here: its end waits for their verdict.
 */
static void on_end(filter *base) {
    verdict_filter *f = of(base);
    if (f->text.len && !f->over) {
        f->ended = verdict_ask(&f->verdict, base->x, buf_span(&f->text));
        if (f->ended) return;
        conclude(f, VERDICT_NONE);
    }
    pass_end(f);
}

static void on_done(filter *base) {
    verdict_filter *f = of(base);
    verdict_drop(&f->verdict);
    answer_queue_done(&f->waiting);
    answer_free(f->passed);
    buf_done(&f->text);
    filter_pass_done(base);
}

void filter_verdict_add(exchange *x) {
    static const filter_ops ops = {.name = "verdict",
                                   .place = PLACE_GUARD,
                                   .holds = HOLDS_ANY,
                                   .want = WANT_PARTS | WANT_ENVELOPE,
                                   FILTER_PASSES,
                                   .event = on_event,
                                   .end = on_end,
                                   .done = on_done};
    verdict_filter *f = arena_zalloc(&x->arena, sizeof *f);
    f->verdict.done = on_verdict;
    answer_queue_init(&f->waiting);
    filter_add(x, &f->filter, &ops);
}
