/* exchange/filter.h: the chain on which an answer comes back, from its source outwards.
 *
 * A filter takes one event and hands zero or more on; a plain answer is a chain of one event. The
 * chain stands before the first stage runs, with the form as its last filter, so a failure finds
 * its way out at any time. Filters are put up by the plan or by a stage, and stand in the order of
 * their places, whenever they come. Back-pressure and cancel run the other way, through the
 * exchange.
 *
 * Lifetimes. A filter is part of a struct in the exchange's arena; it lives until done. What it is
 * given is borrowed until its function returns, but the bytes of a PLAIN event, which live until
 * its end, and the head. What it makes in the place of an event it makes in filter_arena(), where
 * it lives as long. Nothing that grows with the number of events may live in the exchange's arena.
 *
 * The request, and its outline, are there until the first event of a stream has gone out; for a
 * filter that wants WANT_REQUEST until the end.
 *
 * Order. At most once head, then events, then end or fail; fail may come at any time, also before
 * begin and while the filter holds; done always, once, last, with or without the others. Until it
 * has returned from one of them it is given no other, but for the answer to filter_release(). After
 * it has stopped or broken the answer it passes nothing on, and gets done alone, as those before
 * it.
 *
 * What a filter may do, and nothing else: pass on, also another event in the place of the one it
 * was given (answer_rewrite()); drop; make any number of events; hold and release; stop; break.
 */
#ifndef WEIR_EXCHANGE_FILTER_H
#define WEIR_EXCHANGE_FILTER_H

#include "dialect/answer.h"
#include "exchange/exchange.h"

typedef struct filter filter;

/* From the source outwards. */
typedef enum filter_place {
    PLACE_METER,   /* what the provider says, before anybody changes it */
    PLACE_GUARD,   /* the text that may go out */
    PLACE_LENGTH,  /* and how much of it */
    PLACE_CACHE,   /* records what any client would get */
    PLACE_RESTORE, /* what is this client's own, and nobody else's */
    PLACE_IDS,     /* by what name this client knows it */
    PLACE_KEEP,    /* records what this client gets, for an audit trail */
    PLACE_USAGE,   /* what this client asked for */
    PLACE_FORM,    /* the client's shape; the last */
} filter_place;

/* When it may hold. */
typedef enum filter_holding {
    HOLDS_NOT,
    HOLDS_LARGE, /* when it has been given an event that is large, which it keeps */
    HOLDS_ANY,   /* bytes of a plain answer must outlive its source */
} filter_holding;

typedef struct filter_ops {
    const char *name;
    filter_place place;
    unsigned want; /* WANT_*: what its events must come with */
    filter_holding holds;
    void (*begin)(filter *f); /* a source has been found: an answer is awaited */
    void (*head)(filter *f, const answer_head *head);
    void (*event)(filter *f, const answer_event *event);
    void (*end)(filter *f);
    /* There is no answer, or no more of it: exchange->failure says why. */
    void (*fail)(filter *f);
    /* The exchange is over: timers off, what is outside of the arena freed. */
    void (*done)(filter *f);
} filter_ops;

struct filter {
    const filter_ops *ops;
    filter *next; /* NULL: the last, which talks to the door */
    exchange *x;
    /* private to filter.c and filter_stop.c */
    bool over; /* nothing more is given to it: it has had its end or failure, or is cut off */
    bool cut;  /* it, or one behind it, has stopped or broken the answer */
    bool held;
    bool feeding;         /* what has waited is being given to it */
    unsigned late;        /* LATE_*: what else waits */
    answer_queue waiting; /* events, before the late end or failure */
    choice_set finished;  /* what it has passed on: which choices have ended (WANT_PARTS) */
    bool usage_told;      /* and the usage chunk */
};

/* Puts a filter up, at its place; of two at one place the one that comes later stands behind. */
void filter_add(exchange *x, filter *f, const filter_ops *ops);

/* For what is made of this event, or for its time alone: emptied when the event has gone through;
 * of a PLAIN one, whose bytes live until the end, the exchange's own. */
arena *filter_arena(const filter *f, const answer_event *event);

/* Hands on to the next filter: also the defaults for a filter that does not care. */
void filter_pass_begin(filter *f);
void filter_pass_head(filter *f, const answer_head *head);
void filter_pass_event(filter *f, const answer_event *event);
void filter_pass_end(filter *f);
void filter_pass_fail(filter *f);
void filter_pass_done(filter *f);
/* In the ops of a filter that leaves beginning, head and failure alone. */
#define FILTER_PASSES .begin = filter_pass_begin, .head = filter_pass_head, .fail = filter_pass_fail

/* Nothing more is given to this filter until filter_release(): the source is paused, and what still
 * comes waits. The exchange's deadline goes on, and passes a hold. Idempotent. */
void filter_hold(filter *f);
/* Gives the filter what has waited, until it holds again; then the source goes on. Not from inside
 * one of its own functions, except while it is being given what has waited. */
void filter_release(filter *f);

/* The answer, a stream, ends here, as the filter wants it: the source is cancelled, what waits here
 * or before is dropped. The filters behind get for each choice that has not finished an event that
 * finishes it with this reason (a chat completion's word), the usage chunk, and end. like: an event
 * of this stream, whose form and envelope those take; of a response the last that was passed on,
 * which is named as its first event has named it.
 * Only for a filter that wants WANT_PARTS and WANT_ENVELOPE. A choice has finished where the filter
 * has passed on that it has: what it keeps back, or the provider has said no more than to those
 * before, does not count. (Of a plain answer a filter changes the body.) */
void filter_stop(filter *f, const answer_event *like, span reason);
/* The same as a failure: the filters behind get fail. message may be NULL: the table's sentence. */
void filter_break(filter *f, error_id id, const char *message);

#endif
