/* sim/wish.h: what a request wishes of the simulator, read from its model name (sim/…) and
 * its x-sim-* headers. Pure; any thread.
 *
 * Owns     nothing: spans borrow from the request.
 */
#ifndef WEIR_SIM_WISH_H
#define WEIR_SIM_WISH_H

#include "base/buf.h"
#include "http/message.h"

typedef enum sim_word {
#define SECTION(title)
#define X(id, name, arg, standard, largest, sentence) SIM_##id,
#include "sim/wishes.def"
#undef X
#undef SECTION
    SIM_WORD_COUNT
} sim_word;

/* How an answer ends. */
typedef enum sim_ending {
    SIM_WHOLE,
    SIM_ENDS_SILENT,     /* not even a head */
    SIM_ENDS_RESET,      /* closed instead of a head */
    SIM_ENDS_STALLED,    /* silence after .after tokens */
    SIM_ENDS_CUT,        /* closed after .after tokens */
    SIM_ENDS_IN_ERROR,   /* an error event after .after tokens */
    SIM_ENDS_UNFINISHED, /* in good order after .after tokens, but without its last events */
} sim_ending;

/* What is wrong with a body. */
typedef enum sim_blemish { SIM_SOUND, SIM_IS_GARBAGE, SIM_HAS_BAD_JSON, SIM_IS_EMPTY } sim_blemish;

/* How a refusal is worded. */
typedef enum sim_refusal {
    SIM_SERVES,
    SIM_REFUSES, /* by its status alone */
    SIM_REFUSES_QUOTA,
    SIM_REFUSES_LENGTH,
    SIM_REFUSES_POLICY,
    SIM_REFUSES_FILTER,
    SIM_REFUSES_IN_HTML,
} sim_refusal;

enum {
    SIM_MIDDLE = -1,
    SIM_BEFORE = -2
}; /* sim_wish.after: half of the tokens; right after the head */

/* How tools are called, where some are given. */
typedef struct sim_calling {
    unsigned rounds; /* answers that call; 0: one */
    bool forever, script;
    bool no_json, wrong, unknown; /* of the first answer */
    bool same_ids, no_ids, talk, mute;
} sim_calling;

typedef struct sim_wish {
    /* faults: all of them are dropped when a request has failed often enough */
    sim_refusal refusal;
    int status;             /* of a refusal */
    int64_t retry_after_ms; /* -1: not told */
    span retry_after;       /* x-sim-retry-after, word for word; beats retry_after_ms */
    int64_t head_delay_ms;
    int64_t token_delay_ms; /* on top of ttft_ms */
    sim_ending ending;
    int64_t after; /* tokens before the ending, or SIM_MIDDLE, SIM_BEFORE */
    sim_blemish blemish;
    bool no_done, no_usage, filtered;
    unsigned times; /* tries of one request that fail; 0: all */
    /* shape */
    bool crlf, comments, split;
    unsigned words; /* 0: the answer echoes */
    unsigned calls; /* 0: one, or as the request says */
    bool text;
    sim_calling calling;
    int64_t pace_ms, ttft_ms; /* -1: the server's own */
    span key;                 /* x-sim-key: what tries belong together */
} sim_wish;

/* A word that is not understood. */
typedef struct sim_misread {
    span header;         /* where it stood; empty: in the model's name */
    span word;           /* for a header other than x-sim-fault, its value */
    const char *nearest; /* a word that was perhaps meant, or NULL */
} sim_misread;

extern const sim_wish sim_no_wish;

/* Reads the words of a model's name (`sim/429-2s,pace-5`; other names wish for nothing) and then
 * the x-sim-* headers; later words win over earlier ones. On failure false, and *ret_misread says
 * at what. */
MUST_USE bool sim_wish_read(span model, http_headers headers, sim_wish *ret,
                            sim_misread *ret_misread);
/* Takes the faults off, keeps the shape: the request has failed often enough. */
void sim_wish_relent(sim_wish *w);
bool sim_wish_fails(const sim_wish *w);

/* The table of words and headers as Markdown: docs/simulator.md holds it. */
void sim_wish_write_table(buf *out);

#endif
