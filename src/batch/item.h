/* batch/item.h: from a line of the input to what is to be asked, or to what is wrong with it. Pure.
 *
 * Any thread. An item borrows from its line and from the arena.
 * Source   OpenAI's batch format (platform.openai.com/docs/guides/batch).
 */
#ifndef WEIR_BATCH_ITEM_H
#define WEIR_BATCH_ITEM_H

#include "base/arena.h"
#include "batch/lines.h"
#include "batch/table.h"

typedef enum batch_format {
    FORMAT_AUTO,     /* by the first line that is not blank */
    FORMAT_JSON,     /* what auto comes to: either of the next two, line by line */
    FORMAT_OPENAI,   /* {"custom_id", "method", "url", "body"} */
    FORMAT_MESSAGES, /* the line is the body of a chat completion */
    FORMAT_PROMPTS,  /* the line is what the user says */
    FORMAT_CSV,      /* what the user says: a table, whatever the input is called … */
    FORMAT_TSV,      /* … with tabs */
    FORMAT_TABLE,    /* what these come to: a column of the record is */
} batch_format;

/* "auto", "json", "openai", "messages", "prompts", "csv", "tsv"; NULL after the last. */
extern const char *const batch_format_names[];
/* false: no such format. */
MUST_USE bool batch_format_of(span name, batch_format *ret);

typedef enum item_problem {
    ITEM_GOOD,
#define X(name, code) ITEM_##name,
#include "batch/problems.def"
#undef X
} item_problem;

/* "invalid_json_line". problem is not ITEM_GOOD. */
const char *item_problem_code(item_problem problem);

enum { ITEM_ID_MAX = 512 }; /* characters of a custom_id */

/* A member that bodies get which have none of its names. */
typedef struct item_member {
    span name, other; /* other: the name that it had before, or empty */
    span json;
} item_member;

enum { ITEM_MEMBERS_MAX = 4 };

typedef struct item_rules {
    batch_format format; /* not FORMAT_AUTO, FORMAT_CSV or FORMAT_TSV */
    const table *table;  /* of FORMAT_TABLE, with its header */
    table_wish columns;
    item_member members[ITEM_MEMBERS_MAX]; /* of prompts and plain messages */
    size_t member_count;
    span system; /* put before prompts, and before messages that begin with no system or
                    developer message; empty: nothing is */
} item_rules;

typedef struct item {
    item_problem problem;
    span message;     /* of a problem: "line 12: …" */
    span custom_id;   /* as JSON, quotes included; empty where the line has none that is one */
    span id_text;     /* the same, read */
    bool id_made;     /* by weir, from the line's number */
    const char *path; /* "/chat/completions" */
    span body;
    span model; /* that the body names; empty: none */
} item;

/* Whether a file of that name is JSON: "….jsonl", "….ndjson", "….json". */
bool batch_names_json(span path);
/* The format that FORMAT_AUTO comes to, from the first line that is not blank and the file's name:
 * "….jsonl" holds no prompts, even if its first line is broken. */
batch_format item_detect(const line *l, span path);
/* l is not blank. */
void item_read(const line *l, const item_rules *rules, arena *a, item *ret);
/* Says of an item that an earlier line has its custom_id. */
void item_set_duplicate(item *it, const line *l, uint64_t earlier, arena *a);

#endif
