/* dialect/dialect_writer.h: events that weir makes in a dialect's form. Apart from what reads
 * (dialect/dialect_ops.h), so that who only reads is not linked with it.
 *
 * Rows are constant and every slot is filled. Pure: any thread.
 */
#ifndef WEIR_DIALECT_DIALECT_WRITER_H
#define WEIR_DIALECT_DIALECT_WRITER_H

#include "dialect/answer.h"
#include "dialect/dialect.h"

typedef struct dialect_writer {
    /* Each writes the JSON of one more event of a stream, as the dialect has it, and returns the
     * event's name (constant; empty: none). `like` is an event of the same stream, for its envelope
     * (WANT_ENVELOPE); for a response it should be one that has an envelope, and its usage is told
     * with its end. */
    /* A choice ends. reason is a chat completion's: "stop", "length", "content_filter". */
    span (*write_finish)(const answer_event *like, unsigned choice, span reason, buf *out);
    /* What it used; writes nothing where the dialect has no such event. */
    span (*write_usage)(const answer_event *like, const token_usage *usage, buf *out);
    /* Where a stream breaks off: body is an error in OpenAI's shape. */
    span (*write_error)(span body, buf *out);
} dialect_writer;

/* d is one that providers answer in: any but DIALECT_WEIR_CHAT. */
const dialect_writer *dialect_writer_get(dialect d);

#endif
