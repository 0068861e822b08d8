#include "dialect/reader_like.h"

#include <stdlib.h>

/* A stream whose events are never alike (their log probabilities, choices in turn) is not compared
 * on and on. */
enum { MISSED_MAX = 8 };

static bool is_empty_string(json_value v) {
    return v.raw.len == 2;
}

static const watched_text *find_watched(const event_notes *n, const answer_part *p) {
    for (unsigned i = 0; i < n->text_count; i++)
        if (n->texts[i].ptr == p->value.raw.ptr + 1 && n->texts[i].choice == p->choice)
            return &n->texts[i];
    return NULL;
}

/* Whether the texts that were watched are those of its parts. */
static bool note_whose(reader_like *l, const answer_event *e, const event_notes *n) {
    unsigned found = 0;
    if (n->text_count > TEMPLATE_PARTS) return false;
    for (size_t i = 0; i < e->part_count; i++) {
        if (is_empty_string(e->parts[i].value)) continue;
        const watched_text *text = find_watched(n, &e->parts[i]);
        if (!text) return false;
        l->whose[i] = text->whose;
        found++;
    }
    return found == n->text_count;
}

void reader_learn(reader *r, const answer_event *e, const event_notes *n) {
    reader_like *l = &r->like;
    if (l->missed == MISSED_MAX || r->foreign) return;
    event_template *learned = event_template_make(e, n->loose, n->loose_count);
    if (!learned) return;
    if (r->watched && !note_whose(l, e, n)) {
        free(learned);
        return;
    }
    free(l->of);
    l->of = learned;
    l->watched = r->watched;
}

static void miss(reader_like *l) {
    if (++l->missed < MISSED_MAX) return;
    free(l->of);
    l->of = NULL;
}

static void note_all(reader *r, const answer_event *e) {
    r->foreign = false;
    for (size_t i = 0; i < e->part_count; i++) {
        const answer_part *p = &e->parts[i];
        if (is_empty_string(p->value)) continue;
        span inner = span_slice(p->value.raw, 1, p->value.raw.len - 1);
        if (r->watched) reader_watch_text(r, p->choice, r->like.whose[i], inner);
    }
}

bool reader_read_like(reader *r, answer_event *e) {
    reader_like *l = &r->like;
    if (!l->of || l->watched != r->watched) return false;
    if (r->part_cap < TEMPLATE_PARTS && !reader_make_room(r)) return false;
    if (r->spec.want & WANT_ENVELOPE) e->envelope = &r->envelope;
    if (!event_template_read(l->of, e, r->parts, &r->envelope)) {
        miss(l);
        return false;
    }
    l->missed = 0;
    r->part_count = e->part_count;
    note_all(r, e);
    return true;
}
