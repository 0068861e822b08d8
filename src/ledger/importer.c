#include "ledger/importer.h"

#include "base/clock.h"
#include "base/cond.h"
#include "base/mem.h"
#include "ledger/damage.h"
#include "loop/loop.h"

#include <errno.h>
#include <stdlib.h>

enum {
    GATHER_MS = 200,
    /* One transaction's. */
    CHUNK_BYTES = 256 * 1024,
    CALLS_MAX = 512,
    ENTRIES_MAX = 1024, /* with acts */
    RETRY_MS = 250,
    RETRY_MOST_MS = 5000,
    SLEEP_MS = 60 * 1000,
    IDLED_MS = 500,   /* a connection that was not used for that long */
    SILENT_MS = 2000, /* later than that it has not ended, but says nothing */
};

/* ---- sleeping and waking ---- */

/* Flag and state are written by one side and read by the other in opposite order: either the writer
 * sees the thread asleep, or the thread the work. */
void importer_wake(importer *i) {
    atomic_store(&i->work, true);
    if (!atomic_load(&i->asleep)) return;
    pthread_mutex_lock(&i->lock);
    pthread_cond_broadcast(&i->changed);
    pthread_mutex_unlock(&i->lock);
}

bool importer_catch_up(importer *i, int64_t wait_ms) {
    const int64_t until_ms = clock_mono_ms() + wait_ms;
    pthread_mutex_lock(&i->lock);
    uint64_t pass = ++i->asked;
    pthread_cond_broadcast(&i->changed);
    while (i->reached < pass && cond_wait_until(&i->changed, &i->lock, until_ms)) {}
    bool reached = i->reached >= pass;
    pthread_mutex_unlock(&i->lock);
    return reached;
}

/* Under the lock. Somebody waits, or the thread is to end. */
static bool is_hurried(const importer *i) {
    return i->ending || i->asked > i->reached;
}

static void sleep_until(importer *i, int64_t mono_ms, bool until_work) {
    while (!is_hurried(i) && !(until_work && atomic_load(&i->work)) &&
           cond_wait_until(&i->changed, &i->lock, mono_ms)) {}
}

/* ---- the store ---- */

static void close_store(importer *i) {
    store_close(i->store);
    i->store = NULL;
}

static bool away(importer *i, span why) {
    i->retry_ms = i->retry_ms ? 2 * i->retry_ms : RETRY_MS;
    if (i->retry_ms > RETRY_MOST_MS) i->retry_ms = RETRY_MOST_MS;
    if (!atomic_exchange(&i->store_away, true)) {
        const log_field fields[] = {{.key = "reason", .value = why}};
        log_event(i->log, LEVEL_ERROR, "ledger_store_away",
                  SPAN_OF("Records stay in the journal: the store does not take them."), fields, 1);
        log_flush(i->log);
    }
    return false;
}

/* One that has idled, and of which the next pass finds that it has ended, is made anew at once, and
 * nobody is told unless that fails: the new one has not idled. */
static bool is_replaced(const importer *i) {
    return i->place.driver->connects && i->idled && store_is_lost(i->store) &&
           clock_mono_ms() - i->began_ms < SILENT_MS;
}

static bool failed(importer *i) {
    buf why = BUF_EMPTY;
    i->replaces = is_replaced(i);
    if (i->replaces) {
        close_store(i);
        return false;
    }
    buf_add(&why, store_why(i->store));
    if (store_is_lost(i->store)) close_store(i);
    away(i, buf_span(&why));
    buf_done(&why);
    return false;
}

static void note_back(importer *i) {
    i->retry_ms = 0;
    i->idled = false;
    if (!atomic_exchange(&i->store_away, false)) return;
    log_event(i->log, LEVEL_INFO, "ledger_store_back", SPAN_OF("The store takes records again."),
              NULL, 0);
    log_flush(i->log);
}

static bool open_store(importer *i) {
    if (i->store) return true;
    buf why = BUF_EMPTY;
    bool good = store_open(&i->place, SQL_WRITES, i->durable, &i->store, &why) == STORE_OPEN;
    if (!good) away(i, buf_span(&why));
    buf_done(&why);
    if (!good || !i->sink || store_resume(i->store, i->node, i->sink)) return good;
    (void)failed(i);
    close_store(i);
    return false;
}

/* ---- a piece of a file ---- */

typedef struct piece {
    importer *importer;
    journal_file *file;
    size_t mark; /* the store has it up to here: what stands before is only looked at */
    ledger_call calls[CALLS_MAX];
    size_t count;
    ledger_entry entries[ENTRIES_MAX]; /* the calls, and what was done between them */
    size_t entry_count;
    size_t at;      /* how far the piece goes */
    size_t missing; /* bytes that the file no longer has behind what it has */
} piece;

static damage_log damage(importer *i) {
    return (damage_log){i->log, &i->damaged};
}

/* Before the mark it was told by whoever set the mark. */
static void tell_damage(const piece *p, damage_kind kind, size_t at, size_t bytes) {
    const damage_log d = damage(p->importer);
    if (at >= p->mark) damage_tell(&d, p->file, kind, at, bytes);
}

/* Nothing else is needed of a reserve unless a crash leaves it open. */
static void take_reserve(piece *p, span code) {
    span id;
    if (ledger_call_read_id(code, &id)) open_calls_begin(&p->importer->open, id, code, p->file);
}

static void take_settle(piece *p, span code) {
    ledger_call *c = &p->calls[p->count];
    if (!ledger_call_read(code, c)) return; /* a later weir's, whose sum is right */
    open_calls_end(&p->importer->open, c->request_id);
    if (p->at <= p->mark) return;
    p->entries[p->entry_count++] = (ledger_entry){.call = c};
    p->count++;
}

static void take_act(piece *p, span act) {
    if (p->at > p->mark) p->entries[p->entry_count++] = (ledger_entry){.act = act};
}

static bool has_room(const piece *p) {
    return p->count < CALLS_MAX && p->entry_count < ENTRIES_MAX;
}

static void take_frame(piece *p, const frame *f) {
    if (f->kind == FRAME_RESERVE) take_reserve(p, f->payload);
    if (f->kind == FRAME_SETTLE) take_settle(p, f->payload);
    if (f->kind == FRAME_ACT) take_act(p, f->payload);
}

/* Reads frames from the bytes of the file that begin at p->at. last: it has no more. */
static void take_frames(piece *p, span bytes, bool last) {
    size_t begin = p->at;
    span rest = bytes;
    while (has_room(p)) {
        frame f;
        size_t bad;
        frame_result r = frame_take(&rest, last, &f, &bad);
        size_t before = p->at;
        if (r == FRAME_CUT) break;
        p->at = begin + (bytes.len - rest.len);
        if (r == FRAME_FOUND)
            take_frame(p, &f);
        else
            tell_damage(p, DAMAGE_ALTERED, before, bad);
    }
    size_t left = rest.len + p->missing;
    if (last && left && has_room(p)) {
        tell_damage(p, p->missing ? DAMAGE_SHORT : DAMAGE_TORN, p->at, left);
        p->at = begin + bytes.len + p->missing;
    }
}

static bool import_piece(piece *p) {
    importer *i = p->importer;
    const store_mark mark = {span_cstr(p->file->name), (int64_t)p->at};
    const store_batch batch = {.calls = p->calls,
                               .count = p->count,
                               .node = i->node,
                               .marks = &mark,
                               .mark_count = p->at > p->mark,
                               .sink = p->entry_count ? i->sink : NULL,
                               .entries = p->entries,
                               .entry_count = p->entry_count};
    size_t fresh = 0;
    if (p->at > p->mark) {
        if (!store_import(i->store, &batch, &fresh)) return failed(i);
        note_back(i);
    }
    atomic_fetch_add(&i->imported, fresh);
    p->file->read = p->at;
    p->file->unreadable = false;
    return true;
}

/* ---- a file ---- */

/* A journal may have grown for hours before it comes to its end. */
static bool is_late(const importer *i) {
    return clock_mono_ms() >= atomic_load_explicit(&i->late_ms, memory_order_relaxed);
}

typedef struct pass {
    importer *importer;
    bool good;
    bool old_left; /* a file of an earlier process can be read on */
} pass;

static bool find_mark(importer *i, const journal_file *f, size_t *ret) {
    int64_t at = 0;
    *ret = f->read;
    if (!f->old || f->read) return true;
    if (!store_mark_of(i->store, i->node, span_cstr(f->name), &at)) return failed(i);
    *ret = at > 0 ? (size_t)at : 0;
    return true;
}

/* Reads until len bytes are there or the file ends. 0, or a negative errno; what came before it
 * counts. */
static int read_bytes(const importer *i, int fd, size_t at, size_t len, size_t *ret_len) {
    ssize_t n = 1;
    *ret_len = 0;
    while (*ret_len < len && n > 0) {
        n = i->journal->io->read(fd, i->chunk + *ret_len, len - *ret_len, at + *ret_len);
        if (n > 0) *ret_len += (size_t)n;
    }
    return n < 0 ? (int)n : 0;
}

/* The next piece of what is written. false: there is none, or it cannot be read. */
static bool read_piece(piece *p, int fd, size_t mark) {
    importer *i = p->importer;
    journal_file *f = p->file;
    /* Sealed is read first: what is written after it is seen the next time. */
    bool sealed = atomic_load_explicit(&f->sealed, memory_order_acquire);
    size_t written = atomic_load_explicit(&f->written, memory_order_acquire), n;
    if (f->read == written) return false;
    size_t len = written - f->read < CHUNK_BYTES ? written - f->read : CHUNK_BYTES;
    int err = read_bytes(i, fd, f->read, len, &n);
    p->mark = mark > f->read ? mark : f->read;
    p->count = p->entry_count = 0;
    p->at = f->read;
    p->missing = !err && n < len ? written - f->read - n : 0;
    take_frames(p, span_from(i->chunk, n), p->missing || (sealed && f->read + n == written));
    const damage_log d = damage(i);
    if (p->at == f->read && err) damage_tell_unreadable(&d, f, err);
    return p->at != f->read;
}

static bool read_pieces(importer *i, journal_file *f, int fd, size_t mark) {
    piece *p = mem_alloc(sizeof *p);
    p->importer = i;
    p->file = f;
    bool good = true;
    while (good && read_piece(p, fd, mark))
        good = import_piece(p) && !is_late(i);
    free(p);
    return good;
}

/* Nothing of the file is at fault: it is tried again. */
static bool is_shortage(int err) {
    return err == -EMFILE || err == -ENFILE || err == -ENOMEM || err == -EINTR;
}

/* Somebody has removed it, and what was not read is lost; or it may not be read. Nothing else waits
 * for it. */
static bool pass_over(importer *i, journal_file *f, size_t written, int err) {
    const damage_log d = damage(i);
    if (is_shortage(err)) return away(i, span_cstr(strerror(-err)));
    if (err == -ENOENT) {
        f->read = written;
        damage_tell_gone(&d, f);
    } else {
        damage_tell_unreadable(&d, f, err);
    }
    return true;
}

static bool read_file(importer *i, journal_file *f) {
    size_t mark, written = atomic_load_explicit(&f->written, memory_order_acquire);
    if (f->read == written || (f->old && f->unreadable)) return true;
    if (!find_mark(i, f, &mark)) return false;
    int fd = journal_open_file(i->journal, f);
    if (fd < 0) return pass_over(i, f, written, fd);
    bool good = read_pieces(i, f, fd, mark);
    (void)i->journal->io->close(fd);
    return good;
}

static bool is_read(const journal_file *f) {
    return atomic_load_explicit(&f->sealed, memory_order_acquire) &&
           f->read == atomic_load_explicit(&f->written, memory_order_acquire);
}

/* Its mark goes first: were it left behind, nobody would come back for it. What is then read once
 * more, after a crash in between, is not new to the store. */
static bool remove_file(importer *i, journal_file *f) {
    const store_mark gone = {span_cstr(f->name), -1};
    const store_batch batch = {.node = i->node, .marks = &gone, .mark_count = 1};
    size_t fresh;
    if (!store_import(i->store, &batch, &fresh)) return failed(i);
    journal_remove(i->journal, f);
    return true;
}

static void add_frame(span code, void *user) {
    buf *frames = user;
    const size_t at = frame_begin(frames);
    buf_add(frames, code);
    frame_end(frames, at, FRAME_RESERVE);
}

/* Of a call that is open for long the beginning is needed, and not all that stands beside it: else
 * a few of them, one in each file, would fill the journal of a store that takes everything. Where
 * they are less than half of a file they go over into one of their own. false: it stays. */
static bool carry(importer *i, journal_file *f) {
    buf frames = BUF_EMPTY;
    if (f->open_bytes >= f->read / 2) return false;
    open_calls_each(&i->open, f, add_frame, &frames);
    journal_file *to = journal_carry(i->journal, buf_span(&frames), i->durable);
    if (to) open_calls_move(&i->open, f, to);
    buf_done(&frames);
    return to != NULL;
}

static void pass_file(journal_file *f, void *user) {
    pass *p = user;
    importer *i = p->importer;
    p->good = p->good && !is_late(i) && read_file(i, f);
    if (f->old && !is_read(f) && !f->unreadable) p->old_left = true;
    if (!p->good || !is_read(f) || (f->old && !i->old_done)) return;
    if (f->open && !carry(i, f)) return;
    p->good = remove_file(i, f);
}

/* ---- what a crash has left ---- */

typedef struct leftovers {
    ledger_call *calls;
    size_t count;
} leftovers;

static void gather_old(span code, void *user) {
    leftovers *l = user;
    ledger_call *c = &l->calls[l->count];
    if (!ledger_call_read(code, c)) return;
    ledger_call_interrupt(c);
    l->count++;
}

/* Calls that were open when their process ended. */
static bool close_old(importer *i) {
    leftovers l = {mem_zalloc_array(i->open.count + 1, sizeof(ledger_call)), 0};
    open_calls_each_old(&i->open, gather_old, &l);
    ledger_entry *entries = mem_zalloc_array(l.count + 1, sizeof *entries);
    for (size_t n = 0; n < l.count; n++)
        entries[n].call = &l.calls[n];
    const store_batch batch = {.calls = l.calls,
                               .count = l.count,
                               .node = i->node,
                               .sink = i->sink,
                               .entries = entries,
                               .entry_count = l.count};
    size_t fresh = 0;
    bool good = !l.count || store_import(i->store, &batch, &fresh) || failed(i);
    if (good && fresh) {
        char many[LOG_NUMBER_MAX];
        const log_field fields[] = {log_number("calls", fresh, many)};
        log_event(i->log, LEVEL_WARN, "calls_interrupted",
                  SPAN_OF("Calls that an earlier process had begun and not ended are kept as "
                          "interrupted."),
                  fields, 1);
        log_flush(i->log);
    }
    free(l.calls);
    free(entries);
    if (!good) return false;
    atomic_fetch_add(&i->imported, fresh);
    atomic_fetch_add(&i->interrupted, fresh);
    open_calls_drop_old(&i->open);
    i->old_done = true;
    return true;
}

/* ---- a pass ---- */

static bool read_all(importer *i) {
    pass p = {i, true, false};
    journal_each(i->journal, pass_file, &p);
    if (!p.good || i->old_done || p.old_left) return p.good;
    if (!close_old(i)) return false;
    journal_each(i->journal, pass_file, &p); /* which takes the old files away */
    return p.good;
}

static bool begin_forgetting(importer *i) {
    return forgetting_begin(&i->forgetting, i->store) || failed(i);
}

static bool prune(importer *i) {
    bool mended;
    if (!forgetting_step(&i->forgetting, i->store, atomic_load(&i->keep_ms), &mended))
        return failed(i);
    if (!mended) return true;
    log_event(
        i->log, LEVEL_WARN, "records_kept_again",
        SPAN_OF("Records were kept from a time on that has not come yet, as a clock was wrong "
                "once: from the next full hour on they are kept again."),
        NULL, 0);
    log_flush(i->log);
    return true;
}

/* What the sink has to say without a call. */
static bool hear_sink(importer *i) {
    if (!i->sink || !i->sink->ops->due(i->sink)) return true;
    const store_batch batch = {.node = i->node, .sink = i->sink};
    size_t fresh;
    return store_import(i->store, &batch, &fresh) || failed(i);
}

static bool try_pass(importer *i) {
    i->began_ms = clock_mono_ms();
    i->idled = i->store && i->began_ms - i->used_ms >= IDLED_MS;
    i->replaces = false;
    if (is_late(i) || !open_store(i) || !begin_forgetting(i) || !read_all(i) || !prune(i) ||
        !hear_sink(i))
        return false;
    note_back(i);
    return true;
}

static bool run_pass(importer *i) {
    bool good = try_pass(i);
    if (i->replaces) good = try_pass(i);
    i->used_ms = clock_mono_ms();
    return good;
}

/* Under the lock, but for the pass itself. */
static void run_one(importer *i) {
    uint64_t asked = i->asked;
    atomic_store(&i->work, false);
    pthread_mutex_unlock(&i->lock);
    bool good = run_pass(i);
    pthread_mutex_lock(&i->lock);
    if (!good) return;
    i->reached = asked;
    pthread_cond_broadcast(&i->changed);
}

static void *run(void *arg) {
    importer *i = arg;
    pthread_mutex_lock(&i->lock);
    while (!i->ending) {
        run_one(i);
        if (i->retry_ms) {
            if (!i->ending)
                (void)cond_wait_until(&i->changed, &i->lock, clock_mono_ms() + i->retry_ms);
            continue;
        }
        atomic_store(&i->asleep, true);
        sleep_until(i, clock_mono_ms() + SLEEP_MS, true);
        atomic_store(&i->asleep, false);
        sleep_until(i, clock_mono_ms() + GATHER_MS, false);
    }
    pthread_mutex_unlock(&i->lock);
    (void)run_pass(i);
    return NULL;
}

int importer_start(importer *i) {
    pthread_mutex_init(&i->lock, NULL);
    pthread_cond_init(&i->changed, NULL);
    i->chunk = mem_alloc(CHUNK_BYTES);
    i->place.leaving = &i->leaving;
    atomic_store(&i->late_ms, INT64_MAX);
    i->old_done = false;
    sigset_t before;
    loop_quiet(&before);
    int err = pthread_create(&i->thread, NULL, run, i);
    loop_loud(&before);
    i->runs = !err;
    return -err;
}

void importer_stop(importer *i) {
    if (i->runs) {
        atomic_store(&i->late_ms, clock_mono_ms() + i->last_ms);
        atomic_store(&i->leaving, true);
        pthread_mutex_lock(&i->lock);
        i->ending = true;
        pthread_cond_broadcast(&i->changed);
        pthread_mutex_unlock(&i->lock);
        pthread_join(i->thread, NULL);
    }
    close_store(i);
    open_calls_done(&i->open);
    free(i->chunk);
    pthread_cond_destroy(&i->changed);
    pthread_mutex_destroy(&i->lock);
}
