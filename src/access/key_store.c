#include "access/key_store.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/random.h"
#include "config/rights.h"

#include <stdlib.h>

struct key_store {
    store *store;
    sql *db;
    unsigned char secret[HMAC_SECRET_LEN];
    span who, from; /* of acts; who empty: none are kept */
    buf why;
};

/* ---- statements ---- */

static bool run(key_store *ks, const char *text, const sql_value *values, size_t count,
                sql_row_fn *row, void *user) {
    return ks->db->driver->run(ks->db, text, values, count, row, user);
}

static bool run_plain(key_store *ks, const char *text) {
    return run(ks, text, NULL, 0, NULL, NULL);
}

static sql_value bytes_of(const unsigned char *bytes, size_t len) {
    return (sql_value){SQL_BYTES, 0, span_from((const char *)bytes, len)};
}

span key_store_why(const key_store *ks) {
    return ks->why.len ? buf_span(&ks->why) : buf_span(&ks->db->why);
}

bool key_store_is_lost(const key_store *ks) {
    return ks->db->lost;
}

static key_outcome take_back(key_store *ks, key_outcome why) {
    sql_take_back(ks->db);
    return why;
}

static bool note_number(void *user, const sql_value *values, size_t count) {
    if (count) *(int64_t *)user = values[0].number;
    return false;
}

/* ---- the tables ---- */

static bool make_tables(key_store *ks) {
    const sql_driver *d = ks->db->driver;
    const char *text = d->text_type, *bytes = d->bytes_type, *end = d->table_end;
    buf out = BUF_EMPTY;
    buf_addf(&out,
             "CREATE TABLE IF NOT EXISTS weir_keys (id %s NOT NULL PRIMARY KEY, name %s NOT NULL "
             "UNIQUE, hint %s NOT NULL, options %s NOT NULL, created_us BIGINT NOT NULL, "
             "expires_us BIGINT NOT NULL, rotated_us BIGINT NOT NULL, revoked_us BIGINT NOT NULL, "
             "changed BIGINT NOT NULL)%s",
             text, text, text, text, end);
    bool good = run_plain(ks, buf_cstr(&out));
    buf_clear(&out);
    buf_addf(&out,
             "CREATE TABLE IF NOT EXISTS weir_key_hashes (hash %s NOT NULL PRIMARY KEY, key_id %s "
             "NOT NULL, until_us BIGINT NOT NULL)%s",
             bytes, text, end);
    good = good && run_plain(ks, buf_cstr(&out));
    buf_clear(&out);
    buf_addf(&out,
             "CREATE TABLE IF NOT EXISTS weir_key_secret (name %s NOT NULL PRIMARY KEY, value %s "
             "NOT NULL)%s",
             text, bytes, end);
    good = good && run_plain(ks, buf_cstr(&out));
    buf_clear(&out);
    buf_addf(&out,
             "CREATE TABLE IF NOT EXISTS weir_acts (number BIGINT NOT NULL PRIMARY KEY, at_us "
             "BIGINT NOT NULL, what %s NOT NULL, who %s NOT NULL, origin %s NOT NULL, subject %s "
             "NOT NULL)%s",
             text, text, text, text, end);
    good = good && run_plain(ks, buf_cstr(&out));
    buf_done(&out);
    return good &&
           run_plain(ks, "CREATE INDEX IF NOT EXISTS weir_keys_changed ON weir_keys (changed)") &&
           run_plain(ks, "CREATE INDEX IF NOT EXISTS weir_key_hashes_of ON weir_key_hashes "
                         "(key_id)") &&
           run_plain(ks, "INSERT INTO weir_meta (name, value) VALUES ('keys', 0) ON CONFLICT "
                         "(name) DO NOTHING");
}

static bool make_secret(key_store *ks) {
    unsigned char made[HMAC_SECRET_LEN];
    random_bytes(made, sizeof made);
    const sql_value values[] = {bytes_of(made, sizeof made)};
    bool good = run(ks,
                    "INSERT INTO weir_key_secret (name, value) VALUES ('hash', $1) ON CONFLICT "
                    "(name) DO NOTHING",
                    values, 1, NULL, NULL);
    mem_wipe(made, sizeof made);
    return good;
}

static bool prepare(key_store *ks) {
    const sql_driver *d = ks->db->driver;
    if (!run_plain(ks, d->begin_write)) return false;
    if ((!d->lock_schema || run_plain(ks, d->lock_schema)) && make_tables(ks) && make_secret(ks) &&
        run_plain(ks, "COMMIT"))
        return true;
    (void)take_back(ks, KEYS_FAILED);
    return false;
}

static bool note_secret(void *user, const sql_value *values, size_t count) {
    key_store *ks = user;
    if (!count || values[0].text.len != sizeof ks->secret) return false;
    memcpy(ks->secret, values[0].text.ptr, sizeof ks->secret);
    return false;
}

/* false: it is not there, a table is missing, or the database says no. */
static bool read_secret(key_store *ks) {
    static const unsigned char none[HMAC_SECRET_LEN];
    return run(ks,
               "SELECT value FROM weir_key_secret WHERE name = 'hash' AND NOT EXISTS (SELECT 1 "
               "FROM weir_acts WHERE number < 0)",
               NULL, 0, note_secret, ks) &&
           memcmp(ks->secret, none, sizeof none) != 0;
}

store_state key_store_open(const store_place *place, bool durable, key_store **ret, buf *ret_why) {
    *ret = NULL;
    store *s;
    store_state state = store_open(place, SQL_WRITES, durable, &s, ret_why);
    if (state != STORE_OPEN) return state;
    key_store *ks = mem_zalloc(sizeof *ks);
    *ks = (key_store){.store = s, .db = store_sql(s)};
    if (read_secret(ks) || (!ks->db->lost && prepare(ks) && read_secret(ks))) {
        *ret = ks;
        return STORE_OPEN;
    }
    buf_add(ret_why, key_store_why(ks));
    key_store_close(ks);
    return STORE_AWAY;
}

void key_store_close(key_store *ks) {
    if (!ks) return;
    store_close(ks->store);
    buf_done(&ks->why);
    mem_wipe(ks->secret, sizeof ks->secret);
    free(ks);
}

void key_store_secret(const key_store *ks, unsigned char ret[HMAC_SECRET_LEN]) {
    memcpy(ret, ks->secret, sizeof ks->secret);
}

void key_store_hash(const key_store *ks, span text, unsigned char ret[SHA256_LEN]) {
    hmac_sha256(ks->secret, text, ret);
}

/* ---- rows ---- */

#define COLUMNS                                                                                    \
    "k.id, k.name, k.hint, k.options, k.created_us, k.expires_us, k.rotated_us, k.revoked_us"
enum { ROW_COLUMNS = 8 };

static store_key row_of(const sql_value *v, size_t count) {
    return (store_key){.id = v[0].text,
                       .name = v[1].text,
                       .hint = v[2].text,
                       .options = v[3].text,
                       .created_us = v[4].number,
                       .expires_us = v[5].number,
                       .rotated_us = v[6].number,
                       .revoked_us = v[7].number,
                       .until_us = count > ROW_COLUMNS ? v[ROW_COLUMNS].number : 0};
}

typedef struct finding {
    arena *arena;
    store_key *row;
    bool found;
} finding;

static bool note_row(void *user, const sql_value *values, size_t count) {
    finding *f = user;
    if (count < ROW_COLUMNS) return false;
    *f->row = row_of(values, count);
    f->found = true;
    span *texts[] = {&f->row->id, &f->row->name, &f->row->hint, &f->row->options};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        *texts[i] = arena_dup(f->arena, *texts[i]);
    return false;
}

static key_outcome find_one(key_store *ks, const char *text, sql_value by, arena *a,
                            store_key *ret) {
    finding f = {a, ret, false};
    buf_clear(&ks->why);
    if (!run(ks, text, &by, 1, note_row, &f)) return KEYS_FAILED;
    return f.found ? KEYS_DONE : KEYS_UNKNOWN;
}

key_outcome key_store_find(key_store *ks, const unsigned char hash[SHA256_LEN], arena *a,
                           store_key *ret) {
    return find_one(ks,
                    "SELECT " COLUMNS ", h.until_us FROM weir_key_hashes h JOIN weir_keys k ON "
                    "k.id = h.key_id WHERE h.hash = $1",
                    bytes_of(hash, SHA256_LEN), a, ret);
}

key_outcome key_store_get(key_store *ks, span who, arena *a, store_key *ret) {
    if (!span_is_utf8(who) || memchr(who.ptr, '\0', who.len)) return KEYS_UNKNOWN;
    return find_one(ks,
                    span_starts(who, SPAN_OF(KEY_ID_PREFIX))
                        ? "SELECT " COLUMNS " FROM weir_keys k WHERE k.id = $1"
                        : "SELECT " COLUMNS " FROM weir_keys k WHERE k.name = $1",
                    sql_text(who), a, ret);
}

typedef struct listing {
    store_key_fn *each;
    void *user;
} listing;

static bool hand_out(void *user, const sql_value *values, size_t count) {
    const listing *l = user;
    if (count < ROW_COLUMNS) return false;
    const store_key row = row_of(values, count);
    return l->each(l->user, &row);
}

key_outcome key_store_list(key_store *ks, span after, unsigned limit, store_key_fn *each,
                           void *user) {
    listing l = {each, user};
    const sql_value values[] = {sql_text(after), sql_number(limit)};
    buf_clear(&ks->why);
    return run(ks, "SELECT " COLUMNS " FROM weir_keys k WHERE k.name > $1 ORDER BY k.name LIMIT $2",
               values, 2, hand_out, &l)
               ? KEYS_DONE
               : KEYS_FAILED;
}

/* ---- changing ---- */

/* A transaction; *ret_changed: the change's number. Others wait for it from here on. */
static bool begin(key_store *ks, int64_t *ret_changed) {
    buf_clear(&ks->why);
    if (!run_plain(ks, ks->db->driver->begin_write)) return false;
    if (run(ks, "UPDATE weir_meta SET value = value + 1 WHERE name = 'keys' RETURNING value", NULL,
            0, note_number, ret_changed))
        return true;
    (void)take_back(ks, KEYS_FAILED);
    return false;
}

void key_store_act_as(key_store *ks, span who, span from) {
    ks->who = who;
    ks->from = from;
}

/* An act, of a change that was carried out. */
typedef struct change {
    const char *what;
    int64_t number;
} change;

static bool note_act(key_store *ks, change c, span name) {
    if (!ks->who.len) return true;
    const sql_value values[] = {sql_number(c.number),        sql_number(clock_wall_us()),
                                sql_text(span_cstr(c.what)), sql_text(ks->who),
                                sql_text(ks->from),          sql_text(name)};
    return run(ks,
               "INSERT INTO weir_acts (number, at_us, what, who, origin, subject) VALUES ($1, $2, "
               "$3, $4, $5, $6)",
               values, ARRAY_LEN(values), NULL, NULL);
}

/* Who listens hears of it when it is committed, and not before. */
static bool tell_others(key_store *ks) {
    return !ks->db->driver->tells || run_plain(ks, "NOTIFY weir_keys");
}

/* good: all of it was said. */
static key_outcome finish(key_store *ks, bool good, change c, span name) {
    good = good && note_act(ks, c, name) && tell_others(ks) && run_plain(ks, "COMMIT");
    return good ? KEYS_DONE : take_back(ks, KEYS_FAILED);
}

static bool options_fit(key_store *ks, span options, arena *a) {
    config_client read = {0};
    if (options.len > KEY_OPTIONS_MAX) {
        buf_add_cstr(&ks->why, "What a key may have takes more than 64 KiB.");
        return false;
    }
    if (config_rights_parse(options, a, &read, &ks->why)) return true;
    buf_add_char(&ks->why, '.');
    return false;
}

static bool takes_known(key_store *ks, span there, const key_wish *wish, arena *a) {
    if (key_options_take_known(there, wish, a, &ks->why)) return true;
    buf_add_char(&ks->why, '.');
    return false;
}

static bool add_text(key_store *ks, span id, char ret_text[KEY_TEXT_LEN + 1]) {
    unsigned char hash[SHA256_LEN];
    key_text_new(ret_text);
    key_store_hash(ks, span_from(ret_text, KEY_TEXT_LEN), hash);
    const sql_value values[] = {bytes_of(hash, sizeof hash), sql_text(id)};
    return run(ks, "INSERT INTO weir_key_hashes (hash, key_id, until_us) VALUES ($1, $2, 0)",
               values, 2, NULL, NULL);
}

static bool insert(key_store *ks, const store_key *row, int64_t changed) {
    const sql_value values[] = {sql_text(row->id),           sql_text(row->name),
                                sql_text(row->hint),         sql_text(row->options),
                                sql_number(row->created_us), sql_number(row->expires_us),
                                sql_number(changed)};
    return run(ks,
               "INSERT INTO weir_keys (id, name, hint, options, created_us, expires_us, "
               "rotated_us, revoked_us, changed) VALUES ($1, $2, $3, $4, $5, $6, 0, 0, $7)",
               values, ARRAY_LEN(values), NULL, NULL);
}

static span new_id(arena *a) {
    unsigned char bytes[(KEY_ID_LEN - 4) / 2];
    char hex[KEY_ID_LEN - 4 + 1];
    random_bytes(bytes, sizeof bytes);
    hex_encode(bytes, sizeof bytes, hex);
    return arena_printf(a, KEY_ID_PREFIX "%s", hex);
}

key_outcome key_store_create(key_store *ks, const key_wish *wish, int64_t now_us, arena *a,
                             store_key *ret, char ret_text[KEY_TEXT_LEN + 1]) {
    int64_t changed = 0;
    store_key other;
    *ret = (store_key){.id = new_id(a),
                       .name = wish->name,
                       .options = wish->rest,
                       .created_us = now_us,
                       .expires_us = wish->expires_us};
    buf_clear(&ks->why);
    if (!options_fit(ks, wish->rest, a)) return KEYS_BAD;
    if (!begin(ks, &changed)) return KEYS_FAILED;
    key_outcome there = key_store_get(ks, wish->name, a, &other);
    if (there != KEYS_UNKNOWN) return take_back(ks, there == KEYS_DONE ? KEYS_TAKEN : there);
    if (!add_text(ks, ret->id, ret_text)) return take_back(ks, KEYS_FAILED);
    ret->hint = arena_dup(a, span_from(ret_text, KEY_HINT_LEN));
    return finish(ks, insert(ks, ret, changed), (change){"key_create", changed}, ret->name);
}

/* Finds whose key is to be changed, in a transaction that goes on only after KEYS_DONE. */
static key_outcome begin_with(key_store *ks, span who, arena *a, store_key *ret, int64_t *changed) {
    if (!begin(ks, changed)) return KEYS_FAILED;
    key_outcome found = key_store_get(ks, who, a, ret);
    return found == KEYS_DONE ? found : take_back(ks, found);
}

key_outcome key_store_change(key_store *ks, span who, const key_wish *wish, arena *a,
                             store_key *ret) {
    int64_t changed = 0;
    key_outcome found = begin_with(ks, who, a, ret, &changed);
    if (found != KEYS_DONE) return found;
    if (ret->revoked_us) return take_back(ks, KEYS_REVOKED);
    if (!takes_known(ks, ret->options, wish, a)) return take_back(ks, KEYS_BAD);
    ret->options = key_options_merge(ret->options, wish, a);
    if (wish->says_expires) ret->expires_us = wish->expires_us;
    if (!options_fit(ks, ret->options, a)) return take_back(ks, KEYS_BAD);
    const sql_value values[] = {sql_text(ret->options), sql_number(ret->expires_us),
                                sql_number(changed), sql_text(ret->id)};
    const bool good =
        run(ks, "UPDATE weir_keys SET options = $1, expires_us = $2, changed = $3 WHERE id = $4",
            values, ARRAY_LEN(values), NULL, NULL);
    return finish(ks, good, (change){"key_change", changed}, ret->name);
}

static bool end_texts(key_store *ks, span id, int64_t until_us) {
    const sql_value values[] = {sql_number(until_us), sql_text(id), sql_number(until_us)};
    return run(ks,
               "UPDATE weir_key_hashes SET until_us = $1 WHERE key_id = $2 AND (until_us = 0 OR "
               "until_us > $3)",
               values, ARRAY_LEN(values), NULL, NULL);
}

static bool note_rotation(key_store *ks, const store_key *row, int64_t changed) {
    const sql_value values[] = {sql_text(row->hint), sql_number(row->rotated_us),
                                sql_number(changed), sql_text(row->id)};
    return run(ks, "UPDATE weir_keys SET hint = $1, rotated_us = $2, changed = $3 WHERE id = $4",
               values, ARRAY_LEN(values), NULL, NULL);
}

key_outcome key_store_rotate(key_store *ks, span who, int64_t overlap_us, int64_t now_us, arena *a,
                             store_key *ret, char ret_text[KEY_TEXT_LEN + 1]) {
    int64_t changed = 0;
    key_outcome found = begin_with(ks, who, a, ret, &changed);
    if (found != KEYS_DONE) return found;
    if (ret->revoked_us) return take_back(ks, KEYS_REVOKED);
    if (!end_texts(ks, ret->id, now_us + overlap_us) || !add_text(ks, ret->id, ret_text))
        return take_back(ks, KEYS_FAILED);
    ret->hint = arena_dup(a, span_from(ret_text, KEY_HINT_LEN));
    ret->rotated_us = now_us;
    return finish(ks, note_rotation(ks, ret, changed), (change){"key_rotate", changed}, ret->name);
}

key_outcome key_store_revoke(key_store *ks, span who, int64_t now_us, arena *a, store_key *ret) {
    int64_t changed = 0;
    key_outcome found = begin_with(ks, who, a, ret, &changed);
    if (found != KEYS_DONE) return found;
    if (!ret->revoked_us) ret->revoked_us = now_us;
    const sql_value values[] = {sql_number(ret->revoked_us), sql_number(changed),
                                sql_text(ret->id)};
    const bool good = run(ks, "UPDATE weir_keys SET revoked_us = $1, changed = $2 WHERE id = $3",
                          values, ARRAY_LEN(values), NULL, NULL);
    return finish(ks, good, (change){"key_revoke", changed}, ret->name);
}

/* ---- following ---- */

bool key_store_last_change(key_store *ks, int64_t *ret) {
    *ret = 0;
    buf_clear(&ks->why);
    return run(ks, "SELECT value FROM weir_meta WHERE name = 'keys'", NULL, 0, note_number, ret);
}

bool key_store_listen(key_store *ks) {
    buf_clear(&ks->why);
    return ks->db->driver->tells && run_plain(ks, "LISTEN weir_keys");
}

bool key_store_heard(key_store *ks) {
    return ks->db->driver->tells && ks->db->driver->heard(ks->db);
}

int key_store_descriptor(const key_store *ks) {
    return ks->db->driver->tells ? ks->db->driver->descriptor(ks->db) : -1;
}

typedef struct following {
    key_hash_fn *each;
    void *user;
} following;

static bool note_hash(void *user, const sql_value *values, size_t count) {
    const following *f = user;
    if (!count || values[0].text.len != SHA256_LEN) return true;
    return f->each(f->user, (const unsigned char *)values[0].text.ptr);
}

bool key_store_changes(key_store *ks, int64_t after, key_hash_fn *each, void *user) {
    following f = {each, user};
    const sql_value values[] = {sql_number(after)};
    buf_clear(&ks->why);
    return run(ks,
               "SELECT h.hash FROM weir_keys k JOIN weir_key_hashes h ON h.key_id = k.id WHERE "
               "k.changed > $1",
               values, 1, note_hash, &f);
}

bool key_store_hashes(key_store *ks, span id, key_hash_fn *each, void *user) {
    following f = {each, user};
    const sql_value values[] = {sql_text(id)};
    buf_clear(&ks->why);
    return run(ks, "SELECT hash FROM weir_key_hashes WHERE key_id = $1", values, 1, note_hash, &f);
}

/* ---- what was done ---- */

typedef struct taking {
    key_act_fn *each;
    void *user;
    int64_t last;
} taking;

static bool hand_act(void *user, const sql_value *v, size_t count) {
    taking *t = user;
    if (count < 6) return false;
    const key_act act = {.at_us = v[1].number,
                         .what = v[2].text,
                         .who = v[3].text,
                         .from = v[4].text,
                         .name = v[5].text};
    t->last = v[0].number;
    t->each(t->user, &act);
    return true;
}

/* Whoever changes something, or takes, waits for whoever came first. */
static bool tell_all(key_store *ks, taking *t) {
    return run_plain(ks, "UPDATE weir_meta SET value = value WHERE name = 'keys'") &&
           run(ks,
               "SELECT number, at_us, what, who, origin, subject FROM weir_acts ORDER BY number",
               NULL, 0, hand_act, t);
}

static bool drop_told(key_store *ks, const taking *t) {
    const sql_value last[] = {sql_number(t->last)};
    return run(ks, "DELETE FROM weir_acts WHERE number <= $1", last, 1, NULL, NULL) &&
           run_plain(ks, "COMMIT");
}

bool key_store_take_acts(key_store *ks, key_act_fn *each, key_acts_kept_fn *kept, void *user) {
    taking t = {each, user, 0};
    buf_clear(&ks->why);
    if (!run_plain(ks, ks->db->driver->begin_write)) return false;
    bool good = tell_all(ks, &t);
    if (good && t.last && kept(user)) {
        good = drop_told(ks, &t);
        if (good) return true;
    }
    (void)take_back(ks, KEYS_FAILED);
    return good;
}
