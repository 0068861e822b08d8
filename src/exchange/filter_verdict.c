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

typedef struct verdict_filter {
    filter filter;
    verdict verdict;
    answer_queue waiting; /* what the verdict is awaited for, or a sentence's end */
    buf text;             /* of it */
    answer_event *passed; /* the last that was passed on; NULL: none was */
    answer_texts told;    /* which texts have come in pieces; none of their bytes */
    bool over;            /* it was blocked */
    bool ended;           /* nothing more comes, and the last words wait for their verdict */
} verdict_filter;

static verdict_filter *of(filter *f) {
    return CONTAINER_OF(f, verdict_filter, filter);
}

/* ---- what follows ---- */

static bool goes_on(const verdict_filter *f) {
    return !f->over && exchange_goes_on(f->filter.x);
}

static void pass_waiting(verdict_filter *f) {
    for (answer_event *e; goes_on(f) && (e = answer_queue_take(&f->waiting));) {
        filter_pass_event(&f->filter,
                          e->kind == ANSWER_PLAIN ? answer_dup(e, &f->filter.x->arena) : e);
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

/* Those of one event stand apart; a piece goes on where the one before it ended. */
static void gather(verdict_filter *f, const answer_event *event) {
    const bool repeats = event->kind == ANSWER_STREAM && event->sorts & EVENT_FULL;
    for (size_t i = 0; i < event->part_count; i++) {
        const answer_part *p = &event->parts[i];
        if (!answer_is_text(p)) continue;
        if (answer_texts_note(&f->told, p) && repeats) continue;
        json_pieces it = json_pieces_of(p->value);
        if (event->kind == ANSWER_PLAIN && f->text.len) buf_add_char(&f->text, '\n');
        for (span piece; json_next_piece(&it, &piece) && f->text.len <= VERDICT_TEXT_MAX;)
            buf_add(&f->text, piece);
    }
}

static void on_event(filter *base, const answer_event *event) {
    verdict_filter *f = of(base);
    if (f->over) return;
    if (event->kind == ANSWER_RAW) {
        filter_pass_event(base, event);
        return;
    }
    gather(f, event);
    answer_queue_add(&f->waiting, event);
    const bool ends = event->kind == ANSWER_PLAIN || event->sorts & (EVENT_FINISH | EVENT_CLOSE);
    if (ends || f->waiting.bytes > WAITING_MAX || !f->text.len || ends_sentence(buf_span(&f->text)))
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
                                   .holds = true,
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
