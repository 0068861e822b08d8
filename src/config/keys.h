/* config/keys.h: secrets by value, by reference, from a file or from a command. */
#ifndef WEIR_CONFIG_KEYS_H
#define WEIR_CONFIG_KEYS_H

#include "config/reader.h"

/* One key, which the caller owns. Its text is wiped from the tree and from every buffer on the way;
 * no message holds any part of it. */
/* From the mapping that was read into from. */
bool keys_from_source(reader *r, span name, const yaml_node *node, const config_key_source *from,
                      secret **ret);
/* From a plain value. */
bool keys_from_text(reader *r, const option *o, span name, const yaml_node *node, secret **ret);

#endif
