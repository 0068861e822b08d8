/* batch/places.h: where in their files results lie, by the line that they are of and by custom_id.
 * So they can be read in the order of the input, whatever order they were written in.
 *
 * Memory depends on the longest result alone: what is known of each (8 bytes by line, 24 by
 * custom_id) lies as in marks.h and ids.h. Not thread-safe. Blocks while it reads.
 */
#ifndef WEIR_BATCH_PLACES_H
#define WEIR_BATCH_PLACES_H

#include "base/buf.h"
#include "batch/ids.h"
#include "batch/marks.h"

enum { PLACES_FILES = 16 };

typedef enum places_key {
    PLACES_BY_LINE, /* every result is weir's, whose id tells its line */
    PLACES_BY_ID    /* by custom_id: any in OpenAI's form; those without one are passed over */
} places_key;

typedef struct places {
    places_key key;
    struct places_file {
        int fd;           /* borrowed, as the name is */
        const char *path; /* for people */
    } files[PLACES_FILES];
    size_t count;
    marks lines;      /* of PLACES_BY_LINE */
    ids ids;          /* of PLACES_BY_ID */
    uint64_t results; /* that have a place */
    uint64_t last;    /* line of the result before */
    bool in_order;    /* the results' lines grow, over all files */
} places;

void places_init(places *p, places_key key);
void places_done(places *p);

/* Takes note of a file's results. A last line that was torn counts as none. Of two results of one
 * line or custom_id a failure gives way to what came before it; anything else is told. false:
 * *ret_why says what is wrong. */
MUST_USE bool places_add(places *p, int fd, const char *path, buf *ret_why);

/* The result with that custom_id, its line end included, in the place of what ret_line holds;
 * *ret_found: there is one. false: as above. */
MUST_USE bool places_find(places *p, span custom_id, buf *ret_line, bool *ret_found, buf *ret_why);
/* The results by their lines, one after the other: *number is 0 at first, and becomes the next line
 * that has one; *ret_found is false after the last. */
MUST_USE bool places_next(places *p, uint64_t *number, buf *ret_line, bool *ret_found,
                          buf *ret_why);

#endif
