/* weir tools call: one tool, as a model would call it. */
#include "cli/cli.h"
#include "cli/configured.h"

#include "call/loop_snapshot.h"
#include "cli/chat_filter.h"
#include "json/json.h"
#include "tools/registry.h"
#include "tools/runner.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { OPT_CONFIG, OPT_JSON };
enum { INPUT_MAX = 16 << 20 };

static const cli_option options[] = {
    {'c', "config", "FILE", "The configuration; else the one that weir serve would find",
     .kind = CLI_FILE},
    {'j', "json", NULL, "Print tool, arguments, result or error, outcome and ms as JSON"},
};

typedef struct asking {
    loop loop;
    http_client *client;
    tool_runner *runner;
    const tool *tool;
    tool_ask what;
    tool_waiter waiter;
    loop_hook closing; /* at the end of the turn that has told */
    bool told;
    tool_outcome outcome;
    buf text;
    int64_t ms;
} asking;

static void on_done(tool_waiter *w, const tool_result *result) {
    asking *k = CONTAINER_OF(w, asking, waiter);
    k->told = true;
    k->outcome = result->outcome;
    k->ms = result->ms;
    buf_add(&k->text, result->text);
}

/* The call itself is gone only when its waiter has returned. */
static void close_if_told(loop_hook *hook) {
    asking *k = CONTAINER_OF(hook, asking, closing);
    if (!k->told) return;
    loop_remove_hook(hook);
    tool_runner_close(k->runner);
    http_client_close(k->client);
    loop_stop(&k->loop);
}

/* On the running loop, which alone writes without SIGPIPE. */
static void start(loop *l, void *arg) {
    asking *k = arg;
    (void)l;
    tool_call *call = tool_start(k->runner, k->tool, &k->what, &k->waiter);
    (void)call; /* it ends by itself, in time */
}

/* false after saying so: there is no loop. */
static bool ask(asking *k) {
    int err = loop_init(&k->loop, 0);
    if (err) {
        cli_complain("cannot start the event loop: %s", uv_strerror(err));
        return false;
    }
    k->client = http_client_new(&k->loop, &upstream_limits);
    k->runner = tool_runner_new(&k->loop, k->client);
    k->waiter.done = on_done;
    k->closing.run = close_if_told;
    list_init(&k->closing.link);
    loop_add_hook(&k->loop, &k->closing);
    loop_post(&k->loop, start, k);
    loop_run(&k->loop);
    tool_runner_free(k->runner);
    http_client_free(k->client);
    loop_done(&k->loop);
    return true;
}

static void write_json(const asking *k, span name, span arguments, buf *out) {
    json_value root;
    json_fault fault;
    json_writer w = json_writer_of(out);
    json_open_object(&w);
    json_key(&w, "tool");
    json_put_string(&w, name);
    json_key(&w, "arguments");
    if (json_scan(arguments, NULL, &root, &fault))
        json_put_raw(&w, root.raw);
    else
        json_put_string(&w, arguments);
    json_key(&w, k->outcome == TOOL_DONE ? "result" : "error");
    json_put_string(&w, buf_span(&k->text));
    json_key(&w, "outcome");
    json_put_string(&w, span_cstr(tool_outcome_name(k->outcome)));
    json_key(&w, "ms");
    json_put_i64(&w, k->ms);
    json_close_object(&w);
    buf_add_char(out, '\n');
}

/* What a tool says is anybody's, as what a model says. */
static void put_result(span text, bool json, buf *out) {
    if (!isatty(STDOUT_FILENO))
        buf_add(out, text);
    else if (json)
        chat_filter_json(text, out);
    else
        chat_filter_text(text, out);
}

static int tell(const asking *k, span name, span arguments, bool json) {
    buf out = BUF_EMPTY, object = BUF_EMPTY;
    bool good = k->outcome == TOOL_DONE;
    if (json) {
        write_json(k, name, arguments, &object);
        put_result(buf_span(&object), true, &out);
    } else if (good) {
        put_result(buf_span(&k->text), false, &out);
        if (!span_ends(buf_span(&out), SPAN_OF("\n"))) buf_add_char(&out, '\n');
    } else {
        cli_complain("%.*s: %.*s", SPAN_ARG(name), SPAN_ARG(buf_span(&k->text)));
    }
    if (out.len && !cli_print(&out)) good = false;
    buf_done(&object);
    buf_done(&out);
    return good ? CLI_OK : CLI_FAILED;
}

static int call(const tool_list *l, const cli_args *args, span arguments) {
    span name = span_cstr(args->rest[0]);
    asking k = {.tool = tool_list_find(l, name), .what = {.arguments = arguments}};
    if (!k.tool) {
        cli_complain("the configuration has no tool %.*s; weir tools list shows those it has",
                     SPAN_ARG(name));
        return CLI_FAILED;
    }
    int status = ask(&k) ? tell(&k, name, arguments, args->values[OPT_JSON]) : CLI_FAILED;
    buf_done(&k.text);
    return status;
}

/* false after saying so. */
static bool read_input(buf *ret) {
    size_t n;
    while ((n = fread(buf_reserve(ret, 65536), 1, 65536, stdin)) > 0 && ret->len <= INPUT_MAX)
        buf_grow(ret, n);
    if (!ferror(stdin) && ret->len <= INPUT_MAX) return true;
    cli_complain("the arguments cannot be read from standard input, or are more than 16MB");
    return false;
}

static int run(const cli_args *args) {
    static const snapshot_part *const parts[] = {&tools_part};
    const char *given = args->rest_count > 1 ? args->rest[1] : "{}";
    buf arguments = BUF_EMPTY, why = BUF_EMPTY;
    int status = CLI_FAILED;
    bool ok = true;
    if (strcmp(given, "-") == 0)
        ok = read_input(&arguments);
    else
        buf_add_cstr(&arguments, given);
    config *c = ok ? configured_find(args->values[OPT_CONFIG]) : NULL;
    snapshot *s = c ? snapshot_new(c, parts, ARRAY_LEN(parts), &why) : NULL;
    if (s) {
        tool_list *l = tool_registry_list(snapshot_tools(s));
        status = call(l, args, buf_span(&arguments));
        tool_list_unref(l);
    } else if (c) {
        cli_complain("%s", buf_cstr(&why));
    }
    snapshot_unref(s);
    tools_rest();
    config_unref(c);
    buf_done(&arguments);
    buf_done(&why);
    return status;
}

const cli_command cli_tools_call = {
    .name = "tools call",
    .summary = "Call a tool as a model would",
    .operands = {"NAME [JSON]", CLI_TEXT, .min = 1, .max = 2},
    .about = "JSON is the arguments, an object; - reads them from standard input. They are\n"
             "checked against the tool's schema, and all its limits hold. The result goes to\n"
             "standard output; a failure is told on standard error, and ends it with 1.",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .example = "  weir tools call get_current_time '{\"timezone\": \"Europe/Berlin\"}'",
    .run = run,
};
