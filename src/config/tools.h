/* config/tools.h: what the rest of the room knows of tools. */
#ifndef WEIR_CONFIG_TOOLS_H
#define WEIR_CONFIG_TOOLS_H

#include "config/reader.h"

/* Whether a tool of that kind has the option. */
bool tool_option_is_for(const option *o, config_tool_kind kind);

/* Names that tools give of clients are those of clients. */
void tools_check(reader *r, const yaml_node *root);

#endif
