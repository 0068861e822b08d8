/* What a provider says in an answer's place. Its errors repeat what it was asked, or bring what it
 * would not say: people read them, and records and logs keep them. */
#include "dialect/words.h"
#include "exchange/guard_event.h"

static const span withheld =
    SPAN("The provider's error has something that the gateway's guard does not let through.");

typedef struct looking {
    exchange_guard *g;
    bool note; /* matches are noted */
    bool blocked;
} looking;

/* A piece of JSON that stands by itself. open: it went on, so that what may be the beginning of
 * something is left away. In an arena of whoever asks. */
static span feed(looking *k, span piece, guard_says says, guard_numbers numbers, bool open) {
    const size_t marks = open ? failure_cut_marks(piece) : 0;
    const span some = span_slice(piece, 0, piece.len - marks);
    guard_text t;
    guard_fed fed;
    guard_text_init(&t, k->g, says);
    t.numbers = numbers;
    guard_text_feed(&t, some, !open, k->note, &fed);
    guard_text_done(&t);
    k->blocked |= fed.blocked != NULL;
    if (!guard_made_is_same(&fed.made)) {
        const span parts[] = {guard_made_text(&fed.made), span_slice(piece, some.len, piece.len)};
        piece = arena_join(&k->g->x->arena, parts, ARRAY_LEN(parts));
    }
    guard_made_done(&fed.made);
    return piece;
}

/* What is between a string's quotes: in errors, too, JSON of others is quoted. */
static span feed_inner(looking *k, json_value string, bool open) {
    const span inner = guard_inner(string);
    const bool json = guard_begins_json(inner) && guard_says_json(string);
    const guard_says says = json ? GUARD_SAYS_JSON : GUARD_SAYS_ANY;
    return feed(k, inner, says, (guard_numbers){.on = false}, open);
}

/* What its body says as well, where it is noted. Empty: it may not be told. */
static span look_at_text(exchange_guard *g, span text, bool open, bool *blocked) {
    arena *a = &g->x->arena;
    looking k = {.g = g};
    buf written = BUF_EMPTY;
    json_write_string(&written, text);
    const json_value string = {JSON_STRING, buf_span(&written)};
    const span inner = guard_inner(string), told = feed_inner(&k, string, open);
    const span parts[] = {SPAN_OF("\""), told, SPAN_OF("\"")};
    if (k.blocked)
        text = SPAN_EMPTY;
    else if (told.ptr != inner.ptr)
        text = json_string((json_value){JSON_STRING, arena_join(a, parts, 3)}, a);
    buf_done(&written);
    *blocked |= k.blocked;
    return text;
}

/* ---- its body ---- */

static json_value member_of_error(json_value root, span name) {
    return json_get(json_get(root, SPAN_OF("error")), name);
}

typedef struct making {
    looking look;
    span body;
    json_splice edits;
} making;

static void add(making *m, span piece, span told) {
    const size_t at = (size_t)(piece.ptr - m->body.ptr);
    if (told.ptr != piece.ptr) (void)!json_splice_add(&m->edits, at, at + piece.len, told);
}

/* What stands between strings, names and numbers: from the end of one, which is there where it is
 * not the first, to the beginning of the next. */
static void add_between(making *m, const char *from, const char *to) {
    const span piece = span_from(from, (size_t)(to - from));
    add(m, piece,
        feed(&m->look, piece, GUARD_SAYS_TEXT, guard_numbers_of(false, from != m->body.ptr),
             false));
}

/* Empty: it may not be told, or is none any more. */
static span look_at_body(exchange_guard *g, span body, bool cut, bool *blocked) {
    arena *a = &g->x->arena;
    json_value root;
    json_fault fault;
    size_t count;
    if (!json_scan(body, NULL, &root, &fault)) return SPAN_EMPTY;
    if (!cut && g->out && !g->restores && guard_text_is_clean(g->out, g->scratch, body, 1, 0))
        return body;
    making m = {.look = {.g = g, .note = true}, .body = body};
    json_splice_init(&m.edits, a);
    const json_value message = member_of_error(root, SPAN_OF("message"));
    const char *at = body.ptr;
    json_iter it = json_strings_of(root);
    for (json_value string; !m.look.blocked && json_next_string(&it, &string);) {
        const span inner = guard_inner(string);
        add_between(&m, at, inner.ptr);
        add(&m, inner, feed_inner(&m.look, string, cut && string.raw.ptr == message.raw.ptr));
        at = inner.ptr + inner.len;
    }
    if (!m.look.blocked) add_between(&m, at, body.ptr + body.len);
    *blocked |= m.look.blocked;
    if (m.look.blocked) return SPAN_EMPTY;
    if (!m.edits.count) return body;
    const span *pieces = json_splice_pieces(&m.edits, body, &count);
    const span made = arena_join(a, pieces, count);
    return json_scan(made, NULL, &root, &fault) ? made : SPAN_EMPTY;
}

static void put_or_null(json_writer *w, const char *key, span text) {
    json_key(w, key);
    if (text.len)
        json_put_string(w, text);
    else
        json_put_null(w);
}

/* In the place of one that may not be told. */
static span made_anew(arena *a, const failure *f, span type) {
    buf out = BUF_EMPTY;
    json_writer w = json_writer_of(&out);
    json_open_object(&w);
    json_key(&w, "error");
    json_open_object(&w);
    json_key(&w, "message");
    json_put_string(&w, f->text);
    put_or_null(&w, "type", type);
    put_or_null(&w, "param", f->param);
    put_or_null(&w, "code", f->code);
    json_close_object(&w);
    json_close_object(&w);
    const span body = arena_dup(a, buf_span(&out));
    buf_done(&out);
    return body;
}

/* ---- both ---- */

void guard_failure_look(exchange_guard *g) {
    failure *f = &g->x->failure;
    arena *a = &g->x->arena;
    bool blocked = false;
    if (!f->body.len) return; /* weir's own words */
    json_value type = member_of_error(answer_root(f->body), SPAN_OF("type"));
    span kind = type.type == JSON_STRING ? json_string(type, a) : SPAN_EMPTY;
    kind = look_at_text(g, kind, false, &blocked);
    f->text = look_at_text(g, f->text, f->cut, &blocked);
    f->param = look_at_text(g, f->param, false, &blocked);
    f->code = look_at_text(g, f->code, false, &blocked);
    f->body = look_at_body(g, f->body, f->cut, &blocked);
    if (blocked) f->text = withheld;
    if (blocked || !f->body.len) f->body = made_anew(a, f, kind);
}
