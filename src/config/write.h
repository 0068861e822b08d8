/* config/write.h: YAML as weir writes it. */
#ifndef WEIR_CONFIG_WRITE_H
#define WEIR_CONFIG_WRITE_H

#include "base/buf.h"

/* A text as a YAML value: plain where that reads back as the same text, else in double quotes. A $
 * is doubled, as the configuration reads it. */
void write_string(span text, buf *out);

#endif
