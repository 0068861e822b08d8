/* http/sse.h: Server-Sent Events, both directions. The project's one SSE parser.
 *
 * Source   WHATWG HTML, section 9.2 (Server-sent events). In: any legal form. Out: one normal form.
 *
 * Not thread-safe. A reader buffers at most one event, up to its limit; whole events inside one
 * piece of input are handed out without a copy.
 */
#ifndef WEIR_HTTP_SSE_H
#define WEIR_HTTP_SSE_H

#include "base/buf.h"

typedef struct sse_event {
    span name; /* the event: field; empty when absent */
    span data; /* data lines joined by '\n'; never absent (see below) */
} sse_event;

typedef enum sse_result {
    SSE_MORE,      /* the input is used up; feed more */
    SSE_EVENT,     /* *ret_event is valid until the next call, while the input lives */
    SSE_TOO_LARGE, /* an event exceeds the limit; the reader is dead and says so from now on */
} sse_result;

/* A field's value so far: lent by the input while one piece holds all of it, else held. */
typedef struct sse_field {
    span lent;
    buf held;
    bool is_held;
} sse_field;

typedef struct sse_reader {
    buf line; /* the part of a line that came in earlier pieces */
    sse_field data;
    sse_field name;
    size_t limit;
    unsigned bom_seen; /* bytes of a byte order mark at the start, which pieces may cut */
    bool has_data;
    bool after_cr; /* the last byte was CR: a following LF belongs to it */
    bool started;  /* the byte order mark, if any, has been passed */
    bool told;     /* the event in data and name was handed out; the next call forgets it */
    bool dead;
    bool errors; /* a field `error:` is wanted: see below; not at first */
    buf *ids;    /* where the last id goes, up to SSE_ID_MAX bytes; NULL, as at first: nowhere */
    int64_t *retry_ms; /* likewise, what the last retry: says, of up to SSE_RETRY_DIGITS */
} sse_reader;

/* A longer one is none. */
enum { SSE_ID_MAX = 1024, SSE_RETRY_DIGITS = 9 };

/* limit: bytes of one event, its name, its data and the line that is being read, at most; the same
 * for events that need no holding, so that the verdict does not depend on how the bytes come. */
void sse_reader_init(sse_reader *r, size_t limit);
void sse_reader_done(sse_reader *r);

/* Bytes of an event that have come without its end. */
static inline size_t sse_reader_holds(const sse_reader *r) {
    return r->line.len + r->data.held.len;
}
/* Frees the event that was told last, as the next call of sse_read() would. */
void sse_reader_forget(sse_reader *r);
/* Memory for so many more bytes of the line that is being read, at once. */
void sse_reader_reserve(sse_reader *r, size_t more);
/* Memory that it takes, once so many more have come. */
size_t sse_reader_bytes(const sse_reader *r, size_t more);

/* Takes bytes off the front of *input until an event is complete or the input is used up. Events
 * without data, comments and unknown fields are passed over, and id: and retry: lines unless they
 * are wanted. Where `errors` says so, a field `error:`, which llama.cpp's server wrote until late
 * in 2025 and what is made of it still does, is the data of an event of that name. Line ends may be
 * LF, CRLF or CR, also mixed. Call in a loop until SSE_MORE:
 *
 *   while ((result = sse_read(&r, &input, &event)) == SSE_EVENT) …
 */
sse_result sse_read(sse_reader *r, span *input, sse_event *ret_event);

/* At the end of the stream: an event that lacks only its final blank line counts (providers leave
 * it out); a half line does too, if it began with "data:", or "error:" where that is wanted, and
 * goes on. Returns SSE_EVENT once, then SSE_MORE. */
sse_result sse_read_end(sse_reader *r, sse_event *ret_event);

/* Where an event ends, for whoever gathers a large one before it is read: at a line that has
 * nothing in it. Each byte is looked at once. */
typedef struct sse_end {
    bool in_line; /* which has something in it */
    bool after_cr;
} sse_end;

/* To go on from where the reader stands. */
sse_end sse_end_after(const sse_reader *r);
/* Whether the input has the end; what stands behind it is not looked at. */
MUST_USE bool sse_end_find(sse_end *e, span input);

/* Writes `event: name\n` (if any), one `data: ` line per line of data, and a blank line. CR, LF and
 * CRLF within data end a line, and a name ends at the first of them, so nothing in either can forge
 * a field. */
void sse_write(buf *out, const sse_event *event);
/* An event of one line may go out from where it lies: what stands before its data; "\n\n" follows.
 */
bool sse_is_line(span data);
void sse_write_before(buf *out, const sse_event *event);
/* Writes `: text\n\n`, one `: ` line per line of text. */
void sse_write_comment(buf *out, span text);

#endif
