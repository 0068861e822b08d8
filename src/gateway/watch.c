#include "gateway/watch.h"

#include "base/mem.h"

#include <stdlib.h>
#include <sys/stat.h>

void watch_init(watch *w) {
    *w = (watch){0};
}

static void free_files(watch_file *files, size_t count) {
    for (size_t i = 0; i < count; i++)
        free(files[i].path);
    free(files);
}

void watch_done(watch *w) {
    free_files(w->files, w->count);
    watch_init(w);
}

static watch_mark look(const char *path) {
    struct stat s;
    if (stat(path, &s) < 0) return (watch_mark){0};
    return (watch_mark){s.st_dev, s.st_ino, s.st_size, s.st_ctim, s.st_mtim};
}

static bool same_time(struct timespec a, struct timespec b) {
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool same(const watch_mark *a, const watch_mark *b) {
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           same_time(a->changed, b->changed) && same_time(a->modified, b->modified);
}

static const watch_mark *find(const watch *w, span path) {
    for (size_t i = 0; i < w->count; i++)
        if (span_eq(span_cstr(w->files[i].path), path)) return &w->files[i].mark;
    return NULL;
}

static watch_mark first_look(const char *path, int64_t since_us) {
    const watch_mark m = look(path);
    const int64_t changed_us = (int64_t)m.changed.tv_sec * 1000000 + m.changed.tv_nsec / 1000;
    return changed_us > since_us ? (watch_mark){0} : m;
}

void watch_set(watch *w, const span *paths, size_t count, int64_t since_us) {
    watch_file *files = mem_zalloc_array(count + 1, sizeof *files);
    for (size_t i = 0; i < count; i++) {
        const watch_mark *seen = find(w, paths[i]);
        files[i].path = mem_strndup(paths[i].ptr, paths[i].len);
        files[i].mark = seen ? *seen : first_look(files[i].path, since_us);
    }
    free_files(w->files, w->count);
    w->files = files;
    w->count = count;
}

bool watch_changed(watch *w) {
    bool changed = false;
    for (size_t i = 0; i < w->count; i++) {
        watch_mark now = look(w->files[i].path);
        if (same(&now, &w->files[i].mark)) continue;
        w->files[i].mark = now;
        changed = true;
    }
    return changed;
}
