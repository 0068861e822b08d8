/* observe/log.h: one line per call and per event of the process's life.
 *
 * A worker formats a line into its own buffer and never waits: a writer thread takes the buffers
 * and writes them out, a few milliseconds later, so that a busy process writes many lines at once.
 * What a slow reader cannot take beyond logs.buffer is dropped and counted, and said in the log as
 * soon as there is room. Lines of one worker keep their order.
 *
 * JSON lines where the format is json, or auto and standard error is no terminal; else lines for
 * people, coloured unless NO_COLOR, TERM=dumb or no terminal forbid it. Calls go to standard error
 * as well, so that the output of `weir serve` is one stream.
 */
#ifndef WEIR_OBSERVE_LOG_H
#define WEIR_OBSERVE_LOG_H

#include "base/buf.h"
#include "config/config.h"
#include "observe/record.h"

typedef struct logger logger;       /* the process's; starts the writer thread */
typedef struct log_shard log_shard; /* one thread's */

/* fd is borrowed and may block: only the writer thread waits for it. */
MUST_USE logger *logger_new(const config_logs *logs, int fd);
/* Level and format may change on reload. */
void logger_configure(logger *l, const config_logs *logs);
/* Writes what is buffered, for at most wait_ms, ends the thread and frees the shards too. No other
 * thread may use the logger or a shard any more. NULL is allowed. */
void logger_free(logger *l, int64_t wait_ms);
/* Waits, for at most wait_ms, until all is written that was logged so far; frees nothing. */
void logger_wait(const logger *l, int64_t wait_ms);
MUST_USE log_shard *logger_add_shard(logger *l);
uint64_t logger_dropped(const logger *l); /* lines, since the start; any thread */
/* A shard may be NULL here and below: then nothing is logged.
 *
 * Hands what it has gathered to the writer, and wakes it: cheap when there is nothing, but not for
 * every call. */
void log_flush(log_shard *s);
/* Lines wait for log_flush(), which is due soon. */
bool log_waits(const log_shard *s);

/* The line of a call: `warn` where it was cut, or failed with a status that is not the request's
 * affair (4xx), else `info`. Its time is that of the call's end. */
void log_call(log_shard *s, const call_record *r);

/* An event: constant name ("listening", "config_reloaded", "breaker_opened"), a sentence, and pairs
 * of key and value. Control bytes are escaped, long texts cut. */
typedef struct log_field {
    const char *key;
    span value;
    bool number; /* value is one of JSON's, and stands as it is */
} log_field;
/* Whether a line of that level would be written: before fields are made that nobody may want. */
bool log_wants(const log_shard *s, config_log_level level);
/* A number as a field; text holds its digits for as long as the field is used. */
enum { LOG_NUMBER_MAX = 24 };
log_field log_number(const char *key, uint64_t value, char text[LOG_NUMBER_MAX]);
/* The line of an event in JSON, for who writes it himself, before there is a logger or without. */
void log_write_json(config_log_level level, const char *event, span sentence,
                    const log_field *fields, size_t count, buf *out);
COLD void log_event(log_shard *s, config_log_level level, const char *event, span sentence,
                    const log_field *fields, size_t count);

#endif
