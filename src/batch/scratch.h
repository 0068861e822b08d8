/* batch/scratch.h: a temporary file that has no name: what does not fit into constant memory.
 *
 * It lies under TMPDIR (else /tmp) and is gone with the process, however that ends. Not
 * thread-safe.
 */
#ifndef WEIR_BATCH_SCRATCH_H
#define WEIR_BATCH_SCRATCH_H

#include "base/attr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* -1 on failure, with errno. */
MUST_USE int scratch_open(void);
/* Exactly len bytes at offset; what was never written reads as zeros. false: errno says why. */
MUST_USE bool scratch_read(int fd, void *bytes, size_t len, uint64_t offset);
MUST_USE bool scratch_write(int fd, const void *bytes, size_t len, uint64_t offset);

#endif
