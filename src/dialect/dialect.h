/* dialect/dialect.h: the wire forms of model APIs that weir knows. */
#ifndef WEIR_DIALECT_DIALECT_H
#define WEIR_DIALECT_DIALECT_H

typedef enum dialect {
    DIALECT_OPENAI_CHAT,
    DIALECT_OPENAI_COMPLETIONS,
    DIALECT_OPENAI_EMBEDDINGS,
    DIALECT_OPENAI_RESPONSES,
    DIALECT_OPENAI_MODERATIONS,
    DIALECT_WEIR_CHAT, /* POST /chat: {"message": …} */
    DIALECT_RAW,       /* nothing is known of it: it is handed on as it came */
    DIALECT_COUNT
} dialect;

#endif
