/* ledger/journal_io.h: what a journal asks of the system, as a table: a test lets the n-th of them
 * fail. Functions return 0 or more, or a negative errno.
 */
#ifndef WEIR_LEDGER_JOURNAL_IO_H
#define WEIR_LEDGER_JOURNAL_IO_H

#include "base/attr.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct journal_io {
    int (*create)(const char *path); /* a descriptor; the file must not be there */
    int (*open)(const char *path);   /* likewise, for reading */
    ssize_t (*write)(int fd, const void *bytes, size_t len, uint64_t at);
    ssize_t (*read)(int fd, void *ret, size_t len, uint64_t at);
    int (*sync)(int fd); /* of a file or a directory: it survives the machine */
    int (*close)(int fd);
    int (*remove)(const char *path);
} journal_io;

extern const journal_io journal_io_system;

#endif
