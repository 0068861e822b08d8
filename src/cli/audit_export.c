/* weir audit export: records as they stand in the trail, with what was asked and answered where
 * that is wanted. */
#include "audit/body.h"
#include "audit/chain.h"
#include "audit/files.h"
#include "base/clock.h"
#include "cli/audit_trail.h"
#include "json/json.h"

#include <inttypes.h>

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

/* ---- export ---- */

typedef struct exporting {
    wanted wanted;
    bool bodies;       /* they are opened */
    const secret *key; /* NULL: there is none */
    buf out;
    bool failed;
    uint64_t closed; /* records with a body that could not be opened */
    buf why;         /* of the first of them */
    uint64_t unread; /* lines that are no records */
    unsigned unread_file;
    uint64_t unread_line; /* of the first of them */
} exporting;

enum { WRITE_AT = 64 * 1024 };

/* ---- bodies ---- */

static const char *why_closed(body_result r) {
    switch (r) {
    case BODY_NO_KEY: return "and no key is there: audit.key, of the configuration (-c FILE)";
    case BODY_OTHER_KEY: return "which is not that of the configuration (audit.key)";
    case BODY_ALTERED: return "and does not open: it was altered";
    default: return "and is none that this weir knows how to open";
    }
}

/* One that cannot be opened stands as it is in the trail. */
static bool write_body(exporting *e, const chain_line *l, json_member m) {
    body_text body;
    buf place = BUF_EMPTY;
    const json_value id = json_get(json_get(l->object, SPAN_OF("call")), SPAN_OF("request_id"));
    const span request_id =
        id.type == JSON_STRING ? span_slice(id.raw, 1, id.raw.len - 1) : SPAN_EMPTY;
    buf_addf(&place, "%.*s of %.*s", SPAN_ARG(m.key), SPAN_ARG(request_id));
    const body_result r = body_open(m.value, e->key, buf_span(&place), &body);
    if (r == BODY_OPEN) {
        json_writer w = json_writer_of(&e->out);
        json_open_object(&w);
        if (body.cut) {
            json_key(&w, "cut");
            json_put_bool(&w, true);
        }
        json_key(&w, "text");
        json_put_string(&w, buf_span(&body.text));
        json_close_object(&w);
    } else {
        buf_add(&e->out, m.value.raw);
        if (!e->why.len && body.key.len)
            buf_addf(&e->why, "the %.*s of record %" PRIu64 " is encrypted with the key %.*s, %s",
                     SPAN_ARG(m.key), l->seq, SPAN_ARG(body.key), why_closed(r));
        else if (!e->why.len)
            buf_addf(&e->why, "the %.*s of record %" PRIu64 " is there, %s", SPAN_ARG(m.key),
                     l->seq, why_closed(r));
    }
    buf_done(&body.text);
    buf_done(&place);
    return r == BODY_OPEN;
}

/* The line, with texts in the place of what they were made into. */
static void write_open(exporting *e, const chain_line *l, span line, json_value bodies) {
    bool good = true;
    const char *at = bodies.raw.ptr + bodies.raw.len;
    buf_add(&e->out, span_from(line.ptr, (size_t)(bodies.raw.ptr - line.ptr)));
    buf_add_char(&e->out, '{');
    json_iter it = json_iter_of(bodies);
    json_member m;
    for (bool first = true; json_next_member(&it, &m); first = false) {
        buf_addf(&e->out, "%s\"%.*s\":", first ? "" : ",", SPAN_ARG(m.key));
        good = write_body(e, l, m) && good;
    }
    buf_add_char(&e->out, '}');
    buf_add(&e->out, span_from(at, (size_t)(line.ptr + line.len - at)));
    e->closed += !good;
}

static bool tell_unread(const exporting *e) {
    if (!e->unread) return true;
    char name[TRAIL_NAME_LEN + 1];
    trail_file_name(e->unread_file, name);
    cli_complain("%s, line %llu: it is no record, and was left out%s; weir audit verify says more",
                 name, (unsigned long long)e->unread_line, e->unread > 1 ? ", and not alone" : "");
    return false;
}

static bool tell_closed(const exporting *e) {
    if (!e->closed) return true;
    cli_complain("%.*s%s", SPAN_ARG(buf_span(&e->why)),
                 e->closed > 1 ? "; it is not the only one" : "");
    return false;
}

/* ---- all of it ---- */

static bool export_line(void *user, unsigned file, uint64_t number, span line, bool whole) {
    exporting *e = user;
    chain_line l;
    if (!whole) return true; /* it is being written */
    if (!audit_parse(line, &l)) {
        if (e->unread++) return true;
        e->unread_file = file;
        e->unread_line = number;
        return true;
    }
    if (!is_wanted(&e->wanted, &l)) return true;
    const json_value bodies = json_get(l.object, SPAN_OF("bodies"));
    if (e->bodies && bodies.type == JSON_OBJECT)
        write_open(e, &l, line, bodies);
    else
        buf_add(&e->out, line);
    buf_add_char(&e->out, '\n');
    if (e->out.len < WRITE_AT) return true;
    e->failed = !cli_print_as(&e->out, true);
    buf_clear(&e->out);
    return !e->failed;
}

static bool export_all(const char *folder, exporting *e) {
    trail_files files;
    buf why = BUF_EMPTY;
    bool good = audit_files(folder, &files);
    for (size_t i = 0; good && !e->failed && i < files.count; i++) {
        size_t at = 0;
        good = trail_file_read(folder, files.numbers[i], &at, export_line, e, &why) ||
               audit_complain(&why);
    }
    trail_files_done(&files);
    buf_done(&why);
    if (!good || e->failed || !cli_print_as(&e->out, true)) return false;
    const bool all = tell_unread(e);
    return tell_closed(e) && all;
}

enum { EXPORT_CONFIG, EXPORT_FROM, EXPORT_TO, EXPORT_CLIENT, EXPORT_KIND, EXPORT_BODIES };

static const char *const kinds[] = {"call", "act", "pruned", NULL};

static const cli_option export_options[] = {
    AUDIT_CONFIG_ROW,
    {0, "from", "TIME", "Records from then on: a time, a date, 24h, 7d"},
    {0, "to", "TIME", "Records before then"},
    {0, "client", "NAME", "Calls of this client"},
    {0, "kind", "KIND", "Records of one kind: call, act or pruned", .kind = CLI_CHOICE,
     .choices = kinds},
    {0, "bodies", NULL, "Decrypt and unpack what was asked and answered"},
};

static span or_any(const char *value) {
    return value ? span_cstr(value) : SPAN_EMPTY;
}

/* Whoever asks for what cannot be has mistaken himself. */
static bool can_be(const wanted *w) {
    if (w->client.ptr && !w->client.len)
        cli_complain("audit export: --client is empty; a name is needed");
    else if (w->from_us > w->to_us)
        cli_complain("audit export: --from is later than --to");
    else
        return true;
    return false;
}

static int run_export(const cli_args *args) {
    const char *from = args->values[EXPORT_FROM], *to = args->values[EXPORT_TO];
    exporting e = {.wanted = {or_any(args->values[EXPORT_CLIENT]),
                              or_any(args->values[EXPORT_KIND]), INT64_MIN, INT64_MAX}};
    audit_place place;
    e.bodies = args->values[EXPORT_BODIES] != NULL;
    if ((from && !audit_read_time("from", from, &e.wanted.from_us)) ||
        (to && !audit_read_time("to", to, &e.wanted.to_us)) || !can_be(&e.wanted))
        return CLI_USAGE;
    int status =
        audit_find(args->values[EXPORT_CONFIG], args->rest_count ? args->rest[0] : NULL, &place);
    e.key = place.config ? place.config->audit.key : NULL;
    if (status == CLI_OK && !export_all(buf_cstr(&place.folder), &e)) status = CLI_FAILED;
    audit_place_done(&place);
    buf_done(&e.out);
    buf_done(&e.why);
    return status;
}

const cli_command cli_audit_export = {
    .name = "audit export",
    .summary = "Print records of the audit trail, one JSON object a line",
    .operands = {"[FOLDER]", CLI_FILE, NULL, 0, 1},
    .about = "Lines are as they stand in the trail, with the hashes that vouch for them. With\n"
             "--bodies what was asked and answered (audit.bodies) stands in them as text,\n"
             "which needs the key that encrypted it: audit.key of the configuration.",
    .example = "weir audit export --from 2026-11-01 --to 2026-12-01 > november.jsonl\n"
               "weir audit export --client app --kind call\n"
               "weir audit export -c weir.yaml --bodies /var/lib/weir",
    .options = export_options,
    .option_count = ARRAY_LEN(export_options),
    .run = run_export,
};
