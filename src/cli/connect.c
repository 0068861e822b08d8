#include "cli/connect.h"

#include "base/mem.h"
#include "cli/bookkeeper.h"
#include "cli/command_plan.h"
#include "cli/simulator.h"
#include "config/config.h"
#include "lib/program.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* NULL where it is not set, or empty. */
static const char *variable(const char *name) {
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

static void ask_url(const char *url, weir_options *options) {
    weir_options_set_url(options, url);
    program_use_key_of_environment(options);
}

static bool ask_simulator(const connect_wish *wish, weir_options *options, connection *c) {
    simulator *s = simulator_start();
    if (!s) return false;
    if (!wish->quiet)
        cli_complain("the built-in simulator answers: there is no configuration file, and neither "
                     "OPENAI_API_KEY nor OPENAI_BASE_URL is set");
    weir_options_set_url(options, s->url);
    c->simulator = s;
    return true;
}

/* A configuration runs commands and says who gets the keys. These programs are called in whatever
 * folder there is, and into some (/tmp) anyone can put a weir.yaml. */
static bool is_strangers(const char *path) {
    struct stat st;
    bool here = !strchr(path, '/');
    return here && stat(path, &st) == 0 && st.st_uid != geteuid() && st.st_uid != 0;
}

bool connect_may_read(const char *path) {
    if (!is_strangers(path)) return true;
    cli_complain("%s in this folder belongs to another user, so it is not read unasked; "
                 "--config %s reads it",
                 path, path);
    return false;
}

static bool ask_file(const char *path, weir_options *options) {
    if (!connect_may_read(path)) return false;
    weir_options_set_file(options, path);
    return true;
}

/* What the environment and the folder say, or who answers where they say nothing. c->who is for
 * people. */
static bool ask_default(const connect_wish *wish, weir_options *options, connection *c) {
    buf found = BUF_EMPTY;
    const char *who = variable("OPENAI_BASE_URL");
    bool ok = true;
    if (who) {
        /* As the library does by itself, which knows then whose word was wrong. */
        c->by_variable = true;
    } else if (config_find(&found)) {
        who = buf_cstr(&found);
        ok = ask_file(who, options);
    } else if (variable("OPENAI_API_KEY")) {
        who = "https://api.openai.com/v1"; /* the same */
        c->by_variable = true;
    } else {
        who = "the simulator";
        ok = ask_simulator(wish, options, c);
    }
    c->who = mem_strndup(who, strlen(who));
    buf_done(&found);
    return ok;
}

static bool ask_whom(const connect_wish *wish, weir_options *options, connection *c) {
    if (!wish->url && !wish->config) return ask_default(wish, options, c);
    const char *who = wish->url ? wish->url : wish->config;
    c->by_variable = wish->url != NULL;
    if (wish->url)
        ask_url(who, options);
    else
        weir_options_set_file(options, who);
    c->who = mem_strndup(who, strlen(who));
    return true;
}

/* What its operator lets through only when somebody outside has seen it does not go out unseen. */
static bool may_ask(const connection *c) {
    if (!command_plan_shuts(program_config(c->client))) return true;
    cli_complain("%s has a guard outside (guard.external), which weir serve alone asks, and lets "
                 "nothing through that it has not seen; --url asks through a weir that serves",
                 c->who);
    return false;
}

static bool make_client(const connect_wish *wish, weir_options *options, connection *c) {
    char *why = NULL;
    if (!ask_whom(wish, options, c)) return false;
    if (wish->model) weir_options_set_model(options, wish->model);
    command_plan_set(options, wish->records != NULL);
    c->client = weir_client_new(options, &why);
    if (!c->client) cli_complain("%s", why);
    weir_string_free(why);
    if (!c->client || !may_ask(c)) return false;
    if (wish->records) c->bookkeeper = bookkeeper_start(c->client);
    return c->bookkeeper || !wish->records;
}

bool connect_open(const connect_wish *wish, connection *ret) {
    connection c = {0};
    weir_options *own = wish->options ? NULL : weir_options_new();
    bool ok = make_client(wish, wish->options ? wish->options : own, &c);
    weir_options_free(own);
    if (ok)
        *ret = c;
    else
        connect_close(&c);
    return ok;
}

const char *connect_key(const connection *c) {
    if (!c->by_variable) return NULL;
    return variable("OPENAI_API_KEY") ? "with the key of OPENAI_API_KEY"
                                      : "without a key, as OPENAI_API_KEY is not set";
}

void connect_close(connection *c) {
    weir_client_free(c->client);
    bookkeeper_end(c->bookkeeper);
    simulator_stop(c->simulator);
    free(c->who);
    *c = (connection){0};
}
