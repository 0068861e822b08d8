#include "dialect/dialect_writer.h"

#include "dialect/openai.h"

#include <assert.h>

/* What has no events of its own ends without a word. */
static const dialect_writer nothing = {openai_write_no_finish, openai_write_no_usage,
                                       openai_write_error};
static const dialect_writer chat = {openai_write_chat_finish, openai_write_chat_usage,
                                    openai_write_error};
static const dialect_writer text = {openai_write_text_finish, openai_write_text_usage,
                                    openai_write_error};
static const dialect_writer response = {openai_write_response_finish, openai_write_no_usage,
                                        openai_write_response_error};

static const dialect_writer *const rows[DIALECT_COUNT] = {
    [DIALECT_OPENAI_CHAT] = &chat,           [DIALECT_OPENAI_COMPLETIONS] = &text,
    [DIALECT_OPENAI_RESPONSES] = &response,  [DIALECT_OPENAI_EMBEDDINGS] = &nothing,
    [DIALECT_OPENAI_MODERATIONS] = &nothing, [DIALECT_RAW] = &nothing,
};

const dialect_writer *dialect_writer_get(dialect d) {
    assert(d < DIALECT_COUNT && rows[d]);
    return rows[d];
}
