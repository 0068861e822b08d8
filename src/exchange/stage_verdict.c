/* verdict: what does somebody outside say of what is asked (guard.external)? Asked after the rules
 * have looked, so that it is told no secret that they take out. Of what is answered the filter asks
 * that this puts up. */
#include "exchange/guard.h"
#include "exchange/verdict.h"

typedef struct asking {
    stage_wait wait;
    verdict verdict;
    buf text;
} asking;

/* ---- what follows ---- */

static stage_result conclude(exchange *x, verdict_result r) {
    const config_guard_external *c = &exchange_config(x)->guard.external;
    if (r == VERDICT_GOOD) return STAGE_NEXT;
    if (r == VERDICT_NONE)
        return c->on_failure == EXTERNAL_OPEN ? STAGE_NEXT
                                              : exchange_refuse(x, ERR_GUARD_AWAY, NULL, NULL);
    const bool blocks = c->in == EXTERNAL_BLOCK;
    guard_note(x->guard, GUARD_IN, &guard_external, blocks ? GUARD_BLOCK : GUARD_FLAG, 1);
    if (!blocks) return STAGE_NEXT;
    return exchange_refuse(x, ERR_CONTENT_BLOCKED, NULL,
                           "The request has something that the gateway's guard does not let "
                           "through: external.");
}

static void on_verdict(verdict *v, verdict_result r) {
    asking *a = CONTAINER_OF(v, asking, verdict);
    exchange_resume(&a->wait, conclude(v->x, r));
}

static void on_cancel(stage_wait *w) {
    verdict_drop(&CONTAINER_OF(w, asking, wait)->verdict);
}

/* ---- what is asked ---- */

/* Texts one after the other; of what is too much no more than shows that it is. */
static bool on_text(void *user, const outline_text *text) {
    buf *all = user;
    json_pieces it = json_pieces_of(text->value);
    if (all->len) buf_add_char(all, '\n');
    for (span piece; json_next_piece(&it, &piece) && all->len <= VERDICT_TEXT_MAX;)
        buf_add(all, piece);
    return all->len <= VERDICT_TEXT_MAX;
}

/* A body that is no JSON, or has more than an outline may, or is for other threads to read, is more
 * than is asked about. */
static bool gather(exchange *x, buf *all) {
    const request_outline *o = x->large ? NULL : request_outline_of(&x->facts, &x->arena);
    return o && outline_each_text(o, on_text, all);
}

stage_result stage_verdict(exchange *x) {
    const config_guard_external *c = &exchange_config(x)->guard.external;
    /* What weir asks for itself is what it has asked about: its client's own words. */
    if (!c->tool.len || x->runs || !x->guard || x->request.own) return STAGE_NEXT;
    if (c->out != EXTERNAL_OFF) filter_verdict_add(x);
    if (c->in == EXTERNAL_OFF) return STAGE_NEXT;
    asking *a = arena_zalloc(&x->arena, sizeof *a);
    *exchange_stage_data(x) = a;
    if (!gather(x, &a->text)) return conclude(x, VERDICT_NONE);
    if (!a->text.len) return STAGE_NEXT;
    a->verdict.done = on_verdict;
    if (!verdict_ask(&a->verdict, x, buf_span(&a->text))) return conclude(x, VERDICT_NONE);
    exchange_wait(x, &a->wait, on_cancel);
    return STAGE_WAIT;
}

void stage_verdict_done(exchange *x) {
    asking *a = *exchange_stage_data(x);
    if (a) buf_done(&a->text);
}
