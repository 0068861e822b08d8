/* PostgreSQL: a server, over libpq. Many runs of one statement go in one round trip (pipeline
 * mode); no prepared statement outlives its transaction.
 *
 * A server may be gone, paused or slow, and no call waits for it for ever: connecting has libpq's
 * bound for each host, a statement the server's own (statement_timeout), and silence one of weir's,
 * which is shorter once somebody waits for the thread to end (sql.leaving).
 *
 * Sources: PostgreSQL 15, "libpq - C Library" (34.1 connecting, 34.4 asynchronous commands, 34.5
 * pipeline mode, 34.9 notices), appendix A for the SQLSTATEs.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "config/store.h"
#include "ledger/libpq.h"
#include "ledger/sql.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

enum {
    COLUMNS_MAX = 64,
    SLICE_MS = 100,    /* how long it takes until a thread sees that it is to end */
    WRITES_MS = 10000, /* for one statement, at the server */
    READS_MS = 20000,
    GRACE_MS = 2000,   /* how much longer than that an answer may take to come */
    LEAVING_MS = 1000, /* of silence, once the thread is to end */
    FLUSH_EVERY = 32,  /* runs that are gathered in memory */
    REASON_MAX = 300,
};
/* pg_type.dat */
enum { TYPE_BOOL = 16, TYPE_BYTES = 17, TYPE_INT8 = 20, TYPE_INT4 = 23, TYPE_TEXT = 25 };

typedef struct postgres {
    sql sql;
    const libpq *pq;
    PGconn *connection;
    int64_t silence_ms;
} postgres;

static postgres *of(sql *db) {
    return CONTAINER_OF(db, postgres, sql);
}

/* ---- what went wrong ---- */

/* One line of what may be several. */
static void add_line(span text, buf *out) {
    text = span_clip(span_trim(text), REASON_MAX);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        bool blank = c <= ' ' || c == 0x7F;
        if (!blank || (i && (unsigned char)text.ptr[i - 1] > ' '))
            buf_add_char(out, blank ? ' ' : (char)c);
    }
}

static bool connection_failed(postgres *p) {
    buf_clear(&p->sql.why);
    add_line(span_cstr(p->pq->message(p->connection)), &p->sql.why);
    if (!p->sql.why.len) buf_add_cstr(&p->sql.why, "the connection has ended");
    p->sql.lost = true;
    return false;
}

/* Another connection may lead to another server, or to the same one in another state. */
static bool needs_another(span code) {
    static const char *const codes[] = {
        "57P01", "57P02", "57P03", /* it shuts down, has crashed, starts */
        "25006", "08",             /* it is a standby now; the connection */
    };
    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        if (span_starts(code, span_cstr(codes[i]))) return true;
    return false;
}

static bool statement_failed(postgres *p, const PGresult *r) {
    const char *said = p->pq->result_field(r, PG_DIAG_MESSAGE_PRIMARY);
    const char *code = p->pq->result_field(r, PG_DIAG_SQLSTATE);
    if (!said || !code) return connection_failed(p);
    buf_clear(&p->sql.why);
    add_line(span_cstr(said), &p->sql.why);
    buf_addf(&p->sql.why, " (SQLSTATE %s)", code);
    if (needs_another(span_cstr(code))) p->sql.lost = true;
    return false;
}

/* ---- waiting ---- */

static bool is_leaving(const postgres *p) {
    return p->sql.leaving && atomic_load_explicit(p->sql.leaving, memory_order_relaxed);
}

/* Until the connection can do what is asked, or has been silent for too long. */
static bool wait_for(postgres *p, short events) {
    int64_t since = clock_mono_ms();
    for (;;) {
        struct pollfd fd = {p->pq->socket(p->connection), events, 0};
        int n = poll(&fd, 1, SLICE_MS);
        if (n > 0 || (n < 0 && errno != EINTR)) return n > 0 || connection_failed(p);
        int64_t most = is_leaving(p) && p->silence_ms > LEAVING_MS ? LEAVING_MS : p->silence_ms;
        if (clock_mono_ms() - since < most) continue;
        buf_clear(&p->sql.why);
        buf_addf(&p->sql.why, "the server has said nothing for %lld ms", (long long)most);
        p->sql.lost = true;
        return false;
    }
}

/* Sends what is gathered, and takes in what comes meanwhile: each side may wait for the other. */
static bool flush(postgres *p) {
    int left;
    while ((left = p->pq->flush(p->connection)) == 1) {
        if (!wait_for(p, POLLIN | POLLOUT)) return false;
        if (!p->pq->consume(p->connection)) return connection_failed(p);
    }
    return !left || connection_failed(p);
}

/* The next answer; NULL: a statement has no more. */
static bool next_result(postgres *p, PGresult **ret) {
    while (p->pq->is_busy(p->connection)) {
        if (!wait_for(p, POLLIN)) return false;
        if (!p->pq->consume(p->connection)) return connection_failed(p);
    }
    *ret = p->pq->result(p->connection);
    return true;
}

/* ---- values ---- */

/* As libpq takes them, all in the binary form: a text may be of any length and is never copied. */
typedef struct parameters {
    Oid types[COLUMNS_MAX];
    const char *values[COLUMNS_MAX];
    int lengths[COLUMNS_MAX], formats[COLUMNS_MAX];
    uint64_t numbers[COLUMNS_MAX];
} parameters;

static void convert(const sql_value *values, size_t count, parameters *ret) {
    for (size_t i = 0; i < count; i++) {
        const sql_value *v = &values[i];
        ret->formats[i] = 1;
        ret->types[i] = 0;
        ret->values[i] = NULL;
        ret->lengths[i] = 0;
        if (v->kind == SQL_NULL) continue;
        if (v->kind == SQL_NUMBER) {
            ret->types[i] = TYPE_INT8;
            ret->numbers[i] = htobe64((uint64_t)v->number);
            ret->values[i] = (const char *)&ret->numbers[i];
            ret->lengths[i] = sizeof ret->numbers[i];
        } else {
            ret->types[i] = v->kind == SQL_TEXT ? TYPE_TEXT : TYPE_BYTES;
            ret->values[i] = v->text.len ? v->text.ptr : "";
            ret->lengths[i] = (int)v->text.len;
        }
    }
}

static sql_value column(const postgres *p, const PGresult *r, int row, int i) {
    const char *bytes = p->pq->value(r, row, i);
    const span text = {bytes, (size_t)p->pq->length(r, row, i)};
    uint64_t eight;
    uint32_t four;
    if (p->pq->is_null(r, row, i)) return (sql_value){.kind = SQL_NULL};
    switch (p->pq->type(r, i)) {
    case TYPE_INT8: memcpy(&eight, bytes, sizeof eight); return sql_number((int64_t)be64toh(eight));
    case TYPE_INT4: memcpy(&four, bytes, sizeof four); return sql_number((int32_t)be32toh(four));
    case TYPE_BOOL: return sql_number(bytes[0]);
    case TYPE_BYTES: return (sql_value){SQL_BYTES, 0, text};
    default: return sql_text(text);
    }
}

typedef struct receiver {
    sql_row_fn *row; /* NULL: none is wanted, or no more */
    void *user;
} receiver;

static void hand_out(const postgres *p, const PGresult *r, receiver *to) {
    sql_value values[COLUMNS_MAX];
    int count = p->pq->columns(r);
    if (count > COLUMNS_MAX) count = COLUMNS_MAX;
    for (int at = 0; to->row && at < p->pq->rows(r); at++) {
        for (int i = 0; i < count; i++)
            values[i] = column(p, r, at, i);
        if (!to->row(to->user, values, (size_t)count)) to->row = NULL;
    }
}

/* ---- one statement ---- */

static bool take_result(postgres *p, const PGresult *r, receiver *to) {
    ExecStatusType status = p->pq->result_status(r);
    bool rows = status == PGRES_SINGLE_TUPLE || status == PGRES_TUPLES_OK;
    if (rows) hand_out(p, r, to);
    return rows || status == PGRES_COMMAND_OK || statement_failed(p, r);
}

/* Rows come one by one: libpq would gather all of them, however many there are. */
static bool run(sql *db, const char *text, const sql_value *values, size_t count, sql_row_fn *row,
                void *user) {
    postgres *p = of(db);
    parameters with;
    PGresult *r;
    receiver to = {row, user};
    bool good = true;
    if (p->sql.lost) return false; /* as it was told */
    convert(values, count, &with);
    if (!p->pq->send(p->connection, text, (int)count, with.types, with.values, with.lengths,
                     with.formats, 1))
        return connection_failed(p);
    (void)p->pq->one_by_one(p->connection);
    if (!flush(p)) return false;
    for (;;) {
        if (!next_result(p, &r)) return false;
        if (!r) return good;
        good = good && take_result(p, r, &to);
        p->pq->clear(r);
    }
}

/* ---- one statement many times ---- */

static bool send_all(postgres *p, const char *text, size_t count, size_t rows, sql_fill_fn *fill,
                     void *user) {
    sql_value values[COLUMNS_MAX];
    parameters with;
    const libpq *pq = p->pq;
    if (!pq->send_prepare(p->connection, "", text, 0, NULL)) return connection_failed(p);
    for (size_t i = 0; i < rows; i++) {
        fill(user, i, values);
        convert(values, count, &with);
        if (!pq->send_prepared(p->connection, "", (int)count, with.values, with.lengths,
                               with.formats, 0))
            return connection_failed(p);
        if (i % FLUSH_EVERY == FLUSH_EVERY - 1 && !flush(p)) return false;
    }
    if (!pq->sync(p->connection)) return connection_failed(p);
    return flush(p);
}

/* What the preparing and each run have come to, in order; after the first that failed the server
 * passes over the rest. */
static bool take_all(postgres *p, size_t rows, bool *ret_changed) {
    bool good = true;
    size_t at = 0; /* 0: the preparing's */
    for (;;) {
        PGresult *r;
        if (!next_result(p, &r)) return false;
        if (!r) { /* of one of them */
            at++;
            if (at > rows + 1) return connection_failed(p);
            continue;
        }
        ExecStatusType status = p->pq->result_status(r);
        if (status == PGRES_COMMAND_OK && at && ret_changed && at <= rows)
            ret_changed[at - 1] = strcmp(p->pq->changed(r), "0") != 0;
        if (status != PGRES_COMMAND_OK && status != PGRES_PIPELINE_SYNC && good)
            good = statement_failed(p, r);
        p->pq->clear(r);
        if (status == PGRES_PIPELINE_SYNC) return good;
        if (p->sql.lost && p->pq->status(p->connection) == CONNECTION_BAD) return false;
    }
}

static bool run_many(sql *db, const char *text, size_t count, size_t rows, sql_fill_fn *fill,
                     void *user, bool *ret_changed) {
    postgres *p = of(db);
    if (p->sql.lost) return false;
    if (!rows) return true;
    if (!p->pq->enter_pipeline(p->connection)) return connection_failed(p);
    bool good = send_all(p, text, count, rows, fill, user) && take_all(p, rows, ret_changed);
    if (!p->pq->exit_pipeline(p->connection) && !p->sql.lost) return connection_failed(p);
    return good;
}

/* ---- what others say ---- */

static int descriptor(sql *db) {
    const postgres *p = of(db);
    return p->sql.lost ? -1 : p->pq->socket(p->connection);
}

static bool heard(sql *db) {
    postgres *p = of(db);
    bool any = false;
    if (p->sql.lost) return false;
    if (!p->pq->consume(p->connection)) return connection_failed(p);
    for (PGnotify *n; (n = p->pq->notice(p->connection)); any = true)
        p->pq->release(n);
    return any;
}

/* ---- opening ---- */

static void finish(sql *db) {
    postgres *p = of(db);
    p->pq->finish(p->connection);
    buf_done(&p->sql.why);
    free(p);
}

static void keep_quiet(void *user, const char *said) {
    (void)user;
    (void)said;
}

/* libpq's own message on an address that it cannot read quotes parts of it. */
static bool is_readable(const libpq *pq, const char *where) {
    PQconninfoOption *parts = pq->parse(where, NULL);
    if (parts) pq->parsed_free(parts);
    return parts != NULL;
}

static PGconn *connect_to(const libpq *pq, const char *where) {
    /* What stands before the address is its to change; what stands behind it is not. */
    static const char *const names[] = {
        "fallback_application_name", "keepalives_idle",  "keepalives_interval",
        "keepalives_count",          "tcp_user_timeout", "dbname",
        "connect_timeout",           "client_encoding",  NULL};
    const char *const values[] = {"weir", "10", "5", "3", "10000", where, "3", "UTF8", NULL};
    return pq->connect(names, values, 1);
}

typedef struct server {
    bool standby;
    bool keeps_text;
} server;

static bool note_server(void *user, const sql_value *values, size_t count) {
    server *s = user;
    if (count < 2) return false;
    s->standby = values[0].number != 0;
    s->keeps_text = values[1].number != 0;
    return false;
}

/* synchronous_commit: what the store has is gone from the journal. An idle transaction is one whose
 * weir has been cut off. */
static bool set_up(postgres *p, bool writes, bool *ret_never) {
    static const char text[] =
        "SELECT pg_is_in_recovery(), current_setting('server_encoding') IN ('UTF8', 'SQL_ASCII'), "
        "set_config('statement_timeout', $1::text, false), "
        "set_config('lock_timeout', '5s', false), "
        "set_config('idle_in_transaction_session_timeout', '30s', false), "
        "set_config('standard_conforming_strings', 'on', false), "
        "set_config('synchronous_commit', CASE current_setting('synchronous_commit') "
        "WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, false)";
    int64_t most = writes ? WRITES_MS : READS_MS;
    char digits[24];
    snprintf(digits, sizeof digits, "%lld", (long long)most);
    const sql_value values[] = {sql_text(span_cstr(digits))};
    server s = {0};
    p->silence_ms = most + GRACE_MS;
    if (!run(&p->sql, text, values, 1, note_server, &s)) return false;
    if (writes && s.standby) buf_add_cstr(&p->sql.why, "the server is a standby");
    if (!s.keeps_text)
        buf_add_cstr(&p->sql.why, "the database's encoding must be UTF8: create it with ENCODING "
                                  "'UTF8' TEMPLATE template0");
    *ret_never = !s.keeps_text;
    return !p->sql.why.len;
}

static sql *open_server(const char *where, sql_mode mode, bool durable, buf *ret_why,
                        bool *ret_never) {
    (void)durable; /* a server's commit always is */
    *ret_never = true;
    const libpq *pq = libpq_load(ret_why);
    if (!pq) return NULL;
    if (!store_is_postgres(span_cstr(where)) || !is_readable(pq, where)) {
        buf_add_cstr(ret_why, "the database's address cannot be read; it is "
                              "postgres://USER:PASSWORD@HOST/DATABASE, and what is none of "
                              "A-Z a-z 0-9 - . _ ~ in its parts is written %XX");
        return NULL;
    }
    *ret_never = false;
    postgres *p = mem_zalloc(sizeof *p);
    p->sql.driver = &sql_postgres;
    p->pq = pq;
    p->connection = connect_to(pq, where); /* NULL: no memory; all functions take it */
    pq->quiet(p->connection, keep_quiet, NULL);
    bool good =
        pq->status(p->connection) == CONNECTION_OK && !pq->set_nonblocking(p->connection, 1);
    if ((good || connection_failed(p)) && set_up(p, mode == SQL_WRITES, ret_never)) return &p->sql;
    buf_add(ret_why, buf_span(&p->sql.why));
    finish(&p->sql);
    return NULL;
}

/* Texts are compared by their bytes, as SQLite does: quicker, and the same order everywhere.
 * A schema is made by one weir at a time: of two that begin at once, the other waits. */
const sql_driver sql_postgres = {
    .bytes_type = "BYTEA",
    .text_type = "TEXT COLLATE \"C\"",
    .table_end = "",
    .begin_read = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    .begin_write = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
    .lock_schema = "SELECT pg_advisory_xact_lock(8531364870164)", /* any number of weir's own */
    .has_table = "SELECT to_regclass($1) IS NOT NULL",
    .tells = true,
    .connects = true,
    .descriptor = descriptor,
    .heard = heard,
    .open = open_server,
    .close = finish,
    .run = run,
    .run_many = run_many,
};
