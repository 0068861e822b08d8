/* batch/resume.h: what earlier runs have done, read from their results.
 *
 * A last line that was torn, by a crash or a full disk, is cut off; every other line has to be a
 * result, or the file is refused: it is somebody else's. Blocks while it reads.
 */
#ifndef WEIR_BATCH_RESUME_H
#define WEIR_BATCH_RESUME_H

#include "batch/marks.h"
#include "batch/outputs.h"

typedef enum resume_mode {
    RESUME,              /* go on where it stopped */
    RESUME_RETRY_FAILED, /* forget the failures, so that they are asked anew */
    RESUME_RESTART,      /* forget everything */
} resume_mode;

typedef struct resume_found {
    uint64_t answers;
    uint64_t failures;
    uint64_t torn;      /* files whose last line was cut off */
    uint64_t forgotten; /* failures that will be asked anew */
} resume_found;

/* Fills marks. false: *ret_why says what is wrong, and nothing was changed. */
MUST_USE bool resume_read(outputs *o, resume_mode mode, marks *m, resume_found *ret, buf *ret_why);

#endif
