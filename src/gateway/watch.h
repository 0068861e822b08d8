/* gateway/watch.h: notices that one of some files has changed.
 *
 * By looking at what each path leads to (stat), not by waiting for events on directories: so it
 * makes no difference whether a file was written in place, renamed over, reached through a symbolic
 * link that was turned elsewhere (as Kubernetes mounts configuration), or changed over a network.
 * Belongs to the main thread, whose loop serves no calls.
 */
#ifndef WEIR_GATEWAY_WATCH_H
#define WEIR_GATEWAY_WATCH_H

#include "base/span.h"

#include <sys/types.h>
#include <time.h>

/* What is compared. All zero: there was no such file. */
typedef struct watch_mark {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed; /* of content or of the inode */
    struct timespec modified;
} watch_mark;

typedef struct watch_file {
    char *path;
    watch_mark mark;
} watch_file;

typedef struct watch {
    watch_file *files;
    size_t count;
} watch;

void watch_init(watch *w);
void watch_done(watch *w);
/* Watches these paths instead. Those that were watched before keep what was last seen of them; the
 * others count as changed if they were since since_us (wall clock), when they may have been read
 * already. */
void watch_set(watch *w, const span *paths, size_t count, int64_t since_us);
/* Whether anything has changed since it was last asked (or set). */
bool watch_changed(watch *w);

#endif
