#include "base/secret_window.h"

#include "base/escapes.h"
#include "base/secret_hits.h"

static void forget_told(secret_window *w) {
    buf_drop_front(&w->held, w->told);
    w->told = 0;
    buf_clear(&w->clean);
}

/* What text has; first what was told of it before. */
static secret_hits find(const secret_window *w, const secret_set *s, span text) {
    secret_hits h = {0};
    if (w->hidden) secret_hits_add(&h, 0, w->hidden);
    secret_hits_find(&h, s, text);
    return h;
}

/* Drops what begins at `end` or behind it, but for what was told before. */
static void drop_from(const secret_window *w, secret_hits *h, size_t end) {
    while (h->count > (w->hidden > 0) && h->items[h->count - 1].from >= end)
        h->count--;
}

/* Of text what is before `end`, around the hits. What the last hides beyond that stays hidden. */
static span tell(secret_window *w, span text, size_t end, secret_hits *h) {
    span told = span_slice(text, 0, end);
    if (h->count) {
        secret_hit *last = &h->items[h->count - 1];
        size_t hidden = last->to > end ? last->to - end : 0;
        if (hidden) last->to = end;
        secret_hits_write(h, w->hidden > 0, told, &w->clean);
        told = buf_span(&w->clean);
        w->hidden = hidden;
    }
    secret_hits_done(h);
    return told;
}

span secret_window_take(secret_window *w, const secret_set *s, span piece) {
    forget_told(w);
    if (!piece.len) return SPAN_EMPTY;
    bool held = w->held.len > 0;
    if (held) buf_add(&w->held, piece);
    span text = held ? buf_span(&w->held) : piece;
    size_t end = text.len - secret_set_begun(s, text);
    secret_hits h = find(w, s, text);
    drop_from(w, &h, end);
    if (held)
        w->told = end;
    else
        buf_add(&w->held, span_slice(text, end, text.len));
    return tell(w, text, end, &h);
}

span secret_window_end(secret_window *w, const secret_set *s) {
    forget_told(w);
    span text = buf_span(&w->held);
    secret_hits h = find(w, s, text);
    size_t part = s ? secret_part_at(s, text) : text.len;
    if (part < text.len) {
        size_t from = escaped_unit_begin(text, part);
        drop_from(w, &h, from);
        secret_hits_add(&h, from, text.len);
    }
    w->told = text.len;
    return tell(w, text, text.len, &h);
}

void secret_window_done(secret_window *w) {
    buf_done(&w->held);
    buf_done(&w->clean);
}
