/* tools/kinds.h: the kinds of tools that a configuration may name. */
#ifndef WEIR_TOOLS_KINDS_H
#define WEIR_TOOLS_KINDS_H

#include "tools/tool.h"

extern const tool_kind_ops tool_builtin; /* kind_builtin.c */
extern const tool_kind_ops tool_http;    /* kind_http.c */
extern const tool_kind_ops tool_command; /* kind_command.c */
extern const tool_kind_ops tool_mcp;     /* kind_mcp.c */

/* kind_command.c: the environment of a command, NULL at its end. */
char **tool_command_env(const config_tool *t, arena *a);

/* kind_command.c: whether its folder and its program are there, as far as weir may see. false:
 * *ret_why says what is not. */
MUST_USE bool tool_command_is_there(const config_tool *t, buf *ret_why);

#endif
