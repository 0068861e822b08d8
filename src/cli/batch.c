/* weir batch: a file of calls, asked a bounded number at a time and written to files of results. */
#include "batch/batch.h"

#include "base/clock.h"
#include "batch/survey.h"
#include "cli/batch_show.h"
#include "cli/chat_files.h"
#include "cli/chat_filter.h"
#include "cli/connect.h"
#include "cli/wait.h"
#include "config/units.h"
#include "json/json.h"

#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { CLI_INTERRUPTED = 130, CLI_TERMINATED = 143 };
enum { MAX_LINE_MIN = 64, MAX_LINE_MAX = 512 * 1024 * 1024, RETRIES_MAX = 20 };

enum {
    OPT_OUTPUT,
    OPT_ERRORS,
    OPT_CONCURRENCY,
    OPT_RETRIES,
    OPT_MODEL,
    OPT_SYSTEM,
    OPT_CONFIG,
    OPT_URL,
    OPT_FORMAT,
    OPT_ORDERED,
    OPT_INPUT_FORMAT,
    OPT_PROMPT_COLUMN,
    OPT_ID_COLUMN,
    OPT_LIMIT,
    OPT_TEMPERATURE,
    OPT_MAX_TOKENS,
    OPT_SCHEMA,
    OPT_MAX_LINE,
    OPT_RESTART,
    OPT_RETRY_FAILED,
    OPT_DRY_RUN,
    OPT_LEDGER,
    OPT_QUIET
};

static const cli_option options[] = {
    {'o', "output", "FILE", "Where answers go, or - (default INPUT.out.jsonl)", .kind = CLI_FILE},
    {0, "errors", "FILE", "Where failures go (default OUTPUT.errors.jsonl)", .kind = CLI_FILE},
    {'j', "concurrency", "COUNT", "Calls at a time at most (default 5)", .kind = CLI_COUNT,
     .min = 1, .max = BATCH_CONCURRENCY_MAX},
    {0, "retries", "COUNT", "Tries after the first one of a line (default 8)", .kind = CLI_COUNT,
     .max = RETRIES_MAX},
    {'m', "model", "NAME", "Model of lines that name none"},
    {0, "system", "TEXT", "System message for prompts and plain messages"},
    {'c', "config", "FILE", "Ask whom this configuration names", .kind = CLI_FILE,
     .excludes = "url"},
    {0, "url", "URL", "Ask this address instead, with $OPENAI_API_KEY", .kind = CLI_URL},
    {0, "format", "NAME", "Of the output: jsonl, csv or text (default jsonl)", .kind = CLI_CHOICE,
     .choices = result_form_names},
    {0, "ordered", NULL, "At the end, put results into the input's order"},
    {0, "input-format", "NAME", "What the input is, whatever it is called", .kind = CLI_CHOICE,
     .choices = batch_format_names, .rare = true},
    {0, "prompt-column", "NAME", "Column of a .csv or .tsv to ask (default prompt)"},
    {0, "id-column", "NAME", "Column of custom_ids (default custom_id, if any)", .rare = true},
    {0, "limit", "COUNT", "Do so many of the lines that are left", .kind = CLI_COUNT, .min = 1,
     .max = 1e12, .rare = true},
    {0, "temperature", "NUMBER", "Of prompts and plain messages that tell none", .kind = CLI_NUMBER,
     .max = 2, .rare = true},
    {0, "max-tokens", "COUNT", "The same: tokens of an answer", .kind = CLI_COUNT, .min = 1,
     .max = 1e9, .rare = true},
    {0, "schema", "FILE", "The same: a JSON schema that answers follow", .kind = CLI_FILE,
     .rare = true},
    {0, "max-line", "SIZE", "Longest line that is asked (default 8MB)", .rare = true},
    {0, "restart", NULL, "Forget earlier results: ask every line anew", .excludes = "retry-failed"},
    {0, "retry-failed", NULL, "Forget earlier failures: ask those lines anew"},
    {'n', "dry-run", NULL, "Count lines, models, bad lines; ask nothing"},
    {0, "ledger", NULL, "Record each call where weir serve does"},
    {'q', "quiet", NULL, "No progress and no summary, only what goes wrong"},
};

/* ---- what was asked for ---- */

static bool read_max_line(const char *text, size_t *ret) {
    int64_t bytes = BATCH_MAX_LINE;
    if (text &&
        (!unit_size(span_cstr(text), &bytes) || bytes < MAX_LINE_MIN || bytes > MAX_LINE_MAX)) {
        cli_complain("batch: --max-line is '%s'; allowed: a size from 64B to 512MB, such as 16MB",
                     text);
        return false;
    }
    *ret = (size_t)bytes;
    return true;
}

static resume_mode read_mode(const cli_args *args) {
    if (args->values[OPT_RESTART]) return RESUME_RESTART;
    return args->values[OPT_RETRY_FAILED] ? RESUME_RETRY_FAILED : RESUME;
}

static bool read_settings(const cli_args *args, batch_settings *ret) {
    const char *form = args->values[OPT_FORMAT], *input_format = args->values[OPT_INPUT_FORMAT];
    *ret = (batch_settings){
        .input = args->rest[0],
        .output = args->values[OPT_OUTPUT],
        .errors = args->values[OPT_ERRORS],
        .ordered = args->values[OPT_ORDERED],
        .rules = {.format = FORMAT_AUTO,
                  .columns = {span_cstr(args->values[OPT_PROMPT_COLUMN]),
                              span_cstr(args->values[OPT_ID_COLUMN])},
                  .system = span_cstr(args->values[OPT_SYSTEM])},
        .limit = (uint64_t)cli_count(args, OPT_LIMIT, 0),
        .mode = read_mode(args),
        .tally = !args->values[OPT_QUIET],
        .harmless = chat_filter_text,
        .harmless_json = chat_filter_json,
    };
    if (form && !result_form_of(span_cstr(form), &ret->form)) return false;
    if (input_format && !batch_format_of(span_cstr(input_format), &ret->rules.format)) return false;
    return read_max_line(args->values[OPT_MAX_LINE], &ret->max_line);
}

static void add_member(item_rules *rules, item_member m) {
    rules->members[rules->member_count++] = m;
}

/* As response_format has it; the file's text stays as it is. */
static bool read_schema(const char *path, buf *out) {
    buf text = BUF_EMPTY, why = BUF_EMPTY;
    json_value root;
    json_fault fault;
    chat_files read = {0};
    bool ok = chat_files_add(&read, path, &why);
    if (ok) buf_add(&text, buf_span(&read.items[0].text));
    if (ok && !json_scan(buf_span(&text), NULL, &root, &fault))
        buf_addf(&why, "%s is no JSON: %s, at byte %zu", path, fault.what, fault.offset + 1);
    else if (ok && root.type != JSON_OBJECT)
        buf_addf(&why, "%s holds no JSON schema: expected an object", path);
    ok = ok && !why.len;
    if (ok) {
        buf_add_cstr(out,
                     "{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"answer\",\"schema\":");
        buf_add(out, root.raw);
        buf_add_cstr(out, "}}");
    } else {
        cli_complain("batch: --schema: %s", buf_cstr(&why));
    }
    chat_files_done(&read);
    buf_done(&text);
    buf_done(&why);
    return ok;
}

/* The values have been checked; what is made of them lives in the arena. */
static bool read_members(const cli_args *args, item_rules *rules, arena *a) {
    if (args->values[OPT_SCHEMA]) {
        buf format = BUF_EMPTY;
        bool ok = read_schema(args->values[OPT_SCHEMA], &format);
        span json = arena_dup(a, buf_span(&format));
        buf_done(&format);
        if (!ok) return false;
        add_member(rules, (item_member){SPAN("response_format"), SPAN_EMPTY, json});
    }
    if (args->values[OPT_TEMPERATURE])
        add_member(rules,
                   (item_member){SPAN("temperature"), SPAN_EMPTY,
                                 arena_printf(a, "%.15g", cli_number(args, OPT_TEMPERATURE, 0))});
    if (args->values[OPT_MAX_TOKENS])
        add_member(
            rules,
            (item_member){SPAN("max_completion_tokens"), SPAN("max_tokens"),
                          arena_printf(a, "%lld", (long long)cli_count(args, OPT_MAX_TOKENS, 0))});
    return true;
}

static weir_options *make_options(const cli_args *args, const batch_settings *settings) {
    weir_options *o = weir_options_new();
    batch_set_options(o, (unsigned)cli_count(args, OPT_CONCURRENCY, BATCH_CONCURRENCY),
                      (unsigned)cli_count(args, OPT_RETRIES, BATCH_RETRIES),
                      settings->max_line + settings->rules.system.len);
    weir_options_set_foreign_loop(o);
    return o;
}

/* ---- one run ---- */

typedef struct run_state {
    batch *batch;
    weir_client *client;
    waiter waiter;
    batch_show show;
    int64_t began_ms;
    int signal; /* that stopped it; 0: none did */
    unsigned most;
    bool quiet;
} run_state;

/* The first signal lets what is under way end, the second does not. */
static void heed(run_state *r, int signal) {
    if (r->signal) {
        batch_cancel(r->batch);
        return;
    }
    r->signal = signal;
    batch_stop(r->batch);
    unsigned under_way = batch_count(r->batch).under_way;
    if (under_way)
        batch_show_say(&r->show, "stopping: %u call%s still under way; %s to cancel %s", under_way,
                       under_way == 1 ? " is" : "s are",
                       signal == SIGINT ? "press Ctrl-C again" : "signal again",
                       under_way == 1 ? "it" : "them");
}

static void heed_signals(run_state *r) {
    waiter *w = &r->waiter;
    if (w->interrupt) heed(r, SIGINT);
    if (w->terminate) heed(r, SIGTERM);
    if (w->resize) batch_show_resized(&r->show);
    w->interrupt = w->terminate = w->resize = false;
}

static void tell_notes(run_state *r) {
    buf *notes = batch_notes(r->batch);
    span rest = buf_span(notes), note;
    if (notes->len == 0) return;
    while (rest.len && span_cut(&rest, '\n', &note))
        batch_show_say(&r->show, "%.*s", SPAN_ARG(note));
    buf_clear(notes);
}

static void drive(run_state *r) {
    batch *b = r->batch;
    batch_start(b, r->client, r->most);
    while (!batch_ended(b)) {
        int64_t show_ms = batch_show_timeout_ms(&r->show, clock_mono_ms());
        bool readable = wait_for(&r->waiter, r->client, batch_input(b),
                                 wait_sooner(batch_timeout_ms(b), show_ms));
        heed_signals(r);
        batch_step(b, readable);
        tell_notes(r);
        batch_show_update(&r->show, b, r->client, r->signal, clock_mono_ms());
    }
    tell_notes(r);
    batch_show_clear(&r->show);
}

/* ---- what it came to ---- */

static const char *plural(uint64_t count) {
    return count == 1 ? "" : "s";
}

static void say_account(const run_state *r) {
    batch_counts c = batch_count(r->batch);
    int64_t ms = clock_mono_ms() - r->began_ms;
    uint64_t done = c.answered + c.failed;
    buf text = BUF_EMPTY;
    buf_addf(&text, "%" PRIu64 " line%s answered, %" PRIu64 " failed", c.answered,
             plural(c.answered), c.failed);
    buf_add_cstr(&text, "; ");
    progress_write_count(c.tokens, &text);
    buf_addf(&text, " token%s; ", plural((uint64_t)c.tokens));
    if (ms < 10000)
        buf_addf(&text, "%.1fs", (double)ms / 1000);
    else
        progress_write_time(ms / 1000, &text);
    if (done && ms) buf_addf(&text, ", %.1f lines/s", (double)done * 1000 / (double)ms);
    cli_complain("%s", buf_cstr(&text));
    buf_done(&text);
}

static void say_where(const run_state *r) {
    batch_counts c = batch_count(r->batch);
    const char *answers = batch_output_name(r->batch), *errors = batch_errors_name(r->batch);
    const char *hint =
        batch_keeps_failures(r->batch) ? " (--retry-failed asks those lines again)" : "";
    bool failed = c.failed + c.failed_before;
    if (failed && strcmp(answers, errors) != 0)
        cli_complain("answers: %s; failures: %s%s", answers, errors, hint);
    else
        cli_complain("%s: %s%s", failed ? "answers and failures" : "answers", answers,
                     failed ? hint : "");
}

static void say_how_to_go_on(const run_state *r) {
    if (batch_keeps_results(r->batch))
        cli_complain("not all lines are done: %s and it goes on here",
                     batch_how_to_go_on(r->batch));
    else
        cli_complain("not all lines are done, and %s keeps no record: the same command would ask "
                     "all of them anew",
                     batch_output_name(r->batch));
}

static int status_of(const run_state *r, bool ok) {
    batch_counts c = batch_count(r->batch);
    if (!ok) return CLI_FAILED;
    if (!batch_complete(r->batch)) return r->signal == SIGINT ? CLI_INTERRUPTED : CLI_TERMINATED;
    return c.failed + c.failed_before ? CLI_SOME_FAILED : CLI_OK;
}

static int finish(run_state *r) {
    buf why = BUF_EMPTY;
    bool ok = batch_finish(r->batch, &why);
    if (!r->quiet) {
        say_account(r);
        say_where(r);
    }
    if (!ok)
        cli_complain("%s", buf_cstr(&why));
    else if (!batch_complete(r->batch))
        say_how_to_go_on(r);
    buf_done(&why);
    return status_of(r, ok);
}

/* A bar between results on one screen would be neither. */
static show_form form_of(const batch *b, bool quiet) {
    bool mixed = !batch_keeps_results(b) && isatty(STDOUT_FILENO);
    return quiet || mixed ? SHOW_NOTHING : batch_show_form();
}

static void say_start(const run_state *r, const connection *c, unsigned most) {
    const resume_found *found = batch_found(r->batch);
    buf text = BUF_EMPTY;
    const char *key = connect_key(c);
    buf_addf(&text, "asking %s%s%s, up to %u call%s at a time", c->who, key ? " " : "",
             key ? key : "", most, plural(most));
    if (found->answers + found->failures)
        buf_addf(&text, "; %" PRIu64 " line%s answered before, %" PRIu64 " failed", found->answers,
                 plural(found->answers), found->failures);
    if (found->forgotten)
        buf_addf(&text, "; %" PRIu64 " failure%s forgotten", found->forgotten,
                 plural(found->forgotten));
    cli_complain("%s", buf_cstr(&text));
    buf_done(&text);
}

static int run_connected(run_state *r, const cli_args *args, const connection *c) {
    int64_t now_ms = clock_mono_ms();
    unsigned most = (unsigned)cli_count(args, OPT_CONCURRENCY, BATCH_CONCURRENCY);
    r->most = most;
    if (!r->quiet) say_start(r, c, most);
    r->began_ms = now_ms;
    batch_show_init(&r->show, form_of(r->batch, r->quiet), most, now_ms);
    drive(r);
    int status = finish(r);
    batch_show_done(&r->show);
    return status;
}

/* Not before the files are open: that a missing file is told needs no provider. */
static int run_waiting(run_state *r, const cli_args *args, weir_options *o) {
    connection c;
    connect_wish wish = {
        args->values[OPT_CONFIG], args->values[OPT_URL], args->values[OPT_MODEL], NULL, o,
        args->values[OPT_LEDGER]};
    if (!waiter_init(&r->waiter)) return CLI_FAILED;
    int status = CLI_FAILED;
    if (connect_open(&wish, &c)) {
        r->client = c.client;
        status = run_connected(r, args, &c);
        connect_close(&c);
    }
    batch_free(r->batch);
    waiter_done(&r->waiter);
    return status;
}

static int run_batch(const cli_args *args, const batch_settings *settings) {
    buf why = BUF_EMPTY;
    run_state r = {.quiet = args->values[OPT_QUIET]};
    r.batch = batch_open(settings, &why);
    if (!r.batch) {
        cli_complain("%s", buf_cstr(&why));
        buf_done(&why);
        return CLI_FAILED;
    }
    weir_options *o = make_options(args, settings);
    int status = run_waiting(&r, args, o);
    weir_options_free(o);
    return status;
}

/* ---- without a call ---- */

static int run_dry(const cli_args *args, const batch_settings *settings) {
    buf text = BUF_EMPTY, notes = BUF_EMPTY, why = BUF_EMPTY;
    uint64_t bad = 0;
    bool ok = survey_write(settings, args->values[OPT_MODEL], &text, &notes, &bad, &why);
    span rest = buf_span(&notes), note;
    while (rest.len && span_cut(&rest, '\n', &note))
        cli_complain("%.*s", SPAN_ARG(note));
    if (!ok) cli_complain("%s", buf_cstr(&why));
    ok = ok && cli_print(&text);
    buf_done(&text);
    buf_done(&notes);
    buf_done(&why);
    return !ok ? CLI_FAILED : bad ? CLI_SOME_FAILED : CLI_OK;
}

static int run_with(const cli_args *args, const batch_settings *settings) {
    if (args->values[OPT_DRY_RUN]) return run_dry(args, settings);
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error like a full disk */
    cli_raise_descriptor_limit();
    return run_batch(args, settings);
}

static int run(const cli_args *args) {
    batch_settings settings;
    arena a;
    if (!read_settings(args, &settings)) return CLI_USAGE;
    arena_init(&a, 0);
    bool ok = read_members(args, &settings.rules, &a);
    int status = ok ? run_with(args, &settings) : CLI_FAILED;
    arena_done(&a);
    return status;
}

static const cli_command *const parts[] = {&cli_batch_join, NULL};

const cli_command cli_batch = {
    .name = "batch",
    .parts = parts,
    .summary = "Ask a file of requests, one a line, and keep the answers",
    .operands = {"INPUT", CLI_FILE, .min = 1, .max = 1},
    .example = "  weir batch in.jsonl -o out.jsonl -j 20",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .run = run,
};
