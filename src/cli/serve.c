/* weir serve: the gateway. */
#include "cli/banner.h"
#include "cli/cli.h"
#include "cli/simulator.h"
#include "config/units.h"
#include "observe/log.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

enum { OPT_CONFIG, OPT_LISTEN, OPT_TRY };

static const cli_option options[] = {
    {'c', "config", "FILE",
     "The configuration; else ./weir.yaml, or that of the user or the system", .kind = CLI_FILE},
    {'l', "listen", "ADDRESS", "Listen there alone: HOST:PORT (port 0: any free one) or unix:PATH",
     .kind = CLI_ADDRESS},
    {0, "try", "ADDRESS",
     "Where there is no configuration: let anyone try the simulator there, whatever keys are set",
     .kind = CLI_ADDRESS, .excludes = "listen"},
};

/* Where the configuration comes from, at the start and at each reload. */
typedef struct source {
    const char *path;          /* NULL: there is no file */
    const char *listen;        /* NULL: as the configuration says */
    const char *trial;         /* NULL, or where the simulator alone is served, without a file */
    const char *simulator_url; /* NULL: none runs */
    bool loaded;               /* it is a reload */
    bool of_nothing;           /* the file that is in force has no option */
} source;

static config *load_file(source *s, config_problems *ret_problems) {
    config *c = s->loaded ? config_load_again(s->path, s->of_nothing, ret_problems)
                          : config_load(s->path, ret_problems);
    if (!c) return NULL;
    s->loaded = true;
    s->of_nothing = config_says_nothing(c);
    return c;
}

static config *load(void *user, config_problems *ret_problems) {
    source *s = user;
    config *c = s->path ? load_file(s, ret_problems)
                : s->trial
                    ? config_trial(s->simulator_url, span_cstr(s->trial), "--try", ret_problems)
                    : config_default(s->simulator_url, ret_problems);
    if (c && s->listen && !config_set_listen(c, span_cstr(s->listen), "--listen", ret_problems)) {
        config_unref(c);
        return NULL;
    }
    if (c) cli_fit_descriptors(c);
    return c;
}

static bool in_json(const config *c) {
    return c->logs.format == LOG_JSON;
}

static int complain(const config *c, buf *why) {
    buf line = BUF_EMPTY;
    if (in_json(c)) {
        log_write_json(LEVEL_ERROR, "start_failed", buf_span(why), NULL, 0, &line);
        cli_tell(&line);
    } else {
        cli_complain("%.*s", SPAN_ARG(buf_span(why)));
    }
    buf_done(why);
    return CLI_FAILED;
}

static void say_problems(const config_problems *p) {
    buf text = BUF_EMPTY;
    config_problems_print(p, &text);
    cli_tell(&text);
}

static const char *note(const source *s) {
    if (s->path) return NULL;
    if (s->trial)
        return "there is no configuration file: serving the built-in simulator, for a trial";
    if (s->simulator_url)
        return "there is no configuration file and no OPENAI_API_KEY: serving the built-in "
               "simulator";
    /* That may be weir's own address: what its clients are told. */
    const char *base = getenv("OPENAI_BASE_URL");
    if (base && *base)
        return "there is no configuration file, and OPENAI_API_KEY is set: serving OpenAI itself; "
               "OPENAI_BASE_URL is for clients, and only a configuration names another provider";
    return "there is no configuration file, and OPENAI_API_KEY is set: serving OpenAI";
}

/* Of a terminal, a log file or a journal: the first lines, for people where nobody has asked for
 * JSON. */
static void say_hello(const source *s, const config *c, const gateway *g) {
    buf text = BUF_EMPTY;
    if (in_json(c)) {
        banner_write_events(c, note(s), g, &text);
        cli_tell(&text);
        return;
    }
    buf_add_cstr(&text, "weir " WEIR_VERSION "\n");
    for (size_t i = 0; i < c->warning_count; i++)
        config_warning_print(&c->warnings[i], &text);
    for (size_t i = 0; gateway_address(g, i); i++)
        buf_addf(&text, "weir: listening on %s\n", gateway_address(g, i));
    buf_add_cstr(&text, "weir: bodies and answers may take ");
    unit_write_size((int64_t)c->limits.memory_bytes, &text);
    buf_add_cstr(&text, " of memory together (limits.memory)\n");
    banner_write_served(c, note(s), &text);
    buf_add_cstr(&text, "weir: try: ");
    banner_write_curl(c, gateway_address(g, 0), &text);
    buf_add_char(&text, '\n');
    cli_tell(&text);
}

static int serve(source *s, config *c) {
    buf why = BUF_EMPTY;
    int status = CLI_OK;
    gateway *g = gateway_new(c, load, s, &why);
    if (!g) return complain(c, &why);
    say_hello(s, c, g);
    if (!gateway_run(g, &why)) status = complain(c, &why);
    if (gateway_dropped_records(g)) status = CLI_FAILED;
    if (gateway_free(g)) return status;
    (void)fflush(NULL);
    _exit(status);
}

/* libuv's threads read large documents, sync the journal and ask the store, of each of which a
 * worker has one under way at most, and any of them may take long: a disk or a server is slow. Four
 * are left for the rest, which looks up names, runs key commands and reads a new configuration. To
 * be called before the first of them is wanted: then all are made. */
static void leave_threads(unsigned workers) {
    enum { A_WORKERS = 3, REST = 4, MOST = 256 };
    unsigned wanted = A_WORKERS * workers + REST;
    char count[16];
    snprintf(count, sizeof count, "%u", wanted < MOST ? wanted : MOST);
    (void)setenv("UV_THREADPOOL_SIZE", count, 0);
}

static int load_and_serve(source *s) {
    config_problems problems;
    config *c = load(s, &problems);
    int status = CLI_FAILED;
    if (c) {
        leave_threads(c->server.workers);
        if (!c->server.core_dumps) cli_keep_memory_private();
        status = serve(s, c);
    } else {
        say_problems(&problems);
    }
    config_unref(c);
    config_problems_done(&problems);
    return status;
}

/* With nothing to serve: the simulator, as a provider. */
static int simulate_and_serve(source s) {
    leave_threads(uv_available_parallelism()); /* while no other thread reads the environment */
    simulator *sim = simulator_start();
    if (!sim) return CLI_FAILED;
    s.simulator_url = sim->url;
    int status = load_and_serve(&s);
    simulator_stop(sim);
    return status;
}

/* One that comes before there is a gateway waits for it, instead of ending weir: the configuration
 * may have been read by then. */
static void hold_reloads(void) {
    sigset_t hup;
    sigemptyset(&hup);
    sigaddset(&hup, SIGHUP);
    (void)pthread_sigmask(SIG_BLOCK, &hup, NULL);
}

static int run(const cli_args *args) {
    buf found = BUF_EMPTY;
    hold_reloads();
    const char *key = getenv("OPENAI_API_KEY");
    source s = {.path = args->values[OPT_CONFIG], .listen = args->values[OPT_LISTEN]};
    if (!s.path && config_find(&found)) s.path = buf_cstr(&found);
    if (!s.path) s.trial = args->values[OPT_TRY];
    cli_raise_descriptor_limit();
    bool simulate = !s.path && (s.trial || !(key && *key));
    int status = simulate ? simulate_and_serve(s) : load_and_serve(&s);
    buf_done(&found);
    return status;
}

const cli_command cli_serve = {
    .name = "serve",
    .summary = "Serve applications: the gateway itself",
    .about = "Without a configuration it serves OpenAI where OPENAI_API_KEY is set, else its\n"
             "built-in simulator. SIGHUP reloads; SIGTERM lets running calls end, a second\n"
             "one does not.",
    .example = "  weir serve -c weir.yaml\n  weir serve --listen 127.0.0.1:9000",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .run = run,
};
