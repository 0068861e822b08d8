/* batch/outputs.h: where results go: the output file and the error file, or one for both.
 *
 * Results are gathered and written at the end of a turn of the loop, at the end of the file, never
 * rewritten. A regular file is locked for as long as it is open, so that two batches never write
 * one, and ends with a whole result also after a write that failed; anything else (a pipe, a
 * terminal, /dev/full) takes what it can without making the caller wait.
 *
 * Not thread-safe.
 */
#ifndef WEIR_BATCH_OUTPUTS_H
#define WEIR_BATCH_OUTPUTS_H

#include "base/buf.h"

typedef struct sink {
    int fd;           /* -1: there is none */
    const char *path; /* for people; borrowed */
    bool regular;     /* a file, be it one that is still to be made */
    bool standard;    /* standard output: not ours to close */
    bool unnamed;     /* a temporary file: no record that a later run could read */
    buf pending;      /* gathered, not written */
    void (*harmless)(span results, buf *out); /* of a terminal: what it is shown; NULL: as it is */
    size_t shown;                             /* bytes of pending that are what it is shown */
    int error; /* errno of a write that failed; nothing is written from then on */
} sink;

typedef struct outputs {
    sink answers;
    sink failures; /* fd -1: they go to answers */
    bool look;     /* nothing is made or changed */
} outputs;
#define OUTPUTS_NONE ((outputs){.answers = {.fd = -1}, .failures = {.fd = -1}})

/* ---- names (the caller frees) ---- */

/* "in.jsonl" → "in.out.jsonl", "prompts.txt" → "prompts.out.jsonl", "-" → "-". */
MUST_USE char *outputs_name_for(const char *input);
/* The same for another form's suffix, ".csv". */
MUST_USE char *outputs_name_with(const char *input, const char *suffix);
/* Where the results of "out.csv" are kept: "out.csv" → "out.jsonl", "out" → "out.jsonl". */
MUST_USE char *outputs_record_name_for(const char *out);
/* "out.jsonl" → "out.errors.jsonl", "out" → "out.errors". */
MUST_USE char *outputs_errors_name_for(const char *out);

/* ---- files ---- */

/* Borrowed for the life of the output. "-" is standard output. */
typedef struct outputs_names {
    const char *answers;  /* NULL: in a temporary file */
    const char *failures; /* NULL: made from the other's where that is a regular file; else they go
                             there too, as they do where both names lead to one file */
} outputs_names;

/* look: files that are not there have fd -1, nothing is locked or made. *ret_made: the failures'
 * name, where it was made: to be freed after the output. false: *ret_why says what cannot be done,
 * and nothing is open. */
MUST_USE bool outputs_open(outputs *o, const outputs_names *names, bool look, char **ret_made,
                           buf *ret_why);
/* Whether fd is one of the files, standard output among them where it is one. */
bool outputs_is(const outputs *o, int fd);
/* Closes; an error file with nothing in it is removed. */
void outputs_done(outputs *o);

static inline sink *outputs_sink(outputs *o, bool failed) {
    return failed && o->failures.fd >= 0 ? &o->failures : &o->answers;
}
/* Where a result is to be appended; outputs_flush() writes it. */
static inline buf *outputs_for(outputs *o, bool failed) {
    return &outputs_sink(o, failed)->pending;
}
size_t outputs_pending(const outputs *o);
/* Writes what can be written without waiting. false: a sink has failed, see error. */
MUST_USE bool outputs_flush(outputs *o);
/* Makes sure that what was written survives the machine. false: a sink has failed. */
MUST_USE bool outputs_sync(outputs *o);

#endif
