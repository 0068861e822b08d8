/* tools/kinds.h: the kinds of tools that a configuration may name. */
#ifndef WEIR_TOOLS_KINDS_H
#define WEIR_TOOLS_KINDS_H

#include "tools/tool.h"

extern const tool_kind_ops tool_builtin; /* kind_builtin.c */
extern const tool_kind_ops tool_http;    /* kind_http.c */
extern const tool_kind_ops tool_command; /* kind_command.c */

#endif
