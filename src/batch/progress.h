/* batch/progress.h: how far a batch is, as text. Pure.
 *
 * Any thread. Allocates nothing but what it appends.
 */
#ifndef WEIR_BATCH_PROGRESS_H
#define WEIR_BATCH_PROGRESS_H

#include "base/buf.h"

typedef struct progress {
    uint64_t done;   /* lines that have their result */
    uint64_t total;  /* 0: not known */
    uint64_t failed; /* of done */
    int64_t tokens;
    double rate;        /* lines a second, of late; negative: not known yet */
    unsigned limit;     /* calls that may run at present */
    unsigned most;      /* … and at the most */
    unsigned under_way; /* that run */
    bool stopping;      /* no new lines are begun */
} progress;

/* Escape sequences; all "" where no colour is wanted. */
typedef struct progress_colours {
    const char *bar, *bad, *dim, *plain;
} progress_colours;

/* One line without an end that takes fewer than width columns: what matters less is left out where
 * there is no room. */
void progress_write_bar(const progress *p, unsigned width, const progress_colours *colours,
                        buf *out);
/* A plain line without an end, for logs: "1200 of 5000 lines, 3 failed, …". */
void progress_write_line(const progress *p, buf *out);

/* "1200", "45.1k", "1.2M". */
void progress_write_count(int64_t count, buf *out);
/* "42s", "3m 5s", "2h 12m". */
void progress_write_time(int64_t seconds, buf *out);

/* ---- the rate of late ---- */

enum { RATE_SAMPLES = 16, RATE_INTERVAL_MS = 500 };

typedef struct rate_meter {
    struct {
        int64_t at_ms;
        uint64_t done;
    } samples[RATE_SAMPLES]; /* a ring */
    unsigned count;
    unsigned newest;
} rate_meter;

/* Notes where it stands, and returns lines a second over the last 8 s at most; -1 in the first
 * half second. now_ms does not go back. A zeroed meter is ready. */
double rate_meter_note(rate_meter *m, int64_t now_ms, uint64_t done);

#endif
