/* base/shortage.h: what weir is short of when it asks a provider (shortage.def), as constants and
 * as data.
 *
 * A provider that could not be asked for want of something here has not failed: whoever meets such
 * an error names the shortage where he sees the error, and it goes with the failure from there on.
 *
 * Source   connect(2), socket(2), recv(2), getaddrinfo(3).
 */
#ifndef WEIR_BASE_SHORTAGE_H
#define WEIR_BASE_SHORTAGE_H

#include "base/errors.h"

typedef enum shortage {
    SHORTAGE_NONE = 0,
#define X(name, word, error, reach, remedy, sentence) SHORTAGE_##name,
#include "base/shortage.def"
#undef X
    SHORTAGE_COUNT
} shortage;

typedef struct shortage_row {
    const char *word; /* "descriptors" */
    error_id error;
    bool everywhere;    /* each target needs it */
    const char *remedy; /* with * for the provider's name */
    const char *sentence;
} shortage_row;

/* s must be a row of the table (not SHORTAGE_NONE). */
const shortage_row *shortage_get(shortage s);

/* Of a failed system call, by its errno; SHORTAGE_NONE: it is the peer's doing. */
shortage shortage_of_errno(int err);

#endif
