/* batch/resume.h: what earlier runs have done, read from their results.
 *
 * A last line that was torn, by a crash or a full disk, counts as none; every other line has to be
 * a result, or the file is refused: it is somebody else's. Blocks while it reads.
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
    uint64_t forgotten; /* failures that will be asked anew */
    /* Bytes of the files that stay; RESUME_ALL: all. */
    uint64_t kept_answers;
    uint64_t kept_failures;
    bool mixed; /* among the answers are failures that are to be forgotten */
} resume_found;
#define RESUME_ALL UINT64_MAX

/* Fills marks; the files stay as they are. false: *ret_why says what is wrong. */
MUST_USE bool resume_read(const outputs *o, resume_mode mode, marks *m, resume_found *ret,
                          buf *ret_why);
/* Cuts off what does not stay, and takes out what stands in its midst. Not before the batch begins:
 * whom it would ask may yet turn out to be wrong, and then nothing is to be lost. false: *ret_why
 * says why not. */
MUST_USE bool resume_cut(outputs *o, const resume_found *found, buf *ret_why);

#endif
