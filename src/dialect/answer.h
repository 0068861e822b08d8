/* dialect/answer.h: an answer on its way from a provider to whoever asked: its head, then events.
 * An event is bytes *and* what stands where in them, so that nobody behind the reader parses again.
 *
 * A plain answer is one event. Everything that an event points to is borrowed until the function
 * that gets it returns; whoever needs it longer takes answer_copy(). Only the bytes of a PLAIN
 * event live on until the answer's end has been told. Belongs to its loop.
 *
 * Source   OpenAI's API reference (chat completions, completions, responses: streaming events).
 */
#ifndef WEIR_DIALECT_ANSWER_H
#define WEIR_DIALECT_ANSWER_H

#include "base/list.h"
#include "http/message.h"
#include "json/json.h"
#include "observe/record.h"

typedef enum answer_kind {
    ANSWER_STREAM, /* events of a stream */
    ANSWER_PLAIN,  /* one event: the whole body */
    ANSWER_RAW,    /* pieces of a body that nobody reads (audio, files): data alone is set */
} answer_kind;

typedef struct answer_head {
    answer_kind kind;
    int status;
    http_headers headers; /* those that may cross to the client */
    span content_type;
    span request_id; /* the provider's own */
} answer_head;

typedef enum part_kind {
    PART_TEXT,
    PART_REFUSAL,
    PART_REASONING,
    PART_TOOL_NAME,
    PART_TOOL_ARGS, /* JSON in a string, of a stream in pieces: text like any other */
    PART_AUDIO,     /* base64 */
    PART_OTHER,     /* a text of which the reader knows nothing but that it is one */
    PART_OPAQUE,    /* content that the reader does not know; value may be of any type */
    PART_FINISH,    /* not content: why the choice ends, in the dialect's own word */
} part_kind;

/* A string of the answer and whose it is. The pieces of one text have one kind, choice and item. */
typedef struct answer_part {
    part_kind kind;
    unsigned choice;  /* choices[].index; of a response its output_index */
    unsigned item;    /* tool_calls[].index; of a response its content_index */
    json_value value; /* in the event's own bytes, quotes included: json_string() decodes */
    bool again;       /* reasoning that the same message tells under another name, too */
    bool is_input;    /* TOOL_ARGS: a custom tool's input, which need not be JSON */
} answer_part;

/* What an event is, all that applies: a chunk may say something and end its choice at once. */
enum {
    EVENT_CONTENT =
        1 << 0,          /* something a user would see: text, refusal, reasoning, a tool call … */
    EVENT_FULL = 1 << 1, /* its parts are whole texts: a plain answer; of a stream, a repeat of
                            what has come in pieces */
    EVENT_FINISH = 1 << 2, /* a choice ends, or the whole response */
    EVENT_USAGE = 1 << 3,  /* the usage chunk, which says nothing else */
    EVENT_CLOSE = 1 << 4,  /* the dialect's last event */
    EVENT_FAILED = 1 << 5, /* with CLOSE: it says that the answer failed; error says why */
    EVENT_ERROR = 1 << 6,  /* an error where an answer should be; error and status say which */
    EVENT_BEGUN = 1 << 7,  /* the provider is at work on the answer, and nothing of it is seen yet:
                              a search, reasoning, a new item */
    /* With any of these there is an answer: it is handed on as it comes, and nothing is asked
     * again.
     */
    EVENT_ANSWERS = EVENT_CONTENT | EVENT_BEGUN | EVENT_FINISH,
};

/* What is made of an event only where somebody wants it. */
enum {
    WANT_PARTS = 1 << 0,
    WANT_ENVELOPE = 1 << 1,
    WANT_REQUEST =
        1 << 2,          /* not of the event: what was asked is kept as long as the answer lasts */
    WANT_WORDS = 1 << 3, /* of a large event: what it says */
    WANT_ITEMS = 1 << 4, /* of a large response: by which items it may be named */
};

/* Of the whole answer, where the event names them. JSON_NONE: it does not. */
typedef struct answer_envelope {
    json_value id, model, created;
} answer_envelope;

typedef struct answer_event {
    answer_kind kind;
    unsigned sorts; /* EVENT_* */
    bool is_json;
    span name; /* STREAM: the event: field; empty: none */
    span data;
    const answer_part *parts; /* in the order of their places; none where none were asked for */
    size_t part_count;
    const answer_envelope *envelope; /* NULL where it was not asked for */
    const token_usage *usage;        /* NULL: the event tells none */
    span usage_text;                 /* that object as it came, in data; empty: there is none */
    span finish_reason;              /* the last one told here; empty: none */
    span null_usage;  /* the member `"usage":null`, where weir's own question has brought it; empty:
                         there is none */
    json_value error; /* ERROR, FAILED: the error object */
    int status;       /* ERROR: the HTTP status that it stands for */
    struct answer_large *large; /* dialect/answer_large.h: whose all of it is; NULL: it is small */
} answer_event;

/* ---- which choices ---- */

/* By their numbers; those from the last on count as one. */
enum { ANSWER_CHOICES = 128 };
typedef struct choice_set {
    uint64_t bits[ANSWER_CHOICES / 64];
} choice_set;

void choice_set_add(choice_set *s, unsigned choice);
bool choice_set_has(const choice_set *s, unsigned choice);
unsigned choice_set_count(const choice_set *s);
/* Whether all of `part` are in s. */
bool choice_set_covers(const choice_set *s, const choice_set *part);

/* ---- keeping ---- */

/* A copy in one allocation, its spans pointing into it; of a large event one more reference. The
 * caller frees it with answer_free(). */
MUST_USE answer_event *answer_copy(const answer_event *event);
/* NULL is allowed. */
void answer_free(answer_event *copy);
/* The same in the arena, which it goes with. */
const answer_event *answer_dup(const answer_event *event, arena *a);

/* Copies in the order in which they came. */
typedef struct answer_queue {
    list events;
    size_t bytes; /* of memory, for bounds */
} answer_queue;

void answer_queue_init(answer_queue *q);
void answer_queue_done(answer_queue *q);
void answer_queue_add(answer_queue *q, const answer_event *event);
/* The oldest, for the caller to free with answer_free(); NULL: none is left. */
MUST_USE answer_event *answer_queue_take(answer_queue *q);
/* The one that was added last; NULL: none is left. */
const answer_event *answer_queue_last(const answer_queue *q);

/* ---- changing ---- */

typedef struct answer_edit {
    size_t part; /* index into the event's parts, of one whose value is a string */
    span text;   /* what it is to say, decoded; a null ptr: nothing, JSON's null */
    /* In the place of both: these bytes of the event, and what is to stand there. They are a part's
     * value, or stand inside one, or beside all of them; or hold some whole, which are null then.
     */
    span bytes;
    span json; /* a null ptr: it is a part's text that is edited */
} answer_edit;

/* The event as `like`, with other texts in the places of some of its parts; all else stays byte for
 * byte. Edits in the order of their places. The new bytes and parts live in the arena; the rest is
 * borrowed from like. */
void answer_rewrite(const answer_event *like, const answer_edit *edits, size_t count, arena *a,
                    answer_event *ret);

/* Puts edits into the order of their places; of two at one place the first stays it. Returns how
 * many are left: what stands within another's bytes is gone with them. */
MUST_USE size_t answer_edits_sort(const answer_event *like, answer_edit *edits, size_t count);

/* The event as `like` without its null_usage; all else stays byte for byte, but for the comma and
 * the blanks that parted it from its neighbour. Lives as above. */
void answer_cut_usage(const answer_event *like, arena *a, answer_event *ret);

/* One more event in the form of `like`, which says this text in the place of one of its parts and
 * nothing else: its other texts are empty, its other parts null, or empty lists; it ends nothing
 * and tells no usage. For what a filter has held back. */
void answer_say_like(const answer_event *like, size_t part, span text, arena *a, answer_event *ret);
/* The same; inner: what stands between the string's quotes, as JSON has it. */
void answer_say_like_json(const answer_event *like, size_t part, span inner, arena *a,
                          answer_event *ret);

#endif
