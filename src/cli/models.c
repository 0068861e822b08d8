/* weir models: what can be asked for? */
#include "cli/ask_provider.h"
#include "cli/cli.h"
#include "cli/configured.h"
#include "cli/connect.h"

#include "base/clock.h"
#include "base/mem.h"
#include "gateway/catalog.h"
#include "gateway/models.h"

#include <stdlib.h>

enum { ASK_MS = 30 * 1000 };
enum { OPT_CONFIG, OPT_URL, OPT_JSON };

static const cli_option options[] = {
    {'c', "config", "FILE", "Those that this configuration serves", .kind = CLI_FILE,
     .excludes = "url"},
    {0, "url", "URL", "Those of this gateway or provider (key: $OPENAI_API_KEY)", .kind = CLI_URL},
    {'j', "json", NULL, "Print them as GET /v1/models answers"},
};

/* ---- a list, as GET /v1/models has it ---- */

static bool is_printable(span id) {
    for (size_t i = 0; i < id.len; i++)
        if ((unsigned char)id.ptr[i] < ' ' || id.ptr[i] == 0x7F) return false;
    return id.len;
}

static int print_ids(json_value root) {
    arena a;
    buf out = BUF_EMPTY;
    arena_init(&a, 0);
    json_iter it = json_iter_of(json_get(root, SPAN_OF("data")));
    for (json_value m; json_next_element(&it, &m);) {
        json_value id = json_get(m, SPAN_OF("id"));
        span text = id.type == JSON_STRING ? json_string(id, &a) : SPAN_EMPTY;
        if (is_printable(text)) buf_addf(&out, "%.*s\n", SPAN_ARG(text));
    }
    bool ok = cli_print(&out);
    buf_done(&out);
    arena_done(&a);
    return ok ? CLI_OK : CLI_FAILED;
}

static int print_list(const cli_args *args, const char *who, span document) {
    json_value root;
    json_fault fault;
    if (!json_scan(document, NULL, &root, &fault) ||
        json_get(root, SPAN_OF("data")).type != JSON_ARRAY) {
        cli_complain("%s has answered, but with no list of models", who);
        return CLI_FAILED;
    }
    if (!args->values[OPT_JSON]) return print_ids(root);
    buf line = BUF_EMPTY;
    buf_addf(&line, "%.*s\n", SPAN_ARG(span_trim(document)));
    bool ok = cli_print_as(&line, true);
    buf_done(&line);
    return ok ? CLI_OK : CLI_FAILED;
}

/* ---- of an address ---- */

static int complain(const char *url, const fetched *f) {
    if (f->status)
        cli_complain("%s answered with status %d%s", url, f->status,
                     f->status == 401 ? "; the key is that of OPENAI_API_KEY" : "");
    else
        cli_complain("%s: %.*s", url, SPAN_ARG(buf_span(&f->why)));
    return CLI_FAILED;
}

static int list_url(const cli_args *args, const char *url) {
    const char *why, *key = getenv("OPENAI_API_KEY");
    arena a;
    fetched f;
    config_url at;
    arena_init(&a, 0);
    if (!config_url_parse(span_cstr(url), &a, &at, &why)) {
        cli_complain("OPENAI_BASE_URL: %s", why);
        arena_done(&a);
        return CLI_FAILED;
    }
    const http_header bearer = {SPAN("authorization"),
                                arena_printf(&a, "Bearer %s", key ? key : "")};
    const fetch_spec spec = {.url = &at,
                             .path = arena_printf(&a, "%.*s/models", SPAN_ARG(at.path)),
                             .headers = {&bearer, key && *key},
                             .timeout_ms = ASK_MS};
    fetch(&spec, &f);
    int status = f.status == 200 ? print_list(args, url, buf_span(&f.body)) : complain(url, &f);
    fetched_done(&f);
    arena_wipe(&a); /* it held the key */
    arena_done(&a);
    return status;
}

/* ---- of a configuration: its names, and what patterns let through of what providers list ---- */

typedef struct lists {
    const config *config;
    model_list *items; /* by index in config->providers */
    bool *known;
} lists;

static const model_list *list_of(const void *user, const config_provider *p) {
    const lists *l = user;
    size_t i = (size_t)(p - l->config->providers);
    return l->known[i] ? &l->items[i] : NULL;
}

static bool is_asked(const config *c, const config_provider *p) {
    for (size_t i = 0; i < c->model_count; i++) {
        const config_model *m = &c->models[i];
        if (!span_ends(m->name, SPAN_OF("*"))) continue;
        for (size_t k = 0; k < m->target_count; k++)
            if (m->targets[k].provider == p && catalog_serves(&m->targets[k])) return true;
    }
    return false;
}

/* One that does not tell is said, and leaves the others as they are. */
static void ask(lists *l, size_t i) {
    const config_provider *p = &l->config->providers[i];
    fetched f;
    ask_provider_models(p, 0, &f);
    if (f.status == 200) l->known[i] = model_list_read(buf_span(&f.body), NULL, &l->items[i]);
    if (!f.status)
        cli_complain("%.*s does not tell its models: %.*s", SPAN_ARG(p->name),
                     SPAN_ARG(buf_span(&f.why)));
    else if (!l->known[i])
        cli_complain("%.*s does not tell its models: it answered with status %d", SPAN_ARG(p->name),
                     f.status);
    fetched_done(&f);
}

static int list_loaded(const cli_args *args, const char *who, const config *c) {
    lists l = {.config = c,
               .items = mem_zalloc_array(c->provider_count + 1, sizeof *l.items),
               .known = mem_zalloc_array(c->provider_count + 1, sizeof *l.known)};
    for (size_t i = 0; i < c->provider_count; i++)
        if (is_asked(c, &c->providers[i])) ask(&l, i);
    const models_known known = {list_of, &l};
    buf document = BUF_EMPTY;
    models_write_list(c, NULL, &known, clock_wall_us() / 1000000, &document);
    int status = print_list(args, who, buf_span(&document));
    buf_done(&document);
    for (size_t i = 0; i < c->provider_count; i++)
        if (l.known[i]) model_list_done(&l.items[i]);
    free(l.items);
    free(l.known);
    return status;
}

static int list_config(const cli_args *args, const char *path) {
    config *c = configured_load(path);
    int status = c ? list_loaded(args, path ? path : "the default configuration", c) : CLI_FAILED;
    config_unref(c);
    return status;
}

/* As weir chat finds out whom it asks; the simulator has every model. */
static int run(const cli_args *args) {
    const char *url = args->values[OPT_URL], *path = args->values[OPT_CONFIG];
    const char *base = getenv("OPENAI_BASE_URL"), *key = getenv("OPENAI_API_KEY");
    buf found = BUF_EMPTY;
    int status = CLI_FAILED;
    if (!url && !path && base && *base) url = base;
    if (url || path)
        status = url ? list_url(args, url) : list_config(args, path);
    else if (config_find(&found))
        status = connect_may_read(buf_cstr(&found)) ? list_config(args, buf_cstr(&found)) : status;
    else if (key && *key)
        status = list_config(args, NULL);
    else
        cli_complain("there is no configuration file, and neither OPENAI_API_KEY nor "
                     "OPENAI_BASE_URL is set: the built-in simulator takes every name");
    buf_done(&found);
    return status;
}

const cli_command cli_models = {
    .name = "models",
    .summary = "List the models that can be asked for",
    .about = "Of a configuration: the names in it, and what its patterns let through of what\n"
             "the providers list. Without options it finds whom it asks as weir chat does.",
    .example = "  weir models --url http://127.0.0.1:8080/v1 | grep mini",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .run = run,
};
