#include "guard/lane.h"

#include "base/mem.h"

#include <stdlib.h>

/* ---- what place is what ---- */

const lane_unit *lane_unit_before(const guard_lane *l, uint64_t at) {
    size_t from = 0, to = l->unit_count;
    while (from < to) {
        size_t middle = (from + to) / 2;
        if (l->units[middle].norm <= at)
            from = middle + 1;
        else
            to = middle;
    }
    return from ? &l->units[from - 1] : NULL;
}

/* Patterns are of bytes, and may match a half of a character: it is whole that it is hidden or
 * passed, or what goes on would be no UTF-8. The bytes of the one that `at` is within, in the
 * window; of no length: it is within none. */
static span letter_around(const work *w, uint64_t at) {
    const unsigned char *p = (const unsigned char *)w->norm.ptr;
    const size_t place = (size_t)(at - w->base);
    size_t from = place, len;
    while (from > 0 && place - from < 3 && from < w->norm.len && (p[from] & 0xC0) == 0x80)
        from--;
    if (from == place || p[from] < 0xC2 || p[from] > 0xF4) return SPAN_EMPTY;
    len = p[from] >= 0xF0 ? 4 : p[from] >= 0xE0 ? 3 : 2;
    if (place - from >= len || len > w->norm.len - from) return SPAN_EMPTY;
    for (size_t i = 1; i < len; i++)
        if ((p[from + i] & 0xC0) != 0x80) return SPAN_EMPTY;
    return span_slice(w->norm, from, from + len);
}

uint64_t lane_letter_begin(const work *w, uint64_t at) {
    const span letter = letter_around(w, at);
    return letter.len ? w->base + (uint64_t)(letter.ptr - w->norm.ptr) : at;
}

uint64_t lane_letter_end(const work *w, uint64_t at) {
    const span letter = letter_around(w, at);
    return letter.len ? w->base + (uint64_t)(letter.ptr - w->norm.ptr) + letter.len : at;
}

static uint64_t raw_of(const work *w, uint64_t at) {
    const lane_unit *u = lane_unit_before(w->l, at);
    if (!u) return w->l->base_raw + (at - w->base);
    if (at < u->norm + u->count) return u->raw;
    return u->raw + u->len + (at - u->norm - u->count);
}

uint64_t lane_raw_begin(const work *w, uint64_t at) {
    return raw_of(w, lane_letter_begin(w, at));
}

uint64_t lane_raw_end(const work *w, uint64_t at) {
    if (at == w->base) return w->l->base_raw;
    const lane_unit *u = lane_unit_before(w->l, at - 1);
    if (!u) return w->l->base_raw + (at - w->base);
    if (at - 1 < u->norm + u->count) return u->raw + u->len;
    return u->raw + u->len + (at - u->norm - u->count);
}

void lane_add_unit(guard_lane *l, lane_unit unit) {
    if (l->unit_count == l->unit_cap) {
        l->unit_cap = l->unit_cap ? 2 * l->unit_cap : 16;
        l->units = mem_realloc(l->units, l->unit_cap * sizeof *l->units);
    }
    l->units[l->unit_count++] = unit;
}

/* ---- marks ---- */

static bool is_word(char c) {
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* Of several in a row a flag speaks of the first; each is hidden. What has no width is told where
 * it stands behind a letter or digit of ASCII: other scripts and signs need it. */
static void note_mark(work *w, guard_mark mark, uint64_t raw, size_t len, const buf *norm) {
    static const guard_shape shapes[] = {
        [MARK_INVISIBLE] = SHAPE_INVISIBLE, [MARK_BIDI] = SHAPE_BIDI, [MARK_TAG] = SHAPE_TAG};
    guard_lane *l = w->l;
    guard_shape shape = shapes[mark];
    bool goes_on = l->marked_to == raw && raw;
    bool counts = mark != MARK_INVISIBLE || (norm->len && is_word(norm->ptr[norm->len - 1]));
    if (!counts) return;
    l->marked_to = raw + len;
    for (size_t i = 0; i < w->set->shaped_count[shape]; i++) {
        uint32_t rule = w->set->shaped[shape][i];
        guard_action action = action_for(w, rule);
        if (action == GUARD_OFF || (action == GUARD_FLAG && goes_on)) continue;
        lane_wait_add(l, (lane_wait){.rule = rule,
                                     .action = (uint8_t)action,
                                     .key = raw,
                                     .from = l->seen,
                                     .to = l->seen,
                                     .raw_from = raw,
                                     .raw_to = raw + len,
                                     .raw_hide = raw});
    }
}

/* ---- new bytes ---- */

static void take_unit(work *w, const guard_unit *unit, buf *norm) {
    guard_lane *l = w->l;
    if (unit->mark) note_mark(w, unit->mark, l->read, unit->len, norm);
    if (!unit->same)
        lane_add_unit(
            l, (lane_unit){l->seen, l->read, (uint8_t)unit->count, (uint8_t)unit->len, false});
    buf_add(norm, span_from((const char *)unit->bytes, unit->count));
    l->read += unit->len;
    l->seen += unit->count;
}

static void take_all(work *w, buf *norm) {
    guard_lane *l = w->l;
    for (;;) {
        size_t at = (size_t)(l->read - l->told);
        if (l->form.code) {
            if (at >= w->raw.len || !lane_take_coded(w, at, norm)) return;
            continue;
        }
        size_t plain = guard_plain_run(w->raw, at, l->form.json);
        buf_add(norm, span_slice(w->raw, at, at + plain));
        l->read += plain;
        l->seen += plain;
        at += plain;
        if (at >= w->raw.len) return;
        guard_unit unit = guard_unit_at(w->raw, at, l->form.json, w->end);
        if (unit.cut) return;
        take_unit(w, &unit, norm);
    }
}

void lane_take(work *w, span piece) {
    guard_lane *l = w->l;
    size_t kept = l->norm.len ? l->norm.len : l->recent;
    w->base = l->seen - kept;
    w->raw_base = l->told;
    w->fresh = kept;
    if (l->raw.len) {
        buf_add(&l->raw, piece);
        w->raw = buf_span(&l->raw);
    } else {
        w->raw = piece;
    }
    if (!kept && !l->raw.len && lane_plain_run(l, piece, 0) == piece.len) {
        w->norm = piece; /* as it is: a whole text is not copied */
        l->read += piece.len;
        l->seen += piece.len;
        return;
    }
    buf *norm = &l->norm;
    if (!norm->len) {
        norm = &l->scratch->norm;
        buf_clear(norm);
        buf_add(norm, span_from(l->last, l->recent));
    }
    take_all(w, norm);
    w->norm = buf_span(norm);
}

/* ---- what is kept ---- */

enum { KEPT_LARGE = 4 * GUARD_SPAN_MAX };

static void drop_units(guard_lane *l, uint64_t from) {
    uint32_t n = 0;
    while (n < l->unit_count && l->units[n].norm + l->units[n].count <= from)
        n++;
    if (!n) return;
    l->unit_count -= n;
    memmove(l->units, l->units + n, l->unit_count * sizeof *l->units);
}

/* What was neither passed nor hidden. */
static void keep_raw(work *w) {
    guard_lane *l = w->l;
    size_t gone = (size_t)(l->told - w->raw_base);
    if (l->raw.len)
        buf_drop_front(&l->raw, gone);
    else
        buf_add(&l->raw, span_slice(w->raw, gone, w->raw.len));
    if (!l->raw.len && l->raw.cap > KEPT_LARGE) buf_done(&l->raw);
}

void lane_keep(work *w, uint64_t from) {
    guard_lane *l = w->l;
    uint64_t raw = raw_of(w, from);
    span kept = span_slice(w->norm, (size_t)(from - w->base), w->norm.len);
    l->base_raw = raw;
    drop_units(l, from);
    if (kept.len <= sizeof l->last) {
        if (kept.len) memmove(l->last, kept.ptr, kept.len);
        l->recent = (uint8_t)kept.len;
        buf_clear(&l->norm);
    } else if (l->norm.len) {
        buf_drop_front(&l->norm, (size_t)(from - w->base));
    } else {
        buf_add(&l->norm, kept);
    }
    if (!l->norm.len && l->norm.cap > KEPT_LARGE) buf_done(&l->norm);
    keep_raw(w);
}
