/* weir audit tail, weir audit export: the records, as they stand in the trail or for people. */
#include "audit/chain.h"
#include "audit/files.h"
#include "base/clock.h"
#include "base/mem.h"
#include "cli/audit_trail.h"

#include <stdlib.h>
#include <time.h>

/* ---- what is wanted ---- */

typedef struct wanted {
    span client, kind; /* ptr NULL: any */
    int64_t from_us, to_us;
} wanted;

static bool is_wanted(const wanted *w, const chain_line *l) {
    int64_t at_us = 0;
    json_value call = json_get(l->object, SPAN_OF("call"));
    if (w->kind.ptr && !span_eq(l->kind, w->kind)) return false;
    if (w->client.ptr && !json_is(json_get(call, SPAN_OF("client")), w->client)) return false;
    if (!clock_parse_rfc3339(l->at, &at_us)) return false;
    return at_us >= w->from_us && at_us < w->to_us;
}

/* What was altered is shown all the same: whether it was is verify's to say. */
static bool parse(span line, chain_line *ret) {
    const char *why;
    return chain_read(line, ret, &why) || ret->seq;
}

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

/* ---- export ---- */

typedef struct exporting {
    wanted wanted;
    buf out;
    bool failed;
} exporting;

enum { WRITE_AT = 64 * 1024 };

static bool export_line(void *user, unsigned file, uint64_t number, span line, bool whole) {
    (void)file;
    (void)number;
    exporting *e = user;
    chain_line l;
    if (!whole || !parse(line, &l) || !is_wanted(&e->wanted, &l)) return true;
    buf_add(&e->out, line);
    buf_add_char(&e->out, '\n');
    if (e->out.len < WRITE_AT) return true;
    e->failed = !cli_print(&e->out);
    buf_clear(&e->out);
    return !e->failed;
}

static bool complain(const buf *why) {
    cli_complain("%.*s", SPAN_ARG(buf_span(why)));
    return false;
}

static bool find_files(const char *folder, trail_files *ret) {
    buf why = BUF_EMPTY;
    bool good = trail_files_find(folder, ret, &why) || complain(&why);
    if (good && !ret->count) {
        cli_complain("%s holds no audit trail: no file audit-*.jsonl is there", folder);
        good = false;
    }
    buf_done(&why);
    return good;
}

static bool export_all(const char *folder, exporting *e) {
    trail_files files;
    buf why = BUF_EMPTY;
    bool good = find_files(folder, &files);
    for (size_t i = 0; good && !e->failed && i < files.count; i++) {
        size_t at = 0;
        good =
            trail_file_read(folder, files.numbers[i], &at, export_line, e, &why) || complain(&why);
    }
    trail_files_done(&files);
    buf_done(&why);
    return good && !e->failed && cli_print(&e->out);
}

enum { EXPORT_CONFIG, EXPORT_FROM, EXPORT_TO, EXPORT_CLIENT, EXPORT_KIND };

static const char *const kinds[] = {"call", "act", "pruned", NULL};

static const cli_option export_options[] = {
    AUDIT_CONFIG_ROW,
    {0, "from", "TIME", "Records from then on: a day, or an instant (RFC 3339)"},
    {0, "to", "TIME", "Records before then"},
    {0, "client", "NAME", "Calls of this client"},
    {0, "kind", "KIND", "Records of one kind: call, act or pruned", .kind = CLI_CHOICE,
     .choices = kinds},
};

static span or_any(const char *value) {
    return value ? span_cstr(value) : SPAN_EMPTY;
}

static int run_export(const cli_args *args) {
    const char *from = args->values[EXPORT_FROM], *to = args->values[EXPORT_TO];
    exporting e = {.wanted = {or_any(args->values[EXPORT_CLIENT]),
                              or_any(args->values[EXPORT_KIND]), INT64_MIN, INT64_MAX}};
    audit_place place;
    if ((from && !audit_read_time("from", from, &e.wanted.from_us)) ||
        (to && !audit_read_time("to", to, &e.wanted.to_us)))
        return CLI_USAGE;
    int status =
        audit_find(args->values[EXPORT_CONFIG], args->rest_count ? args->rest[0] : NULL, &place);
    if (status == CLI_OK && !export_all(buf_cstr(&place.folder), &e)) status = CLI_FAILED;
    audit_place_done(&place);
    buf_done(&e.out);
    return status;
}

const cli_command cli_audit_export = {
    .name = "audit export",
    .summary = "Print records of the audit trail, one JSON object a line",
    .operands = {"[FOLDER]", CLI_FILE, NULL, 0, 1},
    .about = "Lines are as they stand in the trail, with the hashes that vouch for them.",
    .example = "weir audit export --from 2026-11-01 --to 2026-12-01 > november.jsonl\n"
               "weir audit export --client app --kind call",
    .options = export_options,
    .option_count = ARRAY_LEN(export_options),
    .run = run_export,
};

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
    if (parse(line, &l)) write_row(&l, out);
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
    bool good = find_files(t->folder, &files);
    for (size_t i = 0; good && i < files.count; i++) {
        if (files.numbers[i] < t->file) continue;
        if (files.numbers[i] > t->file) t->at = 0;
        t->file = files.numbers[i];
        good = trail_file_read(t->folder, t->file, &t->at, each, t, &why) || complain(&why);
    }
    trail_files_done(&files);
    buf_done(&why);
    return good;
}

static bool show_last(tailing *t) {
    if (!read_from(t, keep_line)) return false;
    size_t count = t->seen < t->wanted ? t->seen : t->wanted;
    for (size_t i = 0; i < count; i++)
        show(t, buf_span(&t->last[(t->seen - count + i) % t->wanted]), &t->out);
    return cli_print(&t->out);
}

static bool follow(tailing *t) {
    const struct timespec pause = {0, LOOK_MS * 1000000L};
    for (;;) {
        (void)nanosleep(&pause, NULL);
        buf_clear(&t->out);
        if (!read_from(t, show_line) || !cli_print(&t->out)) return false;
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
