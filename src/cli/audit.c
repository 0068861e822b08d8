/* weir audit: what was asked, answered and done, as it was written, and whether it still is so. */
#include "cli/cli.h"

static int run(const cli_args *args) {
    if (args->rest_count)
        cli_complain("audit has no part %s; see weir audit --help", args->rest[0]);
    else
        cli_complain("audit needs to know what for: tail, export or verify; see weir audit --help");
    return CLI_USAGE;
}

static const cli_command *const parts[] = {&cli_audit_tail, &cli_audit_export, &cli_audit_verify,
                                           NULL};

const cli_command cli_audit = {
    .name = "audit",
    .summary = "Read the audit trail, and tell whether it was altered",
    .operands = {"tail|export|verify", CLI_TEXT, NULL, 0, 0},
    .about = "  tail     the last records, and those that come\n"
             "  export   records of a time or a client, one JSON object a line\n"
             "  verify   whether records were altered, removed, moved or cut off, and\n"
             "           which is the first\n"
             "\n"
             "The trail is kept where the configuration says `audit: true`.",
    .example = "weir audit verify -c weir.yaml\n"
               "weir audit tail -f\n"
               "weir audit export --from 2026-11-01 --client app",
    .parts = parts,
    .run = run,
};
