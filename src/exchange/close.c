/* The end of an exchange: the only one there is. */
#include "exchange/internal.h"

#include <assert.h>
#include <string.h>

/* One that still waits to be recorded stays until it has been. */
static void cancel_children(exchange *x) {
    LIST_FOREACH(&x->children, node) exchange_cancel(LIST_ENTRY(node, exchange, sibling));
}

/* They are somebody's who will not wait. */
static void keep_last(exchange *x) {
    last_word *w = arena_alloc(&x->arena, sizeof *w);
    *w = *x->last;
    x->last = w;
    w->headers = exchange_headers_dup(&x->arena, w->headers);
    w->body = arena_dup(&x->arena, w->body);
    if (w->kept.keeper) exchange_keep_plain(x, w->kept.keeper);
    w->kept.before = arena_dup(&x->arena, w->kept.before);
    w->kept.after = arena_dup(&x->arena, w->kept.after);
    exchange_own_record(x);
}

void exchange_own_record(exchange *x) {
    call_record *r = &x->record;
    r->model = arena_dup(&x->arena, r->model);
    if (r->user.len) r->user = arena_dup(&x->arena, r->user);
    r->peer = arena_dup(&x->arena, r->peer);
    if (r->client_request_id.len) r->client_request_id = arena_dup(&x->arena, r->client_request_id);
    if (x->request->label.len) r->endpoint = arena_dup(&x->arena, r->endpoint);
}

void exchange_close(exchange *x, const last_word *w) {
    if (x->phase >= PHASE_CLOSING) return;
    x->phase = PHASE_CLOSING;
    last_word last = *w;
    x->last = &last;
    loop_timer_stop(x->env->loop, &x->deadline);
    exchange_drop_wait(x);
    exchange_drop_source(x);
    cancel_children(x);
    chain_clear(x, NULL);
    x->recorded = exchange_run_always(x, 0);
    if (!x->recorded || !list_empty(&x->children)) keep_last(x);
    exchange_say_last(x);
}

/* What it cost is known when it has been settled; a stream's is asked for by its id. */
static http_headers with_cost(exchange *x, http_headers headers) {
    const bool asked = x->record.attempts || x->functions;
    if (x->record.cost_nano < 0 || !asked) return headers;
    http_header *h = arena_alloc(&x->arena, (headers.count + 1) * sizeof *h);
    memcpy(h, headers.items, headers.count * sizeof *h);
    h[headers.count] =
        (http_header){SPAN_OF("x-weir-cost"), arena_u64(&x->arena, (uint64_t)x->record.cost_nano)};
    return (http_headers){h, headers.count + 1};
}

static void say_answer(exchange *x, const last_word *w) {
    const kept_text *k = &w->kept;
    const http_headers headers = with_cost(x, w->headers);
    if (!k->keeper) {
        x->door->answer(x->user, w->status, headers, w->body);
    } else if (x->door->answer_kept) {
        x->door->answer_kept(x->user, w->status, headers, k);
    } else {
        span body = arena_join(&x->arena, (span[]){k->before, k->bytes, k->after}, 3);
        x->door->answer(x->user, w->status, headers, body);
    }
}

/* Settled and recorded before the last bytes go out; freed at the end of the turn, when nothing of
 * it is on the stack any more. */
void exchange_say_last(exchange *x) {
    if (!x->recorded || !list_empty(&x->children)) return;
    exchange *parent = list_empty(&x->sibling) ? NULL : x->parent;
    x->phase = PHASE_OVER;
    x->env->open--;
    if (x->parent) x->env->open_children--;
    if (x->streams) x->env->streams--;
    exchange_rows_done(x);
    x->filters->ops->done(x->filters);
    list_remove(&x->sibling);
    list_remove(&x->link);
    list_push_back(&x->env->ended, &x->link);
    const last_word *w = x->last;
    x->last = NULL;
    switch (w->how) {
    case CLOSE_ANSWER: say_answer(x, w); break;
    case CLOSE_END:
        if (w->body.len) x->door->piece(x->user, w->body);
        x->door->end(x->user);
        break;
    case CLOSE_BROKEN:
        x->door->piece(x->user, w->body);
        x->door->broken(x->user);
        break;
    case CLOSE_ABORT: x->door->abort(x->user); break;
    case CLOSE_CUT: break;
    }
    if (parent && parent->phase == PHASE_CLOSING) exchange_say_last(parent);
}

void exchange_cancel(exchange *x) {
    exchange_cancel_for(x, ERR_CLIENT_GONE);
}

void exchange_cancel_for(exchange *x, error_id parting) {
    if (x->phase >= PHASE_CLOSING) {
        if (x->last) x->last->how = CLOSE_CUT; /* what must be recorded still is */
        return;
    }
    if (x->parting == ERR_NONE) x->parting = parting; /* else it was the others who left now */
    if (x->stays && x->stays(x)) return;
    const weir_error why = error_of(x->parting);
    x->failure = failure_of(&why);
    exchange_close(x, &(last_word){.how = CLOSE_CUT});
}

/* ---- how a form closes ---- */

static void close_whole(exchange *x, http_headers crossing, span type, last_word w) {
    w.how = CLOSE_ANSWER;
    exchange_enter(x->env); /* the headers' memory */
    w.headers = exchange_headers(x, crossing, type);
    exchange_close(x, &w);
    exchange_leave(x->env);
}

static void close_answered(exchange *x, last_word w) {
    x->head_sent = true;
    w.status = x->head.status;
    span type = x->head.content_type;
    /* What is passed through without a type may be anything, or nothing. */
    if (!type.len && x->endpoint != EP_OTHER) type = SPAN_OF("application/json");
    close_whole(x, x->head.headers, type, w);
}

void exchange_answer(exchange *x, span body) {
    x->record.bytes_out = 0;
    exchange_count_out(x, body);
    close_answered(x, (last_word){.body = body});
}

void exchange_answer_kept(exchange *x, const kept_text *body) {
    x->record.bytes_out = 0;
    exchange_count_out_kept(x, body);
    close_answered(x, (last_word){.kept = *body});
}

void exchange_answer_failure(exchange *x, span body) {
    buf made = BUF_EMPTY;
    if (!body.len) {
        exchange_failure_body(x, &made);
        body = buf_span(&made);
    }
    x->record.bytes_out = 0;
    exchange_count_out(x, body);
    close_whole(x, x->failure.headers, SPAN_OF("application/json"),
                (last_word){.status = x->failure.status, .body = body});
    buf_done(&made);
}

void exchange_end_stream(exchange *x, span last) {
    exchange_count_out(x, last);
    exchange_close(x, &(last_word){.how = CLOSE_END, .body = last});
}

void exchange_break_stream(exchange *x, span last) {
    exchange_count_out(x, last);
    exchange_close(x, &(last_word){.how = CLOSE_BROKEN, .body = last});
}

void exchange_abort_stream(exchange *x) {
    exchange_close(x, &(last_word){.how = CLOSE_ABORT});
}
