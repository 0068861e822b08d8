#include "dialect/dialect_ops.h"

#include "dialect/openai.h"

#include <assert.h>

/* Look-alikes of /v1/responses send the marker too. */
#define DONE       SPAN("[DONE]")
#define NO_CHOICES "The provider's answer has no choices."

static const dialect_ops rows[DIALECT_COUNT] = {
    [DIALECT_OPENAI_CHAT] = {.name = "openai_chat",
                             .is_json = true,
                             .end = ENDS_WITH_CHOICES,
                             .end_marker = DONE,
                             .writes_marker = true,
                             .usage_chunk = true,
                             .answer_member = SPAN("choices"),
                             .no_answer = NO_CHOICES,
                             .turn = &openai_turn_chat,
                             .read = openai_read_completion,
                             .refuse = openai_refuse},
    [DIALECT_OPENAI_COMPLETIONS] = {.name = "openai_completions",
                                    .is_json = true,
                                    .end = ENDS_WITH_CHOICES,
                                    .end_marker = DONE,
                                    .writes_marker = true,
                                    .usage_chunk = true,
                                    .answer_member = SPAN("choices"),
                                    .no_answer = NO_CHOICES,
                                    .turn = &openai_turn_text,
                                    .read = openai_read_completion,
                                    .refuse = openai_refuse},
    [DIALECT_OPENAI_RESPONSES] = {.name = "openai_responses",
                                  .is_json = true,
                                  .one_answer = true,
                                  .end = ENDS_WITH_EVENT,
                                  .end_marker = DONE,
                                  .turn = &openai_turn_response,
                                  .read = openai_read_response,
                                  .refuse = openai_refuse},
    [DIALECT_OPENAI_EMBEDDINGS] = {.name = "openai_embeddings",
                                   .is_json = true,
                                   .end = ENDS_WITH_CHOICES,
                                   .end_marker = DONE,
                                   .answer_member = SPAN("data"),
                                   .no_answer = "The provider's answer has no embeddings.",
                                   .read = openai_read_completion,
                                   .refuse = openai_refuse},
    [DIALECT_OPENAI_MODERATIONS] = {.name = "openai_moderations",
                                    .is_json = true,
                                    .end = ENDS_WITH_CHOICES,
                                    .end_marker = DONE,
                                    .answer_member = SPAN("results"),
                                    .no_answer = "The provider's answer has no results.",
                                    .read = openai_read_completion,
                                    .refuse = openai_refuse},
    [DIALECT_RAW] = {.name = "raw",
                     .is_json = false,
                     .end = ENDS_WITH_BODY,
                     .read = openai_read_other,
                     .refuse = openai_refuse},
};

const dialect_ops *dialect_get(dialect d) {
    assert(d < DIALECT_COUNT && rows[d].read);
    return &rows[d];
}
