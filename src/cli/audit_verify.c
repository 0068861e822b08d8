/* weir audit verify: is the trail as it was written? */
#include "audit/verify.h"
#include "cli/audit_trail.h"
#include "json/json.h"

#include <inttypes.h>

enum { OPT_CONFIG, OPT_JSON };

static const cli_option options[] = {
    AUDIT_CONFIG_ROW,
    {'j', "json", NULL, "Print one line of JSON"},
};

static void put_number(json_writer *w, const char *name, uint64_t value) {
    json_key(w, name);
    if (value)
        json_put_i64(w, (int64_t)value);
    else
        json_put_null(w);
}

static void write_json(const verify_report *r, buf *out) {
    json_writer w = json_writer_of(out);
    json_open_object(&w);
    json_key(&w, "whole");
    json_put_bool(&w, r->whole);
    json_key(&w, "records");
    json_put_i64(&w, (int64_t)r->records);
    json_key(&w, "files");
    json_put_i64(&w, (int64_t)r->files);
    put_number(&w, "first", r->first);
    put_number(&w, "last", r->last);
    put_number(&w, "pruned_to", r->pruned_to);
    json_key(&w, "behind_head");
    json_put_i64(&w, (int64_t)r->behind);
    json_key(&w, "torn");
    json_put_bool(&w, r->torn);
    json_key(&w, "signed");
    json_put_bool(&w, !r->unsigned_head && !r->unchecked && r->whole);
    if (!r->whole) {
        json_key(&w, "fault");
        json_put_string(&w, buf_span(&r->fault));
        json_key(&w, "file");
        if (r->file[0])
            json_put_string(&w, span_cstr(r->file));
        else
            json_put_null(&w);
        put_number(&w, "line", r->line);
        put_number(&w, "seq", r->seq);
    }
    json_close_object(&w);
    buf_add_char(out, '\n');
}

static void write_text(const verify_report *r, buf *out) {
    if (!r->whole) {
        buf_addf(out, "not whole: %.*s\n", SPAN_ARG(buf_span(&r->fault)));
        return;
    }
    buf_addf(out, "whole: %" PRIu64 " record%s in %" PRIu64 " file%s, %" PRIu64 " to %" PRIu64 "\n",
             r->records, r->records == 1 ? "" : "s", r->files, r->files == 1 ? "" : "s", r->first,
             r->last);
    if (r->pruned_to)
        buf_addf(out, "pruned: records 1 to %" PRIu64 ", as the trail says\n", r->pruned_to);
    if (r->behind)
        buf_addf(out, "behind the head: %" PRIu64 " record%s, which nothing vouches for yet\n",
                 r->behind, r->behind == 1 ? "" : "s");
    if (r->torn)
        buf_add_cstr(out,
                     "behind the head: a record that is not whole: it is being written, or the "
                     "process that wrote it was killed; the next start writes it anew\n");
    if (r->unsigned_head)
        buf_add_cstr(out, "the head is not signed (audit.key): who can write to the trail could "
                          "have shortened it and the head together\n");
    if (r->unchecked)
        buf_add_cstr(out, "the head is signed, and was not checked: its key is in no configuration "
                          "that was read (-c FILE)\n");
}

static int run(const cli_args *args) {
    audit_place place;
    verify_report report = {0};
    buf why = BUF_EMPTY, out = BUF_EMPTY;
    int status =
        audit_find(args->values[OPT_CONFIG], args->rest_count ? args->rest[0] : NULL, &place);
    if (status == CLI_OK) {
        const secret *key = place.config ? place.config->audit.key : NULL;
        bool read = verify_folder(buf_cstr(&place.folder), key, &report, &why);
        if (!read)
            cli_complain("%.*s", SPAN_ARG(buf_span(&why)));
        else if (args->values[OPT_JSON])
            write_json(&report, &out);
        else
            write_text(&report, &out);
        const bool json = args->values[OPT_JSON] != NULL;
        status = read && cli_print_as(&out, json) && report.whole ? CLI_OK : CLI_FAILED;
        verify_report_done(&report);
    }
    audit_place_done(&place);
    buf_done(&why);
    buf_done(&out);
    return status;
}

const cli_command cli_audit_verify = {
    .name = "audit verify",
    .summary = "Tell whether an audit trail is as it was written",
    .operands = {"[FOLDER]", CLI_FILE, NULL, 0, 1},
    .about = "Reads the files of the trail alone: no weir need run. What is named is the\n"
             "first record that was altered, is missing, stands elsewhere or was cut off.\n"
             "Ends with 0 where the trail is whole, with 1 where it is not.",
    .example = "weir audit verify -c weir.yaml\n"
               "weir audit verify /var/lib/weir --json",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .run = run,
};
