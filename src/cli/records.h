/* cli/records.h: whom `weir usage`, `weir calls` and `weir prices` ask: the store beside a weir,
 * whether it runs or not, or a running weir by its address. Either tells the API's objects.
 *
 * Blocks. Main thread. Messages go to stderr.
 */
#ifndef WEIR_CLI_RECORDS_H
#define WEIR_CLI_RECORDS_H

#include "cli/cli.h"
#include "json/json.h"
#include "ledger/pages.h"

/* Each such command's options begin with these, its own follow, and those of ledger/parameters.def
 * are the last. */
enum { RECORDS_CONFIG, RECORDS_URL, RECORDS_CA, RECORDS_JSON, RECORDS_CSV, RECORDS_OPTIONS };
#define RECORDS_OPTION_ROWS                                                                        \
    {'c', "config", "FILE", "Read the store of this configuration", .kind = CLI_FILE},             \
        {0,                                                                                        \
         "url",                                                                                    \
         "URL",                                                                                    \
         "Ask the weir at this address (key: $OPENAI_API_KEY)",                                    \
         .excludes = "config",                                                                     \
         .kind = CLI_URL},                                                                         \
        {0,                                                                                        \
         "ca",                                                                                     \
         "FILE",                                                                                   \
         "Trust the authorities of this file, for an https address",                               \
         .https_of = "url",                                                                        \
         .kind = CLI_FILE,                                                                         \
         .rare = true},                                                                            \
        {'j', "json", NULL, "Print the API's object, as one line of JSON"}, {                      \
        0, "csv", NULL, "Print a table with commas", .excludes = "json"                            \
    }
#define RECORDS_PARAMETER_ROW(kind, name, option, takes, about, rarely)                            \
    {0, option, takes, about, .rare = rarely, .once = true},

enum { RECORDS_PARAMETERS_MAX = 16 };

typedef struct records {
    query_kind kind;
    const char *values[RECORDS_PARAMETERS_MAX]; /* of query_parameter_at(); NULL: not given */
    arena arena;
    /* private */
    store *store; /* NULL: url is asked */
    config_url url;
    span ca_file, key;
} records;

/* first: the command's first option of parameters.def. An exit code; CLI_OK: it is open.
 * records_close() always follows. */
MUST_USE int records_open(records *r, query_kind kind, const cli_args *args, size_t first);
/* The same of a running weir alone, with no parameter set. */
MUST_USE int records_open_url(records *r, query_kind kind, const char *url, const char *ca_file);
void records_close(records *r);

/* Sets a parameter by its name; the text must live on. */
void records_set(records *r, const char *name, const char *value);

/* What the API says, behind what out holds; id: one call's, of QUERY_CALLS; NULL: none. false after
 * saying why there is nothing. */
MUST_USE bool records_ask(records *r, const char *id, buf *out);
/* What was said, an object: whoever answers with another one, which any server may, is no weir.
 * false after saying that it is no `what`, as it lacks a member of that type. */
MUST_USE bool records_read(const buf *text, const char *member, json_type type, const char *what,
                           json_value *ret);

#endif
