/* weir keys list, show. */
#include "base/clock.h"
#include "cli/keys_place.h"
#include "json/json.h"

enum { OPT_CONFIG, OPT_JSON };
enum { PAGE = 500 };

static const cli_option options[] = {KEYS_CONFIG_ROW, KEYS_JSON_ROW};

/* ---- list ---- */

typedef struct listing {
    keys_place *place;
    bool json;
    int64_t now_us;
    buf out, last; /* last: the name after which the next page begins */
    unsigned count;
    bool some;
} listing;

/* Whoever may make a key may not steer the terminal of who looks at it, nor write lines there. */
static void write_plainly(span text, buf *out) {
    const size_t from = out->len;
    buf_add_excerpt(out, text, text.len);
    cli_disarm(out->ptr + from, out->len - from);
}

static void write_line(const store_key *row, int64_t now_us, buf *out) {
    char until[CLOCK_RFC3339_LEN + 1] = "never";
    if (row->expires_us) clock_rfc3339(row->expires_us, until);
    buf_addf(out, "%.*s  %-8s  %-27s  %.*s…  ", SPAN_ARG(row->id), store_key_status(row, now_us),
             until, SPAN_ARG(row->hint));
    write_plainly(row->name, out);
    buf_add_char(out, '\n');
}

static bool note(void *user, const store_key *row) {
    listing *l = user;
    l->count++;
    buf_clear(&l->last);
    buf_add(&l->last, row->name);
    if (!l->json) {
        write_line(row, l->now_us, &l->out);
        return true;
    }
    if (l->some) buf_add_char(&l->out, ',');
    store_key_write(row, NULL, l->now_us, &l->out);
    l->some = true;
    return true;
}

/* Page by page, so that any number of keys takes little memory. */
static int write_pages(listing *l) {
    do {
        l->count = 0;
        buf after = BUF_EMPTY;
        buf_add(&after, buf_span(&l->last));
        key_outcome o = key_store_list(l->place->store, buf_span(&after), PAGE, note, l);
        buf_done(&after);
        if (o != KEYS_DONE) return keys_outcome(l->place, o, "");
        const bool told = !l->out.len || cli_print_as(&l->out, l->json);
        buf_clear(&l->out);
        if (!told) return CLI_FAILED;
    } while (l->count == PAGE);
    return CLI_OK;
}

static int list_all(keys_place *p, bool json) {
    listing l = {.place = p, .json = json, .now_us = clock_wall_us()};
    if (json) buf_add_cstr(&l.out, "{\"object\":\"list\",\"data\":[");
    int status = write_pages(&l);
    if (json) buf_add_cstr(&l.out, "],\"has_more\":false}\n");
    if (status == CLI_OK && l.out.len && !cli_print_as(&l.out, json)) status = CLI_FAILED;
    if (status == CLI_OK && !json && !l.last.len)
        cli_complain("there are no keys yet; weir keys create --name NAME makes one");
    buf_done(&l.out);
    buf_done(&l.last);
    return status;
}

static int run_list(const cli_args *args) {
    keys_place p;
    int status = keys_open(&p, args->values[OPT_CONFIG]);
    if (status == CLI_OK) status = list_all(&p, args->values[OPT_JSON]);
    keys_close(&p);
    return status;
}

/* ---- show ---- */

/* A line a member: what has nothing to say is left out. */
static void write_members(const store_key *row, arena *a, buf *out) {
    buf text = BUF_EMPTY;
    json_value root;
    json_fault fault;
    json_member m;
    store_key_write(row, NULL, clock_wall_us(), &text);
    if (json_scan(buf_span(&text), NULL, &root, &fault))
        for (json_iter it = json_iter_of(root); json_next_member(&it, &m);) {
            if (m.value.type == JSON_NULL || span_eq(m.key, SPAN_OF("object"))) continue;
            span says = m.value.type == JSON_STRING ? json_string(m.value, a) : m.value.raw;
            buf_addf(out, "%-12.*s ", SPAN_ARG(m.key));
            write_plainly(says, out);
            buf_add_char(out, '\n');
        }
    buf_done(&text);
}

static int show(keys_place *p, const char *who, bool json) {
    store_key row;
    int status = keys_outcome(p, key_store_get(p->store, span_cstr(who), &p->arena, &row), who);
    if (status != CLI_OK) return status;
    buf out = BUF_EMPTY;
    if (json) {
        store_key_write(&row, NULL, clock_wall_us(), &out);
        buf_add_char(&out, '\n');
    } else {
        write_members(&row, &p->arena, &out);
    }
    status = cli_print_as(&out, json) ? CLI_OK : CLI_FAILED;
    buf_done(&out);
    return status;
}

static int run_show(const cli_args *args) {
    keys_place p;
    int status = keys_open(&p, args->values[OPT_CONFIG]);
    if (status == CLI_OK) status = show(&p, args->rest[0], args->values[OPT_JSON]);
    keys_close(&p);
    return status;
}

const cli_command cli_keys_list = {
    .name = "keys list",
    .summary = "Show all keys: id, status, expiry, beginning, name",
    .example = "weir keys list -c weir.yaml",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .run = run_list,
};

const cli_command cli_keys_show = {
    .name = "keys show",
    .summary = "Show one key, by its name or id",
    .operands = {"NAME", CLI_TEXT, NULL, 1, 1},
    .example = "weir keys show app --json",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .run = run_show,
};
