#include "tools/talk_ids.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/random.h"

#include <stdlib.h>

/* ---- which are taken ---- */

typedef struct row {
    uint64_t hash;
    size_t id; /* and 1; 0: none */
    span quoted;
} row;

typedef struct table {
    row *rows;
    size_t mask;
    size_t longest; /* of what is hashed */
    buf written;    /* the ids, quoted */
} table;

/* Up to the next quote, which may be one within an id. */
static span first_piece(span quoted) {
    return span_slice(quoted, 1, span_find(quoted, 1, '"'));
}

/* Returns the first that is equal. */
static size_t enter(table *t, size_t id, span quoted) {
    const span piece = first_piece(quoted);
    const uint64_t hash = hash_span(piece);
    size_t at = hash & t->mask;
    for (; t->rows[at].id; at = (at + 1) & t->mask)
        if (span_eq(t->rows[at].quoted, quoted)) return t->rows[at].id - 1;
    t->rows[at] = (row){hash, id + 1, quoted};
    if (piece.len > t->longest) t->longest = piece.len;
    return id;
}

static table table_of(const span *ids, size_t count, size_t *ret_first) {
    table t = {.mask = 7, .written = BUF_EMPTY};
    while (t.mask < 4 * count)
        t.mask = 2 * t.mask + 1;
    t.rows = mem_zalloc_array(t.mask + 1, sizeof *t.rows);
    size_t *const ends = ret_first;
    for (size_t i = 0; i < count; i++) {
        json_write_string(&t.written, ids[i]);
        ends[i] = t.written.len;
    }
    for (size_t i = 0, from = 0; i < count; i++) {
        const span quoted = span_slice(buf_span(&t.written), from, ends[i]);
        from = ends[i];
        ret_first[i] = ids[i].len ? enter(&t, i, quoted) : i;
    }
    return t;
}

static void look_at(const table *t, span rest, span piece, bool *ret_taken) {
    const uint64_t hash = hash_span(piece);
    for (size_t at = hash & t->mask; t->rows[at].id; at = (at + 1) & t->mask)
        if (t->rows[at].hash == hash && span_starts(rest, t->rows[at].quoted))
            ret_taken[t->rows[at].id - 1] = true;
}

void talk_ids_look(span text, const span *ids, size_t count, bool *ret_taken) {
    memset(ret_taken, 0, count * sizeof *ret_taken);
    size_t *first = mem_alloc((count + 1) * sizeof *first);
    table t = table_of(ids, count, first);
    for (size_t at = span_find(text, 0, '"'), next; at < text.len; at = next) {
        next = span_find(text, at + 1, '"');
        const span piece = span_slice(text, at + 1, next);
        if (next < text.len && piece.len <= t.longest)
            look_at(&t, span_slice(text, at, text.len), piece, ret_taken);
    }
    for (size_t i = 0; i < count; i++)
        ret_taken[i] = ret_taken[first[i]];
    buf_done(&t.written);
    free(t.rows);
    free(first);
}

/* ---- those that are made ---- */

enum { IN_ORDER = 100, AT_ONCE = IN_ORDER + SAID_CALLS_MAX };

typedef struct maker {
    span text;
    arena *arena;
    unsigned *made;
    unsigned passes;                /* over the text */
    unsigned used, count, in_order; /* in_order: of them, the first */
    span ids[AT_ONCE];
    bool taken[AT_ONCE];
} maker;

/* Nine letters and digits, which is what the strictest of the providers wants. Where they are taken
 * one after the other, as by a client who has written them all, it is one that nobody knows. */
static void make_more(maker *m) {
    m->in_order = m->count ? 0 : IN_ORDER;
    for (unsigned i = 0; i < AT_ONCE; i++) {
        uint32_t number = *m->made + i + 1;
        if (i >= m->in_order) random_bytes(&number, sizeof number);
        m->ids[i] = i < m->in_order ? arena_printf(m->arena, "call%05u", number % 100000u)
                                    : arena_printf(m->arena, "c%08x", number);
    }
    m->used = 0;
    m->count = AT_ONCE;
    talk_ids_look(m->text, m->ids, m->count, m->taken);
    m->passes++;
}

/* What nobody in the text has. */
static span make_id(maker *m) {
    for (;;) {
        if (m->used == m->count) make_more(m);
        const unsigned at = m->used++;
        *m->made += at < m->in_order;
        if (!m->taken[at]) return m->ids[at];
    }
}

/* ---- all of them ---- */

static bool has_before(const model_said *said, size_t at) {
    for (size_t i = 0; i < at; i++)
        if (span_eq(said->calls[i].id, said->calls[at].id)) return true;
    return false;
}

/* What is written like an id that comes from elsewhere costs that id, and no more. */
unsigned talk_ids_name(span text, model_said *said, unsigned *made, arena *a) {
    maker m = {.text = text, .arena = a, .made = made};
    span ids[SAID_CALLS_MAX];
    bool taken[SAID_CALLS_MAX];
    if (!said->call_count) return 0;
    for (size_t i = 0; i < said->call_count; i++)
        ids[i] = said->calls[i].id;
    talk_ids_look(text, ids, said->call_count, taken);
    m.passes++;
    for (size_t i = 0; i < said->call_count; i++) {
        bool other = !ids[i].len || taken[i];
        for (; other || has_before(said, i); other = false)
            said->calls[i].id = make_id(&m);
    }
    return m.passes;
}
