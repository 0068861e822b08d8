/* weir batch join: the input's lines, each beside its result. */
#include "batch/join.h"

#include "base/list.h"
#include "cli/chat_filter.h"
#include "cli/cli.h"

#include <inttypes.h>

enum { OPT_OUTPUT, OPT_ID_COLUMN, OPT_INPUT_FORMAT, OPT_QUIET };

static const cli_option options[] = {
    {'o', "output", "FILE", "Where the table goes (default: standard output)", .kind = CLI_FILE},
    {0, "id-column", "NAME", "The input's column of custom_ids (default custom_id)"},
    {0, "input-format", "NAME", "What the input is, whatever it is called", .kind = CLI_CHOICE,
     .choices = batch_format_names},
    {'q', "quiet", NULL, "No account, only what goes wrong"},
};

static void tell_notes(const buf *notes, const join_counts *c) {
    span rest = buf_span(notes), note;
    uint64_t told = 0;
    while (rest.len && span_cut(&rest, '\n', &note)) {
        cli_complain("%.*s; left out", SPAN_ARG(note));
        told++;
    }
    if (c->bad > told) cli_complain("and so %" PRIu64 " more lines", c->bad - told);
}

static void say_account(const join_counts *c) {
    cli_complain("%" PRIu64 " line%s, %" PRIu64 " beside a result", c->lines,
                 c->lines == 1 ? "" : "s", c->joined);
    if (c->unused)
        cli_complain("%" PRIu64 " result%s of no line of the input", c->unused,
                     c->unused == 1 ? " is" : "s are");
}

static int run(const cli_args *args) {
    const char *format = args->values[OPT_INPUT_FORMAT];
    join_settings settings = {
        .input = args->rest[0],
        .results = (const char *const *)args->rest + 1,
        .result_count = args->rest_count - 1,
        .output = args->values[OPT_OUTPUT],
        .rules = {.format = FORMAT_AUTO, .columns = {.id = span_cstr(args->values[OPT_ID_COLUMN])}},
        .harmless = chat_filter_text,
    };
    join_counts counts;
    buf notes = BUF_EMPTY, why = BUF_EMPTY;
    if (format && !batch_format_of(span_cstr(format), &settings.rules.format)) return CLI_USAGE;
    bool ok = join_write(&settings, &counts, &notes, &why);
    tell_notes(&notes, &counts);
    if (!ok)
        cli_complain("%s", buf_cstr(&why));
    else if (!args->values[OPT_QUIET])
        say_account(&counts);
    buf_done(&notes);
    buf_done(&why);
    return !ok ? CLI_FAILED : counts.bad ? CLI_SOME_FAILED : CLI_OK;
}

const cli_command cli_batch_join = {
    .name = "batch join",
    .summary = "Write a table of an input, each line beside its result",
    .operands = {"INPUT [RESULTS…]", CLI_FILE, .min = 1},
    .about = "Results are found by custom_id, of weir or of OpenAI's batch API, in any order.\n"
             "Default: those of weir batch INPUT. The failures beside them are read too.",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .example = "  weir batch join questions.csv -o answered.csv",
    .run = run,
};
