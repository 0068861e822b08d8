/* dialect/openai_turn.h: the slots of OpenAI's dialects' turn_ops (dialect/turn.h), whose words
 * hold for them. Inside dialect/. */
#ifndef WEIR_DIALECT_OPENAI_TURN_H
#define WEIR_DIALECT_OPENAI_TURN_H

#include "dialect/openai.h"
#include "dialect/turn.h"

/* Chunks (openai_assemble.c). */
assembly *openai_begin_completion(size_t most);
void openai_end_completion(assembly *a);
size_t openai_completion_bytes(const assembly *a);
bool openai_take_chunk(assembly *a, const answer_event *e);
bool openai_write_completion(assembly *a, buf *out);
bool openai_write_text_completion(assembly *a, buf *out);

/* Documents (openai_unfold.c, openai_unfold_response.c). */
bool openai_unfold_completion(span document, size_t most, buf *out);
bool openai_unfold_text_completion(span document, size_t most, buf *out);
bool openai_unfold_response(span document, size_t most, buf *out);
/* A member of an object that is being written: its name, without quotes, and its value as they
 * stand in another document. */
void openai_put_member(json_writer *w, span name, span value);

#endif
