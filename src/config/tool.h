/* config/tool.h: what a model may call (tools:), as it is configured. */
#ifndef WEIR_CONFIG_TOOL_H
#define WEIR_CONFIG_TOOL_H

#include "base/span.h"

typedef enum config_tool_kind {
    CONFIG_TOOL_BUILTIN,
    CONFIG_TOOL_HTTP,
    CONFIG_TOOL_COMMAND,
    CONFIG_TOOL_MCP, /* a server that brings tools of its own: a command, or a url */
    CONFIG_TOOL_KINDS
} config_tool_kind;

/* What is sent to a tool of kind http: its arguments in the query, or as JSON in the body. */
typedef enum config_tool_method {
    CONFIG_TOOL_GET,
    CONFIG_TOOL_POST,
    CONFIG_TOOL_PUT,
    CONFIG_TOOL_PATCH,
    CONFIG_TOOL_DELETE,
} config_tool_method;

/* Who is asked before it runs. */
typedef enum config_tool_approve {
    CONFIG_APPROVE_OFF,
    CONFIG_APPROVE_ASK,     /* whoever asks the run */
    CONFIG_APPROVE_WEBHOOK, /* functions.approval */
} config_tool_approve;

/* A header field, or a variable of a command's environment. Values may be secret. */
typedef struct config_tool_pair {
    span name;
    span value; /* NUL-terminated */
} config_tool_pair;

typedef struct config_tool_pairs {
    config_tool_pair *items;
    size_t count;
} config_tool_pairs;

/* Where a tool of kind http is, or a server of kind mcp. */
typedef struct config_tool_url {
    span text; /* empty: none */
    bool tls;
    span host; /* without brackets */
    uint16_t port;
    span authority;
    span path;      /* of the request line, with a query where the URL has one; never empty */
    bool query;     /* the path has one */
    span unix_path; /* plain HTTP over that socket; else empty */
} config_tool_url;

typedef struct config_tool_sandbox {
    bool no_network, read_only;
} config_tool_sandbox;

typedef struct config_tool {
    span name;
    config_tool_kind kind;
    span description;
    span parameters; /* JSON text of an object; empty: not written */
    int64_t timeout_ms;
    size_t max_result; /* bytes */
    bool parallel;
    bool repeatable;
    config_tool_approve approve;
    bool strict;         /* its schema is to bind the model, as far as that can be */
    span *clients;       /* names of entries of clients */
    size_t client_count; /* 0: everybody */
    /* http, and mcp but for method */
    config_tool_url url;
    config_tool_method method;
    config_tool_pairs headers;
    span ca_file; /* empty: the system's authorities */
    bool allow_private;
    /* command, mcp */
    char **argv;                 /* NULL at its end; NULL: none */
    config_tool_pairs variables; /* what the file has for parts of it by ${NAME}, in any order */
    config_tool_pairs env;
    span folder;   /* it begins in; empty: / */
    size_t memory; /* bytes, of all its processes; 0: any */
    config_tool_sandbox sandbox;
} config_tool;

#endif
