/* What a request asks, before anybody else reads it: every text that a model would read, as it
 * reads it, and which of its bytes must change. */
#include "exchange/guard.h"
#include "exchange/guard_made.h"
#include "exchange/guard_numbers.h"

typedef struct looking {
    guard_request *r;
    span body;
    guard_form form; /* of the text at hand */
    bool found;      /* something in it */
    guard_numbers numbers;
    guard_made made; /* what it becomes, in its own bytes */
    arena scratch;
} looking;

/* ---- one text ---- */

static guard_seen *seen_of(guard_request *r, const guard_find *f) {
    for (size_t i = 0; i < r->seen_count; i++)
        if (r->seen[i].rule == f->rule && r->seen[i].action == f->action) return &r->seen[i];
    if (r->seen_count == r->seen_cap) {
        r->seen_cap = r->seen_cap ? r->seen_cap * 2 : 8;
        guard_seen *more = arena_alloc(r->arena, r->seen_cap * sizeof *more);
        if (r->seen_count) memcpy(more, r->seen, r->seen_count * sizeof *more);
        r->seen = more;
    }
    guard_seen *s = &r->seen[r->seen_count++];
    *s = (guard_seen){f->rule, f->action, 0};
    return s;
}

/* What the client wrote, as it reads. */
static span unescaped(span bytes, unsigned times, arena *a) {
    for (; times; times--) {
        const span quoted = arena_join(a, (span[]){SPAN_OF("\""), bytes, SPAN_OF("\"")}, 3);
        bytes = json_string((json_value){JSON_STRING, quoted}, a);
    }
    return bytes;
}

static void let(void *ctx, span bytes) {
    guard_made_add(&((looking *)ctx)->made, bytes);
}

static void on_pass(void *ctx, span bytes) {
    guard_numbers_pass(&((looking *)ctx)->numbers, bytes, let, ctx);
}

static void on_find(void *ctx, const guard_find *f) {
    looking *k = ctx;
    guard_request *r = k->r;
    k->found = true;
    seen_of(r, f)->count++;
    if (f->action == GUARD_BLOCK && !r->blocked) r->blocked = f->rule;
    if (!f->hidden.len) return;
    if (!r->names) r->names = guard_names_new();
    const bool kept = r->puts_back && !f->over;
    const span original = kept ? unescaped(f->hidden, k->form.json, &k->scratch) : SPAN_EMPTY;
    guard_numbers_put(&k->numbers, f->hidden, f->over,
                      guard_names_give(r->names, f->rule, f->value, original), let, k);
}

/* A call's arguments are JSON again, mostly; so may be what nobody knows, a call of another form
 * among it. */
static unsigned depth_of(const outline_text *text, span inner) {
    const bool may = text && text->part &&
                     (text->part->kind == OUTLINE_TOOL_CALL || text->place == TEXT_IN_OPAQUE);
    return may && guard_begins_json(inner) ? 2 : 1;
}

static void look_at(looking *k, json_value value, unsigned depth) {
    guard_request *r = k->r;
    const guard_sink sink = {k, on_pass, on_find};
    const span inner = span_slice(value.raw, 1, value.raw.len - 1);
    guard_lane lane;
    if (guard_text_is_clean(r->policy, r->scratch, inner, depth, r->owner)) return;
    k->found = false;
    k->form = (guard_form){.json = depth, .whole = true};
    k->numbers = (guard_numbers){.on = false};
    if (depth == 2 && guard_says_json(value)) k->numbers = guard_numbers_of(true, false);
    k->made = guard_made_of(inner);
    guard_lane_init(&lane, r->policy, r->scratch, k->form);
    guard_lane_feed(&lane, inner, true, &sink);
    guard_numbers_end(&k->numbers, let, k);
    if (!guard_made_is_same(&k->made) && !r->blocked) {
        const size_t at = (size_t)(inner.ptr - k->body.ptr);
        const span by = arena_dup(r->arena, guard_made_text(&k->made));
        (void)!json_splice_add(&r->edits, at, at + inner.len, by);
        arena_wipe(&k->scratch);
        arena_reset(&k->scratch, 0);
    }
    guard_made_done(&k->made);
    if (!k->found) guard_text_was_clean(r->policy, r->scratch, inner, depth, r->owner);
}

/* Of what nobody knows the place. */
static void look_at_any(looking *k, json_value value) {
    look_at(k, value, guard_begins_json(span_slice(value.raw, 1, value.raw.len - 1)) ? 2 : 1);
}

static bool on_text(void *user, const outline_text *text) {
    looking *k = user;
    look_at(k, text->value, depth_of(text, span_slice(text->value.raw, 1, text->value.raw.len)));
    return !k->r->blocked;
}

/* ---- all of them ---- */

/* Where the request has more of something than an outline may have: every string of what it would
 * be made of. */
static bool look_within(void *user, json_value value) {
    looking *k = user;
    json_iter it = json_strings_of(value);
    for (json_value text; !k->r->blocked && json_next_string(&it, &text);)
        look_at_any(k, text);
    return !k->r->blocked;
}

void guard_request_look_within(guard_request *r, json_value value) {
    looking k = {.r = r, .body = value.raw};
    arena_init(&k.scratch, 0);
    json_splice_init(&r->edits, r->arena);
    json_iter it = json_strings_of(value);
    for (json_value text; !r->blocked && json_next_string(&it, &text);)
        look_at_any(&k, text);
    arena_done(&k.scratch);
}

static bool is_clean(void *user, json_value value) {
    const guard_request *r = user;
    return guard_text_is_clean(r->policy, r->scratch, value.raw, 1, r->owner);
}

bool guard_request_is_clean(guard_request *r, const request_facts *facts) {
    const dialect d = endpoint_get(facts->endpoint)->dialect;
    return outline_each_value(d, facts->root, is_clean, r);
}

void guard_request_look(guard_request *r, const request_facts *facts, const request_outline *o) {
    looking k = {.r = r, .body = facts->body};
    arena_init(&k.scratch, 0);
    json_splice_init(&r->edits, r->arena);
    if (o)
        (void)outline_each_text(o, on_text, &k);
    else
        (void)outline_each_value(endpoint_get(facts->endpoint)->dialect, facts->root, look_within,
                                 &k);
    arena_done(&k.scratch);
}

/* ---- the facts of what it has become ---- */

typedef struct moving {
    const json_splice *edits;
    span from, to;
} moving;

/* No text is edited within what the facts point to, but for the whole. */
static json_value moved(const moving *m, json_value v) {
    if (!v.raw.ptr || v.raw.ptr < m->from.ptr || v.raw.ptr > m->from.ptr + m->from.len) return v;
    const size_t at = (size_t)(v.raw.ptr - m->from.ptr);
    size_t to = at;
    for (size_t i = 0; i < m->edits->count; i++) {
        const json_edit *e = m->edits->many ? &m->edits->many[i] : &m->edits->few[i];
        if (e->from >= at) break;
        to = to - (e->to - e->from) + e->by.len;
    }
    return (json_value){v.type, span_from(m->to.ptr + to, v.raw.len)};
}

void guard_facts_move(request_facts *f, const json_splice *edits, span body) {
    const moving m = {edits, f->body, body};
    const size_t before = f->body.len;
    f->root = moved(&m, f->root);
    f->root.raw.len = f->root.raw.len + body.len - before;
    f->model = moved(&m, f->model);
    f->stream_options = moved(&m, f->stream_options);
    f->include_usage = moved(&m, f->include_usage);
    f->bounds.max_tokens = moved(&m, f->bounds.max_tokens);
    f->bounds.max_completion_tokens = moved(&m, f->bounds.max_completion_tokens);
    f->outline = (outline_slot){0};
    f->body = body;
}
