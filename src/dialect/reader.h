/* dialect/reader.h: reads a provider's answer: bytes in, events out, one reader per attempt.
 *
 * What the answer is, a stream of events, one JSON document, or pieces of something that nobody
 * reads, is told by its content type and, since that is not always true, by its first bytes
 * (dialect/guess.h). Where it is in the other form than was asked for, the reader puts it into that
 * (dialect/turn.h): whoever reads gets what was asked for. On a path that is passed through, what
 * is called events and is none is pieces. The reader owns what is remembered from
 * one event to the next: which choices have begun and which have finished, whether the last event
 * has come. Its dialect (dialect/dialect_ops.h) reads each event's JSON once and fills the
 * answer_event directly; parts and envelope are made only where they are wanted.
 *
 * No secret leaves a reader. What a reader holds does not grow with the number
 * of events. Belongs to its loop; the secrets and the input are borrowed.
 */
#ifndef WEIR_DIALECT_READER_H
#define WEIR_DIALECT_READER_H

#include "base/memory.h"
#include "base/secret_window.h"
#include "dialect/answer.h"
#include "dialect/dialect_ops.h"
#include "dialect/event_template.h"
#include "dialect/guess.h"
#include "dialect/spelled.h"
#include "http/sse.h"

typedef enum reader_result {
    READER_MORE,       /* the input is used up; feed more */
    READER_EVENT,      /* *ret is valid until the next call, while the input lives */
    READER_END,        /* the answer is complete; what may follow is not read */
    READER_UNFINISHED, /* the end marker has come, but not why each choice that has begun ends, or
                          there are prompts without an answer: whether that is a whole answer, who
                          knows the provider must say */
    READER_CUT,        /* reader_end() alone: the body is over, and the answer is not complete */
    READER_TOO_LARGE,  /* an event, or an answer that is gathered */
    READER_NO_ROOM,    /* the same, larger than what memory there is for it now */
    READER_BAD,        /* it is over, and was no answer: no_answer says why not */
} reader_result;

/* The form that was asked for. */
typedef enum reader_asked {
    ASKED_AS_IT_COMES, /* by nobody: what its content type says */
    ASKED_STREAM,
    ASKED_DOCUMENT,
} reader_asked;

typedef struct reader_spec {
    dialect dialect;
    reader_asked asked;
    unsigned want;      /* WANT_* */
    unsigned choices;   /* how many a complete answer has; at least 1 */
    unsigned fewest;    /* how few it may have where its end marker says that this was all: one of
                           each prompt, where the provider may not know `n` */
    bool background;    /* it goes on whether anybody listens or not: that it is taken on is news */
    size_t event_bytes; /* of one event of a stream, at most */
    size_t answer_bytes;       /* of a plain body, at most */
    bool usage_added;          /* weir has asked for the usage chunk, and its client has not */
    bool asks_no_model;        /* what it tells to have been used, another call has used */
    const secret_set *secrets; /* what is not handed on; NULL: nothing */
    memory_account *memory;    /* what it gathers takes its room there; NULL: it is not counted */
    uint64_t holder;           /* for whom, as in base/memory.h */
} reader_spec;

/* Pieces of texts of the choice that is read, before it is known whose they are. Of more the choice
 * is watched as a whole. */
enum { PIECES_MAX = 8 };
typedef struct piece_list {
    unsigned count;
    unsigned whose[PIECES_MAX];
    json_value items[PIECES_MAX];
} piece_list;

/* A piece of a text that was watched in the event. */
typedef struct watched_text {
    unsigned choice, whose;
    const char *ptr;
} watched_text;

/* What events are like (reader_like.c). */
typedef struct reader_like {
    event_template *of;             /* NULL: none has been one to be like */
    unsigned whose[TEMPLATE_PARTS]; /* of which texts its parts are pieces */
    bool watched;                   /* and they were watched */
    uint8_t missed;                 /* how many in a row were otherwise */
} reader_like;

/* What is noted of an event while its dialect reads it, for others to be like it. */
typedef struct event_notes {
    uint8_t loose_count, text_count; /* the latter may exceed what is kept */
    json_value loose[TEMPLATE_LOOSE];
    watched_text texts[TEMPLATE_PARTS];
} event_notes;

/* Of a document that is told as a stream. */
typedef struct unfolded_text {
    buf events; /* as they stand in one */
    span rest;  /* those that are still to be told */
} unfolded_text;

typedef struct reader {
    reader_spec spec;
    const dialect_ops *ops;
    answer_kind kind;  /* what it tells; as its type says until it is sure */
    answer_kind comes; /* what it is given */
    guess guess;
    bool sure;        /* of what it is given */
    unsigned skipped; /* events that were left out because they were no JSON */
    bool ended;       /* STREAM: the end marker has come; else: the last bytes have been told */
    bool answered;    /* STREAM: an event of it has been an answer */
    bool closed;      /* the dialect's last event has come */
    choice_set begun; /* those that have said something */
    choice_set finished;
    unsigned finishes;     /* of those that are not told apart: each is told finished once */
    bool foreign;          /* the event has a word that clients do not know, or no choices */
    const char *no_answer; /* BAD: a sentence for people; constant */
    spelled spelled;       /* by the texts of a stream that flows */
    bool watched;          /* this event is one of such a stream */
    bool spells;           /* and has gone too far */
    bool crowded;          /* an event has more than READER_PARTS_MAX parts */
    piece_list *pieces;    /* NULL: no choice is read */
    event_notes *notes;    /* NULL: no event is read */
    reader_like like;
    sse_reader events;       /* STREAM */
    buf body;                /* PLAIN: what has come; else: what is looked at until it is sure */
    secret_window *window;   /* RAW: what is told of the pieces; NULL: there was none */
    assembly *events_told;   /* of a stream that is told as a document */
    bool whole_told;         /* and the document has been */
    unfolded_text *unfolded; /* NULL: not yet */
    buf clean;               /* what is told, without the secret that was in it */
    buf respelt;             /* and in words that clients know */
    size_t length;           /* of the body, where its head has told it; else 0 */
    memory_hold hold;
    /* Of the last event. */
    answer_part *parts; /* NULL until there is one, which is where they are wanted alone */
    size_t part_count, part_cap;
    answer_envelope envelope;
    token_usage usage; /* as far as it was told in any event */
} reader;

/* content_type: empty where the head has none. length: of the body, -1 where it is not told.
 * r->kind is set. */
void reader_init(reader *r, const reader_spec *spec, span content_type, int64_t length);
/* From here on no byte that it told may be read any more. */
void reader_done(reader *r);

/* Whether events go on as they come: it is no document, and is not gathered to one. */
bool reader_flows(const reader *r);
/* The content type of what it tells, where that of what it is given says another thing: empty. */
span reader_content_type(const reader *r, span content_type);

/* Takes bytes off the front of *input until there is an event or the input is used up. Comments,
 * half lines and events that are left out are no events. Call in a loop until it is no
 * READER_EVENT. */
reader_result reader_next(reader *r, span *input, answer_event *ret);
/* After the body's end, which is clean where it came as its framing says: what is still to be told,
 * then END, CUT, BAD or TOO_LARGE. Call in a loop likewise. */
reader_result reader_end(reader *r, bool clean, answer_event *ret);

/* ---- on another thread (reader_lend.c) ----
 *
 * Whether what reader_next() or reader_end() would do next takes longer than a loop stands still:
 * the input is gathered then without being read, and another thread calls them, once or in a loop.
 * It does so with `to`, which owns meanwhile what r did, and nothing is counted; reader_take_back()
 * puts it back. false: for what it has become there is no room. What the event points to, if any,
 * is gone then, as after any next call. Whoever lends sees to it that the secrets stay. */
bool reader_grows_large(const reader *r);
bool reader_ends_large(const reader *r);
/* With so many bytes more: it is too large, as the next call would say. */
bool reader_is_beyond(const reader *r, size_t more);
void reader_lend(reader *r, reader *to);
MUST_USE bool reader_take_back(reader *r, reader *from, memory_account *memory);
/* So many bytes will follow: makes them room at once. */
void reader_expect(reader *r, size_t more);
/* Frees what the event that was told last points to. */
void reader_forget_told(reader *r);

/* A stream has told all that was asked for and all that has begun: what may follow says nothing
 * new, unless it begins something. */
bool reader_is_whole(const reader *r);

/* Of events that are gathered to a document, which has not been told yet: tells it as it is by now.
 * false: there is none. *ret is valid until the next call. */
MUST_USE bool reader_tell_gathered(reader *r, answer_event *ret);

/* An event of a stream that was made here (dialect_ops.write_*), read like any other of this
 * reader. *ret is valid until the next call, while the bytes live. */
void reader_take_made(reader *r, span name, span data, answer_event *ret);

/* ---- for dialects, while they read an event ---- */

static inline bool reader_wants_parts(const reader *r) {
    return r->spec.want & WANT_PARTS;
}

/* More than any answer has: each takes more memory than the two bytes of which it can be made, and
 * none of it is counted. An event with more is no answer. */
enum { READER_PARTS_MAX = 256 * 1024 };
/* false: there are too many. */
MUST_USE bool reader_make_room(reader *r);
/* Where parts are wanted: the next one. */
static inline void reader_add_part(reader *r, part_kind kind, unsigned choice, unsigned item,
                                   json_value value) {
    if (!reader_wants_parts(r)) return;
    if (r->part_count == r->part_cap && !reader_make_room(r)) return;
    r->parts[r->part_count++] = (answer_part){kind, choice, item, value};
}
static inline void reader_note_begun(reader *r, unsigned choice) {
    choice_set_add(&r->begun, choice);
}
void reader_note_finished(reader *r, unsigned choice);
/* A value that differs from event to event, and that nothing which is told of one depends on. */
static inline void reader_note_loose(reader *r, json_value value) {
    event_notes *n = r->notes;
    if (n->loose_count < TEMPLATE_LOOSE) n->loose[n->loose_count++] = value;
}
/* A piece of a text, which has come in earlier events and may go on in later ones. A text is told
 * apart by its choice and, within it, by `whose`. Of what is no string, each string in it by the
 * names and indexes that lead to it. */
void reader_watch_piece(reader *r, unsigned choice, unsigned whose, json_value piece);
/* The same of a string, by what stands between its quotes. */
void reader_watch_text(reader *r, unsigned choice, unsigned whose, span piece);
/* By the name of what holds it. */
static inline unsigned reader_whose(span name) {
    unsigned whose = 0;
    for (size_t i = 0; i < name.len; i++)
        whose = whose * 31 + (unsigned char)name.ptr[i];
    return whose;
}
/* The same for a piece whose choice is told behind it. */
static inline void reader_note_piece(reader *r, span name, json_value piece) {
    piece_list *p = r->pieces;
    if (!r->watched || p->count == PIECES_MAX) return;
    p->whose[p->count] = reader_whose(name);
    p->items[p->count++] = piece;
}
/* whole: what held them. */
static inline void reader_watch_pieces(reader *r, unsigned choice, const piece_list *p,
                                       json_value whole) {
    for (unsigned i = 0; i < p->count; i++)
        reader_watch_piece(r, choice, p->whose[i], p->items[i]);
    if (p->count == PIECES_MAX) reader_watch_piece(r, choice, 0, whole);
}

#endif
