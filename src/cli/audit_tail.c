/* weir audit tail: the last records, as they stand in the trail or for people. */
#include "audit/chain.h"
#include "audit/files.h"
#include "base/mem.h"
#include "cli/audit_trail.h"

#include <stdlib.h>
#include <time.h>

/* ---- for people ---- */

static void add_member(json_value object, const char *name, const char *before, buf *out) {
    json_value v = json_get(object, span_cstr(name));
    if (v.type == JSON_NONE || v.type == JSON_NULL) return;
    buf_add_cstr(out, before);
    buf_add(out, v.type == JSON_STRING ? span_slice(v.raw, 1, v.raw.len - 1) : v.raw);
}

static void write_row(const chain_line *l, buf *out) {
    json_value call = json_get(l->object, SPAN_OF("call"));
    buf_addf(out, "%6llu  %.*s  %-6.*s", (unsigned long long)l->seq, SPAN_ARG(l->at),
             SPAN_ARG(l->kind));
    if (call.type == JSON_OBJECT) {
        add_member(call, "outcome", "  ", out);
        add_member(call, "status", " ", out);
        add_member(call, "client", "  ", out);
        add_member(call, "model", "  ", out);
        add_member(call, "error_code", "  ", out);
        add_member(call, "request_id", "  ", out);
    } else {
        add_member(l->object, "act", "  ", out);
        add_member(l->object, "outcome", " ", out);
        add_member(l->object, "who", "  ", out);
        add_member(l->object, "subject", "  ", out);
        add_member(l->object, "file", "  ", out);
    }
    buf_add_char(out, '\n');
}

/* ---- tail ---- */

enum { TAIL_CONFIG, TAIL_LINES, TAIL_FOLLOW, TAIL_JSON };
enum { TAIL_STANDARD = 10, TAIL_MAX = 100000, LOOK_MS = 500 };

static const cli_option tail_options[] = {
    AUDIT_CONFIG_ROW,
    {'n', "lines", "COUNT", "So many of the last records (default 10)", .kind = CLI_COUNT, .min = 0,
     .max = TAIL_MAX},
    {'f', "follow", NULL, "Go on with records as they come"},
    {'j', "json", NULL, "Print the records as they stand in the trail"},
};

typedef struct tailing {
    const char *folder;
    bool json;
    size_t wanted;
    buf *last; /* a ring of the last so many lines */
    size_t seen;
    unsigned file; /* how far it was read */
    size_t at;
    buf out;
} tailing;

static void show(const tailing *t, span line, buf *out) {
    chain_line l;
    if (t->json) {
        buf_addf(out, "%.*s\n", SPAN_ARG(line));
        return;
    }
    if (audit_parse(line, &l))
        write_row(&l, out);
    else
        buf_add(out, SPAN_OF("     ?  a line that is no record: weir audit verify says more\n"));
}

static bool keep_line(void *user, unsigned file, uint64_t number, span line, bool whole) {
    (void)file;
    (void)number;
    tailing *t = user;
    if (!whole || !t->wanted) return true;
    buf *place = &t->last[t->seen++ % t->wanted];
    buf_clear(place);
    buf_add(place, line);
    return true;
}

static bool show_line(void *user, unsigned file, uint64_t number, span line, bool whole) {
    (void)file;
    (void)number;
    tailing *t = user;
    if (whole) show(t, line, &t->out);
    return true;
}

static bool read_from(tailing *t, trail_line_fn *each) {
    trail_files files;
    buf why = BUF_EMPTY;
    bool good = audit_files(t->folder, &files);
    for (size_t i = 0; good && i < files.count; i++) {
        if (files.numbers[i] < t->file) continue;
        if (files.numbers[i] > t->file) t->at = 0;
        t->file = files.numbers[i];
        good = trail_file_read(t->folder, t->file, &t->at, each, t, &why) || audit_complain(&why);
    }
    trail_files_done(&files);
    buf_done(&why);
    return good;
}

static bool put(const tailing *t) {
    return cli_print_as(&t->out, t->json);
}

static bool show_last(tailing *t) {
    if (!read_from(t, keep_line)) return false;
    size_t count = t->seen < t->wanted ? t->seen : t->wanted;
    for (size_t i = 0; i < count; i++)
        show(t, buf_span(&t->last[(t->seen - count + i) % t->wanted]), &t->out);
    return put(t);
}

static bool follow(tailing *t) {
    const struct timespec pause = {0, LOOK_MS * 1000000L};
    for (;;) {
        (void)nanosleep(&pause, NULL);
        buf_clear(&t->out);
        if (!read_from(t, show_line) || !put(t)) return false;
    }
}

static int run_tail(const cli_args *args) {
    audit_place place;
    tailing t = {.json = args->values[TAIL_JSON] != NULL,
                 .wanted = (size_t)cli_count(args, TAIL_LINES, TAIL_STANDARD)};
    int status =
        audit_find(args->values[TAIL_CONFIG], args->rest_count ? args->rest[0] : NULL, &place);
    t.folder = status == CLI_OK ? buf_cstr(&place.folder) : NULL;
    t.last = mem_zalloc_array(t.wanted + 1, sizeof *t.last);
    if (status == CLI_OK && !(show_last(&t) && (!args->values[TAIL_FOLLOW] || follow(&t))))
        status = CLI_FAILED;
    for (size_t i = 0; i < t.wanted; i++)
        buf_done(&t.last[i]);
    free(t.last);
    buf_done(&t.out);
    audit_place_done(&place);
    return status;
}

const cli_command cli_audit_tail = {
    .name = "audit tail",
    .summary = "Show the last records of the audit trail",
    .operands = {"[FOLDER]", CLI_FILE, NULL, 0, 1},
    .about = "One line a record: its number, when it was written, its kind, and what it says.",
    .example = "weir audit tail -n 50\n"
               "weir audit tail -f --json",
    .options = tail_options,
    .option_count = ARRAY_LEN(tail_options),
    .run = run_tail,
};
