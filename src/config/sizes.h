/* config/sizes.h: how large and how complex a request may be, as it is configured. */
#ifndef WEIR_CONFIG_SIZES_H
#define WEIR_CONFIG_SIZES_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

/* What is counted: sizes.def. */
typedef enum config_size {
#define X(id, name, most, sentence) SIZE_OF_##id,
#include "config/sizes.def"
#undef X
    CONFIG_SIZES
} config_size;
extern const span config_size_names[CONFIG_SIZES];

/* What becomes of a request whose answer may be longer than that. */
typedef enum config_over { OVER_REFUSE, OVER_CAP } config_over;

/* Of the file, a model or a client; 0: no bound of its own. All that fit a request hold. */
typedef struct config_sizes {
    int64_t most[CONFIG_SIZES];
    size_t body_bytes;
    int64_t max_tokens; /* of each answer */
    config_over over;   /* of max_tokens */
} config_sizes;

bool config_sizes_anything(const config_sizes *s);
/* As it would stand in the file: {messages: 10, max_tokens: {at_most: 1000, over: cap}}. */
void config_sizes_write(const config_sizes *s, buf *out);

#endif
