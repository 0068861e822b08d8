#include "ledger/answer.h"

#include "base/clock.h"
#include "base/mem.h"
#include "ledger/tries.h"

#include <stdlib.h>

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

static void put_duration(json_writer *w, const char *name, int64_t us) {
    json_key(w, name);
    if (us < 0)
        json_put_null(w);
    else
        json_put_fixed(w, (double)us / 1000000, 6);
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

static void put_raw(json_writer *w, const char *name, span json) {
    json_key(w, name);
    if (json.len)
        json_put_raw(w, json);
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
#define PUT_JSON(w, c, name)     put_raw(w, #name, (c)->name)
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

static int by_text(const void *a, const void *b) {
    const span *x = a, *y = b;
    size_t len = x->len < y->len ? x->len : y->len;
    int order = len ? memcmp(x->ptr, y->ptr, len) : 0;
    return order ? order : (x->len > y->len) - (x->len < y->len);
}

static int by_key(const void *a, const void *b) {
    const summary_group *x = a, *y = b;
    if (x->hour != y->hour) return x->hour < y->hour ? -1 : 1;
    return by_text(&x->key, &y->key);
}

static span key_of(const sums_key *k, query_group group) {
    switch (group) {
    case GROUP_CLIENT: return k->client;
    case GROUP_USER: return k->user;
    case GROUP_MODEL: return k->model;
    case GROUP_TARGET: return k->target;
    case GROUP_TAG: return k->tags;
    case GROUP_NONE:
    case GROUP_HOUR:
    case GROUP_DAY: break;
    }
    return SPAN_EMPTY;
}

static void add_group(summary *s, size_t *cap, span key, const sums_row *row) {
    if (s->group_count == *cap) {
        *cap = *cap ? 2 * *cap : 16;
        s->groups = mem_realloc(s->groups, *cap * sizeof *s->groups);
    }
    s->groups[s->group_count++] = (summary_group){key, row->key.hour, row->sums};
}

/* A call counts under each of its tags. */
static void add_row(summary *s, size_t *cap, const sums_row *row, query_group group) {
    span key = key_of(&row->key, group), part;
    if (group != GROUP_TAG || !key.len) {
        add_group(s, cap, key, row);
        return;
    }
    while (key.len && span_cut(&key, ',', &part))
        add_group(s, cap, part, row);
}

/* Sorted; those of one key become one. */
static void merge_groups(summary *s) {
    size_t kept = 0;
    if (s->group_count) qsort(s->groups, s->group_count, sizeof *s->groups, by_key);
    for (size_t i = 0; i < s->group_count; i++) {
        if (kept && !by_key(&s->groups[kept - 1], &s->groups[i]))
            sums_add(&s->groups[kept - 1].sums, &s->groups[i].sums);
        else
            s->groups[kept++] = s->groups[i];
    }
    s->group_count = kept;
}

static void merge_models(summary *s) {
    size_t kept = 0;
    if (s->model_count) qsort(s->models, s->model_count, sizeof *s->models, by_text);
    for (size_t i = 0; i < s->model_count; i++)
        if (!kept || by_text(&s->models[kept - 1], &s->models[i])) s->models[kept++] = s->models[i];
    s->model_count = kept;
}

summary summary_of(const sums_table *t, query_group group) {
    summary s = {.models = mem_alloc((t->count + 1) * sizeof *s.models)};
    size_t cap = 0;
    for (size_t i = 0; i < t->count; i++) {
        const sums_row *row = &t->rows[i];
        sums_add(&s.total, &row->sums);
        if (row->key.model.len) s.models[s.model_count++] = row->key.model;
        if (group != GROUP_NONE) add_row(&s, &cap, row, group);
    }
    merge_models(&s);
    merge_groups(&s);
    return s;
}

void summary_done(summary *s) {
    free(s->models);
    free(s->groups);
}

void summary_key(const summary_group *g, query_group group, buf *out) {
    enum { DATE = 10, TO_SECONDS = 19 };
    char text[CLOCK_RFC3339_LEN + 1];
    if (group != GROUP_HOUR && group != GROUP_DAY) {
        buf_add(out, g->key);
        return;
    }
    clock_rfc3339(g->hour * HOUR_US, text);
    buf_add(out, span_from(text, group == GROUP_DAY ? DATE : TO_SECONDS));
    if (group == GROUP_HOUR) buf_add_char(out, 'Z');
}

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

static void put_group(json_writer *w, const summary_group *g, query_group group) {
    buf key = BUF_EMPTY;
    summary_key(g, group, &key);
    json_open_object(w);
    put_text(w, "key", buf_span(&key));
    put_figures(w, &g->sums);
    json_close_object(w);
    buf_done(&key);
}

void answer_summary(json_writer *w, const sums_table *t, query_group group) {
    summary s = summary_of(t, group);
    json_open_object(w);
    put_figures(w, &s.total);
    json_key(w, "models_used");
    json_open_array(w);
    for (size_t i = 0; i < s.model_count; i++)
        json_put_string(w, s.models[i]);
    json_close_array(w);
    if (group != GROUP_NONE) {
        json_key(w, "groups");
        json_open_array(w);
        for (size_t i = 0; i < s.group_count; i++)
            put_group(w, &s.groups[i], group);
        json_close_array(w);
    }
    json_close_object(w);
    summary_done(&s);
}
