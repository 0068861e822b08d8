/* config/sources.h: the outside world as the configuration may touch it: environment variables,
 * files and commands. A struct of functions, so that tests bring their own world and the fuzzer
 * none at all.
 *
 * Everything here may block; nothing of it runs on an event loop's thread.
 */
#ifndef WEIR_CONFIG_SOURCES_H
#define WEIR_CONFIG_SOURCES_H

#include "base/arena.h"
#include "base/buf.h"

#include <sys/stat.h>

enum { SOURCE_KEY_BYTES_MAX = 16 << 10 };

typedef struct config_sources config_sources;
struct config_sources {
    void *user;
    /* The variable's value, or NULL where it is not set. */
    const char *(*env)(const config_sources *s, const char *name);
    /* A regular file's content, at most max bytes, appended to *ret. Else *ret_why says in a few
     * words why not: "No such file or directory", "it has more than 16384 bytes". */
    bool (*read_file)(const config_sources *s, const char *path, size_t max, buf *ret, arena *a,
                      span *ret_why);
    /* Whether a file is there and may be read; likewise. */
    bool (*check_file)(const config_sources *s, const char *path, arena *a, span *ret_why);
    /* What a command writes to its standard output. Its standard error goes nowhere. */
    bool (*run)(const config_sources *s, char *const argv[], int64_t timeout_ms, size_t max,
                buf *ret, arena *a, span *ret_why);
};

/* The machine. */
extern const config_sources config_sources_real;
/* No variable is set, no file is there, no command runs. */
extern const config_sources config_sources_none;

/* config/command.c: runs argv without a shell, in a process group of its own that is killed when
 * the time is over or the output too long. */
MUST_USE bool command_run(char *const argv[], int64_t timeout_ms, size_t max, buf *ret, arena *a,
                          span *ret_why);

#endif
