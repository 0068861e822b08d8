#include "ledger/store.h"

#include "base/mem.h"
#include "ledger/clean.h"
#include "ledger/store_sql.h"

#include <stdlib.h>

enum { PRUNE_STEP = 2000 };

struct store {
    sql *db;
    buf why;                   /* of the store's own */
    buf insert_call, add_sums; /* statements */
    int64_t version;           /* of its schema, when it was looked at */
    arena cleaned;             /* texts of the statement that runs, of all its rows */
};

/* ---- running statements ---- */

static void clean(store *s, sql_value *values, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (values[i].kind == SQL_TEXT) values[i].text = clean_text(values[i].text, &s->cleaned);
}

static bool run(store *s, const char *text, const sql_value *values, size_t count, sql_row_fn *row,
                void *user) {
    sql_value cleaned[STORE_VALUES_MAX];
    if (count) memcpy(cleaned, values, count * sizeof *values);
    arena_reset(&s->cleaned, 0);
    clean(s, cleaned, count);
    buf_clear(&s->why);
    return s->db->driver->run(s->db, text, cleaned, count, row, user);
}

static bool run_plain(store *s, const char *text) {
    return run(s, text, NULL, 0, NULL, NULL);
}

span store_why(const store *s) {
    return s->why.len ? buf_span(&s->why) : buf_span(&s->db->why);
}

bool store_is_lost(const store *s) {
    return s->db->lost;
}

sql *store_sql(store *s) {
    return s->db;
}

static bool take_back(store *s) {
    sql_take_back(s->db);
    return false;
}

/* ---- the schema ---- */

static bool note_number(void *user, const sql_value *values, size_t count) {
    if (count) *(int64_t *)user = values[0].number;
    return false;
}

static bool read_meta(store *s, const char *name, int64_t *ret) {
    const sql_value values[] = {sql_text(span_cstr(name))};
    return run(s, "SELECT value FROM weir_meta WHERE name = $1", values, 1, note_number, ret);
}

static bool write_meta(store *s, const char *name, int64_t value) {
    const sql_value values[] = {sql_text(span_cstr(name)), sql_number(value)};
    return run(s,
               "INSERT INTO weir_meta (name, value) VALUES ($1, $2) "
               "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
               values, 2, NULL, NULL);
}

static bool make_tables(store *s) {
    buf text = BUF_EMPTY;
    bool good = true;
    for (size_t i = 0; good && store_sql_table(s->db->driver, i, &text); i++) {
        good = run_plain(s, buf_cstr(&text));
        buf_clear(&text);
    }
    buf_done(&text);
    return good;
}

static bool add_columns(store *s, int64_t version) {
    buf text = BUF_EMPTY;
    bool good = true;
    for (size_t i = 0; good && store_sql_column(s->db->driver, version, i, &text); i++) {
        good = run_plain(s, buf_cstr(&text));
        buf_clear(&text);
    }
    buf_done(&text);
    return good;
}

/* From nothing, or from each version to the next. */
static bool migrate(store *s, int64_t version) {
    if (version >= STORE_SCHEMA_VERSION) return true;
    bool good = version || make_tables(s);
    for (int64_t next = version + 1; good && version && next <= STORE_SCHEMA_VERSION; next++)
        good = add_columns(s, next);
    return good && write_meta(s, "schema", STORE_SCHEMA_VERSION);
}

static bool make_meta(store *s) {
    const sql_driver *d = s->db->driver;
    buf text = BUF_EMPTY;
    buf_addf(&text,
             "CREATE TABLE IF NOT EXISTS weir_meta (name %s NOT NULL PRIMARY KEY, value BIGINT NOT "
             "NULL)",
             d->text_type);
    bool good = (!d->lock_schema || run_plain(s, d->lock_schema)) && run_plain(s, buf_cstr(&text));
    buf_done(&text);
    return good;
}

/* In one transaction: of several that begin on an empty database one makes the tables. */
static bool make_schema(store *s, int64_t *ret_version) {
    if (!run_plain(s, s->db->driver->begin_write)) return false;
    if (make_meta(s) && read_meta(s, "schema", ret_version) && migrate(s, *ret_version) &&
        run_plain(s, "COMMIT"))
        return true;
    return take_back(s);
}

static bool read_version(store *s) {
    return read_meta(s, "schema", &s->version);
}

static store_state check_schema(store *s, sql_mode mode) {
    int64_t version = 0;
    if (mode == SQL_WRITES ? !make_schema(s, &version) : !read_version(s)) return STORE_AWAY;
    if (mode == SQL_WRITES)
        s->version = version > STORE_SCHEMA_VERSION ? version : STORE_SCHEMA_VERSION;
    if (s->version <= STORE_SCHEMA_VERSION) return STORE_OPEN;
    buf_addf(&s->why,
             "its schema has version %lld and this weir knows %d: it was written by a later weir",
             (long long)s->version, STORE_SCHEMA_VERSION);
    return STORE_NEVER;
}

store_state store_open(const store_place *place, sql_mode mode, bool durable, store **ret,
                       buf *ret_why) {
    bool never = false;
    *ret = NULL;
    sql *db = place->driver->open(place->where.ptr, mode, durable, ret_why, &never);
    if (!db) return never ? STORE_NEVER : STORE_AWAY;
    store *s = mem_zalloc(sizeof *s);
    s->db = db;
    db->leaving = place->leaving;
    arena_init(&s->cleaned, 0);
    store_sql_insert_call(&s->insert_call);
    store_sql_add_sums(&s->add_sums);
    store_state state = check_schema(s, mode);
    if (state == STORE_OPEN) {
        *ret = s;
        return state;
    }
    buf_add(ret_why, store_why(s));
    store_close(s);
    return state;
}

void store_close(store *s) {
    if (!s) return;
    s->db->driver->close(s->db);
    buf_done(&s->why);
    buf_done(&s->insert_call);
    buf_done(&s->add_sums);
    arena_done(&s->cleaned);
    free(s);
}

/* ---- importing ---- */

bool store_mark_of(store *s, span node, span file, int64_t *ret_at) {
    const sql_value values[] = {sql_text(node), sql_text(file)};
    *ret_at = 0;
    return run(s, "SELECT at FROM weir_journal WHERE node = $1 AND file = $2", values, 2,
               note_number, ret_at);
}

static bool set_mark(store *s, span node, const store_mark *m) {
    const sql_value values[] = {sql_text(node), sql_text(m->file), sql_number(m->at)};
    if (m->at < 0)
        return run(s, "DELETE FROM weir_journal WHERE node = $1 AND file = $2", values, 2, NULL,
                   NULL);
    return run(s,
               "INSERT INTO weir_journal (node, file, at) VALUES ($1, $2, $3) "
               "ON CONFLICT (node, file) DO UPDATE SET at = excluded.at",
               values, 3, NULL, NULL);
}

typedef struct filling {
    store *store;
    const ledger_call *calls;
    const sums_row *sums;
} filling;

static void fill_call(void *user, size_t row, sql_value *values) {
    const filling *f = user;
    store_sql_call_values(&f->calls[row], values);
    clean(f->store, values, STORE_CALL_COLUMNS);
}

static void fill_sums(void *user, size_t row, sql_value *values) {
    const filling *f = user;
    store_sql_sums_values(&f->sums[row], values);
    clean(f->store, values, STORE_SUMS_COLUMNS);
}

static bool put_calls(store *s, const store_batch *b, bool *fresh) {
    filling f = {.store = s, .calls = b->calls};
    arena_reset(&s->cleaned, 0);
    return s->db->driver->run_many(s->db, buf_cstr(&s->insert_call), STORE_CALL_COLUMNS, b->count,
                                   fill_call, &f, fresh);
}

/* What was not new has been counted before. In the keys' order: of several weirs that add to the
 * same rows none waits for one that waits for it. */
static bool put_sums(store *s, const store_batch *b, const bool *fresh, size_t *ret_fresh) {
    sums_table t;
    sums_table_init(&t);
    for (size_t i = 0; i < b->count; i++) {
        if (!fresh[i]) continue;
        sums_table_count(&t, &b->calls[i]);
        ++*ret_fresh;
    }
    sums_table_sort(&t);
    filling f = {.store = s, .sums = t.rows};
    arena_reset(&s->cleaned, 0);
    bool good = s->db->driver->run_many(s->db, buf_cstr(&s->add_sums), STORE_SUMS_COLUMNS, t.count,
                                        fill_sums, &f, NULL);
    sums_table_done(&t);
    return good;
}

/* ---- a sink ---- */

static bool note_text(void *user, const sql_value *values, size_t count) {
    if (count) buf_add(user, values[0].text);
    return false;
}

/* What a weir without a trail has no need of is made with the first one. */
static bool make_positions(store *s) {
    const sql_driver *d = s->db->driver;
    buf text = BUF_EMPTY;
    buf_addf(&text,
             "CREATE TABLE IF NOT EXISTS weir_audit (node %s NOT NULL PRIMARY KEY, position %s NOT "
             "NULL)",
             d->text_type, d->text_type);
    bool good = run_plain(s, d->begin_write) &&
                (((!d->lock_schema || run_plain(s, d->lock_schema)) &&
                  run_plain(s, buf_cstr(&text)) && run_plain(s, "COMMIT")) ||
                 take_back(s));
    buf_done(&text);
    return good;
}

bool store_resume(store *s, span node, ledger_sink *sink) {
    const sql_value values[] = {sql_text(node)};
    buf position = BUF_EMPTY, why = BUF_EMPTY;
    bool good = make_positions(s) && run(s, "SELECT position FROM weir_audit WHERE node = $1",
                                         values, 1, note_text, &position);
    if (good && !sink->ops->resume(sink, buf_span(&position), &why)) {
        buf_clear(&s->why);
        buf_add(&s->why, buf_span(&why));
        good = false;
    }
    buf_done(&position);
    buf_done(&why);
    return good;
}

static bool set_position(store *s, span node, span position) {
    const sql_value values[] = {sql_text(node), sql_text(position)};
    return run(s,
               "INSERT INTO weir_audit (node, position) VALUES ($1, $2) "
               "ON CONFLICT (node) DO UPDATE SET position = excluded.position",
               values, 2, NULL, NULL);
}

/* Of the entries those that are new. */
static bool tell_sink(store *s, const store_batch *b, const bool *fresh) {
    buf position = BUF_EMPTY, why = BUF_EMPTY;
    ledger_entry *told = mem_zalloc_array(b->entry_count + 1, sizeof *told);
    size_t count = 0;
    for (size_t i = 0; i < b->entry_count; i++) {
        const ledger_entry *e = &b->entries[i];
        if (!e->call || fresh[e->call - b->calls]) told[count++] = *e;
    }
    bool good = b->sink->ops->take(b->sink, told, count, &position, &why);
    if (good) {
        good = set_position(s, b->node, buf_span(&position));
    } else {
        buf_clear(&s->why);
        buf_add(&s->why, buf_span(&why));
    }
    free(told);
    buf_done(&position);
    buf_done(&why);
    return good;
}

static bool put_all(store *s, const store_batch *b, bool *fresh, size_t *ret_fresh) {
    if (!put_calls(s, b, fresh) || !put_sums(s, b, fresh, ret_fresh)) return false;
    if (b->sink && !tell_sink(s, b, fresh)) return false;
    for (size_t i = 0; i < b->mark_count; i++)
        if (!set_mark(s, b->node, &b->marks[i])) return false;
    return run_plain(s, "COMMIT");
}

bool store_import(store *s, const store_batch *b, size_t *ret_fresh) {
    *ret_fresh = 0;
    if (!run_plain(s, s->db->driver->begin_write)) return false;
    bool *fresh = mem_zalloc_array(b->count ? b->count : 1, sizeof *fresh);
    bool good = put_all(s, b, fresh, ret_fresh) || take_back(s);
    if (b->sink) b->sink->ops->settled(b->sink, good);
    free(fresh);
    return good;
}

/* ---- keeping ---- */

/* Calls are asked for from this instant on. */
static bool read_floor(store *s, int64_t *ret_us) {
    int64_t hour = 0;
    if (!read_meta(s, "kept_from_hour", &hour)) return false;
    *ret_us = hour * HOUR_US;
    return true;
}

static bool set_floor(store *s, int64_t hour) {
    const sql_value values[] = {sql_number(hour)};
    if (!run_plain(s, s->db->driver->begin_write)) return false;
    if (write_meta(s, "kept_from_hour", hour) &&
        run(s, "DELETE FROM weir_usage WHERE hour < $1", values, 1, NULL, NULL) &&
        run_plain(s, "COMMIT"))
        return true;
    return take_back(s);
}

/* What is older was taken away, and with it maybe what came since: of the hour that runs sums and
 * calls may differ. */
bool store_mend_floor(store *s, int64_t now_us, bool *ret_mended) {
    int64_t floor_us;
    const int64_t hour = now_us / HOUR_US + 1;
    if (!read_floor(s, &floor_us)) return false;
    *ret_mended = floor_us > hour * HOUR_US;
    return !*ret_mended || set_floor(s, hour);
}

static bool note_newest(void *user, const sql_value *values, size_t count) {
    if (count && values[0].kind == SQL_TEXT) *(int64_t *)user = store_sql_id_time(values[0].text);
    return false;
}

bool store_newest(store *s, int64_t before_us, int64_t *ret_us) {
    char bound[STORE_ID_LEN + 1];
    store_sql_first_id(before_us, bound);
    const sql_value values[] = {sql_text(span_cstr(bound))};
    *ret_us = 0;
    return run(s, "SELECT MAX(request_id) FROM weir_calls WHERE request_id < $1", values, 1,
               note_newest, ret_us);
}

static bool note_row(void *user, const sql_value *values, size_t count) {
    (void)values;
    (void)count;
    ++*(size_t *)user;
    return true;
}

bool store_prune(store *s, int64_t before_us, bool *ret_more) {
    int64_t floor_us;
    *ret_more = false;
    if (!read_floor(s, &floor_us)) return false;
    int64_t hour = before_us / HOUR_US;
    if (hour * HOUR_US > floor_us && !set_floor(s, hour)) return false;
    if (hour * HOUR_US < floor_us) hour = floor_us / HOUR_US;
    char bound[STORE_ID_LEN + 1];
    store_sql_first_id(hour * HOUR_US, bound);
    const sql_value values[] = {sql_text(span_cstr(bound)), sql_number(PRUNE_STEP)};
    size_t gone = 0;
    if (!run(s,
             "DELETE FROM weir_calls WHERE request_id IN (SELECT request_id FROM weir_calls "
             "WHERE request_id < $1 ORDER BY request_id LIMIT $2) RETURNING 1",
             values, 2, note_row, &gone))
        return false;
    *ret_more = gone == PRUNE_STEP;
    return true;
}

/* ---- reading ---- */

typedef struct reading {
    store_call_fn *each;
    void *user;
    unsigned left;
    bool more;
} reading;

static bool hand_call(void *user, const sql_value *values, size_t count) {
    reading *r = user;
    if (!r->left) {
        r->more = true;
        return false;
    }
    r->left--;
    ledger_call c;
    store_sql_read_call(values, count, &c);
    r->each(r->user, &c);
    return true;
}

/* A copy of the query that asks for nothing which is not kept any more. */
static bool bounded(store *s, const ledger_query *q, ledger_query *ret) {
    int64_t floor_us;
    if (!read_floor(s, &floor_us)) return false;
    *ret = *q;
    if (ret->from_us < floor_us) ret->from_us = floor_us;
    return true;
}

/* Of a store that is read alone, whoever writes it may have brought it to this weir's schema
 * meanwhile. false: it cannot be read. */
static bool knows_columns(store *s) {
    return s->version >= STORE_SCHEMA_VERSION || read_version(s);
}

bool store_calls(store *s, const ledger_query *q, store_call_fn *each, void *user, bool *ret_more) {
    ledger_query asked;
    if (!bounded(s, q, &asked) || !knows_columns(s)) return false;
    store_statement st;
    store_sql_select_calls(&asked, s->version, &st);
    reading r = {each, user, q->limit, false};
    bool good = run(s, buf_cstr(&st.text), st.values, st.count, hand_call, &r);
    store_statement_done(&st);
    *ret_more = r.more;
    return good;
}

bool store_call(store *s, span id, span only_client, store_call_fn *each, void *user,
                bool *ret_found) {
    ledger_query q = ledger_query_all;
    q.client = only_client;
    if (!knows_columns(s)) return false;
    store_statement st;
    store_sql_select_call(&q, id, s->version, &st);
    reading r = {each, user, 1, false};
    bool good = run(s, buf_cstr(&st.text), st.values, st.count, hand_call, &r);
    store_statement_done(&st);
    *ret_found = !r.left;
    return good;
}

/* ---- sums ---- */

static bool hand_sums(void *user, const sql_value *values, size_t count) {
    ledger_summary *m = user;
    sums_key key = {0};
    sums s;
    store_sql_read_sums(m->group, values, count, &key, &s);
    return summary_add(m, &key, &s);
}

static bool sum(store *s, const ledger_query *q, bool by_hours, ledger_summary *ret) {
    if (q->from_us >= q->to_us || ret->more_groups) return true;
    store_statement st;
    store_sql_select_sums(q, by_hours, &st);
    bool good = run(s, buf_cstr(&st.text), st.values, st.count, hand_sums, ret);
    store_statement_done(&st);
    return good;
}

static int64_t hour_up(int64_t us) {
    return us > INT64_MAX - HOUR_US ? us / HOUR_US * HOUR_US
                                    : (us + HOUR_US - 1) / HOUR_US * HOUR_US;
}

/* Whole hours by their sums, and what is left at both ends call by call. */
static bool sum_all(store *s, const ledger_query *q, ledger_summary *ret) {
    ledger_query part = *q;
    int64_t first = hour_up(q->from_us), last = q->to_us / HOUR_US * HOUR_US;
    if (q->to_us == INT64_MAX) last = INT64_MAX;
    if (first >= last) return sum(s, q, false, ret);
    part.to_us = first;
    if (!sum(s, &part, false, ret)) return false;
    part.from_us = first;
    part.to_us = last;
    if (!sum(s, &part, true, ret)) return false;
    part.from_us = last;
    part.to_us = q->to_us;
    return sum(s, &part, false, ret);
}

/* In one transaction: what is imported meanwhile is in all parts or in none. */
bool store_sums(store *s, const ledger_query *q, ledger_summary *ret) {
    ledger_query asked;
    if (!run_plain(s, s->db->driver->begin_read)) return false;
    if (bounded(s, q, &asked) && sum_all(s, &asked, ret) && run_plain(s, "COMMIT")) return true;
    return take_back(s);
}
