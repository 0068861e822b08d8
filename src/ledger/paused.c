#include "ledger/paused.h"

#include "base/hash.h"
#include "base/random.h"

void paused_id_new(char out[PAUSED_ID_LEN + 1]) {
    enum { BYTES = 16 };
    unsigned char bytes[BYTES];
    static const span prefix = SPAN(PAUSED_ID_PREFIX);
    random_bytes(bytes, sizeof bytes);
    memcpy(out, prefix.ptr, prefix.len);
    hex_encode(bytes, sizeof bytes, out + prefix.len);
}

static bool run(store *s, const char *text, const sql_value *values, size_t count, sql_row_fn *row,
                void *user) {
    sql *db = store_sql(s);
    return db->driver->run(db, text, values, count, row, user);
}

static bool run_plain(store *s, const char *text) {
    return run(s, text, NULL, 0, NULL, NULL);
}

static paused_outcome take_back(store *s) {
    sql_take_back(store_sql(s));
    return PAUSED_FAILED;
}

static bool note_there(void *user, const sql_value *values, size_t count) {
    *(bool *)user = count && values[0].number;
    return false;
}

/* It is made with the first run that waits. */
static bool has_table(store *s, bool *ret) {
    const sql_value name = sql_text(SPAN_OF("weir_runs"));
    *ret = false;
    return run(s, store_sql(s)->driver->has_table, &name, 1, note_there, ret);
}

static bool make_table(store *s) {
    const sql_driver *d = store_sql(s)->driver;
    buf out = BUF_EMPTY;
    if (d->lock_schema && !run_plain(s, d->lock_schema)) return false;
    buf_addf(
        &out,
        "CREATE TABLE IF NOT EXISTS weir_runs (id %s NOT NULL PRIMARY KEY, client %s NOT NULL, "
        "expires_us BIGINT NOT NULL, state %s NOT NULL)%s",
        d->text_type, d->text_type, d->bytes_type, d->table_end);
    const bool good = run_plain(s, buf_cstr(&out));
    buf_done(&out);
    return good;
}

static bool forget_old(store *s, int64_t now_us) {
    const sql_value now = sql_number(now_us);
    return run(s, "DELETE FROM weir_runs WHERE expires_us <= $1", &now, 1, NULL, NULL);
}

/* Nobody would hear of what was done for an owner who has gone. */
static bool commit(store *s) {
    const atomic_bool *leaving = store_sql(s)->leaving;
    if (leaving && atomic_load_explicit(leaving, memory_order_relaxed)) return false;
    return run_plain(s, "COMMIT");
}

paused_outcome paused_put(store *s, const paused_run *r, int64_t now_us) {
    const sql_value values[] = {
        sql_text(r->id), sql_text(r->client), sql_number(r->expires_us), {SQL_BYTES, 0, r->state}};
    if (!run_plain(s, store_sql(s)->driver->begin_write)) return PAUSED_FAILED;
    if (make_table(s) && forget_old(s, now_us) &&
        run(s, "INSERT INTO weir_runs (id, client, expires_us, state) VALUES ($1, $2, $3, $4)",
            values, ARRAY_LEN(values), NULL, NULL) &&
        commit(s))
        return PAUSED_DONE;
    return take_back(s);
}

/* ---- one that waits ---- */

/* What a path has named. */
static bool may_be_id(span id) {
    return span_is_utf8(id) && !memchr(id.ptr, '\0', id.len);
}

typedef struct finding {
    arena *arena;
    paused_run *run;
    bool found;
} finding;

static bool note(void *user, const sql_value *values, size_t count) {
    finding *f = user;
    if (count < 2) return false;
    f->run->expires_us = values[0].number;
    f->run->state = arena_dup(f->arena, values[1].text);
    f->found = true;
    return false;
}

paused_outcome paused_look(store *s, span id, span client, int64_t now_us, arena *a,
                           paused_run *ret) {
    finding f = {a, ret, false};
    const sql_value values[] = {sql_text(id), sql_text(client), sql_number(now_us)};
    bool there;
    *ret = (paused_run){.id = arena_dup(a, id), .client = arena_dup(a, client)};
    if (!may_be_id(id)) return PAUSED_UNKNOWN;
    if (!has_table(s, &there)) return PAUSED_FAILED;
    if (!there) return PAUSED_UNKNOWN;
    if (!run(s,
             "SELECT expires_us, state FROM weir_runs WHERE id = $1 AND client = $2 AND expires_us "
             "> $3",
             values, ARRAY_LEN(values), note, &f))
        return PAUSED_FAILED;
    return f.found ? PAUSED_DONE : PAUSED_UNKNOWN;
}

static bool note_found(void *user, const sql_value *values, size_t count) {
    (void)values;
    *(bool *)user = count > 0;
    return false;
}

/* A statement that changes one that waits, and returns something of it. */
static paused_outcome change(store *s, const char *text, const sql_value *values, size_t count) {
    bool there, found = false;
    if (!run_plain(s, store_sql(s)->driver->begin_write)) return PAUSED_FAILED;
    if (has_table(s, &there) && (!there || run(s, text, values, count, note_found, &found)) &&
        commit(s))
        return found ? PAUSED_DONE : PAUSED_UNKNOWN;
    return take_back(s);
}

paused_outcome paused_stay(store *s, const paused_run *r, int64_t now_us) {
    const sql_value values[] = {sql_number(r->expires_us), sql_text(r->id), sql_text(r->client),
                                sql_number(now_us)};
    return change(s,
                  "UPDATE weir_runs SET expires_us = $1 WHERE id = $2 AND client = $3 AND "
                  "expires_us > $4 RETURNING 1",
                  values, ARRAY_LEN(values));
}

paused_outcome paused_claim(store *s, const paused_run *r, int64_t now_us) {
    const sql_value values[] = {sql_text(r->id), sql_text(r->client), sql_number(now_us)};
    return change(s,
                  "DELETE FROM weir_runs WHERE id = $1 AND client = $2 AND expires_us > $3 "
                  "RETURNING 1",
                  values, ARRAY_LEN(values));
}
