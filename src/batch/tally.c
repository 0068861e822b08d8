#include "batch/tally.h"

#include "base/mem.h"
#include "batch/source.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of a line enough to see whether it is blank; one of more blanks than this counts. */
enum { BEGINNING = 256 };

void tally_init(tally *t, int fd, const char *path, const item_rules *rules) {
    struct stat st;
    bool regular = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    off_t at = regular ? lseek(fd, 0, SEEK_CUR) : -1; /* a shell may have given it half read */
    *t = (tally){.fd = at >= 0 ? fd : -1, .at = at >= 0 ? (uint64_t)at : 0};
    t->header = source_form(&t->lines, BEGINNING, false, path, rules) != 0;
    if (t->fd >= 0) t->chunk = mem_alloc(TALLY_CHUNK);
}

void tally_done(tally *t) {
    lines_done(&t->lines);
    free(t->chunk);
    t->chunk = NULL;
}

static void count_line(tally *t, const line *l) {
    if (line_is_blank(l)) return;
    t->count += !t->header;
    t->header = false;
}

void tally_step(tally *t) {
    line l;
    ssize_t n = pread(t->fd, t->chunk, TALLY_CHUNK, (off_t)t->at);
    if (n <= 0) { /* what cannot be read, the source will tell */
        while (lines_end(&t->lines, &l))
            count_line(t, &l);
        t->finished = true;
        return;
    }
    t->at += (uint64_t)n;
    for (span input = span_from(t->chunk, (size_t)n); lines_next(&t->lines, &input, &l);)
        count_line(t, &l);
}
