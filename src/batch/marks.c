#include "batch/marks.h"

#include "batch/scratch.h"

#include <unistd.h>

#define KNOWN (UINT64_C(1) << 63)

void marks_init(marks *m) {
    m->fd = -1;
    m->last = 0;
    m->block = UINT64_MAX;
}

void marks_done(marks *m) {
    if (m->fd >= 0) close(m->fd);
    marks_init(m);
}

static bool load(marks *m, uint64_t block) {
    if (m->block == block) return true;
    m->block = UINT64_MAX;
    if (!scratch_read(m->fd, m->entries, sizeof m->entries, block * sizeof m->entries))
        return false;
    m->block = block;
    return true;
}

bool marks_set(marks *m, uint64_t line, uint64_t mark, bool *ret_known) {
    if (m->fd < 0 && (m->fd = scratch_open()) < 0) return false;
    if (!load(m, line / MARKS_BLOCK)) return false;
    uint64_t *entry = &m->entries[line % MARKS_BLOCK];
    bool known = *entry & KNOWN;
    *entry = mark | KNOWN;
    if (!scratch_write(m->fd, entry, sizeof *entry, line * sizeof *entry)) {
        m->block = UINT64_MAX;
        return false;
    }
    if (line > m->last) m->last = line;
    *ret_known = known;
    return true;
}

bool marks_get(marks *m, uint64_t line, bool *ret_known, uint64_t *ret_mark) {
    if (line > m->last) {
        *ret_known = false;
        return true;
    }
    if (!load(m, line / MARKS_BLOCK)) return false;
    uint64_t entry = m->entries[line % MARKS_BLOCK];
    *ret_known = entry & KNOWN;
    *ret_mark = entry & ~KNOWN;
    return true;
}
