/* batch/source.h: the lines of the input that are still to be done, one after the other.
 *
 * Passes over blank lines and over those that have their result already, after comparing what they
 * are with what they were. Reads when it is told to: source_next() never blocks.
 *
 * Not thread-safe. Memory does not depend on the length of the input.
 */
#ifndef WEIR_BATCH_SOURCE_H
#define WEIR_BATCH_SOURCE_H

#include "batch/ids.h"
#include "batch/item.h"
#include "batch/marks.h"

enum { SOURCE_CHUNK = 64 * 1024 };

typedef enum source_verdict {
    SOURCE_LINE,   /* source.line and source.item: to be asked, or to be refused */
    SOURCE_MORE,   /* source_read() first */
    SOURCE_END,    /* all lines were told */
    SOURCE_FAILED, /* source.why says what keeps the batch from going on */
} source_verdict;

typedef struct source {
    int fd;           /* borrowed */
    const char *path; /* for people; borrowed */
    item_rules rules; /* the format is settled by the first line */
    marks *marks;     /* borrowed */
    ids ids;
    lines lines;
    bool ended; /* the file is */
    bool finished;
    char *chunk;
    span input;  /* of the chunk, not yet taken */
    arena arena; /* of the item */
    line line;
    item item;
    table table;    /* where it is one */
    buf header;     /* its text */
    uint64_t seen;  /* lines that were not blank, nor a header */
    uint64_t blank; /* lines that were empty */
    uint64_t told;  /* lines that were to be done */
    uint64_t limit; /* at most so many are told; 0: all */
    buf why;
} source;

/* Sets up the lines of an input by its name and what the user says: text, records of a table (then
 * their separator is returned), elements of an array. */
char source_form(lines *l, size_t max_line, bool marked, const char *path, const item_rules *rules);

/* Stays where it is. */
void source_init(source *s, int fd, const char *path, const item_rules *rules, size_t max_line,
                 marks *m);
void source_done(source *s);

/* line and item live until the next call. */
MUST_USE source_verdict source_next(source *s);
/* After SOURCE_MORE: reads once, and waits for as long as that takes. What fails is told by
 * source_next(). */
void source_read(source *s);

#endif
