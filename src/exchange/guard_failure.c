/* What a provider says in an answer's place. Its errors repeat what it was asked, or bring what it
 * would not say: people read them, and records and logs keep them. */
#include "exchange/guard_event.h"

static const span withheld =
    SPAN("The provider's error has something that the gateway's guard does not let through.");

/* In an arena of whoever asks. */
static span feed(exchange_guard *g, span inner, bool note, arena *a) {
    guard_text t;
    guard_fed fed;
    guard_text_init(&t, g, GUARD_SAYS_TEXT);
    guard_text_feed(&t, inner, true, note, &fed);
    guard_text_done(&t);
    span told = inner;
    if (fed.blocked)
        told = withheld;
    else if (!guard_made_is_same(&fed.made))
        told = arena_dup(a, guard_made_text(&fed.made));
    guard_made_done(&fed.made);
    return told;
}

/* What its body says as well, where it is noted. */
static span look_at_text(exchange_guard *g, span text) {
    arena *a = &g->x->arena;
    buf written = BUF_EMPTY;
    json_write_string(&written, text);
    const span inner = guard_inner((json_value){JSON_STRING, buf_span(&written)});
    const span told = feed(g, inner, false, a);
    const span parts[] = {SPAN_OF("\""), told, SPAN_OF("\"")};
    if (told.ptr != inner.ptr)
        text = json_string((json_value){JSON_STRING, arena_join(a, parts, 3)}, a);
    buf_done(&written);
    return text;
}

static span look_at_body(exchange_guard *g, span body) {
    arena *a = &g->x->arena;
    json_splice edits;
    json_value root;
    json_fault fault;
    size_t count;
    if (!json_scan(body, NULL, &root, &fault)) return SPAN_EMPTY; /* one is made of its text */
    json_splice_init(&edits, a);
    json_iter it = json_strings_of(root);
    for (json_value string; json_next_string(&it, &string);) {
        const span inner = guard_inner(string), told = feed(g, inner, true, a);
        const size_t at = (size_t)(inner.ptr - body.ptr);
        if (told.ptr != inner.ptr) (void)!json_splice_add(&edits, at, at + inner.len, told);
    }
    if (!edits.count) return body;
    const span *pieces = json_splice_pieces(&edits, body, &count);
    return arena_join(a, pieces, count);
}

void guard_failure_look(exchange_guard *g) {
    failure *f = &g->x->failure;
    if (!f->body.len) return; /* weir's own words */
    f->text = look_at_text(g, f->text);
    f->param = look_at_text(g, f->param);
    f->code = look_at_text(g, f->code);
    f->body = look_at_body(g, f->body);
}
