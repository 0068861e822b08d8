/* weir usage: what did calls come to? */
#include "cli/cli.h"
#include "cli/records.h"
#include "cli/records_text.h"
#include "cli/terminal.h"

#include <string.h>
#include <unistd.h>

#define BOTH    RECORDS_PARAMETER_ROW
#define SUMMARY RECORDS_PARAMETER_ROW
#define CALLS(kind, name, option, takes, about, rare)
static const cli_option options[] = {
    RECORDS_OPTION_ROWS,
#include "ledger/parameters.def"
};

static const char *group_of(const cli_args *args) {
    for (size_t i = RECORDS_OPTIONS; i < ARRAY_LEN(options); i++)
        if (strcmp(options[i].name, "group") == 0) return args->values[i];
    return NULL;
}

static bool read_summary(const buf *text, json_value *ret) {
    return records_read(text, "total_calls", JSON_NUMBER, "summary", ret);
}

/* The hours of each day, for whom a terminal's line has room. */
static bool ask_hours(records *r, buf *text, json_value *ret) {
    records_set(r, "group", "hour");
    return records_ask(r, NULL, text) && read_summary(text, ret);
}

static bool write_table(records *r, const char *group, json_value summary, buf *out) {
    json_value hours = {JSON_NONE, SPAN_EMPTY};
    buf text = BUF_EMPTY;
    bool by_day = group && strcmp(group, "day") == 0;
    bool good = !by_day || ask_hours(r, &text, &hours);
    if (good)
        usage_write(summary, span_cstr(group), hours, terminal_has_colour(STDOUT_FILENO), out);
    buf_done(&text);
    return good;
}

static int show(records *r, const cli_args *args) {
    buf text = BUF_EMPTY, out = BUF_EMPTY;
    json_value summary;
    bool good = records_ask(r, NULL, &text) && read_summary(&text, &summary);
    if (good && args->values[RECORDS_JSON])
        buf_addf(&out, "%.*s\n", SPAN_ARG(buf_span(&text)));
    else if (good && args->values[RECORDS_CSV])
        usage_write_csv(summary, &out);
    else if (good)
        good = write_table(r, group_of(args), summary, &out);
    good = good && cli_print_as(&out, args->values[RECORDS_JSON]);
    buf_done(&text);
    buf_done(&out);
    return good ? CLI_OK : CLI_FAILED;
}

static int run(const cli_args *args) {
    records r;
    int status = records_open(&r, QUERY_SUMMARY, args, RECORDS_OPTIONS);
    if (status == CLI_OK) status = show(&r, args);
    records_close(&r);
    return status;
}

const cli_command cli_usage = {
    .name = "usage",
    .summary = "Add up what calls used and cost",
    .about = "Reads the records beside a weir, whether it runs or not, or asks a running one.",
    .example = "  weir usage --from 30d --group day",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .run = run,
};
