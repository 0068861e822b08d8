/* exchange/guard_lanes.h: the texts of a stream that come in pieces, each by its kind, choice and
 * item, with what is held of it. Inside exchange/, for filter_guard.c.
 *
 * An event of many texts is kept once, for all of them that wait for its form. As each comes out in
 * an event of its own, which has that form too, what they keep is bounded by what would be written:
 * the event as often as there are texts.
 */
#ifndef WEIR_EXCHANGE_GUARD_LANES_H
#define WEIR_EXCHANGE_GUARD_LANES_H

#include "exchange/guard_text.h"

enum {
    GUARD_LANES_MAX = 1024,
    GUARD_LANES_LIST = 16,                /* up to so many are looked through */
    GUARD_LANES_PLACES = 256,             /* of the table of more */
    GUARD_LIKES_FEW = 8,                  /* may keep any event; more together: */
    GUARD_LIKES_BYTES = 16 * 1024 * 1024, /* of events, as often as a text keeps one */
};

/* An event that texts keep; counted. */
typedef struct guard_like {
    unsigned refs;
    size_t bytes;
    answer_event *event;
} guard_like;

/* A text that comes in pieces. */
typedef struct guard_piece_lane {
    list link;
    struct guard_piece_lane *next; /* of its place in the table */
    part_kind kind;
    unsigned choice, item;
    bool fed;
    bool here; /* the event at hand has a piece of it: guard_lanes_mark() */
    guard_text text;
    guard_like *like; /* the last event with a piece of it that was held back; NULL: none was */
    size_t like_part;
} guard_piece_lane;

typedef struct guard_lanes {
    list all; /* the one that was used last is first */
    unsigned count;
    guard_piece_lane **places; /* NULL: they are few */
    unsigned keeping;          /* how many keep an event */
    size_t kept;               /* the bytes of those */
    size_t looked;             /* at how many lanes, to find what was sought */
} guard_lanes;

void guard_lanes_init(guard_lanes *s);
void guard_lanes_done(guard_lanes *s);
/* NULL: it has none. */
guard_piece_lane *guard_lanes_find(guard_lanes *s, const answer_part *p);
/* Makes one where there is none; NULL: there are too many. */
guard_piece_lane *guard_lanes_get(guard_lanes *s, exchange_guard *g, const answer_part *p);
void guard_lanes_drop(guard_lanes *s, guard_piece_lane *l);
/* Sets `here` of all. */
void guard_lanes_mark(guard_lanes *s, const answer_event *e);
/* The event is kept for the lane in place of the one before. *kept: the event's, NULL until a lane
 * keeps it; the caller gives it back with guard_like_unref(). false: it would be too much. */
MUST_USE bool guard_lanes_keep(guard_lanes *s, guard_piece_lane *l, const answer_event *e,
                               size_t part, guard_like **kept);
/* NULL is allowed. */
void guard_like_unref(guard_like *like);

#endif
