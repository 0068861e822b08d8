#include "cli/connect.h"

#include "base/mem.h"
#include "cli/simulator.h"
#include "config/config.h"

#include <stdlib.h>
#include <string.h>

/* NULL where it is not set, or empty. */
static const char *variable(const char *name) {
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

static void ask_url(const char *url, weir_options *options) {
    const char *key = variable("OPENAI_API_KEY");
    weir_options_set_url(options, url);
    if (key) weir_options_set_key(options, key);
}

/* What the environment and the folder say. *who is for people; false: nothing is said. */
static bool ask_default(weir_options *options, char **who) {
    buf found = BUF_EMPTY;
    const char *url = variable("OPENAI_BASE_URL");
    if (url) {
        ask_url(url, options);
    } else if (config_find(&found)) {
        url = buf_cstr(&found);
        weir_options_set_file(options, url);
    } else if (variable("OPENAI_API_KEY")) {
        url = "https://api.openai.com/v1";
        ask_url(url, options);
    }
    if (url) *who = mem_strndup(url, strlen(url));
    buf_done(&found);
    return url;
}

static bool ask_simulator(const connect_wish *wish, weir_options *options, connection *c) {
    static const char who[] = "the simulator";
    simulator *s = simulator_start();
    if (!s) return false;
    if (!wish->quiet)
        cli_complain("the built-in simulator answers: there is no configuration file, and neither "
                     "OPENAI_API_KEY nor OPENAI_BASE_URL is set");
    weir_options_set_url(options, s->url);
    c->simulator = s;
    c->who = mem_strndup(who, sizeof who - 1);
    return true;
}

static bool ask_whom(const connect_wish *wish, weir_options *options, connection *c) {
    if (!wish->url && !wish->config)
        return ask_default(options, &c->who) || ask_simulator(wish, options, c);
    const char *who = wish->url ? wish->url : wish->config;
    if (wish->url)
        ask_url(who, options);
    else
        weir_options_set_file(options, who);
    c->who = mem_strndup(who, strlen(who));
    return true;
}

static bool make_client(const connect_wish *wish, weir_options *options, connection *c) {
    char *why = NULL;
    if (!ask_whom(wish, options, c)) return false;
    if (wish->model) weir_options_set_model(options, wish->model);
    c->client = weir_client_new(options, &why);
    if (!c->client) cli_complain("%s", why);
    weir_string_free(why);
    return c->client;
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

void connect_close(connection *c) {
    weir_client_free(c->client);
    simulator_stop(c->simulator);
    free(c->who);
    *c = (connection){0};
}
