/* cli/connect.h: from the options of a command to a client of libweir: who is asked?
 *
 * The first that applies: --url or --config; $OPENAI_BASE_URL; a configuration file that is found
 * (./weir.yaml …); $OPENAI_API_KEY, which means OpenAI; else the built-in simulator, which is said
 * on stderr. The key always comes from the environment ($OPENAI_API_KEY, for --url too) or the
 * configuration, never from a flag.
 */
#ifndef WEIR_CLI_CONNECT_H
#define WEIR_CLI_CONNECT_H

#include "cli/cli.h"

#include <weir.h>

typedef struct connect_wish {
    const char *config;    /* --config; NULL: not given */
    const char *url;       /* --url; not both */
    const char *model;     /* --model */
    const char *quiet;     /* not NULL: does not say that the simulator answers */
    weir_options *options; /* what the command itself wants (concurrency, retry …), foreign loop
                              included; borrowed, and who is asked is added to them; may be NULL */
    const char *records;   /* not NULL: the calls leave records (cli/bookkeeper.h); with options */
} connect_wish;

typedef struct connection {
    weir_client *client;
    char *who;        /* for people: "https://api.openai.com/v1", "weir.yaml", "the simulator" */
    bool by_variable; /* the key that is sent is that of OPENAI_API_KEY, or none is where that is
                         not set; else the configuration has it */
    /* Private. */
    void *simulator;
    struct bookkeeper *bookkeeper;
} connection;

/* false after saying on stderr what is wrong. Starts threads: a waiter comes before it. */
MUST_USE bool connect_open(const connect_wish *wish, connection *ret);
/* Whether a configuration that was found, and not named, may be read: not one in this folder of
 * another user. false after saying so on stderr. */
MUST_USE bool connect_may_read(const char *path);
/* Which key is sent: "with the key of OPENAI_API_KEY"; NULL: the configuration says. */
const char *connect_key(const connection *c);
/* Cancels what runs, and calls back; see weir_client_free(). */
void connect_close(connection *c);

#endif
