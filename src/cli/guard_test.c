/* weir guard test: which rule finds what in a text, and where. */
#include "cli/guard_rules.h"

#include "cli/cli.h"
#include "json/json.h"

#include <inttypes.h>
#include <string.h>

enum { OPT_RULES, OPT_CONFIG, OPT_OUT, OPT_JSON, OPT_REDACT, OPT_ENCODED };
enum { TEST_NOTHING = 0, TEST_FOUND = 1, TEST_FAILED = 2, EXCERPT_MAX = 80 };

static const cli_option options[] = {
    {'r', "rules", "FILE", "Rules of your own, in YAML, that join or change weir's",
     .kind = CLI_FILE},
    {'c', "config", "FILE", "The rules of this configuration, and what it does about requests",
     .kind = CLI_FILE, .excludes = "rules"},
    {0, "out", NULL, "With --config: what it does about answers"},
    {'j', "json", NULL, "Print what was found as JSON"},
    {0, "redact", NULL, "Print the text, with placeholders in the place of what was found",
     .excludes = "json"},
    {0, "encoded", NULL, "Look into base64 and behind percent escapes as well (guard.encoded)"},
};

typedef struct test {
    const char *name;
    span text;
    bool json, redact;
    bool acts; /* as a configuration says: what is done is told */
    json_writer writer;
    guard_names *names;
    buf out;
    size_t count;
    /* how far lines have been counted */
    size_t at, line, line_at;
} test;

/* The finds come in the text's order, or nearly. */
static void locate(test *t, size_t at) {
    if (at < t->at) t->at = t->line_at = 0, t->line = 1;
    for (; t->at < at; t->at++) {
        if (t->text.ptr[t->at] != '\n') continue;
        t->line++;
        t->line_at = t->at + 1;
    }
}

/* Of what has no letters, its own bytes. */
static span text_of(const test *t, const guard_find *f) {
    return f->value.len ? f->value : span_slice(t->text, (size_t)f->at, (size_t)(f->at + f->len));
}

static void put_json(test *t, const guard_find *f, size_t column) {
    json_writer *w = &t->writer;
    json_open_object(w);
    json_key(w, "rule");
    json_put_string(w, f->rule->name);
    json_key(w, "kind");
    json_put_string(w, f->rule->kind);
    json_key(w, "label");
    json_put_string(w, f->rule->label);
    json_key(w, "line");
    json_put_u64(w, t->line);
    json_key(w, "column");
    json_put_u64(w, column);
    json_key(w, "offset");
    json_put_u64(w, f->at);
    json_key(w, "length");
    json_put_u64(w, f->len);
    if (t->acts) {
        json_key(w, "action");
        json_put_string(w, span_cstr(guard_action_name(f->action)));
    }
    json_key(w, "text");
    json_put_string(w, text_of(t, f));
    json_close_object(w);
}

static void on_pass(void *ctx, span bytes) {
    test *t = ctx;
    if (t->redact) buf_add(&t->out, bytes);
}

static void on_find(void *ctx, const guard_find *f) {
    test *t = ctx;
    t->count++;
    if (t->redact) {
        if (f->hidden.len)
            buf_add(&t->out, guard_names_give(t->names, f->rule, f->value, f->hidden));
        return;
    }
    locate(t, (size_t)f->at);
    size_t column =
        1 + span_utf8_len(span_slice(t->text, t->line_at, (size_t)f->at)); /* in characters */
    if (t->json) {
        put_json(t, f, column);
        return;
    }
    buf_addf(&t->out, "%s:%zu:%zu: %.*s (%.*s%s%s): ", t->name, t->line, column,
             SPAN_ARG(f->rule->name), SPAN_ARG(f->rule->kind), t->acts ? ", " : "",
             t->acts ? guard_action_name(f->action) : "");
    if (f->value.len)
        buf_add_excerpt(&t->out, f->value, EXCERPT_MAX);
    else
        buf_addf(&t->out, "%" PRIu64 " bytes that nobody sees", f->len);
    buf_add_char(&t->out, '\n');
}

static void scan(test *t, const guard_policy *p) {
    guard_scratch *scratch = guard_scratch_new();
    guard_sink sink = {t, on_pass, on_find};
    guard_lane lane;
    guard_lane_init(&lane, p, scratch, (guard_form){.whole = true});
    guard_lane_feed(&lane, t->text, true, &sink);
    guard_scratch_free(scratch);
}

static int print(test *t, const guard_policy *p) {
    t->writer = json_writer_of(&t->out);
    if (t->json) json_open_array(&t->writer);
    if (p)
        scan(t, p);
    else if (t->redact)
        buf_add(&t->out, t->text);
    if (t->json) json_close_array(&t->writer);
    if (t->json) buf_add_char(&t->out, '\n');
    return !cli_print_as(&t->out, t->json) ? TEST_FAILED : t->count ? TEST_FOUND : TEST_NOTHING;
}

static int run(const cli_args *args) {
    const char *path = args->rest[0];
    if (args->values[OPT_OUT] && !args->values[OPT_CONFIG]) {
        cli_complain("guard test: --out needs --config: see weir guard test --help");
        return TEST_FAILED;
    }
    buf text = BUF_EMPTY;
    const char *configured = args->values[OPT_CONFIG];
    guard_policy *p = NULL;
    guard_set *s =
        configured
            ? guard_rules_configured(configured, args->values[OPT_OUT] ? GUARD_OUT : GUARD_IN, &p)
            : guard_rules_load(args->values[OPT_RULES]);
    if (s && !configured)
        p = guard_policy_new(s, GUARD_BOTH, args->values[OPT_REDACT] ? GUARD_REDACT : GUARD_FLAG,
                             NULL, 0);
    if (p && args->values[OPT_ENCODED]) guard_policy_decode(p);
    int status = TEST_FAILED;
    if (s && guard_rules_slurp(path, &text)) {
        test t = {.name = strcmp(path, "-") == 0 ? "-" : path,
                  .text = buf_span(&text),
                  .json = args->values[OPT_JSON],
                  .redact = args->values[OPT_REDACT],
                  .acts = configured,
                  .names = guard_names_new(),
                  .line = 1};
        status = print(&t, p);
        guard_names_free(t.names);
        buf_done(&t.out);
    }
    buf_done(&text);
    guard_policy_free(p);
    guard_set_unref(s);
    return status;
}

const cli_command cli_guard_test = {
    .name = "guard test",
    .summary = "Show which rule finds what in a text, and where",
    .operands = {"FILE", CLI_FILE, .min = 1, .max = 1},
    .about = "FILE - is the standard input. A line for each thing found: where, by which rule,\n"
             "and what. Ends with 0 where nothing was found, with 1 where something was.\n"
             "With --config also what is done about it, where neither a model nor a client\n"
             "has a guard of its own; nothing stands behind what is blocked.",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .example = "  weir guard test prompt.txt\n  weir guard test --redact - <answer.txt\n"
               "  weir guard test -c weir.yaml --out answer.txt",
    .run = run,
};
