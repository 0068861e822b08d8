#include "exchange/guard_text.h"

#include <string.h>

/* ---- what is let go ---- */

static void add(void *ctx, span bytes) {
    guard_made_add(&((guard_fed *)ctx)->made, bytes);
}

static void let(guard_fed *m, span bytes) {
    guard_numbers_pass(&m->text->numbers, bytes, add, m);
}

static void let_held(guard_fed *m) {
    guard_text *t = m->text;
    if (t->held_len) let(m, span_from(t->held, t->held_len));
    t->held_len = 0;
}

/* ---- what is put back ---- */

/* A placeholder is shorter than what it may stand for by the hundred, and repeated with ease. */
static bool has_room(exchange_guard *g, size_t bytes) {
    if (bytes > g->room) g->over = true;
    if (!g->over) g->room -= (uint32_t)bytes;
    return !g->over;
}

/* As it is to stand in the text, which is JSON, or JSON within JSON. */
static void let_value(guard_fed *m, span value) {
    buf from = BUF_EMPTY, to = BUF_EMPTY;
    buf_add(&from, value);
    for (unsigned i = 0; i < m->text->lane.form.json; i++) {
        buf_clear(&to);
        json_write_string(&to, buf_span(&from));
        buf_clear(&from);
        buf_add(&from, span_slice(buf_span(&to), 1, to.len - 1));
    }
    if (has_room(m->text->g, from.len)) let(m, buf_span(&from));
    buf_done(&from);
    buf_done(&to);
}

static void put_back(guard_fed *m, span text) {
    guard_text *t = m->text;
    const guard_names *names = t->g->names;
    size_t at = 0, len = 0;
    span value;
    for (size_t next;
         !t->g->over && (next = guard_names_find(names, text, at, &len, &value)) < text.len;) {
        let(m, span_slice(text, at, next));
        if (value.len)
            let_value(m, value);
        else
            let(m, span_slice(text, next, next + len));
        at = next + len;
    }
    const span rest = span_slice(text, at, text.len);
    const size_t begun = guard_names_begun(names, rest);
    let(m, span_slice(rest, 0, rest.len - begun));
    memcpy(t->held, rest.ptr + rest.len - begun, begun);
    t->held_len = (unsigned char)begun;
}

static void on_pass(void *ctx, span bytes) {
    guard_fed *m = ctx;
    guard_text *t = m->text;
    const bool may = t->g->restores && t->g->names;
    if (!may || (!t->held_len && span_find(bytes, 0, '[') == bytes.len)) {
        let(m, bytes);
        return;
    }
    buf all = BUF_EMPTY;
    buf_add(&all, span_from(t->held, t->held_len));
    buf_add(&all, bytes);
    t->held_len = 0;
    put_back(m, buf_span(&all));
    buf_done(&all);
}

/* ---- what is found ---- */

static void on_find(void *ctx, const guard_find *f) {
    guard_fed *m = ctx;
    exchange_guard *g = m->text->g;
    if (m->note) guard_note(g, GUARD_OUT, f->rule, f->action, 1);
    if (f->action == GUARD_BLOCK) m->blocked = f->rule;
    if (f->action == GUARD_FLAG) return;
    let_held(m); /* no placeholder goes on behind it */
    if (!f->hidden.len) return;
    if (!g->names) g->names = guard_names_new();
    guard_numbers_put(&m->text->numbers, f->hidden, f->over,
                      guard_names_give(g->names, f->rule, f->value, SPAN_EMPTY), add, m);
}

/* ---- the text ---- */

void guard_text_init(guard_text *t, exchange_guard *g, guard_says says) {
    t->g = g;
    t->says = says;
    t->begun = false;
    t->held_len = 0;
    t->numbers = (guard_numbers){.on = false};
    t->lane.form = (guard_form){.json = 1};
}

/* What it is shows when it begins. */
static void begin(guard_text *t, span piece) {
    const guard_form form = {.json = t->says && guard_begins_json(piece) ? 2 : 1};
    t->begun = true;
    t->lane.form = form;
    if (!t->g->out) return; /* nothing is hidden */
    guard_lane_init(&t->lane, t->g->out, t->g->scratch, form);
    if (form.json == 2 && t->says == GUARD_SAYS_JSON) t->numbers = guard_numbers_of(true, false);
}

void guard_text_done(guard_text *t) {
    if (t->begun && t->g->out) guard_lane_done(&t->lane);
    t->begun = false;
}

bool guard_text_holds(const guard_text *t) {
    return t->held_len || guard_numbers_hold(&t->numbers) ||
           (t->begun && t->g->out && guard_lane_held(&t->lane));
}

void guard_text_feed(guard_text *t, span piece, bool last, bool note, guard_fed *ret) {
    *ret = (guard_fed){.text = t, .note = note, .made = guard_made_of(piece)};
    if (!t->begun && !piece.len) return;
    if (!t->begun) begin(t, piece);
    if (t->g->out) {
        const guard_sink sink = {ret, on_pass, on_find};
        guard_lane_feed(&t->lane, piece, last, &sink);
    } else {
        on_pass(ret, piece);
    }
    if (!last || ret->blocked) return;
    let_held(ret);
    guard_numbers_end(&t->numbers, add, ret);
}
