/* A process's journal, importer and store, which begin and end as often as a test wants, over one
 * folder.
 */
#ifndef WEIR_UNIT_LEDGER_IMPORTING_H
#define WEIR_UNIT_LEDGER_IMPORTING_H

#include "unit.h"

#include "ledger/folder.h"
#include "ledger/importer.h"
#include "ledger/place.h"
#include "ledger/store_sql.h"

enum { LIMIT = 1024 * 1024, WAIT_MS = 20000 };

typedef struct world {
    folder folder; /* the journal's, and the store's */
    buf name;
    const journal_io *io; /* the system's, if the test sets no other */
    journal journal;
    journal_writer writer;
    importer importer;
    unsigned lives;
} world;

/* A process begins. */
static inline void begin(world *w) {
    w->lives++;
    assert_int_equal(journal_open(&w->journal, w->io, w->folder.path, LIMIT, 1000 * w->lives), 0);
    journal_writer_init(&w->writer, &w->journal, 0, false);
    w->importer = (importer){.journal = &w->journal,
                             .place = store_place_of(&w->name),
                             .node = SPAN_OF("node"),
                             .last_ms = WAIT_MS};
}

static inline void start(world *w) {
    assert_int_equal(importer_start(&w->importer), 0);
}

/* And ends. killed: without what ends well. */
static inline void end(world *w, bool killed) {
    if (killed) buf_clear(&w->writer.out);
    journal_writer_close(&w->writer);
    importer_stop(&w->importer);
    journal_close(&w->journal);
}

/* Nothing is needed any more but the file that is being written. */
static inline bool all_is_imported(const world *w) {
    const list *first = w->journal.files.next;
    return first == &w->writer.file->link && first->next == &w->journal.files;
}

static inline int set_up(void **state) {
    static world w;
    w = (world){.io = &journal_io_system};
    folder_make(&w.folder);
    buf_addf(&w.name, "sqlite:%s/ledger.db", w.folder.path);
    *state = &w;
    return 0;
}

static inline int tear_down(void **state) {
    world *w = *state;
    buf_done(&w->name);
    folder_remove(&w->folder);
    return 0;
}

static inline void put_at(world *w, int64_t began_us, unsigned number, frame_kind kind) {
    char id[STORE_ID_LEN + 1];
    ledger_call c = ledger_call_unknown;
    store_sql_first_id(began_us, id);
    snprintf(id + 24, 13, "%012u", number);
    c.request_id = span_cstr(id);
    c.timestamp_us = began_us;
    c.model = SPAN_OF("m");
    if (kind == FRAME_SETTLE) {
        c.outcome = SPAN_OF("ok");
        c.total_tokens = 10;
    }
    size_t at;
    ledger_call_write(&c, journal_begin(&w->writer, &at));
    journal_end(&w->writer, at, kind);
}

static inline void put(world *w, unsigned number, frame_kind kind) {
    put_at(w, 1795890640836094, number, kind);
}

static inline void flush(world *w) {
    assert_int_equal(journal_writer_flush(&w->writer), 0);
    importer_wake(&w->importer);
}

static inline void note(void *user, const ledger_call *c) {
    buf *out = user;
    buf_addf(out, "%s%.*s %.*s", out->len ? ", " : "",
             SPAN_ARG(span_slice(c->request_id, 34, c->request_id.len)), SPAN_ARG(c->outcome));
}

/* What the store has: "02 ok, 01 interrupted", and the same by its sums. */
static inline void expect(world *w, const char *calls, int64_t count, int64_t tokens) {
    store *s;
    buf text = BUF_EMPTY;
    bool more;
    ledger_summary found;
    const store_place place = store_place_of(&w->name);
    assert_int_equal(store_open(&place, SQL_READS, false, &s, &text), STORE_OPEN);
    assert_true(store_calls(s, &ledger_query_all, note, &text, &more));
    if (calls) assert_string_equal(buf_cstr(&text), calls);
    summary_init(&found, GROUP_NONE);
    assert_true(store_sums(s, &ledger_query_all, &found));
    assert_int_equal(found.total.calls, count);
    assert_int_equal(found.total.total_tokens, tokens);
    summary_done(&found);
    store_close(s);
    buf_done(&text);
}

#endif
