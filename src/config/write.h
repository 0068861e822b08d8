/* config/write.h: YAML as weir writes it. */
#ifndef WEIR_CONFIG_WRITE_H
#define WEIR_CONFIG_WRITE_H

#include "config/yaml.h"

/* A text as a YAML value: plain where that reads back as the same text, else in double quotes. A $
 * is doubled, as the configuration reads it. */
void write_string(span text, buf *out);
/* What a node holds, in flow style, as it was written: each $ as it stands, none is doubled. */
void write_written(const yaml_node *node, buf *out);

#endif
