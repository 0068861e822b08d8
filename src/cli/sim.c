/* weir sim: the simulator as a server of its own. */
#include "cli/cli.h"
#include "config/address.h"
#include "sim/server.h"

#include <signal.h>
#include <stdio.h>

enum { OPT_LISTEN, OPT_KEY, OPT_PACE, OPT_TTFT, OPT_WORDS };
enum { TIME_MAX_MS = 3600000 };

static const cli_option options[] = {
    {'l', "listen", "ADDRESS", "Where to listen; port 0 takes a free one (default 127.0.0.1:8081)",
     .kind = CLI_ADDRESS},
    {'k', "key", "KEY", "Demand this API key (default: any, or none)"},
    {0, "pace", "MS", "Milliseconds from token to token of a stream (default 20)",
     .kind = CLI_COUNT, .max = TIME_MAX_MS, .unit = "milliseconds"},
    {0, "ttft", "MS", "Milliseconds before the first token (default 0)", .kind = CLI_COUNT,
     .max = TIME_MAX_MS, .unit = "milliseconds"},
    {0, "words", NULL, "Print the words that a model's name may hold, in Markdown, and end"},
};

/* false cannot be: the option's kind has been checked. */
static bool read_listen(const cli_args *args, arena *a, http_bind *ret) {
    const char *text = args->values[OPT_LISTEN];
    config_listener at = {0};
    if (address_parse(span_cstr(text ? text : "127.0.0.1:8081"), a, &at)) return false;
    *ret =
        (http_bind){.host = at.host, .port = at.port, .unix_path = at.unix_path, .exclusive = true};
    return true;
}

static int print_words(void) {
    buf text = BUF_EMPTY;
    sim_wish_write_table(&text);
    bool ok = cli_print(&text);
    buf_done(&text);
    return ok ? CLI_OK : CLI_FAILED;
}

static void say_where(const http_bind *bind) {
    if (bind->unix_path.len) {
        fprintf(stderr, "weir sim listens on unix:%.*s\n", SPAN_ARG(bind->unix_path));
        return;
    }
    bool v6 = span_find(bind->host, 0, ':') < bind->host.len;
    char url[300];
    (void)snprintf(url, sizeof url, "http://%s%.*s%s:%u/v1", v6 ? "[" : "", SPAN_ARG(bind->host),
                   v6 ? "]" : "", bind->port);
    fprintf(stderr,
            "weir sim listens on %s\n"
            "Try it:  curl %s/chat/completions -H 'content-type: application/json' -d "
            "'{\"model\":\"sim/echo\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}'\n",
            url, url);
}

static void complain(const http_bind *bind, int err) {
    const char *why = uv_strerror(err);
    if (err == UV_EADDRINUSE)
        why = "another program does already; stop it, or choose another address with --listen";
    if (err == UV_ENOTSOCK)
        why = "what is there is no socket; remove it, or choose another path with --listen";
    if (bind->unix_path.len)
        cli_complain("sim: cannot listen on unix:%.*s: %s", SPAN_ARG(bind->unix_path), why);
    else
        cli_complain("sim: cannot listen on %.*s, port %u: %s", SPAN_ARG(bind->host), bind->port,
                     why);
}

typedef struct sim_process {
    loop loop;
    sim_server *server;
    uv_signal_t signals[2];
} sim_process;

static void on_signal(uv_signal_t *h, int number) {
    (void)number;
    sim_process *p = h->data;
    for (size_t i = 0; i < ARRAY_LEN(p->signals); i++)
        uv_close((uv_handle_t *)&p->signals[i], NULL);
    sim_server_stop(p->server);
    loop_stop(&p->loop);
}

static void watch_signals(sim_process *p) {
    static const int numbers[] = {SIGINT, SIGTERM};
    for (size_t i = 0; i < ARRAY_LEN(p->signals); i++) {
        uv_signal_init(&p->loop.uv, &p->signals[i]);
        p->signals[i].data = p;
        uv_signal_start(&p->signals[i], on_signal, numbers[i]);
    }
}

static int serve(const sim_settings *settings, http_bind *bind) {
    sim_process p = {0};
    int err = loop_init(&p.loop, 0);
    if (err) {
        cli_complain("sim: no event loop: %s", uv_strerror(err));
        return CLI_FAILED;
    }
    cli_raise_descriptor_limit();
    p.server = sim_server_start(&p.loop, settings, bind, &err);
    if (p.server) {
        watch_signals(&p);
        say_where(bind);
        loop_run(&p.loop);
        sim_server_free(p.server);
    } else {
        complain(bind, err);
    }
    loop_done(&p.loop);
    return err ? CLI_FAILED : CLI_OK;
}

static int run(const cli_args *args) {
    const sim_settings settings = {
        .key = span_cstr(args->values[OPT_KEY]),
        .pace_ms = cli_count(args, OPT_PACE, SIM_PACE_MS),
        .ttft_ms = cli_count(args, OPT_TTFT, 0),
    };
    http_bind bind;
    arena a;
    if (args->values[OPT_WORDS]) return print_words();
    if (args->values[OPT_KEY] && !*args->values[OPT_KEY]) {
        cli_complain("sim: --key is empty; without it any key will do, or none");
        return CLI_USAGE;
    }
    arena_init(&a, 0);
    int status = read_listen(args, &a, &bind) ? serve(&settings, &bind) : CLI_USAGE;
    arena_done(&a);
    return status;
}

const cli_command cli_sim = {
    .name = "sim",
    .summary = "Serve a simulated provider",
    .about = "An HTTP server that speaks OpenAI's API without a model behind it. The same\n"
             "request gets the same answer, at a set pace; a word in the model's name makes it\n"
             "fail: sim/429-2s, sim/cut, sim/slow. See docs/simulator.md.",
    .example = "  weir sim --listen 127.0.0.1:8081",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .run = run,
};
