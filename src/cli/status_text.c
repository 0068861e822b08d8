#include "cli/status_text.h"

#include "cli/cli.h"
#include "cli/terminal.h"
#include "json/json.h"

typedef struct writer {
    arena arena;
    json_value root;
    bool colour;
    buf *out;
} writer;

static bool read(span page, json_value *ret) {
    json_fault fault;
    return json_scan(page, NULL, ret, &fault) && ret->type == JSON_OBJECT;
}

bool status_is_weirs(span page) {
    json_value root;
    return read(page, &root) && json_is(json_get(root, SPAN_OF("service")), SPAN_OF("weir"));
}

bool status_is_ready(span page) {
    json_value root;
    return read(page, &root) && json_is(json_get(root, SPAN_OF("status")), SPAN_OF("healthy"));
}

/* ---- pieces ---- */

static int64_t number(json_value object, const char *key) {
    int64_t n = 0;
    json_value value = json_get(object, span_cstr(key));
    return value.type == JSON_NUMBER && json_i64(value, &n) ? n : 0;
}

/* A copy: it is disarmed. */
static span text(writer *w, json_value object, const char *key) {
    json_value value = json_get(object, span_cstr(key));
    if (value.type != JSON_STRING) return SPAN_EMPTY;
    span s = json_string(value, &w->arena);
    char *copy = arena_alloc(&w->arena, s.len + 1);
    for (size_t i = 0; i < s.len; i++)
        copy[i] = s.ptr[i] == '\n' || s.ptr[i] == '\t' ? ' ' : s.ptr[i];
    copy[s.len] = '\0';
    cli_disarm(copy, s.len);
    return span_from(copy, s.len);
}

static void put(const writer *w, terminal_style style, span what) {
    buf_addf(w->out, "%s%.*s%s", terminal_style_of(w->colour, style), SPAN_ARG(what),
             terminal_style_of(w->colour, STYLE_PLAIN));
}

/* "5 s", "3 min", "2 h 5 min", "4 d 1 h" */
static void put_duration(const writer *w, int64_t seconds) {
    long long minutes = seconds / 60, hours = minutes / 60;
    if (seconds < 60)
        buf_addf(w->out, "%lld s", (long long)seconds);
    else if (minutes < 60)
        buf_addf(w->out, "%lld min", minutes);
    else if (hours < 24)
        buf_addf(w->out, "%lld h %lld min", hours, minutes % 60);
    else
        buf_addf(w->out, "%lld d %lld h", hours / 24, hours % 24);
}

static const char *plural(int64_t count) {
    return count == 1 ? "" : "s";
}

/* ---- lines ---- */

static void put_first(writer *w, span where) {
    span status = text(w, w->root, "status");
    bool ready = span_eq(status, SPAN_OF("healthy"));
    buf_addf(w->out, "weir %.*s at %.*s: ", SPAN_ARG(text(w, w->root, "version")), SPAN_ARG(where));
    put(w, ready ? STYLE_GREEN : STYLE_RED, status);
    buf_add_cstr(w->out, ", up ");
    put_duration(w, number(w->root, "uptime_seconds"));
    buf_add_char(w->out, '\n');
}

static void put_open(const writer *w) {
    json_value open = json_get(w->root, SPAN_OF("open"));
    if (open.type != JSON_OBJECT) return;
    int64_t calls = number(open, "calls"), streams = number(open, "streams");
    int64_t connections = number(open, "connections");
    buf_addf(w->out, "open: %lld call%s, %lld stream%s; %lld connection%s\n", (long long)calls,
             plural(calls), (long long)streams, plural(streams), (long long)connections,
             plural(connections));
}

static void put_reloads(const writer *w) {
    json_value reloads = json_get(w->root, SPAN_OF("reloads"));
    json_value last = json_get(reloads, SPAN_OF("last"));
    if (reloads.type != JSON_OBJECT) return;
    buf_addf(w->out, "reloads: %lld ok, %lld failed", (long long)number(reloads, "ok"),
             (long long)number(reloads, "failed"));
    if (last.type == JSON_STRING) {
        buf_add_cstr(w->out, "; the last ");
        put_duration(w, number(reloads, "last_seconds_ago"));
        buf_add_cstr(w->out, " ago");
        if (json_is(last, SPAN_OF("failed"))) {
            buf_add_cstr(w->out, ": ");
            put(w, STYLE_RED, SPAN_OF("it failed, the file is not what is in force"));
        }
    }
    buf_add_char(w->out, '\n');
}

/* ---- targets ---- */

typedef struct row {
    span name, breaker;
    long long calls, extra, apart;
} row;

static row row_of(writer *w, json_value target) {
    json_value minute = json_get(target, SPAN_OF("last_minute"));
    return (row){.name = text(w, target, "name"),
                 .breaker = text(w, target, "breaker"),
                 .calls = number(minute, "calls"),
                 .extra = number(minute, "extra"),
                 .apart = number(target, "open_for_clients")};
}

/* Columns are padded by what a terminal shows, not by bytes. */
static void put_padded(const writer *w, span what, unsigned columns, terminal_style style) {
    unsigned width = terminal_width(what.ptr, what.len);
    put(w, style, what);
    buf_addf(w->out, "%*s", (int)(width < columns ? columns - width : 0), "");
}

static void put_row(const writer *w, const row *r, unsigned columns) {
    bool closed = span_eq(r->breaker, SPAN_OF("closed"));
    buf_add_cstr(w->out, "  ");
    put_padded(w, r->name, columns, STYLE_PLAIN);
    buf_add_cstr(w->out, "  ");
    put_padded(w, r->breaker, 9, closed ? STYLE_PLAIN : STYLE_RED);
    buf_addf(w->out, "%9lld%9lld", r->calls, r->extra);
    if (r->apart) buf_addf(w->out, "  open for %lld client%s", r->apart, plural(r->apart));
    buf_add_char(w->out, '\n');
}

static void put_targets(writer *w) {
    json_value targets = json_get(w->root, SPAN_OF("targets"));
    if (targets.type != JSON_ARRAY || json_is_empty(targets)) return;
    unsigned columns = (unsigned)(sizeof "target" - 1);
    json_iter it = json_iter_of(targets);
    for (json_value t; json_next_element(&it, &t);) {
        span name = text(w, t, "name");
        unsigned width = terminal_width(name.ptr, name.len);
        if (width > columns) columns = width;
    }
    buf_add_cstr(w->out, "\n  ");
    put_padded(w, SPAN_OF("target"), columns, STYLE_BOLD);
    buf_add_cstr(w->out, "  ");
    put(w, STYLE_BOLD, SPAN_OF("breaker  calls/min    extra"));
    buf_add_char(w->out, '\n');
    it = json_iter_of(targets);
    for (json_value t; json_next_element(&it, &t);) {
        row r = row_of(w, t);
        put_row(w, &r, columns);
    }
}

/* ---- keys ---- */

static void put_refused(writer *w, json_value key) {
    span code = text(w, key, "code");
    buf_addf(w->out, "  key %lld of %.*s: ", (long long)number(key, "key"),
             SPAN_ARG(text(w, key, "provider")));
    put(w, STYLE_RED, SPAN_OF("refused"));
    buf_addf(w->out, " (%lld%s%.*s)\n", (long long)number(key, "status"), code.len ? " " : "",
             SPAN_ARG(code));
}

static void put_resting(writer *w, json_value key) {
    buf_addf(w->out, "  key %lld for %.*s: ", (long long)number(key, "key"),
             SPAN_ARG(text(w, key, "target")));
    put(w, STYLE_YELLOW, SPAN_OF("rate limited"));
    buf_add_cstr(w->out, ", again in ");
    put_duration(w, number(key, "seconds"));
    buf_add_char(w->out, '\n');
}

static void put_keys(writer *w) {
    json_value refused = json_get(w->root, SPAN_OF("refused_keys"));
    json_value resting = json_get(w->root, SPAN_OF("resting_keys"));
    bool any_refused = refused.type == JSON_ARRAY && !json_is_empty(refused);
    bool any_resting = resting.type == JSON_ARRAY && !json_is_empty(resting);
    if (any_refused || any_resting) buf_add_char(w->out, '\n');
    if (any_refused) {
        json_iter it = json_iter_of(refused);
        for (json_value k; json_next_element(&it, &k);)
            put_refused(w, k);
    }
    if (any_resting) {
        json_iter it = json_iter_of(resting);
        for (json_value k; json_next_element(&it, &k);)
            put_resting(w, k);
    }
}

void status_write(span page, span where, bool colour, buf *out) {
    writer w = {.colour = colour, .out = out};
    if (!read(page, &w.root)) return;
    arena_init(&w.arena, 0);
    put_first(&w, where);
    put_open(&w);
    put_reloads(&w);
    put_targets(&w);
    put_keys(&w);
    arena_done(&w.arena);
}
