#include "ledger/ledger.h"

#include "base/clock.h"
#include "base/mem.h"
#include "ledger/home.h"
#include "ledger/importer.h"
#include "ledger/place.h"

#include <stdlib.h>

/* What weir's end waits for the store, beside what one statement takes. */
enum { LAST_MS = 2000 };

struct ledger {
    ledger_home home;
    journal journal;
    importer importer;
    bool machine; /* ledger.sync */
    atomic_bool serves_on;
    atomic_ullong lost;
    atomic_ullong dropped; /* of them, at the end */
    atomic_ullong unsafe;  /* syncs that failed */
    atomic_size_t unwritten;
    atomic_uint writers;
};

struct ledger_writer {
    ledger *ledger;
    loop *loop;
    journal_writer journal;
    buf tries;
    loop_hook hook;
    bool told_unwritten, told_unsynced; /* as the log says it */
    log_shard *log;
    size_t unwritten; /* bytes that wait for a journal that cannot be written */
    commit *commit;   /* NULL: not ledger.sync: machine */
};

/* ---- the ledger ---- */

static bool look_at_store(ledger *l, buf *ret_why) {
    store *s;
    buf why = BUF_EMPTY;
    store_state state = store_open(&l->importer.place, SQL_WRITES, l->machine, &s, &why);
    store_close(s);
    if (state == STORE_NEVER)
        buf_addf(ret_why, "cannot keep records in %.*s: %.*s", SPAN_ARG(l->importer.place.said),
                 SPAN_ARG(buf_span(&why)));
    buf_done(&why);
    return state != STORE_NEVER;
}

static bool open_journal(ledger *l, const config_ledger *c, buf *ret_why) {
    int err = journal_open(&l->journal, &journal_io_system, buf_cstr(&l->home.journal),
                           c->journal_bytes, clock_wall_us());
    if (err)
        buf_addf(ret_why, "cannot read the journal in %.*s: %s",
                 SPAN_ARG(buf_span(&l->home.journal)), strerror(-err));
    return !err;
}

typedef bool enter_fn(ledger_home *h, buf *ret_why);

static ledger *open_in(enter_fn *enter, const config_ledger *c, logger *log, buf *ret_why) {
    ledger *l = mem_zalloc(sizeof *l);
    l->machine = c->sync == LEDGER_SYNC_MACHINE;
    if (!ledger_home_find(c, &l->home, ret_why) || !enter(&l->home, ret_why) ||
        !open_journal(l, c, ret_why)) {
        ledger_home_done(&l->home);
        free(l);
        return NULL;
    }
    l->importer = (importer){.journal = &l->journal,
                             .place = store_place_of(&l->home.store),
                             .durable = l->machine,
                             .node = span_cstr(l->home.node),
                             .forgetting = {.doubt = {.for_ms = CLOCK_DOUBT_MS}},
                             .last_ms = LAST_MS,
                             .log = logger_add_shard(log)};
    ledger_configure(l, c);
    if (look_at_store(l, ret_why)) return l;
    journal_close(&l->journal);
    ledger_home_done(&l->home);
    free(l);
    return NULL;
}

ledger *ledger_open(const config_ledger *c, logger *log, buf *ret_why) {
    return open_in(ledger_home_enter, c, log, ret_why);
}

ledger *ledger_open_beside(const config_ledger *c, logger *log, buf *ret_why) {
    return open_in(ledger_home_enter_beside, c, log, ret_why);
}

void ledger_configure(ledger *l, const config_ledger *c) {
    journal_set_limit(&l->journal, c->journal_bytes);
    atomic_store(&l->importer.keep_ms, c->keep_ms);
    atomic_store(&l->serves_on, c->on_full == LEDGER_FULL_SERVE);
}

span ledger_folder(const ledger *l) {
    return buf_span(&l->home.folder);
}

span ledger_node(const ledger *l) {
    return l->importer.node;
}

store_place ledger_place(const ledger *l) {
    return l->importer.place;
}

bool ledger_is_durable(const ledger *l) {
    return l->machine;
}

log_shard *ledger_import_log(const ledger *l) {
    return l->importer.log;
}

void ledger_set_sink(ledger *l, ledger_sink *s) {
    l->importer.sink = s;
}

bool ledger_start(ledger *l, buf *ret_why) {
    int err = importer_start(&l->importer);
    if (err) buf_addf(ret_why, "cannot start a thread for the ledger: %s", strerror(-err));
    return !err;
}

void ledger_leave(ledger *l) {
    atomic_store_explicit(&l->importer.leaving, true, memory_order_relaxed);
}

void ledger_catch_up(ledger *l) {
    if (l) (void)importer_catch_up(&l->importer, LAST_MS);
}

void ledger_close(ledger *l) {
    if (!l) return;
    importer_stop(&l->importer);
    journal_close(&l->journal);
    ledger_home_done(&l->home);
    free(l);
}

ledger_figures ledger_get_figures(ledger *l) {
    const importer *i = &l->importer;
    return (ledger_figures){
        .journal_bytes = atomic_load_explicit(&l->journal.bytes, memory_order_relaxed),
        .journal_limit = atomic_load_explicit(&l->journal.limit, memory_order_relaxed),
        .store_away = atomic_load_explicit(&i->store_away, memory_order_relaxed),
        .imported = atomic_load_explicit(&i->imported, memory_order_relaxed),
        .interrupted = atomic_load_explicit(&i->interrupted, memory_order_relaxed),
        .damaged = atomic_load_explicit(&i->damaged, memory_order_relaxed),
        .lost = atomic_load_explicit(&l->lost, memory_order_relaxed),
        .dropped = atomic_load_explicit(&l->dropped, memory_order_relaxed),
        .unwritten_bytes = atomic_load_explicit(&l->unwritten, memory_order_relaxed),
        .unsafe = atomic_load_explicit(&l->unsafe, memory_order_relaxed),
    };
}

store *ledger_read(ledger *l, int64_t wait_ms, bool *ret_behind, buf *ret_why) {
    store *s;
    const bool behind = !importer_catch_up(&l->importer, wait_ms);
    if (ret_behind) *ret_behind = behind;
    (void)store_open(&l->importer.place, SQL_READS, false, &s, ret_why);
    return s;
}

/* ---- a writer ---- */

/* What begins and ends, and is told each time. */
typedef struct trouble {
    const char *begins, *ends;
    span begun, ended;
} trouble;

static const trouble unwritten = {"journal_not_written", "journal_written",
                                  SPAN("Records wait in memory: the journal cannot be written."),
                                  SPAN("The journal can be written again.")};
static const trouble unsynced = {
    "journal_not_synced", "journal_synced",
    SPAN("Records may not survive the machine: the journal cannot be synced."),
    SPAN("The journal can be synced again.")};

static void tell(ledger_writer *w, const trouble *t, bool *told, int err) {
    if (*told == (err != 0)) return;
    *told = err != 0;
    const log_field reason = {.key = "reason", .value = span_cstr(err ? strerror(-err) : "")};
    if (err)
        log_event(w->log, LEVEL_ERROR, t->begins, t->begun, &reason, 1);
    else
        log_event(w->log, LEVEL_INFO, t->ends, t->ended, NULL, 0);
}

static void on_synced(void *user, int err) {
    ledger_writer *w = user;
    if (err) atomic_fetch_add_explicit(&w->ledger->unsafe, 1, memory_order_relaxed);
    tell(w, &unsynced, &w->told_unsynced, err);
}

static void note_unwritten(ledger_writer *w, size_t bytes) {
    if (bytes == w->unwritten) return;
    atomic_fetch_add_explicit(&w->ledger->unwritten, bytes - w->unwritten, memory_order_relaxed);
    w->unwritten = bytes;
}

/* The journal may have become full by what other workers write, or since it may have less: then
 * what this one has in use must not keep it so, though it writes nothing for long. */
static void give_back(ledger_writer *w) {
    if (!journal_is_full(&w->ledger->journal)) return;
    journal_writer_yield(&w->journal);
    importer_wake(&w->ledger->importer);
}

static void on_hook(loop_hook *hook) {
    ledger_writer *w = CONTAINER_OF(hook, ledger_writer, hook);
    if (!journal_writer_waits(&w->journal)) {
        give_back(w);
        return;
    }
    int err = journal_writer_flush(&w->journal);
    tell(w, &unwritten, &w->told_unwritten, err);
    note_unwritten(w, w->journal.out.len);
    if (w->commit) commit_flushed(w->commit, err);
    if (!err) importer_wake(&w->ledger->importer);
}

ledger_writer *ledger_writer_new(ledger *l, loop *on, log_shard *log) {
    ledger_writer *w = mem_zalloc(sizeof *w);
    w->ledger = l;
    w->loop = on;
    w->hook.run = on_hook;
    w->log = log;
    journal_writer_init(&w->journal, &l->journal, atomic_fetch_add(&l->writers, 1), l->machine);
    if (l->machine) w->commit = commit_new(&w->journal, on, on_synced, w);
    loop_add_hook(on, &w->hook);
    return w;
}

void ledger_writer_free(ledger_writer *w) {
    if (!w) return;
    loop_remove_hook(&w->hook);
    commit_free(w->commit);
    size_t dropped = journal_writer_close(&w->journal);
    atomic_fetch_add_explicit(&w->ledger->lost, dropped, memory_order_relaxed);
    atomic_fetch_add_explicit(&w->ledger->dropped, dropped, memory_order_relaxed);
    buf_done(&w->tries);
    free(w);
}

static void put(ledger_writer *w, const ledger_call *c, frame_kind kind) {
    size_t at;
    ledger_call_write(c, journal_begin(&w->journal, &at));
    journal_end(&w->journal, at, kind);
}

static bool has_room(ledger_writer *w) {
    if (w->journal.error) return false;
    if (!journal_is_full(&w->ledger->journal)) return true;
    give_back(w);
    return false;
}

static void lose(ledger *l) {
    atomic_fetch_add_explicit(&l->lost, 1, memory_order_relaxed);
}

void ledger_act(ledger_writer *w, span members, bool anybodys) {
    size_t at;
    if (anybodys && !has_room(w)) return;
    buf_add(journal_begin(&w->journal, &at), members);
    journal_end(&w->journal, at, FRAME_ACT);
}

/* What is written and not synced is a record all the same, for who serves on. */
ledger_verdict ledger_reserve(ledger_writer *w, const call_record *r) {
    bool on = atomic_load_explicit(&w->ledger->serves_on, memory_order_relaxed);
    if (!has_room(w)) return on ? LEDGER_PASSED : LEDGER_FULL;
    if (w->commit && commit_error(w->commit) && !on) return LEDGER_FULL;
    const ledger_call c = ledger_call_begun(r);
    put(w, &c, FRAME_RESERVE);
    return LEDGER_TAKEN;
}

bool ledger_settle(ledger_writer *w, const call_record *r, bool reserved, commit_wait *wait) {
    ledger *l = w->ledger;
    if (!reserved && !has_room(w)) {
        lose(l);
        return false;
    }
    buf_clear(&w->tries);
    const ledger_call c = ledger_call_of(r, &w->tries);
    put(w, &c, FRAME_SETTLE);
    if (!w->commit) return false;
    commit_add(w->commit, wait);
    return true;
}
