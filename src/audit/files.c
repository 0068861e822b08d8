#include "audit/files.h"

#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b) {
    unsigned left = *(const unsigned *)a, right = *(const unsigned *)b;
    return left < right ? -1 : left > right;
}

bool trail_files_find(const char *folder, trail_files *ret, buf *ret_why) {
    size_t cap = 0;
    *ret = (trail_files){NULL, 0};
    DIR *dir = opendir(folder);
    if (!dir) {
        buf_addf(ret_why, "cannot read %s: %s", folder, strerror(errno));
        return false;
    }
    for (const struct dirent *e; (e = readdir(dir));) {
        unsigned n = trail_file_number(span_cstr(e->d_name));
        if (!n) continue;
        if (ret->count == cap) {
            cap = cap ? 2 * cap : 16;
            ret->numbers = mem_realloc(ret->numbers, cap * sizeof *ret->numbers);
        }
        ret->numbers[ret->count++] = n;
    }
    closedir(dir);
    if (ret->count) qsort(ret->numbers, ret->count, sizeof *ret->numbers, compare);
    return true;
}

void trail_files_done(trail_files *f) {
    free(f->numbers);
    *f = (trail_files){NULL, 0};
}

static bool read_lines(FILE *in, unsigned number, size_t *at, trail_line_fn *each, void *user) {
    char *text = NULL;
    size_t cap = 0;
    bool more = true;
    ssize_t n;
    for (uint64_t line = 1; more && (n = getline(&text, &cap, in)) > 0; line++) {
        bool whole = text[n - 1] == '\n';
        if (whole) *at += (size_t)n;
        more = each(user, number, line, span_from(text, (size_t)n - whole), whole);
    }
    free(text);
    return !ferror(in);
}

bool trail_file_read(const char *folder, unsigned number, size_t *at, trail_line_fn *each,
                     void *user, buf *ret_why) {
    char name[TRAIL_NAME_LEN + 1];
    buf path = BUF_EMPTY;
    trail_file_name(number, name);
    buf_addf(&path, "%s/%s", folder, name);
    FILE *in = fopen(buf_cstr(&path), "re");
    bool good = in && !fseeko(in, (off_t)*at, SEEK_SET) && read_lines(in, number, at, each, user);
    if (!good) buf_addf(ret_why, "cannot read %s: %s", path.ptr, strerror(errno));
    if (in) fclose(in);
    buf_done(&path);
    return good;
}
