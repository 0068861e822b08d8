#include "exchange/guard_lanes.h"

#include "base/hash.h"
#include "base/mem.h"
#include "exchange/texts.h"

#include <stdlib.h>

void guard_lanes_init(guard_lanes *s) {
    *s = (guard_lanes){.count = 0};
    list_init(&s->all);
}

void guard_lanes_done(guard_lanes *s) {
    while (!list_empty(&s->all))
        guard_lanes_drop(s, LIST_ENTRY(s->all.next, guard_piece_lane, link));
    free(s->places);
    s->places = NULL;
}

/* ---- finding ---- */

static guard_piece_lane **place_of(const guard_lanes *s, part_kind kind, unsigned choice,
                                   unsigned item) {
    const unsigned of[] = {(unsigned)kind, choice, item};
    return &s->places[hash_span(span_from((const char *)of, sizeof of)) % GUARD_LANES_PLACES];
}

static void enter(guard_lanes *s, guard_piece_lane *l) {
    guard_piece_lane **place = place_of(s, l->kind, l->choice, l->item);
    l->next = *place;
    *place = l;
}

/* Most answers have a few texts, and need no table. */
static void make_table(guard_lanes *s) {
    s->places = mem_zalloc_array(GUARD_LANES_PLACES, sizeof(guard_piece_lane *));
    LIST_FOREACH(&s->all, node)
    enter(s, LIST_ENTRY(node, guard_piece_lane, link));
}

static bool is_of(const guard_piece_lane *l, const answer_part *p) {
    return l->kind == p->kind && l->choice == p->choice && l->item == p->item;
}

guard_piece_lane *guard_lanes_find(guard_lanes *s, const answer_part *p) {
    if (!s->places) {
        LIST_FOREACH(&s->all, node) {
            guard_piece_lane *l = LIST_ENTRY(node, guard_piece_lane, link);
            s->looked++;
            if (is_of(l, p)) return l;
        }
        return NULL;
    }
    guard_piece_lane *l = *place_of(s, p->kind, p->choice, p->item);
    for (; l; l = l->next) {
        s->looked++;
        if (is_of(l, p)) break;
    }
    return l;
}

guard_piece_lane *guard_lanes_get(guard_lanes *s, exchange_guard *g, const answer_part *p) {
    guard_piece_lane *l = guard_lanes_find(s, p);
    if (l && s->all.next == &l->link) return l;
    if (l) {
        list_remove(&l->link);
    } else {
        if (s->count == GUARD_LANES_MAX) return NULL;
        if (s->count == GUARD_LANES_LIST && !s->places) make_table(s);
        l = mem_zalloc(sizeof *l);
        l->kind = p->kind;
        l->choice = p->choice;
        l->item = p->item;
        guard_text_init(&l->text, g, guard_says_of(p));
        if (s->places) enter(s, l);
        s->count++;
    }
    list_push_front(&s->all, &l->link);
    return l;
}

void guard_lanes_mark(guard_lanes *s, const answer_event *e) {
    LIST_FOREACH(&s->all, node)
    LIST_ENTRY(node, guard_piece_lane, link)->here = false;
    for (size_t i = 0; s->count && i < e->part_count; i++) {
        if (!answer_has_pieces(&e->parts[i])) continue;
        guard_piece_lane *l = guard_lanes_find(s, &e->parts[i]);
        if (l) l->here = true;
    }
}

/* ---- keeping ---- */

void guard_like_unref(guard_like *like) {
    if (!like || --like->refs) return;
    answer_free(like->event);
    free(like);
}

static void forget(guard_lanes *s, guard_piece_lane *l) {
    if (!l->like) return;
    s->keeping--;
    s->kept -= l->like->bytes;
    guard_like_unref(l->like);
    l->like = NULL;
}

/* What is made of it for one text has all of its parts. */
static size_t bytes_of(const answer_event *e) {
    return e->data.len + e->part_count * sizeof *e->parts;
}

static guard_like *like_of(const answer_event *e) {
    guard_like *like = mem_alloc(sizeof *like);
    *like = (guard_like){.refs = 1, .bytes = bytes_of(e), .event = answer_copy(e)};
    return like;
}

bool guard_lanes_keep(guard_lanes *s, guard_piece_lane *l, const answer_event *e, size_t part,
                      guard_like **kept) {
    forget(s, l);
    if (s->keeping >= GUARD_LIKES_FEW && s->kept + bytes_of(e) > GUARD_LIKES_BYTES) return false;
    if (!*kept) *kept = like_of(e);
    l->like = *kept;
    l->like->refs++;
    l->like_part = part;
    s->keeping++;
    s->kept += l->like->bytes;
    return true;
}

void guard_lanes_drop(guard_lanes *s, guard_piece_lane *l) {
    if (s->places) {
        guard_piece_lane **at = place_of(s, l->kind, l->choice, l->item);
        while (*at != l)
            at = &(*at)->next;
        *at = l->next;
    }
    list_remove(&l->link);
    guard_text_done(&l->text);
    forget(s, l);
    free(l);
    s->count--;
}
