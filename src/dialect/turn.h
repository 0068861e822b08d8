/* dialect/turn.h: an answer of a dialect in the other form than it came in: the events of a stream
 * put together to one document, a document taken apart to the events of a stream.
 *
 * Rows are constant and every slot is filled. Belongs to its reader (dialect/reader.h).
 * Source   OpenAI's API reference (chat completions, completions, responses: the objects and their
 *          streaming events); what the accumulators of its SDKs put together.
 */
#ifndef WEIR_DIALECT_TURN_H
#define WEIR_DIALECT_TURN_H

#include "dialect/answer.h"

/* What the events have told so far. */
typedef struct assembly assembly;

typedef struct turn_ops {
    /* most: bytes of what is kept. The caller ends it with end(). */
    assembly *(*begin)(size_t most);
    void (*end)(assembly *a);
    /* What is kept. */
    size_t (*bytes)(const assembly *a);
    /* An event that was read, and says of no failure. false: it is more than is kept. */
    bool (*take)(assembly *a, const answer_event *e);
    /* The document. false: the events have told none. */
    bool (*write)(assembly *a, buf *out);
    /* The events of a document, which is a JSON object, as they stand in a stream; without the end
     * marker. They repeat what the document says once. false: they are more than `most` bytes, and
     * not all are there. */
    MUST_USE bool (*unfold)(span document, size_t most, buf *out);
} turn_ops;

extern const turn_ops openai_turn_chat;
extern const turn_ops openai_turn_text; /* completions */
extern const turn_ops openai_turn_response;

#endif
