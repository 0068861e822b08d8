/* dialect/refusal.h: what a provider's refusal says, in whatever shape, and what that means. Inside
 * dialect/ and for its tests; others come through dialect_ops.refuse.
 *
 * Reading takes the shapes apart (OpenAI's, an error that is a string, lists, FastAPI's `detail`,
 * Gemini's array ...); the meaning comes from three tables: refusal_words.def, refusal_too_long.def
 * and refusal_statuses.def. In time linear in the body. Pure: any thread.
 */
#ifndef WEIR_DIALECT_REFUSAL_H
#define WEIR_DIALECT_REFUSAL_H

#include "base/secret_set.h"
#include "dialect/failure.h"
#include "json/json.h"

enum {
    REFUSAL_CODES_MAX = 16,
    REFUSAL_TEXTS_MAX = 8,
    REFUSAL_LIST_MAX = 400, /* bytes of a text that is put together from several */
};

/* Spans are of the body or in the arena; empty: it says none. */
typedef struct refusal_said {
    bool json;        /* else the body is a text, and the only one */
    span document;    /* the document, or the part of it, that has `error`; empty: none has */
    json_value error; /* an object with at least one member; JSON_NONE: none */
    span message;     /* the explanation, in one text */
    span rest;        /* without one: what there is to show of a JSON body, on one line */
    bool cut;         /* one of both ends within a text, but for failure_cut_marks() */
    span type;
    span code;   /* a number's digits too */
    span number; /* what a member `code` holds, whatever stands nearer under other names */
    span param;
    span delay;                    /* after which to come again, "34s" (Google's RetryInfo) */
    span codes[REFUSAL_CODES_MAX]; /* codes, types, statuses and reasons that stand anywhere */
    size_t code_count;
    span texts[REFUSAL_TEXTS_MAX]; /* what else it says, the message included */
    size_t text_count;
} refusal_said;

/* A body of at most some 256 KB. A list of errors becomes one line, "place: text; place: text".
 * What is put together from several texts is bounded, is never cut within a character, and has no
 * part of a secret where it is cut. */
void refusal_read(span body, const secret_set *secrets, arena *a, refusal_said *ret);
/* One that fits OpenAI's `code` and `type`: a string, or a number of some digits; else empty. */
span refusal_word(json_value v, arena *a);

/* How the call goes on. status: as answered, or as told by an error event. */
failure_class refusal_classify(int status, const refusal_said *said, arena *a);

#endif
