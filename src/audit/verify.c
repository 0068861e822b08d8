#include "audit/verify.h"

#include "audit/files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

enum { HEAD_BYTES_MAX = 4096 };

typedef struct verifier {
    verify_report *report;
    chain_tip tip;      /* of the line before */
    chain_tip before;   /* the first line's forerunner, which has gone; seq 0: none */
    chain_tip vouched;  /* by the tombstones: the last record that was taken away */
    bool forerunner_ok; /* a tombstone has named it */
    bool begun;
    unsigned last_file;
    const chain_tip *head; /* what is said to be the last record */
    bool head_met;         /* the record that it names is as it says */
} verifier;

static bool fault(verifier *v, unsigned file, uint64_t line, uint64_t seq, const char *fmt, ...)
    PRINTF_LIKE(5, 6);
static bool fault(verifier *v, unsigned file, uint64_t line, uint64_t seq, const char *fmt, ...) {
    verify_report *r = v->report;
    va_list args;
    r->whole = false;
    if (file) trail_file_name(file, r->file);
    r->line = line;
    r->seq = seq;
    if (file) buf_addf(&r->fault, "%s, line %" PRIu64 ": ", r->file, line);
    va_start(args, fmt);
    buf_vaddf(&r->fault, fmt, args);
    va_end(args);
    return false;
}

/* ---- a line ---- */

static void note_tip(chain_tip *tip, uint64_t seq, span hash) {
    tip->seq = seq;
    memcpy(tip->hash, hash.ptr, SHA256_HEX_LEN);
    tip->hash[SHA256_HEX_LEN] = '\0';
}

/* What was pruned: the records up to `to`, of which the last had that hash. Of the files that had
 * them the later ones may still be there, where weir was killed while it removed them. */
static void hear_tombstone(verifier *v, const chain_line *l) {
    int64_t to;
    json_value hash = json_get(l->object, SPAN_OF("last_hash"));
    if (!json_i64(json_get(l->object, SPAN_OF("to")), &to) || to < 1 || hash.type != JSON_STRING ||
        hash.raw.len != SHA256_HEX_LEN + 2)
        return;
    note_tip(&v->vouched, (uint64_t)to, span_slice(hash.raw, 1, hash.raw.len - 1));
    v->report->pruned_to = (uint64_t)to;
    const bool last = v->vouched.seq == v->before.seq;
    if (last ? !strcmp(v->vouched.hash, v->before.hash) : v->vouched.seq > v->before.seq)
        v->forerunner_ok = true;
}

/* Its number is not the next one. */
static bool tell_gap(verifier *v, unsigned file, uint64_t line, uint64_t seq) {
    uint64_t next = v->tip.seq + 1;
    if (seq > next && seq - next == 1)
        return fault(v, file, line, next,
                     "record %" PRIu64 " is missing: record %" PRIu64 " stands behind %" PRIu64,
                     next, seq, v->tip.seq);
    if (seq > next)
        return fault(v, file, line, next,
                     "records %" PRIu64 " to %" PRIu64 " are missing: record %" PRIu64
                     " stands behind %" PRIu64,
                     next, seq - 1, seq, v->tip.seq);
    return fault(v, file, line, seq,
                 "record %" PRIu64 " stands behind %" PRIu64 ": the order was changed, or one was "
                 "put in",
                 seq, v->tip.seq);
}

static void begin(verifier *v, const chain_line *l) {
    v->begun = true;
    v->report->first = l->seq;
    if (l->prev.len == SHA256_HEX_LEN) note_tip(&v->before, l->seq - 1, l->prev);
    v->forerunner_ok = l->seq == 1 && span_eq(l->prev, span_cstr(chain_start.hash));
    v->tip = v->before;
}

/* The end of the last file that has no line end. Behind all that the head names it is what a
 * process leaves that was killed as it wrote, or is writing: nothing vouches for it yet. */
static bool take_torn(verifier *v, unsigned file, uint64_t number) {
    if (file != v->last_file || v->tip.seq < v->head->seq)
        return fault(v, file, number, v->tip.seq + 1, "its last record is cut off in its middle");
    v->report->torn = true;
    return true;
}

static bool take_line(void *user, unsigned file, uint64_t number, span line, bool whole) {
    verifier *v = user;
    chain_line l;
    const char *why;
    if (!whole) return take_torn(v, file, number);
    if (!chain_read(line, &l, &why))
        return fault(v, file, number, l.seq ? l.seq : v->tip.seq + 1, "the record %s", why);
    if (!v->begun) begin(v, &l);
    if (l.seq != v->tip.seq + 1) return tell_gap(v, file, number, l.seq);
    if (!span_eq(l.prev, span_cstr(v->tip.hash)))
        return fault(v, file, number, l.seq,
                     "record %" PRIu64 " was not written behind the %" PRIu64
                     " that is there: one of them was replaced",
                     l.seq, v->tip.seq);
    note_tip(&v->tip, l.seq, l.hash);
    v->report->records++;
    v->report->last = l.seq;
    if (span_eq(l.kind, SPAN_OF("pruned"))) hear_tombstone(v, &l);
    if (v->head->seq == l.seq) v->head_met = span_eq(l.hash, span_cstr(v->head->hash));
    return true;
}

/* ---- the head ---- */

static bool read_head(const char *folder, buf *text, buf *why) {
    buf path = BUF_EMPTY;
    buf_addf(&path, "%s/%s", folder, AUDIT_HEAD_NAME);
    int fd = open(buf_cstr(&path), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t n = fd < 0 ? -1 : pread(fd, buf_reserve(text, HEAD_BYTES_MAX), HEAD_BYTES_MAX, 0);
    if (n > 0) buf_grow(text, (size_t)n);
    if (n < 0) buf_addf(why, "its head, %s, cannot be read: %s", path.ptr, strerror(errno));
    if (fd >= 0) close(fd);
    buf_done(&path);
    return n >= 0;
}

/* wrong: what is; empty: nothing, and *ret says how far the trail has come. */
static void look_at_head(const char *folder, const secret *key, verify_report *r, chain_tip *ret,
                         buf *wrong) {
    buf text = BUF_EMPTY;
    *ret = chain_start;
    if (!read_head(folder, &text, wrong)) {
        buf_add_cstr(wrong, ": whether records are missing at the end cannot be told");
        buf_done(&text);
        return;
    }
    switch (head_read(buf_span(&text), key, ret)) {
    case HEAD_GOOD: r->unsigned_head = !key; break;
    case HEAD_UNCHECKED: r->unchecked = true; break;
    case HEAD_BAD:
        buf_add_cstr(wrong, AUDIT_HEAD_NAME " is no head of an audit trail: it was altered");
        break;
    case HEAD_FORGED:
        buf_add_cstr(wrong, AUDIT_HEAD_NAME
                     " is forged: its signature is not that of this key for what it says");
        break;
    case HEAD_UNSIGNED:
        buf_add_cstr(wrong, AUDIT_HEAD_NAME " is not signed, and a key is given: it is forged, or "
                                            "was written without audit.key");
        break;
    }
    buf_done(&text);
}

static bool check_end(verifier *v) {
    verify_report *r = v->report;
    uint64_t head = v->head->seq;
    if (!v->forerunner_ok && r->first > 1)
        return fault(v, 0, 0, 1,
                     "records 1 to %" PRIu64 " are missing at the beginning, and no record says "
                     "that they were pruned",
                     r->first - 1);
    if (!v->forerunner_ok)
        return fault(v, 0, 0, 1, "record 1 does not begin a trail: it was replaced");
    if (head > r->last)
        return fault(v, 0, 0, r->last + 1,
                     "records %" PRIu64 " to %" PRIu64 " are missing at the end: the head names "
                     "%" PRIu64,
                     r->last + 1, head, head);
    if (head && !v->head_met && head >= r->first)
        return fault(v, 0, 0, head, "the head names another record %" PRIu64 " than is there",
                     head);
    r->behind = r->last - head;
    return true;
}

/* ---- all of it ---- */

bool verify_folder(const char *folder, const secret *key, verify_report *ret, buf *ret_why) {
    chain_tip head;
    trail_files files;
    verifier v = {.report = ret, .tip = chain_start, .head = &head};
    *ret = (verify_report){.whole = true, .fault = BUF_EMPTY};
    if (!trail_files_find(folder, &files, ret_why)) return false;
    if (!files.count) {
        buf_addf(ret_why, "%s holds no audit trail: no file audit-*.jsonl is there", folder);
        return false;
    }
    ret->files = files.count;
    v.last_file = files.numbers[files.count - 1];
    buf wrong = BUF_EMPTY;
    bool read = true;
    look_at_head(folder, key, ret, &head, &wrong);
    for (size_t i = 0; read && ret->whole && i < files.count; i++) {
        size_t at = 0;
        read = trail_file_read(folder, files.numbers[i], &at, take_line, &v, ret_why);
    }
    /* What the records say goes before what the head does. */
    if (read && ret->whole && wrong.len)
        (void)fault(&v, 0, 0, head.seq, "%.*s", SPAN_ARG(buf_span(&wrong)));
    else if (read && ret->whole)
        (void)check_end(&v);
    buf_done(&wrong);
    trail_files_done(&files);
    return read;
}

void verify_report_done(verify_report *r) {
    buf_done(&r->fault);
}
