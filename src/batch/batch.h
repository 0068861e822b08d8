/* batch/batch.h: the door of the room: a file of calls, asked through a client of libweir.
 *
 * The batch never waits: its owner's loop does, and drives it, as it drives the client.
 *
 *     batch *b = batch_open(&settings, &why);           // reads what earlier runs have done
 *     batch_start(b, client);
 *     while (!batch_ended(b)) {
 *         bool readable = … wait for the client, batch_input(b), batch_timeout_ms(b) …
 *         batch_step(b, readable);
 *     }
 *     batch_finish(b, &why);                            // on the disk
 *     batch_free(b);
 *
 * Every line of the input comes to exactly one result, over any number of runs, however they ended:
 * a line is asked where the files hold no result of it, and its result is written in one piece.
 *
 * Not thread-safe. Memory depends on the calls under way alone.
 */
#ifndef WEIR_BATCH_BATCH_H
#define WEIR_BATCH_BATCH_H

#include "batch/forms.h"
#include "batch/item.h"
#include "batch/resume.h"

#include <weir.h>

typedef struct batch batch;

enum { BATCH_CONCURRENCY = 5, BATCH_CONCURRENCY_MAX = 10000, BATCH_RETRIES = 8 };
enum { BATCH_MAX_LINE = 8 * 1024 * 1024 };

/* Borrowed for the life of the batch. */
typedef struct batch_settings {
    const char *input;  /* a file's name; "-": standard input */
    const char *output; /* the same, standard output. NULL: named after the input */
    const char *errors; /* NULL: named after the output */
    result_form form;   /* of the output; what is not JSON lines has those beside it */
    bool ordered;       /* in the order of the input, as what is not JSON lines always is */
    item_rules rules;   /* the format as the user says it */
    size_t max_line;    /* bytes */
    uint64_t limit;     /* lines that this run does at most; 0: all */
    resume_mode mode;
    bool tally; /* count the input's lines beside the run, for the total */
    void (*harmless)(span text, buf *out); /* what a model says, as a terminal may be shown it */
    void (*harmless_json)(span json, buf *out); /* the same of JSON lines */
} batch_settings;

typedef struct batch_counts {
    uint64_t lines;  /* of the input, that are not blank; 0: not known (yet) */
    uint64_t before; /* results of earlier runs, answers and failures */
    uint64_t failed_before;
    uint64_t answered;  /* in this run */
    uint64_t failed;    /* the same, bad lines included */
    int64_t tokens;     /* of this run */
    unsigned under_way; /* without those that nobody has been asked for yet */
} batch_counts;

/* The options that a batch lays over a client's, those of its configuration included: patience,
 * since here nobody waits for an answer.
 * concurrency 1 to BATCH_CONCURRENCY_MAX. */
void batch_set_options(weir_options *options, unsigned concurrency, unsigned retries,
                       size_t max_line);

/* Opens the files, locks the outputs and reads them; what they hold stays until batch_start().
 * Blocks. NULL: *ret_why says why not. */
MUST_USE batch *batch_open(const batch_settings *settings, buf *ret_why);
/* Calls that are under way are forgotten: the client must be gone, or batch_ended(). */
void batch_free(batch *b);

/* What the earlier runs left, and what the files are called; borrowed. */
const resume_found *batch_found(const batch *b);
const char *batch_output_name(const batch *b);
/* … where they are kept, which may be another file. */
const char *batch_record_name(const batch *b);
/* Where failures go; the same as the output where they have no file of their own. */
const char *batch_errors_name(const batch *b);

/* The answers go into a file, which the next run goes on from. */
bool batch_keeps_results(const batch *b);
/* … and the failures into another one: --retry-failed can ask them anew. */
bool batch_keeps_failures(const batch *b);
/* What the user is to do if not all lines come to be done: a part of a sentence. */
const char *batch_how_to_go_on(const batch *b);

/* Cuts off what was torn or is to be forgotten. concurrency: the client's. */
void batch_start(batch *b, weir_client *client, unsigned concurrency);
/* A descriptor to wait for until it is readable; -1: none at present. */
int batch_input(const batch *b);
/* How long the loop may wait at most; -1: as long as it likes. */
int64_t batch_timeout_ms(const batch *b);
/* Takes lines, starts calls, writes results. readable: batch_input() is. */
void batch_step(batch *b, bool readable);
/* No new lines; those that are asked go on. */
void batch_stop(batch *b);
/* Nor these: they stay undone. */
void batch_cancel(batch *b);
/* Nothing is under way and nothing will be. */
bool batch_ended(const batch *b);

batch_counts batch_count(const batch *b);
/* All lines of the input have their result. */
bool batch_complete(const batch *b);
/* Sentences about lines that failed, a line each, of which the first few alone are told; the caller
 * clears it. They quote the input and the provider: not to be shown as they are. */
buf *batch_notes(batch *b);

/* Once ended: writes to the disk, and puts results into order where that is wanted. false: *ret_why
 * says what kept the batch from its end, if it was not its owner; like the notes. */
MUST_USE bool batch_finish(batch *b, buf *ret_why);

#endif
