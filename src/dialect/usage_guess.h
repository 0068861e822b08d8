/* dialect/usage_guess.h: about how many tokens a call took, of what was asked and what was
 * answered, for whom no provider has told it.
 *
 * Texts count by dialect/tokens.h. What is no text counts by what providers document, whatever the
 * size of its base64:
 * - a picture as OpenAI has it: 85 in low detail; else 85 and 170 for each tile of 512 pixels, once
 *   it is fitted into 2,048 x 2,048 and its shorter side is 768 at most. One whose size is not
 *   known counts as one of 1,024 x 1,024, which is 765.
 * - sound by its length: 10 tokens a second that is heard, 20 that is spoken; a second has 48,000
 *   bytes as pcm16 and wav (24 kHz, 16 bits), and 16,000 as anything else (128 kbit/s).
 * - a file as one page: 1,500. A provider alone knows how many it has.
 *
 * Any thread, but for what was counted before, which is one's. Pure; takes no memory but that.
 *
 * Source   OpenAI: "Images and vision" (calculating costs), "Realtime: managing costs" (a token of
 *          sound each 100 ms heard, each 50 ms spoken); Anthropic: "PDF support" (1,500 to 3,000
 *          tokens a page).
 */
#ifndef WEIR_DIALECT_USAGE_GUESS_H
#define WEIR_DIALECT_USAGE_GUESS_H

#include "dialect/answer.h"
#include "dialect/outline.h"
#include "dialect/token_memo.h"
#include "dialect/tokens.h"

/* Some servers write noughts for what they have not counted: no prompt is that short. */
static inline bool usage_is_told(const token_usage *u) {
    return u && (u->prompt > 0 || u->completion > 0);
}

/* What one owner's texts were counted to before. */
typedef struct counted_texts {
    token_memo **memo; /* made with the first text that is long enough */
    uint64_t owner;
} counted_texts;

/* Of what was asked; d: its dialect. before: NULL: each text is counted. */
int64_t guess_prompt(const request_outline *o, dialect d, token_family family,
                     const counted_texts *before);
/* The same of a JSON body by samples, which takes the same short time whatever its size: for a
 * figure that will hardly be wanted. Off by some 20 %; a picture is one, however large. */
int64_t guess_prompt_roughly(span body, token_family family);

/* An answer as it comes, of all its choices. A text that comes in pieces counts as if it had come
 * whole, unless those of another stand between them.
 *
 * roughly: for a figure that will hardly be wanted: of a stream's events the first 16 are counted,
 * then every eighth, and stand for the bytes of the others. */
typedef struct answer_guess {
    token_count tokens;
    bool roughly;
    unsigned events;           /* of the stream */
    uint64_t counted, skipped; /* bytes of its texts */
    /* Of the last part. */
    part_kind kind;
    unsigned choice;
    unsigned item;
} answer_guess;

answer_guess guess_begin(token_family family, bool roughly);
/* The event came with its parts. What a stream repeats is not counted again. A large one was
 * counted where it was read, as a text of its own. */
void guess_add(answer_guess *g, const answer_event *event);
/* Of an event's texts. */
uint64_t guess_bytes(const answer_event *event);
int64_t guess_total(const answer_guess *g);

#endif
