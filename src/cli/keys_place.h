/* cli/keys_place.h: what the parts of `weir keys` share: the store that they work on, beside a weir
 * that runs or not, and what they say. Blocks. Messages go to stderr.
 */
#ifndef WEIR_CLI_KEYS_PLACE_H
#define WEIR_CLI_KEYS_PLACE_H

#include "access/key_store.h"
#include "cli/cli.h"

#define KEYS_CONFIG_ROW                                                                            \
    { 'c', "config", "FILE", "Work on the store of this configuration", .kind = CLI_FILE }
#define KEYS_JSON_ROW                                                                              \
    { 'j', "json", NULL, "Print the API's object, as one line of JSON" }

typedef struct keys_place {
    config *config;
    key_store *store;
    arena arena; /* of what is read; wiped at the end */
} keys_place;

/* path: of a configuration, or NULL: the one that is found. An exit code; keys_close() always
 * follows. */
MUST_USE int keys_open(keys_place *p, const char *path);
void keys_close(keys_place *p);

/* CLI_OK after KEYS_DONE; else says what is wrong with the key of that name or id. */
MUST_USE int keys_outcome(const keys_place *p, key_outcome o, const char *who);

/* A key that has just got a text, which is wiped: the text on stdout, the rest on stderr; json: all
 * of it on stdout. */
MUST_USE int keys_tell_new(const store_key *row, char text[KEY_TEXT_LEN + 1], bool json);

#endif
