#include "ledger/store_sql.h"

#include "base/hash.h"

#include <inttypes.h>
#include <stdio.h>

/* ---- tables ---- */

/* User and the like are words of SQL's: all names are quoted. */
#define COLUMN_TEXT(name)     "\"" #name "\""
#define COLUMN_BYTES(name)    "\"" #name "\""
#define COLUMN_TAGS(name)     "\"" #name "\""
#define COLUMN_JSON(name)     "\"" #name "\""
#define COLUMN_COUNT(name)    "\"" #name "\""
#define COLUMN_MONEY(name)    "\"" #name "\""
#define COLUMN_FLAG(name)     "\"" #name "\""
#define COLUMN_TIME(name)     "\"" #name "_us\""
#define COLUMN_DURATION(name) "\"" #name "_us\""
#define COLUMN_RATIO(name)    "\"" #name "_ppm\""

typedef enum column_kind {
    TEXT,
    TAGS,
    JSON,
    BYTES,
    COUNT,
    MONEY,
    FLAG,
    TIME,
    DURATION,
    RATIO
} column_kind;

static const struct {
    const char *name;
    column_kind kind;
} columns[] = {
#define X(number, kind, name) {COLUMN_##kind(name), kind},
#include "ledger/fields.def"
#undef X
};

/* How many of them weir_calls has in each version of the schema. */
enum { COLUMNS_1 = 42, COLUMNS_2 = 43 };
static const size_t columns_of[] = {[1] = COLUMNS_1, [2] = COLUMNS_2};
_Static_assert(ARRAY_LEN(columns) == COLUMNS_2, "a new column is a new version");
_Static_assert(ARRAY_LEN(columns_of) == STORE_SCHEMA_VERSION + 1, "each version has its columns");

static const char *type_of(const sql_driver *d, column_kind kind) {
    return kind <= JSON ? d->text_type : kind == BYTES ? d->bytes_type : "BIGINT";
}

bool store_sql_column(const sql_driver *d, int64_t version, size_t i, buf *ret) {
    const size_t at = columns_of[version - 1] + i;
    if (at >= columns_of[version]) return false;
    buf_addf(ret, "ALTER TABLE weir_calls ADD COLUMN %s %s", columns[at].name,
             type_of(d, columns[at].kind));
    return true;
}

/* Rows of some 700 bytes are no part of their key's tree, in which each node would hold five of
 * them. */
static void make_calls(const sql_driver *d, buf *out) {
    buf_add_cstr(out, "CREATE TABLE weir_calls (");
    for (size_t i = 0; i < ARRAY_LEN(columns); i++)
        buf_addf(out, "%s%s %s%s", i ? ", " : "", columns[i].name, type_of(d, columns[i].kind),
                 i ? "" : " NOT NULL PRIMARY KEY");
    buf_add_cstr(out, ")");
}

static void make_sums(const sql_driver *d, buf *out) {
    static const char *const texts[] = {"client", "\"user\"", "model", "target", "tags"};
    buf_add_cstr(out, "CREATE TABLE weir_usage (hour BIGINT NOT NULL");
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        buf_addf(out, ", %s %s NOT NULL", texts[i], d->text_type);
#define X(name, of) ", " #name " BIGINT NOT NULL"
    buf_add_cstr(out,
#include "ledger/sums.def"
    );
#undef X
    buf_addf(out, ", PRIMARY KEY (hour, client, \"user\", model, target, tags))%s", d->table_end);
}

static void make_journal(const sql_driver *d, buf *out) {
    buf_addf(out,
             "CREATE TABLE weir_journal (node %s NOT NULL, file %s NOT NULL, at BIGINT NOT NULL, "
             "PRIMARY KEY (node, file))%s",
             d->text_type, d->text_type, d->table_end);
}

bool store_sql_table(const sql_driver *d, size_t i, buf *ret) {
    static void (*const make[])(const sql_driver *d, buf *out) = {make_calls, make_sums,
                                                                  make_journal};
    if (i == ARRAY_LEN(make)) return false;
    make[i](d, ret);
    return true;
}

/* ---- writing ---- */

static void add_places(size_t count, buf *out) {
    for (size_t i = 1; i <= count; i++)
        buf_addf(out, "%s$%zu", i > 1 ? "," : "", i);
}

static void add_columns(buf *out) {
    for (size_t i = 0; i < ARRAY_LEN(columns); i++)
        buf_addf(out, "%s%s", i ? "," : "", columns[i].name);
}

void store_sql_insert_call(buf *out) {
    buf_add_cstr(out, "INSERT INTO weir_calls (");
    add_columns(out);
    buf_add_cstr(out, ") VALUES (");
    add_places(STORE_CALL_COLUMNS, out);
    buf_add_cstr(out, ") ON CONFLICT DO NOTHING");
    (void)buf_cstr(out);
}

#define BIGINT_MAX "9223372036854775807"

/* The key's columns, as a statement's text and in the order of their values. */
#define KEY_COLUMNS "hour, client, \"user\", model, target, tags"

void store_sql_add_sums(buf *out) {
    static const char *const names[] = {
#define X(name, of) #name,
#include "ledger/sums.def"
#undef X
    };
    buf_add_cstr(out, "INSERT INTO weir_usage (" KEY_COLUMNS);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        buf_addf(out, ", %s", names[i]);
    buf_add_cstr(out, ") VALUES (");
    add_places(STORE_SUMS_COLUMNS, out);
    buf_add_cstr(out, ") ON CONFLICT (" KEY_COLUMNS ") DO UPDATE SET ");
    /* A sum that is beyond a BIGINT is an error to PostgreSQL, for which no record would be taken
     * any more, and to SQLite a number that is none of these. */
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        buf_addf(out,
                 "%s%s = CASE WHEN weir_usage.%s > " BIGINT_MAX " - excluded.%s THEN " BIGINT_MAX
                 " ELSE weir_usage.%s + excluded.%s END",
                 i ? ", " : "", names[i], names[i], names[i], names[i], names[i]);
    (void)buf_cstr(out);
}

static sql_value text_or_null(span text) {
    return text.len ? sql_text(text) : (sql_value){.kind = SQL_NULL};
}
static sql_value bytes_or_null(span bytes) {
    return bytes.len ? (sql_value){SQL_BYTES, 0, bytes} : (sql_value){.kind = SQL_NULL};
}
static sql_value number_or_null(int64_t number) {
    return number < 0 ? (sql_value){.kind = SQL_NULL} : sql_number(number);
}

#define VALUE_TEXT(c, name)     text_or_null((c)->name)
#define VALUE_TAGS(c, name)     text_or_null((c)->name)
#define VALUE_JSON(c, name)     text_or_null((c)->name)
#define VALUE_BYTES(c, name)    bytes_or_null((c)->name)
#define VALUE_COUNT(c, name)    number_or_null((c)->name)
#define VALUE_MONEY(c, name)    number_or_null((c)->name)
#define VALUE_FLAG(c, name)     sql_number((c)->name)
#define VALUE_TIME(c, name)     sql_number((c)->name##_us)
#define VALUE_DURATION(c, name) number_or_null((c)->name##_us)
#define VALUE_RATIO(c, name)    number_or_null((c)->name##_ppm)

void store_sql_call_values(const ledger_call *c, sql_value *ret) {
#define X(number, kind, name) *ret++ = VALUE_##kind(c, name);
#include "ledger/fields.def"
#undef X
}

void store_sql_sums_values(const sums_row *r, sql_value *ret) {
    *ret++ = sql_number(r->key.hour);
    *ret++ = sql_text(r->key.client);
    *ret++ = sql_text(r->key.user);
    *ret++ = sql_text(r->key.model);
    *ret++ = sql_text(r->key.target);
    *ret++ = sql_text(r->key.tags);
#define X(name, of) *ret++ = sql_number(r->sums.name);
#include "ledger/sums.def"
#undef X
}

/* ---- asking ---- */

void store_statement_done(store_statement *st) {
    buf_done(&st->text);
    arena_done(&st->arena);
}

static void begin(store_statement *st) {
    *st = (store_statement){.text = BUF_EMPTY};
    arena_init(&st->arena, 0);
}

/* "… $3 …", the next one. */
static void add_value(store_statement *st, const char *before, sql_value v, const char *after) {
    st->values[st->count++] = v;
    buf_addf(&st->text, "%s$%zu%s", before, st->count, after);
}

static void add_equal(store_statement *st, const char *before, span value) {
    if (value.ptr) add_value(st, before, sql_text(value), "");
}

/* The tags of a call are "a=b,c=d": one of them, between commas. */
static span tag_pattern(span tag, arena *a) {
    buf pattern = BUF_EMPTY;
    buf_add_cstr(&pattern, "%,");
    for (size_t i = 0; i < tag.len; i++) {
        char c = tag.ptr[i];
        if (c == '%' || c == '_' || c == '\\') buf_add_char(&pattern, '\\');
        buf_add_char(&pattern, c);
    }
    buf_add_cstr(&pattern, ",%");
    span made = arena_dup(a, buf_span(&pattern));
    buf_done(&pattern);
    return made;
}

static void add_tag(store_statement *st, span tag) {
    if (!tag.ptr) return;
    add_value(st, " AND (',' || tags || ',') LIKE ", sql_text(tag_pattern(tag, &st->arena)),
              " ESCAPE '\\'");
}

/* What can be asked of calls and sums alike. */
static void add_filters(const ledger_query *q, store_statement *st) {
    add_equal(st, " AND client = ", q->client);
    add_equal(st, " AND \"user\" = ", q->user);
    add_equal(st, " AND model = ", q->model);
    add_equal(st, " AND target = ", q->target);
    add_tag(st, q->tag);
}

void store_sql_first_id(int64_t wall_us, char ret[STORE_ID_LEN + 1]) {
    uint64_t us = wall_us > 0 ? (uint64_t)wall_us : 0, ms = us / 1000;
    snprintf(ret, STORE_ID_LEN + 1, "%08" PRIx64 "-%04" PRIx64 "-7%03" PRIx64 "-8000-000000000000",
             ms >> 16 & 0xFFFFFFFF, ms & 0xFFFF, us % 1000 * 4096 / 1000);
}

int64_t store_sql_id_time(span id) {
    enum { HIGH = 8, LOW = 4 }; /* digits of the milliseconds, a dash between them */
    unsigned char bytes[(HIGH + LOW) / 2];
    int64_t ms = 0;
    if (id.len != STORE_ID_LEN || !hex_decode(span_from(id.ptr, HIGH), bytes, HIGH / 2) ||
        !hex_decode(span_from(id.ptr + HIGH + 1, LOW), bytes + HIGH / 2, LOW / 2))
        return 0;
    for (size_t i = 0; i < sizeof bytes; i++)
        ms = ms << 8 | bytes[i];
    return ms * 1000;
}

/* The ids lead to the place, the instants cut to the microsecond. */
static void add_times(const ledger_query *q, store_statement *st) {
    char id[STORE_ID_LEN + 1];
    if (q->from_us > 0) {
        store_sql_first_id(q->from_us, id);
        add_value(st, " AND request_id >= ", sql_text(arena_dup(&st->arena, span_cstr(id))), "");
        add_value(st, " AND timestamp_us >= ", sql_number(q->from_us), "");
    }
    if (q->to_us == INT64_MAX) return;
    store_sql_first_id(q->to_us + 1, id);
    add_value(st, " AND request_id < ", sql_text(arena_dup(&st->arena, span_cstr(id))), "");
    add_value(st, " AND timestamp_us < ", sql_number(q->to_us), "");
}

/* What an earlier schema has no column for is not known. */
static void add_select(int64_t version, store_statement *st) {
    const size_t has = version >= STORE_SCHEMA_VERSION ? ARRAY_LEN(columns)
                       : version > 0                   ? columns_of[version]
                                                       : 0;
    buf_add_cstr(&st->text, "SELECT ");
    for (size_t i = 0; i < ARRAY_LEN(columns); i++)
        buf_addf(&st->text, "%s%s", i ? "," : "", i < has ? columns[i].name : "NULL");
    buf_add_cstr(&st->text, " FROM weir_calls WHERE 1 = 1");
}

void store_sql_select_calls(const ledger_query *q, int64_t version, store_statement *ret) {
    begin(ret);
    add_select(version, ret);
    if (q->cursor.ptr) add_value(ret, " AND request_id < ", sql_text(q->cursor), "");
    add_times(q, ret);
    add_filters(q, ret);
    add_equal(ret, " AND outcome = ", q->outcome);
    add_equal(ret, " AND error_code = ", q->error_code);
    add_equal(ret, " AND endpoint = ", q->endpoint);
    if (q->status >= 0) add_value(ret, " AND status = ", sql_number(q->status), "");
    add_value(ret, " ORDER BY request_id DESC LIMIT ", sql_number((int64_t)q->limit + 1), "");
}

void store_sql_select_call(const ledger_query *q, span id, int64_t version, store_statement *ret) {
    begin(ret);
    add_select(version, ret);
    add_value(ret, " AND request_id = ", sql_text(id), "");
    add_equal(ret, " AND client = ", q->client);
}

#define READ_TEXT(c, name)     (c)->name = v->text
#define READ_TAGS(c, name)     (c)->name = v->text
#define READ_JSON(c, name)     (c)->name = v->text
#define READ_BYTES(c, name)    (c)->name = v->text
#define READ_COUNT(c, name)    (c)->name = v->number
#define READ_MONEY(c, name)    (c)->name = v->number
#define READ_FLAG(c, name)     (c)->name = v->number != 0
#define READ_TIME(c, name)     (c)->name##_us = v->number
#define READ_DURATION(c, name) (c)->name##_us = v->number
#define READ_RATIO(c, name)    (c)->name##_ppm = v->number

static bool is_known(const sql_value *v) {
    return v->kind != SQL_NULL;
}

void store_sql_read_call(const sql_value *values, size_t count, ledger_call *ret) {
    *ret = ledger_call_unknown;
    if (count < STORE_CALL_COLUMNS) return;
    const sql_value *v = values;
#define X(number, kind, name)                                                                      \
    if (is_known(v)) READ_##kind(ret, name);                                                       \
    v++;
#include "ledger/fields.def"
#undef X
}

/* ---- sums ---- */

/* A column of what groups; empty texts and nulls are one. */
static const char *group_column(query_group g, bool by_hours) {
    switch (g) {
    case GROUP_NONE:
    case GROUP_MODEL: return "0";
    case GROUP_HOUR:
    case GROUP_DAY: return by_hours ? "hour" : "timestamp_us / 3600000000";
    case GROUP_CLIENT: return "COALESCE(client, '')";
    case GROUP_CLIENT_USER:
    case GROUP_USER: return "COALESCE(\"user\", '')";
    case GROUP_TARGET: return "COALESCE(target, '')";
    case GROUP_TAG: return "COALESCE(tags, '')";
    }
    return "0";
}

/* Beside it: the models that were asked for, or what the first column does not tell apart. */
static const char *second_column(query_group g) {
    return g == GROUP_CLIENT_USER ? "COALESCE(client, '')" : "COALESCE(model, '')";
}

/* The same as sums_of() does with one call, for the database to do with many. */
#define KNOWN(column) "COALESCE(" column ", 0)"
#define UNLESS_OF_STEPS(sum)                                                                       \
    "CASE WHEN attempts = 0 AND COALESCE(cache, '') = '' THEN 0 ELSE " sum " END"
static const char *const of_calls[] = {
    "1",
    "CASE WHEN outcome = 'ok' THEN 1 ELSE 0 END",
    UNLESS_OF_STEPS(KNOWN("prompt_tokens")),
    UNLESS_OF_STEPS(KNOWN("completion_tokens")),
    UNLESS_OF_STEPS(KNOWN("total_tokens")),
    "CASE WHEN outcome = 'ok' THEN COALESCE(response_time_us, 0) ELSE 0 END",
    UNLESS_OF_STEPS(KNOWN("cost_nano")),
    UNLESS_OF_STEPS("CASE WHEN cost_nano IS NULL THEN 1 ELSE 0 END"),
    UNLESS_OF_STEPS("estimated"),
    "CASE WHEN cache = 'hit' THEN 1 ELSE 0 END",
    KNOWN("saved_nano"),
};
static const char *const of_hours[] = {
#define X(name, of) #name,
#include "ledger/sums.def"
#undef X
};
_Static_assert(ARRAY_LEN(of_calls) == ARRAY_LEN(of_hours), "a sum for each column");

#define PART "1000000000"
enum { PART_OF_SUM = 1000000000 };

static int64_t whole(int64_t parts, int64_t rest) {
    int64_t sum;
    const bool beyond = __builtin_mul_overflow(parts, (int64_t)PART_OF_SUM, &sum) ||
                        __builtin_add_overflow(sum, rest, &sum);
    return beyond ? INT64_MAX : sum;
}

void store_sql_select_sums(const ledger_query *q, bool by_hours, store_statement *ret) {
    begin(ret);
    buf_addf(&ret->text, "SELECT %s, %s", group_column(q->group, by_hours),
             second_column(q->group));
    /* In two parts, neither of which can be beyond a BIGINT. cast: PostgreSQL's sum is no integer
     */
    for (size_t i = 0; i < ARRAY_LEN(of_hours); i++) {
        const char *one = by_hours ? of_hours[i] : of_calls[i];
        buf_addf(&ret->text,
                 ", CAST(SUM((%s) / " PART ") AS BIGINT), CAST(SUM((%s) %% " PART ") AS BIGINT)",
                 one, one);
    }
    buf_addf(&ret->text, " FROM %s WHERE 1 = 1", by_hours ? "weir_usage" : "weir_calls");
    if (by_hours) {
        add_value(ret, " AND hour >= ", sql_number(q->from_us / HOUR_US), "");
        add_value(ret, " AND hour < ",
                  sql_number(q->to_us == INT64_MAX ? INT64_MAX : q->to_us / HOUR_US), "");
    } else {
        add_times(q, ret);
    }
    add_filters(q, ret);
    buf_add_cstr(&ret->text, " GROUP BY 1, 2");
}

void store_sql_read_sums(query_group group, const sql_value *values, size_t count,
                         sums_key *ret_key, sums *ret) {
    *ret_key = group == GROUP_CLIENT_USER ? (sums_key){.client = values[1].text}
                                          : (sums_key){.model = values[1].text};
    *ret = (sums){0};
    switch (group) {
    case GROUP_NONE:
    case GROUP_MODEL: break;
    case GROUP_HOUR: ret_key->hour = values[0].number; break;
    case GROUP_DAY: ret_key->hour = values[0].number / 24 * 24; break;
    case GROUP_CLIENT: ret_key->client = values[0].text; break;
    case GROUP_CLIENT_USER:
    case GROUP_USER: ret_key->user = values[0].text; break;
    case GROUP_TARGET: ret_key->target = values[0].text; break;
    case GROUP_TAG: ret_key->tags = values[0].text; break;
    }
    if (count < 2 + 2 * ARRAY_LEN(of_hours)) return;
    const sql_value *v = values + 2;
#define X(name, of) ret->name = whole(v[0].number, v[1].number), v += 2;
#include "ledger/sums.def"
#undef X
}
