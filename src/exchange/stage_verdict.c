/* verdict: what does somebody outside say of what is asked (guard.external), of a model or of a
 * tool that its client calls? Asked after the rules have looked, so that it is told no secret that
 * they take out. Of what is answered the filter asks that this puts up; of what a tool says,
 * stage_tool.c. */
#include "exchange/guard.h"
#include "exchange/tool_use.h"

#include "base/mem.h"
#include "call/retry.h"
#include "loop/aside.h"

#include <stdlib.h>

/* Gathers the texts of a large request, on another thread. */
typedef struct gathering {
    aside aside;
    struct asking *asking; /* the exchange's, while that waits */
    large_request *large;  /* counted: its bytes are read */
    request_facts facts;
    buf text;
} gathering;

typedef struct asking {
    exchange *x;
    stage_wait wait;
    gathering *gathering; /* NULL: the texts are there */
    verdict verdict;
    buf text;
    memory_hold hold;
} asking;

/* ---- what follows ---- */

static exchange_guard *guard_of(exchange *x) {
    return x->tool_use ? x->tool_use->guard : x->guard;
}

static stage_result conclude(exchange *x, verdict_result r) {
    const config_guard_external *c = &exchange_config(x)->guard.external;
    if (r == VERDICT_GOOD) return STAGE_NEXT;
    if (r == VERDICT_NONE)
        return c->on_failure == EXTERNAL_OPEN ? STAGE_NEXT
                                              : exchange_refuse(x, ERR_GUARD_AWAY, NULL, NULL);
    const bool blocks = c->in == EXTERNAL_BLOCK;
    guard_note(guard_of(x), GUARD_IN, &guard_external, blocks ? GUARD_BLOCK : GUARD_FLAG, 1);
    if (!blocks) return STAGE_NEXT;
    return exchange_refuse(x, ERR_CONTENT_BLOCKED, NULL,
                           "The %s something that the gateway's guard does not let through: "
                           "external.",
                           x->tool_use ? "arguments have" : "request has");
}

static void forget(asking *a) {
    buf_done(&a->text);
    memory_drop(&a->x->env->loop->memory, &a->hold);
}

static void on_verdict(verdict *v, verdict_result r) {
    asking *a = CONTAINER_OF(v, asking, verdict);
    forget(a);
    exchange_resume(&a->wait, conclude(a->x, r));
}

static void on_cancel(stage_wait *w) {
    asking *a = CONTAINER_OF(w, asking, wait);
    if (a->gathering) aside_drop(&a->gathering->aside);
    a->gathering = NULL;
    verdict_drop(&a->verdict);
}

/* ---- what is asked ---- */

/* Texts one after the other. */
static void add_text(buf *all, json_value text) {
    json_pieces it = json_pieces_of(text);
    if (all->len) buf_add_char(all, '\n');
    for (span piece; json_next_piece(&it, &piece);)
        buf_add(all, piece);
}

static bool on_text(void *user, const outline_text *text) {
    add_text(user, text->value);
    return true;
}

static void add_strings(buf *all, json_value value) {
    json_iter it = json_strings_of(value);
    for (json_value text; json_next_string(&it, &text);)
        add_text(all, text);
}

/* Where the request has more of something than an outline may have, every string. */
static void add_texts(buf *all, request_facts *facts, arena *outlined) {
    const request_outline *o = request_outline_of(facts, outlined);
    if (o)
        (void)outline_each_text(o, on_text, all);
    else
        add_strings(all, facts->root);
}

/* false: it cannot be told what a model would read of it. */
static bool gather(asking *a) {
    exchange *x = a->x;
    if (x->tool_use) {
        const json_value arguments = x->tool_use->asked.arguments;
        if (arguments.type == JSON_OBJECT) add_strings(&a->text, arguments);
        return true;
    }
    if (x->facts.root.type == JSON_NONE) return false;
    add_texts(&a->text, &x->facts, &x->arena);
    return true;
}

/* ---- a large request ---- */

static void free_gathering(aside *a) {
    gathering *g = CONTAINER_OF(a, gathering, aside);
    large_request_free(g->large);
    buf_done(&g->text);
    free(g);
}

static void run(aside *a) {
    gathering *g = CONTAINER_OF(a, gathering, aside);
    arena outlined;
    arena_init(&outlined, 0);
    add_texts(&g->text, &g->facts, &outlined);
    arena_done(&outlined);
}

static void on_gathered(aside *base) {
    gathering *g = CONTAINER_OF(base, gathering, aside);
    asking *a = g->asking;
    a->gathering = NULL;
    a->text = g->text;
    g->text = BUF_EMPTY;
    free_gathering(base);
    memory_set(&a->x->env->loop->memory, &a->hold, a->text.cap);
    if (a->text.len && verdict_ask(&a->verdict, a->x, buf_span(&a->text))) return;
    const verdict_result r = a->text.len ? VERDICT_NONE : VERDICT_GOOD;
    forget(a);
    exchange_resume(&a->wait, conclude(a->x, r));
}

/* As whatever else weir is short of. */
static stage_result refuse_short(exchange *x) {
    const stage_result r = exchange_refuse(x, ERR_MEMORY_FULL, NULL, NULL);
    x->failure.client_after_ms = RETRY_OWN_AFTER_MS;
    return r;
}

/* Its texts are no longer than itself: for so much there must be room. */
static stage_result gather_large(asking *a) {
    exchange *x = a->x;
    a->hold.holder = x->holder;
    if (memory_grow(&x->env->loop->memory, &a->hold, x->facts.body.len) != SHARE_TAKEN)
        return refuse_short(x);
    gathering *g = mem_zalloc(sizeof *g);
    g->aside = (aside){.run = run, .done = on_gathered, .free = free_gathering};
    g->asking = a;
    g->large = large_request_ref(x->large);
    g->facts = x->facts;
    a->gathering = g;
    exchange_wait(x, &a->wait, on_cancel);
    loop_aside(x->env->loop, &g->aside);
    return STAGE_WAIT;
}

/* ---- the row ---- */

stage_result stage_verdict(exchange *x) {
    const config_guard_external *c = &exchange_config(x)->guard.external;
    /* What weir asks for itself is what it has asked about: its client's own words. */
    if (!c->tool.len || x->runs || !guard_of(x) || x->request->own) return STAGE_NEXT;
    if (c->out != EXTERNAL_OFF && !x->tool_use) filter_verdict_add(x);
    if (c->in == EXTERNAL_OFF) return STAGE_NEXT;
    asking *a = arena_zalloc(&x->arena, sizeof *a);
    *exchange_stage_data(x) = a;
    a->x = x;
    a->verdict.done = on_verdict;
    if (x->large && x->facts.root.type != JSON_NONE) return gather_large(a);
    if (!gather(a)) return conclude(x, VERDICT_NONE);
    if (!a->text.len) return STAGE_NEXT;
    if (!verdict_ask(&a->verdict, x, buf_span(&a->text))) return conclude(x, VERDICT_NONE);
    exchange_wait(x, &a->wait, on_cancel);
    return STAGE_WAIT;
}

void stage_verdict_done(exchange *x) {
    asking *a = exchange_stage_kept(x);
    if (a) forget(a);
}
