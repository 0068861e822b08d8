/* observe/line.h: the two forms of a log line; not a door.
 *
 * Each function appends one line with its line feed. Whatever the fields hold, the line stays one
 * line of valid UTF-8: a client's text cannot forge another line nor reach a terminal as a command.
 */
#ifndef WEIR_OBSERVE_LINE_H
#define WEIR_OBSERVE_LINE_H

#include "base/clock.h"
#include "observe/log.h"

/* Bytes of a text that are shown. */
enum { LINE_WORD_MAX = 256, LINE_TEXT_MAX = 1024 };
/* Tries of a call that are shown: its last. */
enum { LINE_TRIES_MAX = 16 };

/* The last second that was written out: most lines of a busy process share it. */
typedef struct line_clock {
    int64_t second;
    char utc[CLOCK_RFC3339_LEN + 1]; /* empty: none yet */
    char local[9];                   /* "17:03:59" */
} line_clock;

typedef struct line_event {
    int64_t wall_us;
    config_log_level level;
    const char *name;
    span sentence;
    const log_field *fields;
    size_t count;
} line_event;

void line_json_call(buf *out, line_clock *clock, const call_record *r);
void line_json_event(buf *out, line_clock *clock, const line_event *e);
void line_text_call(buf *out, line_clock *clock, const call_record *r, bool colour);
void line_text_event(buf *out, line_clock *clock, const line_event *e, bool colour);

/* ---- shared by the two ---- */

/* Brings the clock to the second of wall_us; returns the microseconds within it. */
unsigned line_clock_set(line_clock *clock, int64_t wall_us);
const char *line_level(config_log_level level);
config_log_level line_call_level(const call_record *r);
int64_t line_call_wall_us(const call_record *r);
/* The first try that is shown, of those that the record keeps. */
unsigned line_first_try(const call_record *r);
/* What went wrong, for people; empty for an answer. */
span line_call_message(const call_record *r);

#endif
