/* weir cache: what does a running weir keep, and what is it to forget? */
#include "cli/cli.h"
#include "http/fetch.h"
#include "cli/locate.h"
#include "config/units.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

enum { ASK_MS = 10 * 1000 };
enum { OPT_CONFIG, OPT_URL, OPT_CA, OPT_JSON, OPT_MODEL, OPT_CLIENT, OPT_OLDER };

static const cli_option options[] = {
    {'c', "config", "FILE", "Ask the weir that serves this configuration", .kind = CLI_FILE},
    {0, "url", "URL", "Ask the weir at this address (an admin's key: $OPENAI_API_KEY)",
     .excludes = "config", .kind = CLI_URL},
    {0, "ca", "FILE", "Trust the authorities of this file, for an https address", .kind = CLI_FILE,
     .https_of = "url"},
    {'j', "json", NULL, "Print what the API says, as one line of JSON"},
    {0, "model", "NAME", "purge: of this model, as clients ask for it; a * at the end: any rest"},
    {0, "client", "NAME", "purge: that were made for this client"},
    {0, "older", "TIME", "purge: that were asked for longer ago: 10m, 2h"},
};

/* ---- asking ---- */

static void complain(const config_url *url, const fetched *f) {
    json_value root = {JSON_NONE, SPAN_EMPTY};
    json_fault fault;
    arena a;
    arena_init(&a, 0);
    if (!f->status || !json_scan(buf_span(&f->body), NULL, &root, &fault))
        root = (json_value){JSON_NONE, SPAN_EMPTY};
    json_value message = json_get(json_get(root, SPAN_OF("error")), SPAN_OF("message"));
    span text = message.type == JSON_STRING ? json_string(message, &a) : buf_span(&f->why);
    if (!f->status)
        cli_complain("%.*s: %.*s", SPAN_ARG(url->text), SPAN_ARG(text));
    else
        cli_complain("%.*s answered with status %d%s%.*s", SPAN_ARG(url->text), f->status,
                     text.len ? ": " : "", SPAN_ARG(text));
    arena_done(&a);
}

/* body: of a POST; a null ptr: a GET. The answer, which has a number of that name, goes to show. */
static int ask(const cli_args *args, span body, const char *member,
               bool (*show)(json_value answer, const cli_args *args)) {
    arena a;
    config_url url;
    fetched f;
    json_value root;
    json_fault fault;
    const char *key = getenv("OPENAI_API_KEY"), *ca = args->values[OPT_CA];
    arena_init(&a, 0);
    if (!locate_weir(args->values[OPT_URL], args->values[OPT_CONFIG], &a, &url)) {
        arena_done(&a);
        return CLI_FAILED;
    }
    http_header headers[2] = {{SPAN("content-type"), SPAN("application/json")}};
    size_t count = 1;
    if (key && *key)
        headers[count++] =
            (http_header){SPAN_OF("authorization"), arena_printf(&a, "Bearer %s", key)};
    span base = url.path;
    if (span_ends(base, SPAN_OF("/v1"))) base.len -= 3;
    const fetch_spec spec = {.url = &url,
                             .path = arena_printf(&a, "%.*s/admin/v1/cache", SPAN_ARG(base)),
                             .headers = {headers, count},
                             .body = body,
                             .ca_file = ca ? span_cstr(ca) : SPAN_EMPTY,
                             .timeout_ms = ASK_MS};
    fetch(&spec, &f);
    const bool told = f.status == 200 && json_scan(buf_span(&f.body), NULL, &root, &fault) &&
                      json_get(root, span_cstr(member)).type == JSON_NUMBER;
    bool good = told && show(root, args);
    if (f.status == 200 && !told)
        cli_complain("%.*s has answered, but with nothing of a cache", SPAN_ARG(url.text));
    else if (!told)
        complain(&url, &f);
    fetched_done(&f);
    arena_done(&a);
    return good ? CLI_OK : CLI_FAILED;
}

static bool print_json(json_value answer) {
    buf out = BUF_EMPTY;
    json_write_line(&out, answer.raw);
    buf_add_char(&out, '\n');
    const bool good = cli_print_as(&out, true);
    buf_done(&out);
    return good;
}

/* ---- weir cache stats ---- */

static int64_t figure(json_value answer, const char *name) {
    int64_t n;
    return json_i64(json_get(answer, span_cstr(name)), &n) ? n : 0;
}

static void add_row(buf *out, const char *name, int64_t value, const char *what) {
    buf_addf(out, "%-12s %12lld  %s\n", name, (long long)value, what);
}

static void add_store(buf *out, json_value store) {
    arena a;
    if (store.type != JSON_OBJECT) return;
    arena_init(&a, 0);
    const bool away = json_get(store, SPAN_OF("away")).type == JSON_TRUE;
    const json_value server = json_get(store, SPAN_OF("server"));
    const span name = server.type == JSON_STRING ? json_string(server, &a) : SPAN_EMPTY;
    buf_addf(out, "\nthe store, %.*s%s\n", SPAN_ARG(name), away ? ", is away" : "");
    add_row(out, "hits", figure(store, "hits"), "calls that were answered from it");
    add_row(out, "misses", figure(store, "misses"), "that it had nothing for");
    add_row(out, "failed", figure(store, "failed"), "to which it said nothing, or no");
    add_row(out, "written", figure(store, "written"), "answers so far");
    add_row(out, "unwritten", figure(store, "unwritten"), "that it did not take");
    arena_done(&a);
}

static bool show_stats(json_value answer, const cli_args *args) {
    if (args->values[OPT_JSON]) return print_json(answer);
    const int64_t hits = figure(answer, "hits"), misses = figure(answer, "misses");
    buf out = BUF_EMPTY, bytes = BUF_EMPTY;
    unit_write_size(figure(answer, "limit_bytes"), &bytes);
    add_row(&out, "entries", figure(answer, "entries"), "answers that are kept");
    buf_addf(&out, "%-12s %12lld  of %.*s\n", "bytes", (long long)figure(answer, "bytes"),
             SPAN_ARG(buf_span(&bytes)));
    add_row(&out, "in flight", figure(answer, "in_flight"), "calls that others may hear");
    add_row(&out, "hits", hits, "calls that were answered from it");
    add_row(&out, "coalesced", figure(answer, "coalesced"), "that heard another call's answer");
    add_row(&out, "misses", misses, "that were asked anew");
    add_row(&out, "bypassed", figure(answer, "bypassed"), "that were passed by");
    if (hits + misses)
        buf_addf(&out, "%-12s %11.1f%%\n", "hit rate",
                 100.0 * (double)hits / (double)(hits + misses));
    add_row(&out, "stored", figure(answer, "stored"), "answers so far");
    add_row(&out, "compared", figure(answer, "compared"), "texts that others are compared with");
    add_row(&out, "evicted", figure(answer, "evicted"), "that made room for others");
    add_row(&out, "expired", figure(answer, "expired"), "that were too old");
    add_store(&out, json_get(answer, SPAN_OF("store")));
    const bool good = cli_print(&out);
    buf_done(&out);
    buf_done(&bytes);
    return good;
}

static int run_stats(const cli_args *args) {
    return ask(args, SPAN_EMPTY, "entries", show_stats);
}

/* ---- weir cache purge ---- */

static bool show_purged(json_value answer, const cli_args *args) {
    if (args->values[OPT_JSON]) return print_json(answer);
    const int64_t n = figure(answer, "purged");
    buf out = BUF_EMPTY;
    buf_addf(&out, "%lld answer%s dropped", (long long)n, n == 1 ? "" : "s");
    if (json_get(answer, SPAN_OF("purged_from_store")).type == JSON_NUMBER)
        buf_addf(&out, ", %lld from the store", (long long)figure(answer, "purged_from_store"));
    if (json_get(answer, SPAN_OF("goes_on")).type == JSON_TRUE)
        buf_add_cstr(&out, "; the rest follows, and nobody is given any of it");
    buf_add_char(&out, '\n');
    const bool good = cli_print(&out);
    buf_done(&out);
    return good;
}

static int run_purge(const cli_args *args) {
    static const struct {
        unsigned option;
        const char *member;
    } rows[] = {{OPT_MODEL, "model"}, {OPT_CLIENT, "client"}, {OPT_OLDER, "older"}};
    int64_t ms;
    const char *older = args->values[OPT_OLDER];
    if (older && !unit_duration(span_cstr(older), &ms)) {
        cli_complain("cache purge: --older is '%s'; expected a duration such as 30s, 10m or 2h",
                     older);
        return CLI_USAGE;
    }
    buf body = BUF_EMPTY;
    json_writer w = json_writer_of(&body);
    json_open_object(&w);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *value = args->values[rows[i].option];
        if (!value) continue;
        json_key(&w, rows[i].member);
        json_put_string(&w, span_cstr(value));
    }
    json_close_object(&w);
    const int status = ask(args, buf_span(&body), "purged", show_purged);
    buf_done(&body);
    return status;
}

/* ---- weir cache ---- */

static int run(const cli_args *args) {
    if (!strcmp(args->rest[0], "purge")) return run_purge(args);
    for (size_t i = OPT_MODEL; i <= OPT_OLDER; i++) {
        if (!args->values[i]) continue;
        cli_complain("cache stats: --%s is for weir cache purge", options[i].name);
        return CLI_USAGE;
    }
    return run_stats(args);
}

static const char *const what[] = {"stats", "purge", NULL};

const cli_command cli_cache = {
    .name = "cache",
    .summary = "Show or purge what a running weir keeps",
    .operands = {"stats|purge", CLI_CHOICE, what, .min = 1, .max = 1},
    .about = "stats shows what there is. purge drops the answers that all its options fit, or,\n"
             "without any, all of them.",
    .example = "  weir cache purge --model 'gpt-4o*' --older 10m",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .run = run,
};
