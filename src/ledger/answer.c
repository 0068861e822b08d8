#include "ledger/answer.h"

#include "base/clock.h"
#include "ledger/tries.h"

/* Of a provider's object: that of a whole document (json/json.h) less what it stands in. */
enum { FOREIGN_DEPTH = 120 };

/* ---- a call ---- */

static void put_text(json_writer *w, const char *name, span text) {
    json_key(w, name);
    if (text.len)
        json_put_string(w, text);
    else
        json_put_null(w);
}

static void put_count(json_writer *w, const char *name, int64_t value) {
    json_key(w, name);
    if (value < 0)
        json_put_null(w);
    else
        json_put_i64(w, value);
}

static void put_flag(json_writer *w, const char *name, bool value) {
    json_key(w, name);
    json_put_bool(w, value);
}

static void put_time(json_writer *w, const char *name, int64_t wall_us) {
    char text[CLOCK_RFC3339_LEN + 1];
    clock_rfc3339(wall_us, text);
    put_text(w, name, span_cstr(text));
}

/* Of millionths: -1 is none. */
static void put_fraction(json_writer *w, const char *name, int64_t millionths) {
    json_key(w, name);
    if (millionths < 0)
        json_put_null(w);
    else
        json_put_fixed(w, (double)millionths / 1000000, 6);
}

static void put_duration(json_writer *w, const char *name, int64_t us) {
    put_fraction(w, name, us);
}

static void put_tags(json_writer *w, const char *name, span tags) {
    json_key(w, name);
    buf key = BUF_EMPTY;
    json_open_object(w);
    for (span tag; tags.len && span_cut(&tags, ',', &tag);) {
        span part;
        (void)span_cut(&tag, '=', &part);
        buf_clear(&key);
        json_write_string(&key, part);
        if (w->comma) buf_add_char(w->out, ',');
        buf_add(w->out, buf_span(&key));
        buf_add_char(w->out, ':');
        w->comma = false;
        json_put_string(w, tag);
    }
    json_close_object(w);
    buf_done(&key);
}

/* As a provider wrote it, within what others read line by line and with the limits of json_scan():
 * on one line, and only where it is within them too. */
static void put_foreign(json_writer *w, const char *name, span json) {
    static const json_limits inside = {.depth = FOREIGN_DEPTH};
    json_value root;
    json_fault fault;
    json_key(w, name);
    if (json.len && json_scan(json, &inside, &root, &fault))
        json_put_raw(w, root.raw);
    else
        json_put_null(w);
}

static void put_tries(json_writer *w, const char *name, span tries) {
    json_key(w, name);
    tries_json(tries, w);
}

#define PUT_TEXT(w, c, name)     put_text(w, #name, (c)->name)
#define PUT_COUNT(w, c, name)    put_count(w, #name, (c)->name)
#define PUT_MONEY(w, c, name)    put_count(w, #name, (c)->name)
#define PUT_FLAG(w, c, name)     put_flag(w, #name, (c)->name)
#define PUT_TIME(w, c, name)     put_time(w, #name, (c)->name##_us)
#define PUT_DURATION(w, c, name) put_duration(w, #name, (c)->name##_us)
#define PUT_RATIO(w, c, name)    put_fraction(w, #name, (c)->name##_ppm)
#define PUT_JSON(w, c, name)     put_foreign(w, #name, (c)->name)
#define PUT_TAGS(w, c, name)     put_tags(w, #name, (c)->name)
#define PUT_BYTES(w, c, name)    put_tries(w, #name, (c)->name)

void answer_call(json_writer *w, const ledger_call *c) {
    json_open_object(w);
    put_flag(w, "success", span_eq(c->outcome, SPAN_OF("ok")));
#define X(number, kind, name) PUT_##kind(w, c, name);
#include "ledger/fields.def"
#undef X
    json_close_object(w);
}

/* ---- a summary ---- */

static void put_figures(json_writer *w, const sums *s) {
    put_count(w, "total_calls", s->calls);
    put_count(w, "successful_calls", s->successful);
    put_count(w, "failed_calls", s->calls - s->successful);
    json_key(w, "success_rate"); /* of a hundred */
    json_put_double(w, s->calls ? (double)s->successful * 100 / (double)s->calls : 0);
    put_count(w, "total_tokens", s->total_tokens);
    put_duration(w, "average_response_time", s->successful ? s->successful_us / s->successful : 0);
    put_count(w, "prompt_tokens", s->prompt_tokens);
    put_count(w, "completion_tokens", s->completion_tokens);
    put_count(w, "cost_nano", s->cost_nano);
    put_count(w, "unpriced_calls", s->unpriced_calls);
    put_count(w, "estimated_calls", s->estimated_calls);
    put_count(w, "cached_calls", s->cached_calls);
    put_count(w, "saved_nano", s->saved_nano);
}

static void put_group(json_writer *w, const sums_row *row, query_group group) {
    buf key = BUF_EMPTY;
    summary_key(&row->key, group, &key);
    json_open_object(w);
    put_text(w, "key", buf_span(&key));
    put_figures(w, &row->sums);
    json_close_object(w);
    buf_done(&key);
}

static void put_models(json_writer *w, const ledger_summary *s) {
    json_key(w, "models_used");
    json_open_array(w);
    for (size_t i = 0; i < s->models.count; i++)
        json_put_string(w, s->models.rows[i].key.model);
    json_close_array(w);
    if (s->more_models) put_flag(w, "more_models", true);
}

static void put_groups(json_writer *w, const ledger_summary *s) {
    json_key(w, "groups");
    json_open_array(w);
    for (size_t i = 0; i < s->groups.count; i++)
        put_group(w, &s->groups.rows[i], s->group);
    json_close_array(w);
}

void answer_summary(json_writer *w, const ledger_summary *s) {
    json_open_object(w);
    put_figures(w, &s->total);
    put_models(w, s);
    if (s->group != GROUP_NONE) put_groups(w, s);
    json_close_object(w);
}
