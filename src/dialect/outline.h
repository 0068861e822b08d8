/* dialect/outline.h: what a request asks, whatever its dialect: parameters, turns, parts, tools.
 *
 * An outline copies no text: every value in it points into the request's own bytes, so whoever
 * finds something in a text can splice it in place (json_splice_value), and json_string() says what
 * it reads. It is made from any JSON that json_scan() accepts: what has an unexpected type or is
 * not known stands in it as OPAQUE, with its bytes. Nothing is dropped but members that are null,
 * and nothing is an error: what is wrong with a request is for the parse stage and for the provider
 * to say.
 *
 * Any thread. Everything is in the arena; the body must outlive it and not move.
 * Source   OpenAI's API reference: chat completions, completions, embeddings, responses,
 *          moderations; `reasoning_content` and `reasoning` as DeepSeek, vLLM and OpenRouter have
 *          them.
 */
#ifndef WEIR_DIALECT_OUTLINE_H
#define WEIR_DIALECT_OUTLINE_H

#include "dialect/dialect.h"
#include "dialect/field.h"

/* A member of the request itself, but for those that became turns. */
typedef struct outline_param {
    param_id id;
    json_value key; /* its name */
    json_value value;
} outline_param;

typedef enum outline_kind {
    OUTLINE_TEXT,
    OUTLINE_IMAGE,       /* value: its address, data or file's id */
    OUTLINE_FILE,        /* the same; name: the file's */
    OUTLINE_AUDIO,       /* value: its data, or the id of an earlier answer's */
    OUTLINE_TOOL_CALL,   /* that the model made; name: the tool's; value: the arguments, or a custom
                            tool's input, as text */
    OUTLINE_TOOL_RESULT, /* id: the call's; value: text. One that has several pieces is several
                            parts, of which images and files have their own kinds, and the id */
    OUTLINE_REASONING,
    OUTLINE_REFUSAL,
    OUTLINE_OPAQUE, /* anything else: source alone says what. name: the member's, where it is one */
} outline_kind;

/* Values are JSON_NONE where there is none. */
typedef struct outline_part {
    outline_kind kind;
    json_value value;  /* a string. NONE for OPAQUE and for what says nothing (an empty result) */
    json_value source; /* the whole that says this part: an object, or the string by itself */
    json_value id;     /* a string */
    json_value name;   /* a string */
    json_value signature; /* a string that only its maker reads: encrypted reasoning */
} outline_part;

typedef enum outline_role {
    ROLE_SYSTEM, /* also the instructions of a response */
    ROLE_DEVELOPER,
    ROLE_USER, /* also each input of an endpoint without turns */
    ROLE_ASSISTANT,
    ROLE_TOOL,  /* also `function` */
    ROLE_OTHER, /* none, or another word: source has it */
} outline_role;

/* A message, an item, or one of several inputs. */
typedef struct outline_turn {
    outline_role role;
    json_value source; /* the whole: an object, or the text by itself */
    json_value name;   /* of who speaks: a string, or NONE */
    size_t from;       /* its parts are [from, to), in the order of their places */
    size_t to;
} outline_turn;

typedef enum outline_tool_kind {
    TOOL_IS_FUNCTION,
    TOOL_IS_CUSTOM, /* parameters: the format of its input */
    TOOL_IS_OPAQUE, /* the provider's own tools, and what is no tool: source alone says what */
} outline_tool_kind;

typedef struct outline_tool {
    outline_tool_kind kind;
    json_value name;        /* a string; NONE for OPAQUE */
    json_value description; /* a string, or NONE */
    json_value parameters;
    json_value strict;
    json_value source; /* the element of `tools` or `functions` */
} outline_tool;

typedef struct request_outline {
    const outline_param *params; /* in the request's order */
    size_t param_count;
    const outline_turn *turns; /* in the order in which a model reads them: instructions first */
    size_t turn_count;
    const outline_part *parts; /* of all turns, in their order */
    size_t part_count;
    const outline_tool *tools;
    size_t tool_count;
} request_outline;

/* ---- making ---- */

/* The most that an outline may have of each. */
typedef struct outline_limits {
    size_t params, turns, parts, tools;
} outline_limits;

/* What a whole request may have: some 12 MB of outline at worst. */
extern const outline_limits outline_limits_usual;

typedef struct outline_fault {
    const char *what; /* "turns", constant; NULL: no fault */
    size_t most;
} outline_fault;

/* Reads the outline of a request whose body is root (JSON_NONE: empty). false: it has more of
 * something than limits allow, *ret_fault says of what, and there is no outline: a part of one
 * would hide the rest from whoever looks for something in it. */
MUST_USE bool outline_read(dialect d, json_value root, const outline_limits *limits, arena *a,
                           request_outline *ret, outline_fault *ret_fault);

/* An outline that is made at the first ask. Zeroed: nobody has asked. */
typedef struct outline_slot {
    const request_outline *made;
    outline_fault fault; /* asked, and there is none */
} outline_slot;

/* What is in the slot, or is put there now; NULL: slot->fault says why. */
const request_outline *outline_ask(outline_slot *slot, dialect d, json_value root, arena *a);

/* ---- walking ---- */

typedef enum outline_place {
    TEXT_IN_PART,        /* value of a part: TEXT, TOOL_CALL, TOOL_RESULT, REASONING, REFUSAL */
    TEXT_IN_OPAQUE,      /* any string within an OPAQUE part */
    TEXT_IN_DESCRIPTION, /* of a tool */
    TEXT_IN_SCHEMA,      /* any other string of a tool; of a TOOL_IS_OPAQUE any at all */
    TEXT_IN_PARAM,       /* any string within a parameter that a model may read; also within UNKNOWN
                            ones, which a server may show to its model (documents, templates) */
} outline_place;

typedef struct outline_text {
    outline_place place;
    json_value value;           /* a string */
    const outline_turn *turn;   /* PART, OPAQUE */
    const outline_part *part;   /* PART, OPAQUE */
    const outline_tool *tool;   /* DESCRIPTION, SCHEMA */
    const outline_param *param; /* PARAM */
} outline_text;

/* Every text that a model would read, as far as weir can tell, and rather one too many: no two
 * overlap, so all may be spliced. In the order: turns, tools, parameters. Left out are
 * - names: of members (a schema's properties), tools, participants, files. They are identifiers,
 *   and another text in their place breaks what refers to them;
 * - images, files and audio, which are bytes or an address;
 * - members beside the text of a known piece, call or item (its source has them);
 * - parameters that no model reads (`user`, `metadata`, `stop` …).
 * each() returns false to end the walk; then outline_each_text() does, too. */
bool outline_each_text(const request_outline *o, bool (*each)(void *user, const outline_text *text),
                       void *user);

/* Every value of a request in which such a text may stand, whole, without an outline: a string, or
 * what has strings in it. each() returns false to end it, as above. */
bool outline_each_value(dialect d, json_value root, bool (*each)(void *user, json_value value),
                        void *user);

/* How many parts are of that kind. */
size_t outline_count(const request_outline *o, outline_kind kind);

#endif
