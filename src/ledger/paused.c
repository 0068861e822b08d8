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

/* Whatever went wrong is told, and not how taking it back went. */
static paused_outcome take_back(store *s) {
    sql *db = store_sql(s);
    buf why = BUF_EMPTY;
    buf_add(&why, buf_span(&db->why));
    (void)run_plain(s, "ROLLBACK");
    buf_clear(&db->why);
    buf_add(&db->why, buf_span(&why));
    buf_done(&why);
    return PAUSED_FAILED;
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

paused_outcome paused_put(store *s, const paused_run *r, int64_t now_us) {
    const sql_value values[] = {
        sql_text(r->id), sql_text(r->client), sql_number(r->expires_us), {SQL_BYTES, 0, r->state}};
    if (!run_plain(s, store_sql(s)->driver->begin_write)) return PAUSED_FAILED;
    if (make_table(s) && forget_old(s, now_us) &&
        run(s, "INSERT INTO weir_runs (id, client, expires_us, state) VALUES ($1, $2, $3, $4)",
            values, ARRAY_LEN(values), NULL, NULL) &&
        run_plain(s, "COMMIT"))
        return PAUSED_DONE;
    return take_back(s);
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

paused_outcome paused_take(store *s, span id, span client, int64_t now_us, arena *a,
                           paused_run *ret) {
    finding f = {a, ret, false};
    const sql_value values[] = {sql_text(id), sql_text(client), sql_number(now_us)};
    *ret = (paused_run){.id = arena_dup(a, id), .client = arena_dup(a, client)};
    if (!span_is_utf8(id) || memchr(id.ptr, '\0', id.len)) return PAUSED_UNKNOWN;
    if (!run_plain(s, store_sql(s)->driver->begin_write)) return PAUSED_FAILED;
    if (make_table(s) &&
        run(s,
            "DELETE FROM weir_runs WHERE id = $1 AND client = $2 AND expires_us > $3 RETURNING "
            "expires_us, state",
            values, ARRAY_LEN(values), note, &f) &&
        run_plain(s, "COMMIT"))
        return f.found ? PAUSED_DONE : PAUSED_UNKNOWN;
    return take_back(s);
}
