/* exchange/trace.h: what the exchange notes of a call that is traced. Inside exchange/, for
 * stage_trace.c, which begins it, filter_trace.c and stage_spans.c.
 */
#ifndef WEIR_EXCHANGE_TRACE_H
#define WEIR_EXCHANGE_TRACE_H

#include "exchange/internal.h"

#include "telemetry/spans.h"

/* Bytes of texts that a span holds of each: what was asked, what was answered. */
enum { TRACE_CONTENT_MAX = 32 * 1024 };

typedef struct trace_answer trace_answer;

typedef struct exchange_trace {
    trace_notes notes;
    trace_answer *answer; /* NULL: its words are not wanted */
} exchange_trace;

/* The trace of an exchange under a configuration that has telemetry.traces; made, of what its
 * request says, where there is none yet. */
exchange_trace *exchange_trace_of(exchange *x);

/* filter_trace.c: notes what the answer says of itself; with content: what it says. */
void filter_trace_add(exchange *x, bool content);
/* Its texts as JSON, in the exchange's arena. */
void trace_answer_write(exchange *x, const trace_answer *a, trace_notes *n);

/* trace_messages.c: what is asked, as JSON, into n; in the exchange's arena. */
void trace_messages_read(exchange *x, trace_notes *n);
/* A text of a message's part, of which at most *left bytes are written; false: not all of it is. */
bool trace_put_text(json_writer *w, const char *key, span text, size_t *left);

#endif
