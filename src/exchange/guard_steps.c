/* What tools have said. The steps of a run, as its client reads them, are a part of the answer, and
 * are looked at as the rest of it is; the model reads them by way of a request of its own. */
#include "exchange/guard_text.h"

static const span withheld =
    SPAN("\"error\":\"the tool has said something that the gateway's guard does not let through\"");

const span guard_withheld =
    SPAN("the tool has said something that the gateway's guard does not let through");

bool guard_of_run(exchange *x, exchange_guard **ret) {
    guards by;
    *ret = NULL;
    if (!guards_of(x, config_guard_of(exchange_config(x), x->model, x->client), &by)) return false;
    if (!by.out) return true;
    *ret = arena_zalloc(&x->arena, sizeof **ret);
    **ret = (exchange_guard){.x = x, .scratch = guard_scratch_of(x->env), .out = by.out};
    return true;
}

void guard_of_run_done(exchange_guard *g) {
    if (g) guard_names_free(g->names);
}

/* A tool may say anything; here all of it is there. */
static guard_says says_of(json_value string) {
    return guard_says_json(string) ? GUARD_SAYS_JSON : GUARD_SAYS_ANY;
}

/* Mostly it is JSON; as it stands, or as a client reads it in a string. */
bool guard_tool_text(exchange_guard *g, span text, buf *out) {
    buf written = BUF_EMPTY;
    arena a;
    guard_text t;
    guard_fed fed;
    json_write_string(&written, text);
    guard_text_init(&t, g, says_of((json_value){JSON_STRING, buf_span(&written)}));
    guard_text_feed(&t, span_slice(buf_span(&written), 1, written.len - 1), true, true, &fed);
    guard_text_done(&t);
    const bool blocked = fed.blocked || g->over;
    arena_init(&a, 0);
    if (blocked || guard_made_is_same(&fed.made)) {
        buf_add(out, blocked ? guard_withheld : text);
    } else {
        const span parts[] = {SPAN_OF("\""), guard_made_text(&fed.made), SPAN_OF("\"")};
        buf_add(out, json_string((json_value){JSON_STRING, arena_join(&a, parts, 3)}, &a));
    }
    guard_made_done(&fed.made);
    arena_wipe(&a);
    arena_done(&a);
    buf_done(&written);
    return !blocked;
}

typedef struct looking {
    exchange_guard *guard;
    span json; /* all of it */
    arena arena;
    json_splice edits;
} looking;

static void replace(looking *k, const char *from, const char *to, span by) {
    (void)!json_splice_add(&k->edits, (size_t)(from - k->json.ptr), (size_t)(to - k->json.ptr),
                           arena_dup(&k->arena, by));
}

/* Mostly it is JSON again. */
static void look_at(looking *k, const json_member *m) {
    const span inner = span_slice(m->value.raw, 1, m->value.raw.len - 1);
    guard_text t;
    guard_fed fed;
    guard_text_init(&t, k->guard, says_of(m->value));
    guard_text_feed(&t, inner, true, true, &fed);
    guard_text_done(&t);
    if (fed.blocked) /* with its name's quote */
        replace(k, m->key.ptr - 1, inner.ptr + inner.len + 1, withheld);
    else if (!guard_made_is_same(&fed.made))
        replace(k, inner.ptr, inner.ptr + inner.len, guard_made_text(&fed.made));
    guard_made_done(&fed.made);
}

static void look_at_step(looking *k, json_value step) {
    json_iter it = json_iter_of(step);
    for (json_member m; json_next_member(&it, &m);) {
        const bool said = span_eq(m.key, SPAN_OF("result")) || span_eq(m.key, SPAN_OF("error"));
        if (said && m.value.type == JSON_STRING) look_at(k, &m);
    }
}

static void look_at_all(looking *k) {
    json_value root, step;
    json_fault fault;
    if (!json_scan(k->json, NULL, &root, &fault)) return;
    if (root.type == JSON_OBJECT) {
        look_at_step(k, root);
        return;
    }
    json_iter it = json_iter_of(root);
    while (json_next_element(&it, &step))
        look_at_step(k, step);
}

void guard_steps_write(exchange_guard *g, span json, buf *out) {
    looking k = {.guard = g, .json = json};
    size_t count;
    arena_init(&k.arena, 0);
    json_splice_init(&k.edits, &k.arena);
    look_at_all(&k);
    const span *pieces = json_splice_pieces(&k.edits, json, &count);
    for (size_t i = 0; i < count; i++)
        buf_add(out, pieces[i]);
    arena_wipe(&k.arena);
    arena_done(&k.arena);
}
