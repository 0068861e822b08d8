/* SQLite: a file. Write-ahead logging, so that who reads never waits for who writes. */
#include "ledger/sql.h"

#include "base/mem.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUSY_MS = 1000, CACHE_KB = 2048, KEPT = 8, COLUMNS_MAX = 64 };

typedef struct sqlite {
    sql sql;
    sqlite3 *db;
    char *path;
    bool writes;
    dev_t device; /* of the file that was opened */
    ino_t inode;
    /* Statements that will be run again, by their text's place. */
    struct {
        const char *text;
        sqlite3_stmt *statement;
    } kept[KEPT];
    size_t kept_count;
} sqlite;

static sqlite *of(sql *db) {
    return CONTAINER_OF(db, sqlite, sql);
}

/* Somebody may have moved or removed the file, which SQLite would go on to write unseen. */
static bool is_there(const sqlite *s) {
    struct stat st;
    return !stat(s->path, &st) && st.st_dev == s->device && st.st_ino == s->inode;
}

static bool failed(sqlite *s) {
    buf_clear(&s->sql.why);
    int code = sqlite3_errcode(s->db);
    buf_add_cstr(&s->sql.why, sqlite3_errmsg(s->db));
    if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB || code == SQLITE_IOERR ||
        code == SQLITE_CANTOPEN || code == SQLITE_READONLY)
        s->sql.lost = true;
    return false;
}

static void finish(sqlite *s) {
    for (size_t i = 0; i < s->kept_count; i++)
        sqlite3_finalize(s->kept[i].statement);
    sqlite3_close(s->db);
    free(s->path);
    buf_done(&s->sql.why);
    free(s);
}

static bool set_up(sqlite *s, bool durable) {
    static const char common[] = "PRAGMA case_sensitive_like=ON; PRAGMA temp_store=MEMORY;";
    sqlite3_busy_timeout(s->db, BUSY_MS);
    char text[64];
    snprintf(text, sizeof text, "PRAGMA cache_size=-%d;", CACHE_KB);
    if (sqlite3_exec(s->db, common, NULL, NULL, NULL) != SQLITE_OK) return false;
    if (sqlite3_exec(s->db, text, NULL, NULL, NULL) != SQLITE_OK) return false;
    if (!s->writes) return true;
    const char *how = durable ? "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                              : "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;";
    return sqlite3_exec(s->db, how, NULL, NULL, NULL) == SQLITE_OK;
}

/* SQLite makes its files as the umask lets it, and those beside one as that is. One that is there
 * is not opened: to close it again would end the locks of this process's other connections to it
 * (POSIX), and who closes last elsewhere would take their write-ahead log away. */
static void make_private(const char *path) {
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0) close(fd);
}

static sql *open_file(const char *path, sql_mode mode, bool durable, buf *ret_why,
                      bool *ret_never) {
    sqlite *s = mem_zalloc(sizeof *s);
    s->sql.driver = &sql_sqlite;
    s->writes = mode == SQL_WRITES;
    s->path = mem_strndup(path, strlen(path));
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_READWRITE | (s->writes ? SQLITE_OPEN_CREATE : 0);
    if (s->writes) make_private(path);
    int code = sqlite3_open_v2(path, &s->db, flags, NULL);
    struct stat st;
    if (code == SQLITE_OK && set_up(s, durable) && !stat(path, &st)) {
        s->device = st.st_dev;
        s->inode = st.st_ino;
        return &s->sql;
    }
    *ret_never = sqlite3_errcode(s->db) == SQLITE_NOTADB;
    buf_add_cstr(ret_why, sqlite3_errmsg(s->db));
    finish(s);
    return NULL;
}

static void close_file(sql *db) {
    finish(of(db));
}

/* ---- statements ---- */

static sqlite3_stmt *prepare(sqlite *s, const char *text, bool keep) {
    for (size_t i = 0; i < s->kept_count; i++)
        if (s->kept[i].text == text) return s->kept[i].statement;
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v3(s->db, text, -1, keep ? SQLITE_PREPARE_PERSISTENT : 0, &statement,
                           NULL) != SQLITE_OK)
        return NULL;
    if (keep && s->kept_count < KEPT) {
        s->kept[s->kept_count].text = text;
        s->kept[s->kept_count++].statement = statement;
    }
    return statement;
}

/* One that is kept only is reset. */
static void give_back(sqlite *s, sqlite3_stmt *statement) {
    for (size_t i = 0; i < s->kept_count; i++)
        if (s->kept[i].statement == statement) {
            sqlite3_reset(statement);
            return;
        }
    sqlite3_finalize(statement);
}

static void bind_one(sqlite3_stmt *statement, int place, const sql_value *v) {
    switch (v->kind) {
    case SQL_NULL: sqlite3_bind_null(statement, place); break;
    case SQL_NUMBER: sqlite3_bind_int64(statement, place, v->number); break;
    case SQL_TEXT:
        sqlite3_bind_text(statement, place, v->text.len ? v->text.ptr : "", (int)v->text.len,
                          SQLITE_STATIC);
        break;
    case SQL_BYTES:
        sqlite3_bind_blob(statement, place, v->text.ptr, (int)v->text.len, SQLITE_STATIC);
        break;
    }
}

static void bind(sqlite3_stmt *statement, const sql_value *values, size_t count) {
    for (size_t i = 0; i < count; i++)
        bind_one(statement, (int)i + 1, &values[i]);
}

static sql_value column(sqlite3_stmt *statement, int i) {
    sql_value v = {.kind = SQL_NULL};
    switch (sqlite3_column_type(statement, i)) {
    case SQLITE_INTEGER: return sql_number(sqlite3_column_int64(statement, i));
    case SQLITE_TEXT:
        v.kind = SQL_TEXT;
        v.text.ptr = (const char *)sqlite3_column_text(statement, i);
        break;
    case SQLITE_BLOB:
        v.kind = SQL_BYTES;
        v.text.ptr = sqlite3_column_blob(statement, i);
        break;
    default: return v;
    }
    v.text.len = (size_t)sqlite3_column_bytes(statement, i);
    return v;
}

/* false: not wanted any more. */
static bool hand_out(sqlite3_stmt *statement, sql_row_fn *row, void *user) {
    sql_value values[COLUMNS_MAX];
    int count = sqlite3_column_count(statement);
    for (int i = 0; i < count && i < COLUMNS_MAX; i++)
        values[i] = column(statement, i);
    return row(user, values, (size_t)count);
}

/* What was changed went into a file that is nobody's any more. */
static bool still_there(sqlite *s) {
    if (!s->writes || is_there(s)) return true;
    buf_clear(&s->sql.why);
    buf_addf(&s->sql.why, "the file %s has been moved or removed", s->path);
    s->sql.lost = true;
    return false;
}

static bool run(sql *db, const char *text, const sql_value *values, size_t count, sql_row_fn *row,
                void *user) {
    sqlite *s = of(db);
    sqlite3_stmt *statement = prepare(s, text, false);
    if (!statement) return failed(s);
    bind(statement, values, count);
    int code;
    bool wanted = true;
    while (wanted && (code = sqlite3_step(statement)) == SQLITE_ROW)
        wanted = !row || hand_out(statement, row, user);
    bool good = !wanted || code == SQLITE_DONE || failed(s);
    give_back(s, statement);
    return good && still_there(s);
}

/* Bytes are of a kind that hardly ever comes twice. */
static bool is_same(const sql_value *a, const sql_value *b) {
    if (a->kind != b->kind) return false;
    switch (a->kind) {
    case SQL_NULL: return true;
    case SQL_NUMBER: return a->number == b->number;
    case SQL_TEXT: return span_eq(a->text, b->text);
    case SQL_BYTES: return false;
    }
    return false;
}

/* The next of many rows: what stands there already is not bound again. Most columns of a call are
 * empty or those of the one before. */
static void bind_next(sqlite3_stmt *statement, const sql_value *values, size_t count,
                      sql_value *bound) {
    for (size_t i = 0; i < count; i++) {
        if (is_same(&values[i], &bound[i])) continue;
        bound[i] = values[i];
        bind_one(statement, (int)i + 1, &values[i]);
    }
}

static bool run_many(sql *db, const char *text, size_t count, size_t rows, sql_fill_fn *fill,
                     void *user, bool *ret_changed) {
    sqlite *s = of(db);
    sql_value values[COLUMNS_MAX], bound[COLUMNS_MAX] = {0}; /* SQL_NULL, each */
    sqlite3_stmt *statement = prepare(s, text, true);
    if (!statement) return failed(s);
    sqlite3_clear_bindings(statement);
    bool good = true;
    for (size_t i = 0; good && i < rows; i++) {
        fill(user, i, values);
        bind_next(statement, values, count, bound);
        good = sqlite3_step(statement) == SQLITE_DONE || failed(s);
        if (ret_changed) ret_changed[i] = good && sqlite3_changes(s->db) > 0;
        sqlite3_reset(statement);
    }
    give_back(s, statement);
    return good;
}

void sql_sqlite_count_no_memory(void) {
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

const sql_driver sql_sqlite = {
    .bytes_type = "BLOB",
    .text_type = "TEXT",
    .table_end = " WITHOUT ROWID",
    .begin_read = "BEGIN",
    .begin_write = "BEGIN IMMEDIATE", /* else who has read first does not wait to write */
    .has_table = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = $1",
    .open = open_file,
    .close = close_file,
    .run = run,
    .run_many = run_many};
