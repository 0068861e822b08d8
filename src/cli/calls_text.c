/* Calls as lines, and one call's whole story. */
#include "cli/records_text.h"

#include "cli/cli.h"
#include "cli/terminal.h"

#include <stdio.h>
#include <string.h>

/* Of the API's objects, in their order. */
static const char *const names[] = {
    "success",
#define X(number, kind, name) #name,
#include "ledger/fields.def"
#undef X
};

void calls_write_csv_head(buf *out) {
    record_csv_names(names, ARRAY_LEN(names), out);
}

void calls_write_csv_row(json_value call, buf *out) {
    record_csv_line(call, names, ARRAY_LEN(names), out);
}

/* ---- a line a call ---- */

enum { TIME = 19, STATUS = 3, TOKENS = 15, COST = 9, TOOK = 9, TARGET = 28 };

void calls_write_head(bool colour, buf *out) {
    buf_addf(out, "%s%-*s  %*s  %*s  %*s  %*s  %-*s  %-36s  %s%s\n",
             terminal_style_of(colour, STYLE_BOLD), TIME, "began (UTC)", STATUS, "was", TOKENS,
             "tokens", COST, "cost", TOOK, "took", TARGET, "target", "id", "for",
             terminal_style_of(colour, STYLE_PLAIN));
}

static void add_tokens(json_value call, buf *out) {
    int64_t in = record_number(call, "prompt_tokens"),
            made = record_number(call, "completion_tokens");
    if (in < 0 && made < 0) {
        buf_add_char(out, '-');
        return;
    }
    if (json_get(call, SPAN_OF("estimated")).type == JSON_TRUE) buf_add_char(out, '~');
    record_add_count(in, out);
    buf_add_char(out, '+');
    record_add_count(made, out);
}

/* "2026-11-28T18:00:00.123456Z" as "2026-11-28 18:00:00". */
static void add_time(span time, buf *out) {
    span seconds = span_clip(time, TIME);
    size_t at = span_find(seconds, 0, 'T');
    buf_add(out, span_slice(seconds, 0, at));
    if (at < seconds.len)
        buf_addf(out, " %.*s", SPAN_ARG(span_slice(seconds, at + 1, seconds.len)));
}

static terminal_style style_of(json_value call) {
    int64_t status = record_number(call, "status");
    if (json_get(call, SPAN_OF("success")).type == JSON_TRUE) return STYLE_GREEN;
    return status >= 400 && status < 500 ? STYLE_YELLOW : STYLE_RED;
}

static void add_cell(buf *cell, unsigned width, bool at_right, buf *out) {
    record_add_cell(buf_span(cell), width, at_right, out);
    buf_add_cstr(out, "  ");
    buf_clear(cell);
}

static void add_status(json_value call, buf *out) {
    int64_t status = record_number(call, "status");
    if (status > 0)
        buf_addf(out, "%lld", (long long)status);
    else
        buf_add_char(out, '-');
}

/* Whom it was for, and why it failed. */
static void add_rest(json_value call, arena *a, buf *out) {
    span client = record_text(call, "client", a), user = record_text(call, "user", a);
    span error = record_text(call, "error_code", a);
    buf_addf(out, "%.*s%s%.*s", SPAN_ARG(client), client.len && user.len ? "/" : "",
             SPAN_ARG(user));
    if (error.len) buf_addf(out, "%s%.*s", client.len || user.len ? "  " : "", SPAN_ARG(error));
}

void calls_write_row(json_value call, bool colour, buf *out) {
    arena a;
    buf cell = BUF_EMPTY;
    arena_init(&a, 0);
    add_time(record_text(call, "timestamp", &a), &cell);
    add_cell(&cell, TIME, false, out);
    buf_add_cstr(out, terminal_style_of(colour, style_of(call)));
    add_status(call, &cell);
    record_add_cell(buf_span(&cell), STATUS, true, out);
    buf_clear(&cell);
    buf_addf(out, "%s  ", terminal_style_of(colour, STYLE_PLAIN));
    add_tokens(call, &cell);
    add_cell(&cell, TOKENS, true, out);
    record_add_money(record_number(call, "cost_nano"), &cell);
    add_cell(&cell, COST, true, out);
    record_add_seconds(record_decimal(call, "response_time"), &cell);
    add_cell(&cell, TOOK, true, out);
    span target = record_text(call, "target", &a);
    buf_add(&cell, target.len ? target : record_text(call, "model", &a));
    add_cell(&cell, TARGET, false, out);
    buf_add(out, record_text(call, "request_id", &a));
    buf_add_cstr(out, "  ");
    add_rest(call, &a, out);
    while (out->len && out->ptr[out->len - 1] == ' ')
        out->len--;
    buf_add_char(out, '\n');
    buf_done(&cell);
    arena_done(&a);
}

/* ---- the story ---- */

typedef struct story {
    json_value call;
    arena *arena;
    bool colour;
    buf *out;
} story;

static void put_name(const story *s, const char *name) {
    buf_addf(s->out, "  %s%-12s%s", terminal_style_of(s->colour, STYLE_DIM), name,
             terminal_style_of(s->colour, STYLE_PLAIN));
}

static void put_text(const story *s, const char *name, const char *member) {
    span text = record_text(s->call, member, s->arena);
    if (!text.len) return;
    put_name(s, name);
    buf_addf(s->out, "%.*s\n", SPAN_ARG(text));
}

static void put_seconds(const story *s, const char *name, const char *member) {
    double seconds = record_decimal(s->call, member);
    if (seconds < 0) return;
    put_name(s, name);
    record_add_seconds(seconds, s->out);
    buf_add_char(s->out, '\n');
}

/* As JSON: of the client's or the provider's own. */
static void put_object(const story *s, const char *name, const char *member) {
    json_value v = json_get(s->call, span_cstr(member));
    if (v.type != JSON_OBJECT || json_is_empty(v)) return;
    char *copy = arena_alloc(s->arena, v.raw.len);
    for (size_t i = 0; i < v.raw.len; i++)
        copy[i] = (unsigned char)v.raw.ptr[i] < ' ' ? ' ' : v.raw.ptr[i];
    cli_disarm(copy, v.raw.len);
    put_name(s, name);
    buf_addf(s->out, "%.*s\n", SPAN_ARG(span_from(copy, v.raw.len)));
}

static void put_tokens(const story *s) {
    static const struct {
        const char *member, *says;
    } parts[] = {{"cached_tokens", "cached"},
                 {"cache_write_tokens", "written to the cache"},
                 {"reasoning_tokens", "reasoning"},
                 {"audio_tokens", "audio"}};
    put_name(s, "tokens");
    add_tokens(s->call, s->out);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        int64_t count = record_number(s->call, parts[i].member);
        if (count <= 0) continue;
        buf_add_cstr(s->out, ", ");
        record_add_count(count, s->out);
        buf_addf(s->out, " %s", parts[i].says);
    }
    buf_add_char(s->out, '\n');
}

static void put_first(const story *s) {
    buf_addf(s->out, "call %.*s: %s%.*s ", SPAN_ARG(record_text(s->call, "request_id", s->arena)),
             terminal_style_of(s->colour, style_of(s->call)),
             SPAN_ARG(record_text(s->call, "outcome", s->arena)));
    add_status(s->call, s->out);
    buf_addf(s->out, "%s\n", terminal_style_of(s->colour, STYLE_PLAIN));
}

static void put_facts(const story *s) {
    put_text(s, "began", "timestamp");
    put_text(s, "step of", "parent_id");
    put_text(s, "client", "client");
    put_text(s, "environment", "environment");
    put_text(s, "user", "user");
    put_object(s, "tags", "tags");
    put_text(s, "from", "peer");
    put_text(s, "its own id", "client_request_id");
    put_text(s, "endpoint", "endpoint");
    put_text(s, "model", "model");
    put_text(s, "target", "target");
    put_text(s, "its id", "provider_request_id");
    put_text(s, "ended by", "finish_reason");
    put_text(s, "error", "error_code");
    put_text(s, "", "error_message");
    put_tokens(s);
    put_object(s, "usage", "usage");
    put_name(s, "cost");
    record_add_money(record_number(s->call, "cost_nano"), s->out);
    buf_add_char(s->out, '\n');
    put_text(s, "cache", "cache");
    put_text(s, "guard", "guard");
    put_seconds(s, "took", "response_time");
    put_seconds(s, "first byte", "first_byte");
    put_seconds(s, "first token", "first_token");
    put_seconds(s, "weir's own", "own_time");
}

/* ---- the tries: when each was under way ---- */

enum { LINE = 32 };

/* Of the line of all of the call's time: where a moment stands. */
static size_t place_of(double ms, double whole_ms) {
    if (ms <= 0 || whole_ms <= 0) return 0;
    size_t at = (size_t)(ms / whole_ms * LINE);
    return at < LINE ? at : LINE - 1;
}

static void put_line(const story *s, json_value try, double whole_ms) {
    double began = record_decimal(try, "began_ms"), ended = record_decimal(try, "ended_ms");
    size_t from = place_of(began, whole_ms);
    size_t to = ended < 0 ? LINE - 1 : place_of(ended, whole_ms);
    double head = record_decimal(try, "head_ms");
    size_t turn = head < 0 ? LINE : place_of(head, whole_ms);
    buf_add_char(s->out, '|');
    for (size_t i = 0; i < LINE; i++) {
        const char *mark = i < from || i > to ? " " : i < turn ? "─" : "━";
        buf_add_cstr(s->out, mark);
    }
    buf_add_char(s->out, '|');
}

static void put_try(const story *s, json_value try, double whole_ms) {
    span outcome = record_text(try, "outcome", s->arena);
    bool good = span_eq(outcome, SPAN_OF("ok"));
    double began = record_decimal(try, "began_ms"), ended = record_decimal(try, "ended_ms");
    int64_t status = record_number(try, "status");
    buf cell = BUF_EMPTY;
    buf_add_cstr(s->out, "  ");
    record_add_seconds(began < 0 ? -1 : began / 1000, &cell);
    add_cell(&cell, TOOK, true, s->out);
    put_line(s, try, whole_ms);
    buf_addf(s->out, "  %.*s  %s%.*s%s", SPAN_ARG(record_text(try, "target", s->arena)),
             terminal_style_of(s->colour, good ? STYLE_GREEN : STYLE_RED),
             SPAN_ARG(outcome.len ? outcome : SPAN_OF("not ended")),
             terminal_style_of(s->colour, STYLE_PLAIN));
    if (status > 0) buf_addf(s->out, " %lld", (long long)status);
    if (ended >= 0) {
        buf_add_cstr(s->out, " after ");
        record_add_seconds((ended - began) / 1000, s->out);
    }
    if (json_get(try, SPAN_OF("hedge")).type == JSON_TRUE) buf_add_cstr(s->out, ", a hedge");
    if (record_number(try, "prompt_tokens") >= 0) {
        buf_add_cstr(s->out, ", ");
        add_tokens(try, s->out);
        buf_add_cstr(s->out, " tokens");
    }
    buf_add_char(s->out, '\n');
    buf_done(&cell);
}

static void put_tries(const story *s) {
    json_value tries = json_get(s->call, SPAN_OF("tries"));
    if (tries.type != JSON_ARRAY || json_is_empty(tries)) return;
    buf_addf(s->out, "\n%stries%s (─ waiting for the provider, ━ its answer)\n",
             terminal_style_of(s->colour, STYLE_BOLD), terminal_style_of(s->colour, STYLE_PLAIN));
    json_iter it = json_iter_of(tries);
    for (json_value t; json_next_element(&it, &t);)
        put_try(s, t, record_decimal(s->call, "response_time") * 1000);
}

void calls_write_story(json_value call, bool colour, buf *out) {
    arena a;
    arena_init(&a, 0);
    const story s = {call, &a, colour, out};
    put_first(&s);
    put_facts(&s);
    put_tries(&s);
    arena_done(&a);
}
