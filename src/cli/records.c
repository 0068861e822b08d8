#include "cli/records.h"

#include "base/clock.h"
#include "cli/configured.h"
#include "http/fetch.h"
#include "json/json.h"
#include "ledger/home.h"
#include "ledger/place.h"
#include "ledger/sql.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ASK_MS = 60 * 1000 };

/* ---- what is asked for ---- */

void records_set(records *r, const char *name, const char *value) {
    const query_parameter *p;
    for (size_t i = 0; (p = query_parameter_at(r->kind, i)); i++)
        if (span_eq(span_cstr(p->name), span_cstr(name))) r->values[i] = value;
}

static bool read_query(const records *r, ledger_query *q, buf *why) {
    const query_parameter *p;
    *q = ledger_query_all;
    for (size_t i = 0; (p = query_parameter_at(r->kind, i)); i++)
        if (r->values[i] && !query_set(q, r->kind, span_cstr(p->name), span_cstr(r->values[i]),
                                       clock_wall_us(), why))
            return false;
    return query_check(q, why);
}

/* RFC 3986 section 2.3: what needs no percent. */
static void add_encoded(buf *out, const char *text) {
    for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
        unsigned char letter = *at | 32;
        bool plain = (letter >= 'a' && letter <= 'z') || (*at >= '0' && *at <= '9') || *at == '-' ||
                     *at == '.' || *at == '_' || *at == '~';
        if (plain)
            buf_add_char(out, (char)*at);
        else
            buf_addf(out, "%%%02X", *at);
    }
}

static void add_query(const records *r, buf *out) {
    const query_parameter *p;
    char before = '?';
    for (size_t i = 0; (p = query_parameter_at(r->kind, i)); i++) {
        if (!r->values[i]) continue;
        buf_addf(out, "%c%s=", before, p->name);
        add_encoded(out, r->values[i]);
        before = '&';
    }
}

/* ---- a store ---- */

/* A database's address may hold a password; a file's name is what its owner looks for. */
static void say_where(const store_place *place, buf *why) {
    const char *path = place->where.ptr;
    if (place->driver != &sql_sqlite) return;
    buf said = BUF_EMPTY;
    const int error = access(path, R_OK) ? errno : 0;
    if (error == ENOENT)
        buf_addf(&said, "there are no records yet: %s, where weir serve keeps them, is not there",
                 path);
    else
        buf_addf(&said, "cannot read the records in %s: %s", path,
                 error ? strerror(error) : buf_cstr(why));
    buf_clear(why);
    buf_add(why, buf_span(&said));
    buf_done(&said);
}

static void open_store_at(records *r, const store_place *place, buf *why) {
    if (store_open(place, SQL_READS, false, &r->store, why) == STORE_OPEN) return;
    r->store = NULL;
    say_where(place, why);
}

static int open_store_of(records *r, const config *c) {
    ledger_home home = {.lock_fd = -1};
    buf why = BUF_EMPTY;
    if (!c->ledger.on) {
        buf_add_cstr(&why, "the configuration keeps no records (ledger: off)");
    } else if (ledger_home_find(&c->ledger, &home, &why)) {
        const store_place place = store_place_of(&home.store);
        open_store_at(r, &place, &why);
    }
    if (!r->store) cli_complain("%.*s", SPAN_ARG(buf_span(&why)));
    ledger_home_done(&home);
    buf_done(&why);
    return r->store ? CLI_OK : CLI_FAILED;
}

static int find_store(records *r, const char *path) {
    config *c = configured_find(path);
    int status = c ? open_store_of(r, c) : CLI_FAILED;
    config_unref(c);
    return status;
}

/* ---- an address ---- */

static int open_url(records *r, const char *url, const char *ca) {
    const char *why, *key = getenv("OPENAI_API_KEY");
    if (!config_url_parse(span_cstr(url), &r->arena, &r->url, &why)) {
        cli_complain("%s cannot be asked: %s", url, why);
        return CLI_USAGE;
    }
    r->ca_file = span_cstr(ca);
    if (key && *key) r->key = arena_printf(&r->arena, "Bearer %s", key);
    return CLI_OK;
}

int records_open_url(records *r, query_kind kind, const char *url, const char *ca_file) {
    *r = (records){.kind = kind};
    arena_init(&r->arena, 0);
    return open_url(r, url, ca_file);
}

int records_open(records *r, query_kind kind, const cli_args *args, size_t first) {
    ledger_query q;
    buf why = BUF_EMPTY;
    *r = (records){.kind = kind};
    arena_init(&r->arena, 0);
    for (size_t i = 0; query_parameter_at(kind, i); i++) {
        assert(i < RECORDS_PARAMETERS_MAX);
        r->values[i] = args->values[first + i];
    }
    bool good = read_query(r, &q, &why);
    if (!good) cli_complain("%.*s", SPAN_ARG(buf_span(&why)));
    buf_done(&why);
    if (!good) return CLI_USAGE;
    const char *url = args->values[RECORDS_URL], *path = args->values[RECORDS_CONFIG];
    if (url) return open_url(r, url, args->values[RECORDS_CA]);
    return find_store(r, path);
}

void records_close(records *r) {
    store_close(r->store);
    arena_wipe(&r->arena); /* it held the key */
    arena_done(&r->arena);
}

/* ---- asking ---- */

static bool complain_of_none(const char *id) {
    cli_complain("there is no call %s", id);
    return false;
}

static bool ask_store(records *r, const char *id, buf *out) {
    ledger_query q;
    buf why = BUF_EMPTY;
    bool found = true, too_many = false, good = read_query(r, &q, &why);
    if (good && id)
        good = page_call(r->store, &q, span_cstr(id), out, &found);
    else if (good && r->kind == QUERY_SUMMARY)
        good = page_summary(r->store, &q, out, &too_many);
    else if (good)
        good = page_calls(r->store, &q, out);
    if (too_many) summary_complain(q.group, &why);
    if (too_many)
        cli_complain("%.*s", SPAN_ARG(buf_span(&why)));
    else if (!good)
        cli_complain("the records could not be read: %.*s",
                     SPAN_ARG(why.len ? buf_span(&why) : store_why(r->store)));
    buf_done(&why);
    return good && !too_many && (found || complain_of_none(id));
}

static bool complain_of(records *r, const fetched *f) {
    json_value root, text = {JSON_NONE, SPAN_EMPTY};
    json_fault fault;
    if (!f->status) {
        cli_complain("%.*s: %.*s", SPAN_ARG(r->url.text), SPAN_ARG(buf_span(&f->why)));
        return false;
    }
    if (json_scan(buf_span(&f->body), NULL, &root, &fault))
        text = json_get(json_get(root, SPAN_OF("error")), SPAN_OF("message"));
    span says = text.type == JSON_STRING ? json_string(text, &r->arena) : SPAN_EMPTY;
    cli_complain("%.*s answered with status %d%s%.*s%s", SPAN_ARG(r->url.text), f->status,
                 says.len ? ": " : "", SPAN_ARG(says),
                 f->status == 401 ? " (the key is that of OPENAI_API_KEY)" : "");
    return false;
}

/* An API's base URL is as good: its last part is not the server's. */
static span base_of(const config_url *url) {
    span base = url->path;
    return span_ends(base, SPAN_OF("/v1")) ? span_slice(base, 0, base.len - 3) : base;
}

static const char *const paths[] = {[QUERY_SUMMARY] = "/usage/summary",
                                    [QUERY_CALLS] = "/usage/calls",
                                    [QUERY_CALL] = "/usage/calls",
                                    [QUERY_PRICES] = "/usage/prices"};

static bool ask_url(records *r, const char *id, buf *out) {
    const http_header bearer = {SPAN_OF("authorization"), r->key};
    buf path = BUF_EMPTY;
    fetched f;
    buf_addf(&path, "%.*s%s", SPAN_ARG(base_of(&r->url)), paths[r->kind]);
    if (id) {
        buf_add_char(&path, '/');
        add_encoded(&path, id);
    } else {
        add_query(r, &path);
    }
    const fetch_spec spec = {.url = &r->url,
                             .path = buf_span(&path),
                             .headers = {&bearer, r->key.len > 0},
                             .ca_file = r->ca_file,
                             .timeout_ms = ASK_MS};
    fetch(&spec, &f);
    bool good = f.status == 200;
    if (good)
        json_write_line(out, span_trim(buf_span(&f.body)));
    else if (id && f.status == 404)
        (void)complain_of_none(id);
    else
        (void)complain_of(r, &f);
    fetched_done(&f);
    buf_done(&path);
    return good;
}

bool records_ask(records *r, const char *id, buf *out) {
    return r->store ? ask_store(r, id, out) : ask_url(r, id, out);
}

bool records_read(const buf *text, const char *member, json_type type, const char *what,
                  json_value *ret) {
    json_fault fault;
    if (json_scan(buf_span(text), NULL, ret, &fault) &&
        json_get(*ret, span_cstr(member)).type == type)
        return true;
    cli_complain("what was answered is no %s", what);
    return false;
}
