/* dialect/tokens_blocks.h: how often each piece of a text stands in sixty-four bytes of ASCII, told
 * of all of them at once. Inside dialect/, for tokens.c, which counts what this leaves byte by
 * byte: what is no ASCII, long runs, short texts. Both come to the same.
 *
 * Any thread. Pure.
 */
#ifndef WEIR_DIALECT_TOKENS_BLOCKS_H
#define WEIR_DIALECT_TOKENS_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>

typedef enum token_piece {
#define X(piece, ...) PIECE_##piece,
#include "dialect/tokens.def"
#undef X
    PIECES,
    PIECES_OF_ASCII = PIECE_MORE + 1, /* which come first */
} token_piece;

typedef enum token_run {
    RUN_NONE,
    RUN_SMALL,    /* small letters, perhaps behind a capital */
    RUN_CAPITALS, /* alone */
    RUN_DIGITS,
    RUN_BLANKS,
    RUN_NEWLINES,
    RUN_SIGNS,
    RUN_WIDE, /* above 7F */
} token_run;

/* What each byte is one of. */
extern const unsigned char token_runs[256];

enum {
    LETTERS_FREE = 7, /* of a word, behind which each counts */
    DIGITS_EACH = 3,
    NEWLINES_EACH = 16,
    SIGNS_EACH = 3,
    BLOCK_WORTH = 16, /* bytes, below which runs one by one cost less */
    BLOCK_BYTES = 64,
};

/* What has come so far. */
typedef struct token_blocks {
    size_t pieces[PIECES_OF_ASCII];
    unsigned char run;    /* what the last character was one of, */
    unsigned char length; /* and whether it was one or more of them */
} token_blocks;

/* Whole runs of n bytes, the first of which begins one: as many as are worth it. Returns how many
 * bytes those are. wide: thirty-two at a time, on a processor that can. */
size_t token_blocks_take(token_blocks *b, const unsigned char *p, size_t n, bool wide);
/* Whether this processor can. */
bool token_blocks_can_be_wide(void);

#endif
