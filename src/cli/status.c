/* weir status: how does a running weir fare? */
#include "cli/cli.h"
#include "http/fetch.h"
#include "cli/locate.h"
#include "cli/status_text.h"
#include "cli/terminal.h"
#include "cli/wait.h"
#include "json/json.h"

#include <unistd.h>

enum { ASK_MS = 5000, WATCH_MS = 2000 };
enum { OPT_CONFIG, OPT_URL, OPT_CA, OPT_WATCH, OPT_JSON };

static const cli_option options[] = {
    {'c', "config", "FILE", "Ask the weir that serves this configuration", .kind = CLI_FILE},
    {0, "url", "URL", "Ask the weir at this address: http://127.0.0.1:8080", .excludes = "config",
     .kind = CLI_URL},
    {0, "ca", "FILE", "Trust the authorities of this file, for an https address", .kind = CLI_FILE,
     .https_of = "url"},
    {'w', "watch", NULL, "Ask again every two seconds, until Ctrl-C"},
    {'j', "json", NULL, "Print what /health says, as one line of JSON"},
};

typedef struct view {
    const cli_args *args;
    config_url url;
    span path;
    bool redraws, colour;
    bool unread; /* nobody reads what it says any more */
} view;

/* ---- one look ---- */

static void show(const view *v, span page, buf *out) {
    if (v->redraws) buf_add_cstr(out, "\033[H\033[2J");
    if (!v->args->values[OPT_JSON]) {
        status_write(page, v->url.text, v->colour, out);
        return;
    }
    json_write_line(out, span_trim(page));
    buf_add_char(out, '\n');
}

static void complain(const view *v, const fetched *f) {
    if (!f->status)
        cli_complain("%.*s: %.*s", SPAN_ARG(v->url.text), SPAN_ARG(buf_span(&f->why)));
    else
        cli_complain("%.*s is no weir: %.*s answered with status %d", SPAN_ARG(v->url.text),
                     SPAN_ARG(v->path), f->status);
}

/* The exit code, were this the last look. */
static int look(view *v) {
    fetched f;
    const char *ca = v->args->values[OPT_CA];
    const fetch_spec spec = {.url = &v->url,
                             .path = v->path,
                             .ca_file = ca ? span_cstr(ca) : SPAN_EMPTY,
                             .timeout_ms = ASK_MS};
    fetch(&spec, &f);
    bool told = f.status && status_is_weirs(buf_span(&f.body));
    bool ready = told && f.status == 200 && status_is_ready(buf_span(&f.body));
    if (told) {
        buf out = BUF_EMPTY;
        show(v, buf_span(&f.body), &out);
        v->unread = !cli_print_as(&out, v->args->values[OPT_JSON]);
        ready = ready && !v->unread;
        buf_done(&out);
    } else {
        complain(v, &f);
    }
    fetched_done(&f);
    return ready ? CLI_OK : CLI_FAILED;
}

static int watch(view *v) {
    waiter w;
    int status = CLI_FAILED;
    if (!waiter_init(&w)) return CLI_FAILED;
    while (!w.interrupt && !w.terminate && !v->unread) {
        status = look(v);
        if (!v->unread) (void)wait_for(&w, NULL, -1, WATCH_MS);
    }
    waiter_done(&w);
    return status;
}

/* An API's base URL is as good: its last part is not the server's. */
static span page_path(const config_url *url, arena *a) {
    span base = url->path;
    if (span_ends(base, SPAN_OF("/v1"))) base = span_slice(base, 0, base.len - 3);
    return arena_printf(a, "%.*s/health", SPAN_ARG(base));
}

static int run(const cli_args *args) {
    arena a;
    arena_init(&a, 0);
    view v = {.args = args,
              .redraws = args->values[OPT_WATCH] && !args->values[OPT_JSON] &&
                         terminal_can_redraw(STDOUT_FILENO),
              .colour = terminal_has_colour(STDOUT_FILENO)};
    int status = CLI_FAILED;
    if (locate_weir(args->values[OPT_URL], args->values[OPT_CONFIG], &a, &v.url)) {
        v.path = page_path(&v.url, &a);
        status = args->values[OPT_WATCH] ? watch(&v) : look(&v);
    }
    arena_done(&a);
    return status;
}

const cli_command cli_status = {
    .name = "status",
    .summary = "Show how a running weir fares",
    .about = "Shows targets and their breakers, keys that rest or are refused, what is open\n"
             "and how reloads ended. Needs no key. Without options it asks the weir that\n"
             "weir serve starts here. Ends with 0 when that takes calls, else with 1.",
    .example = "  weir status --url http://127.0.0.1:8080 --watch",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .run = run,
};
