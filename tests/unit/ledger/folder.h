/* A folder of a test's own, gone with it. */
#ifndef WEIR_UNIT_LEDGER_FOLDER_H
#define WEIR_UNIT_LEDGER_FOLDER_H

#include "unit.h"

#include <dirent.h>
#include <unistd.h>

typedef struct folder {
    char path[64];
} folder;

static inline void folder_make(folder *f) {
    snprintf(f->path, sizeof f->path, "%s", "/tmp/weir-ledger-XXXXXX");
    assert_non_null(mkdtemp(f->path));
}

/* The files' names in it, in a buffer of lines; returns how many. */
static inline size_t folder_count(const folder *f) {
    DIR *dir = opendir(f->path);
    size_t count = 0;
    for (struct dirent *d; (d = readdir(dir));)
        count += d->d_name[0] != '.';
    closedir(dir);
    return count;
}

static inline void folder_remove(const folder *f) {
    DIR *dir = opendir(f->path);
    char path[512];
    for (struct dirent *d; (d = readdir(dir));) {
        snprintf(path, sizeof path, "%s/%s", f->path, d->d_name);
        if (d->d_name[0] != '.') unlink(path);
    }
    closedir(dir);
    rmdir(f->path);
}

#endif
