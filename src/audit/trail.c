#include "audit/trail.h"

#include "audit/head.h"
#include "base/clock.h"
#include "base/mem.h"
#include "ledger/answer.h"
#include "ledger/doubt.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PRUNE_EVERY_MS = 60 * 1000, TAIL_BYTES = 256 * 1024, PRUNED_MAX = 64 };

/* Where the trail has come to: what the store commits. */
typedef struct place {
    unsigned file; /* 0: there is none yet */
    size_t at;     /* bytes of it that are lines */
    int64_t day;   /* on which it was begun */
    chain_tip tip;
} place;

struct trail {
    ledger_sink sink;
    trail_settings settings;
    buf folder, node;
    place kept, taken; /* as the store has it; as it will, once the transaction is committed */
    int fd;            /* of file `open` */
    unsigned open;
    buf lines, call;
    unsigned pruned_to; /* files up to this one go once the tombstone is in; 0: none */
    int64_t pruned_ms;
    clock_doubt doubt;
};

/* ---- names ---- */

void trail_file_name(unsigned number, char ret[TRAIL_NAME_LEN + 1]) {
    snprintf(ret, TRAIL_NAME_LEN + 1, "audit-%08u.jsonl", number % 100000000);
}

unsigned trail_file_number(span name) {
    uint64_t number = 0;
    if (name.len != TRAIL_NAME_LEN || !span_starts(name, SPAN_OF("audit-")) ||
        !span_ends(name, SPAN_OF(".jsonl")) || !span_u64(span_slice(name, 6, 14), &number))
        return 0;
    return (unsigned)number;
}

static const char *path_of(const trail *t, const char *name, buf *path) {
    buf_clear(path);
    buf_addf(path, "%.*s/%s", SPAN_ARG(buf_span(&t->folder)), name);
    return buf_cstr(path);
}

static int open_file(const trail *t, unsigned number, int flags) {
    char name[TRAIL_NAME_LEN + 1];
    buf path = BUF_EMPTY;
    trail_file_name(number, name);
    int fd = open(path_of(t, name, &path), flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    int err = errno;
    buf_done(&path);
    errno = err;
    return fd;
}

static void remove_file(const trail *t, unsigned number) {
    char name[TRAIL_NAME_LEN + 1];
    buf path = BUF_EMPTY;
    trail_file_name(number, name);
    (void)unlink(path_of(t, name, &path));
    buf_done(&path);
}

typedef struct range {
    unsigned first, last; /* numbers of the files that are there; 0: none */
} range;

static range find_files(const trail *t) {
    range r = {0, 0};
    buf path = BUF_EMPTY;
    DIR *dir = opendir(path_of(t, ".", &path));
    buf_done(&path);
    if (!dir) return r;
    for (const struct dirent *e; (e = readdir(dir));) {
        unsigned n = trail_file_number(span_cstr(e->d_name));
        if (!n) continue;
        if (!r.first || n < r.first) r.first = n;
        if (n > r.last) r.last = n;
    }
    closedir(dir);
    return r;
}

/* ---- the position ---- */

static void write_place(const place *p, buf *out) {
    buf_addf(out, "%u %zu %lld %llu %s", p->file, p->at, (long long)p->day,
             (unsigned long long)p->tip.seq, p->tip.hash);
}

static bool read_place(span text, place *ret) {
    uint64_t numbers[4] = {0};
    *ret = (place){0, 0, 0, chain_start};
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        span part;
        if (!span_cut(&text, ' ', &part) || !span_u64(part, &numbers[i])) return false;
    }
    if (text.len != SHA256_HEX_LEN || numbers[0] > UINT32_MAX) return false;
    ret->file = (unsigned)numbers[0];
    ret->at = (size_t)numbers[1];
    ret->day = (int64_t)numbers[2];
    ret->tip.seq = numbers[3];
    memcpy(ret->tip.hash, text.ptr, SHA256_HEX_LEN);
    return true;
}

/* ---- files ---- */

static void close_file(trail *t) {
    if (t->fd >= 0) close(t->fd);
    t->fd = -1;
    t->open = 0;
}

static bool fail(const trail *t, const char *what, int err, buf *why) {
    buf_addf(why, "the audit trail in %.*s cannot be %s: %s", SPAN_ARG(buf_span(&t->folder)), what,
             strerror(err));
    return false;
}

/* Cut to where the place says that it ends. */
static bool enter_file(trail *t, const place *p, buf *why) {
    if (t->open == p->file && t->fd >= 0) return true;
    close_file(t);
    t->fd = open_file(t, p->file, O_RDWR | O_CREAT);
    if (t->fd < 0) return fail(t, "opened", errno, why);
    if (ftruncate(t->fd, (off_t)p->at)) {
        int err = errno;
        close_file(t);
        return fail(t, "written", err, why);
    }
    t->open = p->file;
    return true;
}

static int write_at(int fd, span bytes, size_t at) {
    while (bytes.len) {
        ssize_t n = pwrite(fd, bytes.ptr, bytes.len, (off_t)at);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return n ? errno : ENOSPC;
        at += (size_t)n;
        bytes = span_slice(bytes, (size_t)n, bytes.len);
    }
    return 0;
}

/* ---- the head ---- */

/* Another in its place, at once. One that cannot be written stays as it was: it vouches for less.
 */
static void write_head(trail *t) {
    char name[TRAIL_NAME_LEN + 1];
    buf text = BUF_EMPTY, from = BUF_EMPTY, to = BUF_EMPTY;
    trail_file_name(t->kept.file, name);
    head_write(&text, span_cstr(name), &t->kept.tip, clock_wall_us(), t->settings.key);
    int fd = open(path_of(t, AUDIT_HEAD_NAME ".new", &from),
                  O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    int err = fd < 0 ? errno : write_at(fd, buf_span(&text), 0);
    if (fd >= 0 && !err && t->settings.durable && fdatasync(fd)) err = errno;
    if (fd >= 0) close(fd);
    if (!err && rename(from.ptr, path_of(t, AUDIT_HEAD_NAME, &to))) err = errno;
    if (err) {
        const log_field fields[] = {{.key = "reason", .value = span_cstr(strerror(err))}};
        log_event(t->settings.log, LEVEL_WARN, "audit_head_not_written",
                  SPAN_OF("The head of the audit trail stays behind."), fields, 1);
        log_flush(t->settings.log);
    }
    buf_done(&text);
    buf_done(&from);
    buf_done(&to);
}

/* ---- beginning ---- */

/* The last whole line of a file, behind what `text` holds; *ret_at: where it ends. */
static bool read_last_line(int fd, buf *text, size_t *ret_at) {
    struct stat s;
    if (fstat(fd, &s)) return false;
    size_t size = (size_t)s.st_size, len = size < TAIL_BYTES ? size : TAIL_BYTES;
    ssize_t n = pread(fd, buf_reserve(text, len), len, (off_t)(size - len));
    if (n != (ssize_t)len) return false;
    span tail = span_from(text->ptr, len);
    while (tail.len && tail.ptr[tail.len - 1] != '\n')
        tail.len--;
    *ret_at = size - len + tail.len;
    size_t begin = tail.len ? tail.len - 1 : 0;
    while (begin && tail.ptr[begin - 1] != '\n')
        begin--;
    text->len = tail.len;
    buf_drop_front(text, begin);
    return text->len > 0;
}

/* The store knows of no trail, and one is there: it goes on behind its last line. */
static void adopt(trail *t, unsigned file, place *ret) {
    buf text = BUF_EMPTY;
    chain_line line;
    const char *why;
    size_t at;
    *ret = (place){file + 1, 0, 0, chain_start};
    int fd = open_file(t, file, O_RDONLY);
    if (fd >= 0 && read_last_line(fd, &text, &at) &&
        chain_read(span_slice(buf_span(&text), 0, text.len - 1), &line, &why)) {
        *ret = (place){file, at, 0, {line.seq, ""}};
        memcpy(ret->tip.hash, line.hash.ptr, SHA256_HEX_LEN);
    }
    if (fd >= 0) close(fd);
    buf_done(&text);
}

/* Its file is shorter than the store knows it, or gone: the chain goes on in the next one, and what
 * is missing shows. */
static bool is_short(const trail *t, const place *p) {
    struct stat s;
    int fd = open_file(t, p->file, O_RDONLY);
    bool whole = fd >= 0 && !fstat(fd, &s) && (size_t)s.st_size >= p->at;
    if (fd >= 0) close(fd);
    return !whole;
}

static void go_on_after(trail *t, place *p) {
    char name[TRAIL_NAME_LEN + 1];
    trail_file_name(p->file, name);
    const log_field fields[] = {{.key = "file", .value = span_cstr(name)}};
    log_event(t->settings.log, LEVEL_ERROR, "audit_short",
              SPAN_OF("A file of the audit trail is shorter than what was written to it: the trail "
                      "goes on in another."),
              fields, 1);
    log_flush(t->settings.log);
    p->file++;
    p->at = 0;
    p->day = 0;
}

/* The head names a record that the store does not know of: it was committed all the same, as the
 * head is written after it, and the store was put back to what it was before. */
static bool is_ahead(const trail *t, const place *p) {
    enum { HEAD_MAX = 4096 };
    buf path = BUF_EMPTY, text = BUF_EMPTY;
    chain_tip head = chain_start;
    int fd = open(path_of(t, AUDIT_HEAD_NAME, &path), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t n = fd < 0 ? -1 : pread(fd, buf_reserve(&text, HEAD_MAX), HEAD_MAX, 0);
    bool ahead = n > 0 &&
                 head_read(span_from(text.ptr, (size_t)n), t->settings.key, &head) != HEAD_BAD &&
                 head.seq > p->tip.seq;
    if (fd >= 0) close(fd);
    buf_done(&text);
    buf_done(&path);
    return ahead;
}

static void go_on_behind(trail *t, unsigned file, place *p) {
    place end;
    adopt(t, file, &end);
    if (end.tip.seq <= p->tip.seq) return; /* it was cut off itself, which will show */
    *p = end;
    log_event(t->settings.log, LEVEL_WARN, "audit_ahead",
              SPAN_OF("The store is older than the audit trail, which goes on behind its last "
                      "record: what the journal still has since then is there twice."),
              NULL, 0);
    log_flush(t->settings.log);
}

/* When a file was last written to; 0: it cannot be told. */
static int64_t written_at_us(const trail *t, unsigned number) {
    struct stat s;
    int fd = open_file(t, number, O_RDONLY);
    bool known = fd >= 0 && !fstat(fd, &s);
    if (fd >= 0) close(fd);
    return known ? (int64_t)s.st_mtim.tv_sec * 1000000 + s.st_mtim.tv_nsec / 1000 : 0;
}

/* What earlier processes have written bears witness for the clock. */
static void begin_doubt(trail *t, range there) {
    const int64_t now_us = clock_wall_us();
    const int64_t before_us = clock_doubt_witness_before(&t->doubt, now_us);
    int64_t newest_us = 0;
    if (clock_doubt_begun(&t->doubt)) return;
    for (unsigned n = there.last; n && n >= there.first && !newest_us; n--) {
        const int64_t written_us = written_at_us(t, n);
        if (written_us < before_us) newest_us = written_us;
    }
    clock_doubt_look(&t->doubt, newest_us, clock_mono_ms(), now_us);
}

static bool trail_resume(ledger_sink *s, span position, buf *ret_why) {
    trail *t = CONTAINER_OF(s, trail, sink);
    place p;
    range there = find_files(t);
    begin_doubt(t, there);
    close_file(t);
    bool known = read_place(position, &p);
    if (!known && there.last) adopt(t, there.last, &p);
    if (known && there.last && is_ahead(t, &p)) go_on_behind(t, there.last, &p);
    if (known && p.file && is_short(t, &p)) go_on_after(t, &p);
    /* What was begun behind the place was never committed. */
    for (unsigned n = there.last; known && n > p.file; n--)
        remove_file(t, n);
    t->kept = t->taken = p;
    if (!p.file) return true;
    if (!enter_file(t, &p, ret_why)) return false;
    write_head(t);
    return true;
}

/* ---- taking ---- */

static int64_t day_of(int64_t wall_us) {
    return wall_us / 1000000 / 86400;
}

static void add_text(buf *out, const char *name, span text) {
    if (out->len) buf_add_char(out, ',');
    buf_addf(out, "\"%s\":", name);
    json_write_string(out, text);
}

static void add_line(trail *t, int64_t now_us, span kind) {
    chain_add(&t->lines, &t->taken.tip, now_us, kind, buf_span(&t->call));
}

static void add_entry(trail *t, const ledger_entry *e, int64_t now_us) {
    buf_clear(&t->call);
    add_text(&t->call, "node", buf_span(&t->node));
    if (!e->call) {
        buf_addf(&t->call, ",%.*s", SPAN_ARG(e->act));
        add_line(t, now_us, SPAN_OF("act"));
        return;
    }
    buf_add(&t->call, SPAN_OF(",\"call\":"));
    json_writer w = json_writer_of(&t->call);
    answer_call(&w, e->call);
    if (e->call->proof.len) buf_addf(&t->call, ",%.*s", SPAN_ARG(e->call->proof));
    add_line(t, now_us, SPAN_OF("call"));
}

/* ---- pruning ---- */

static bool is_old(const trail *t, unsigned number, int64_t before_us) {
    int64_t written_us = written_at_us(t, number);
    return written_us && written_us < before_us;
}

/* The last of the files, from the first on, that nobody needs any more; 0: none. */
static unsigned find_old(trail *t, int64_t now_us) {
    unsigned last = 0;
    range there = find_files(t);
    if (!t->settings.keep_ms || !there.first) return 0;
    int64_t before_us = now_us - t->settings.keep_ms * 1000;
    clock_doubt_look(&t->doubt, 0, clock_mono_ms(), now_us);
    if (clock_doubted(&t->doubt, 0, before_us)) return 0;
    for (unsigned n = there.first; n < t->kept.file && n < there.first + PRUNED_MAX; n++) {
        if (!is_old(t, n, before_us)) break;
        last = n;
    }
    return last;
}

static bool may_prune(const trail *t) {
    return t->settings.keep_ms &&
           (!t->pruned_ms || clock_mono_ms() - t->pruned_ms >= PRUNE_EVERY_MS);
}

/* A line that says what goes: up to which record, and how that one ended. */
static void add_tombstone(trail *t, int64_t now_us) {
    buf text = BUF_EMPTY;
    chain_line line;
    const char *why;
    size_t at;
    if (!may_prune(t)) return;
    t->pruned_ms = clock_mono_ms();
    unsigned last = find_old(t, now_us);
    int fd = last ? open_file(t, last, O_RDONLY) : -1;
    if (fd >= 0 && read_last_line(fd, &text, &at) &&
        chain_read(span_slice(buf_span(&text), 0, text.len - 1), &line, &why)) {
        char name[TRAIL_NAME_LEN + 1];
        trail_file_name(last, name);
        buf_clear(&t->call);
        add_text(&t->call, "file", span_cstr(name));
        buf_addf(&t->call, ",\"to\":%llu,\"last_hash\":\"%.*s\"", (unsigned long long)line.seq,
                 SPAN_ARG(line.hash));
        add_line(t, now_us, SPAN_OF("pruned"));
        t->pruned_to = last;
    }
    if (fd >= 0) close(fd);
    buf_done(&text);
}

static bool trail_due(ledger_sink *s) {
    trail *t = CONTAINER_OF(s, trail, sink);
    return may_prune(t) && find_old(t, clock_wall_us());
}

/* ---- a transaction ---- */

static void choose_file(trail *t, int64_t now_us) {
    place *p = &t->taken;
    bool full = p->file && p->at >= t->settings.file_bytes;
    bool next_day = p->at && p->day && p->day != day_of(now_us);
    if (!p->file || full || next_day) {
        p->file++;
        p->at = 0;
    }
    if (!p->at || !p->day) p->day = day_of(now_us);
}

static bool trail_take(ledger_sink *s, const ledger_entry *entries, size_t count, buf *position,
                       buf *ret_why) {
    trail *t = CONTAINER_OF(s, trail, sink);
    int64_t now_us = clock_wall_us();
    t->taken = t->kept;
    t->pruned_to = 0;
    buf_clear(&t->lines);
    for (size_t i = 0; i < count; i++)
        add_entry(t, &entries[i], now_us);
    add_tombstone(t, now_us);
    if (t->lines.len) {
        choose_file(t, now_us);
        if (!enter_file(t, &t->taken, ret_why)) return false;
        int err = write_at(t->fd, buf_span(&t->lines), t->taken.at);
        if (!err && t->settings.durable && fdatasync(t->fd)) err = errno;
        if (err) return fail(t, "written", err, ret_why);
        t->taken.at += t->lines.len;
    }
    write_place(&t->taken, position);
    return true;
}

static void trail_settled(ledger_sink *s, bool committed) {
    trail *t = CONTAINER_OF(s, trail, sink);
    /* A store that did not answer may have committed all the same, which resume() will hear of:
     * what was written stays until then, or until that place is written anew. */
    if (!committed) {
        close_file(t);
        t->taken = t->kept;
        t->pruned_to = 0;
        return;
    }
    bool moved = t->taken.tip.seq != t->kept.tip.seq;
    t->kept = t->taken;
    if (moved) write_head(t);
    for (unsigned n = find_files(t).first; t->pruned_to && n && n <= t->pruned_to; n++)
        remove_file(t, n);
    t->pruned_to = 0;
}

/* ---- the trail ---- */

trail *trail_new(const trail_settings *s) {
    static const ledger_sink_ops ops = {trail_resume, trail_take, trail_settled, trail_due};
    trail *t = mem_zalloc(sizeof *t);
    t->sink.ops = &ops;
    t->settings = *s;
    t->doubt.for_ms = s->doubt_ms;
    t->fd = -1;
    t->kept.tip = t->taken.tip = chain_start;
    buf_add(&t->folder, s->folder);
    buf_add(&t->node, s->node);
    if (s->key) t->settings.key = secret_ref(s->key);
    return t;
}

void trail_free(trail *t) {
    if (!t) return;
    close_file(t);
    secret_unref(t->settings.key);
    buf_done(&t->folder);
    buf_done(&t->node);
    buf_done(&t->lines);
    buf_done(&t->call);
    free(t);
}

ledger_sink *trail_sink(trail *t) {
    return &t->sink;
}

const secret *trail_key(const trail *t) {
    return t->settings.key;
}
