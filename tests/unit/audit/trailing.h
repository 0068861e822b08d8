/* A trail in a folder, as the store's importer would feed it. */
#ifndef WEIR_UNIT_AUDIT_TRAILING_H
#define WEIR_UNIT_AUDIT_TRAILING_H

#include "unit.h"

#include "audit/verify.h"
#include "ledger/folder.h"

typedef struct world {
    folder folder;
    trail *trail;
    ledger_sink *sink;
    buf position; /* as the store has it */
    config_logs logs;
    logger *logger;
    FILE *log;
    secret *key;
    int64_t keep_ms;
    int64_t doubt_ms;
    size_t file_bytes;
} world;

static inline void open_trail(world *w) {
    const trail_settings s = {.folder = span_cstr(w->folder.path),
                              .node = SPAN_OF("here"),
                              .keep_ms = w->keep_ms,
                              .doubt_ms = w->doubt_ms,
                              .file_bytes = w->file_bytes,
                              .key = w->key,
                              .log = logger_add_shard(w->logger)};
    buf why = BUF_EMPTY;
    w->trail = trail_new(&s);
    w->sink = trail_sink(w->trail);
    if (!w->sink->ops->resume(w->sink, buf_span(&w->position), &why))
        fail_msg("%s", buf_cstr(&why));
    buf_done(&why);
}

static inline void close_trail(world *w) {
    trail_free(w->trail);
    w->trail = NULL;
}

/* What the store's transaction does, up to its end. */
static inline void take(world *w, size_t count, bool commit) {
    ledger_entry entries[16] = {0};
    buf position = BUF_EMPTY, why = BUF_EMPTY;
    for (size_t i = 0; i < count; i++)
        entries[i] = (ledger_entry){.act = SPAN_OF("\"act\":\"reload\",\"who\":\"operator\"")};
    if (!w->sink->ops->take(w->sink, entries, count, &position, &why))
        fail_msg("%s", buf_cstr(&why));
    if (commit) {
        buf_clear(&w->position);
        buf_add(&w->position, buf_span(&position));
        w->sink->ops->settled(w->sink, true);
    }
    buf_done(&position);
    buf_done(&why);
}

/* The transaction is committed, but the store is gone before it says so. */
static inline void take_unheard(world *w, size_t count) {
    ledger_entry entries[16] = {0};
    buf why = BUF_EMPTY;
    for (size_t i = 0; i < count; i++)
        entries[i] = (ledger_entry){.act = SPAN_OF("\"act\":\"reload\",\"who\":\"operator\"")};
    buf_clear(&w->position);
    assert_true(w->sink->ops->take(w->sink, entries, count, &w->position, &why));
    w->sink->ops->settled(w->sink, false);
    buf_done(&why);
}

static inline int set_up(void **state) {
    static world w;
    w = (world){.file_bytes = 1 << 20,
                .logs = {.level = LEVEL_INFO, .format = LOG_JSON, .buffer_bytes = 1 << 20}};
    folder_make(&w.folder);
    w.log = tmpfile();
    w.logger = logger_new(&w.logs, fileno(w.log));
    *state = &w;
    return 0;
}

static inline int tear_down(void **state) {
    world *w = *state;
    close_trail(w);
    logger_free(w->logger, 1000);
    fclose(w->log);
    secret_unref(w->key);
    buf_done(&w->position);
    folder_remove(&w->folder);
    return 0;
}

/* The report as one line: "3 in 1: 1-3", or the fault. */
static inline void expect(world *w, const secret *key, const char *wanted) {
    verify_report r;
    buf why = BUF_EMPTY, said = BUF_EMPTY;
    if (!verify_folder(w->folder.path, key, &r, &why))
        buf_add(&said, buf_span(&why));
    else if (r.whole)
        buf_addf(&said, "%d in %d: %d-%d", (int)r.records, (int)r.files, (int)r.first, (int)r.last);
    else
        buf_add(&said, buf_span(&r.fault));
    if (r.whole && r.behind) buf_addf(&said, ", %d behind", (int)r.behind);
    if (r.whole && r.torn) buf_add_cstr(&said, ", torn");
    if (r.whole && r.pruned_to) buf_addf(&said, ", pruned to %d", (int)r.pruned_to);
    assert_string_equal(buf_cstr(&said), wanted);
    verify_report_done(&r);
    buf_done(&why);
    buf_done(&said);
}

static inline buf path_of(const world *w, const char *name) {
    buf path = BUF_EMPTY;
    buf_addf(&path, "%s/%s", w->folder.path, name);
    (void)buf_cstr(&path);
    return path;
}

static inline buf read_file(const world *w, const char *name) {
    buf path = path_of(w, name), text = unit_read(path.ptr);
    buf_done(&path);
    return text;
}

static inline void write_file(const world *w, const char *name, span text) {
    buf path = path_of(w, name);
    FILE *f = fopen(path.ptr, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text.ptr, 1, text.len, f), text.len);
    fclose(f);
    buf_done(&path);
}

#endif
