#include "batch/places.h"

#include "base/arena.h"
#include "batch/lines.h"
#include "batch/results.h"
#include "batch/said.h"
#include "batch/scan.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

/* A place: where the line begins, whether it is a failure, in which file. */
enum { FILE_BITS = 4, FAILED_BIT = 1 << FILE_BITS, PLACE_BITS = FILE_BITS + 1 };
enum { FIRST_READ = 4096, READ = 64 * 1024 };
_Static_assert(PLACES_FILES <= 1 << FILE_BITS, "a place tells its file");
/* Another program's line has to be read whole to find its custom_id. */
static const size_t line_max = 1024UL * 1024 * 1024;

void places_init(places *p, places_key key) {
    *p = (places){.key = key, .in_order = true};
    marks_init(&p->lines);
    ids_init(&p->ids, IDS_IN_MEMORY);
}

void places_done(places *p) {
    marks_done(&p->lines);
    ids_done(&p->ids);
}

static bool fail_temporary(buf *ret_why) {
    buf_addf(ret_why, "a temporary file (TMPDIR): %m");
    return false;
}

/* ---- taking note ---- */

typedef struct noting {
    places *places;
    size_t file;
    buf *why;
} noting;

/* Never 0. */
static uint64_t place_of(const noting *n, const line *l, bool failed) {
    return (l->offset + 1) << PLACE_BITS | (failed ? FAILED_BIT : 0) | n->file;
}

static bool fail_line(const noting *n, const line *l, const char *what) {
    buf_addf(n->why, "%s: line %" PRIu64 " %s", n->places->files[n->file].path, l->number, what);
    return false;
}

static bool note_by_line(noting *n, const line *l) {
    places *p = n->places;
    result_head head;
    bool known;
    uint64_t earlier;
    if (!result_read(l->text, &head)) return fail_line(n, l, "is no result of weir batch");
    if (!marks_get(&p->lines, head.line, &known, &earlier)) return fail_temporary(n->why);
    if (known && head.failed) return true;
    if (known) return fail_line(n, l, "is a second result of a line of the input");
    if (!marks_set(&p->lines, head.line, place_of(n, l, head.failed), &known))
        return fail_temporary(n->why);
    p->in_order = p->in_order && head.line > p->last;
    p->last = head.line;
    p->results++;
    return true;
}

static bool has_failed(json_value result) {
    int64_t status = 0;
    json_value code = json_get(json_get(result, SPAN_OF("response")), SPAN_OF("status_code"));
    return code.type != JSON_NUMBER || !json_i64(code, &status) || status < 200 || status > 299;
}

/* A line that failed may have been asked again, in another batch: it was answered, whichever file
 * is named first. */
static bool note_id_again(noting *n, const line *l, bool failed, span id, uint64_t earlier) {
    if (failed) return true;
    if (!(earlier & FAILED_BIT)) return fail_line(n, l, "has the custom_id of another result");
    return ids_replace(&n->places->ids, id, place_of(n, l, false)) || fail_temporary(n->why);
}

static bool note_id(noting *n, const line *l, json_value result, span id) {
    const bool failed = has_failed(result);
    uint64_t earlier;
    switch (ids_add(&n->places->ids, id, place_of(n, l, failed), &earlier)) {
    case IDS_NEW: n->places->results++; return true;
    case IDS_KNOWN: return note_id_again(n, l, failed, id, earlier);
    default: return fail_temporary(n->why);
    }
}

static bool note_by_id(noting *n, const line *l) {
    json_value root = {.type = JSON_NONE};
    bool read = !l->too_long && said_scan(l->text, &root);
    bool is_result = read && (json_get(root, SPAN_OF("response")).type != JSON_NONE ||
                              json_get(root, SPAN_OF("error")).type != JSON_NONE);
    if (!is_result) return fail_line(n, l, "is no result of a batch");
    json_value id = json_get(root, SPAN_OF("custom_id"));
    if (id.type != JSON_STRING) return true; /* a line that was not understood */
    arena a;
    arena_init(&a, 0);
    bool ok = note_id(n, l, root, json_string(id, &a));
    arena_done(&a);
    return ok;
}

static bool note(void *user, const line *l) {
    noting *n = user;
    if (line_is_blank(l) || (!l->ended && result_may_begin(l->text))) return true;
    return n->places->key == PLACES_BY_LINE ? note_by_line(n, l) : note_by_id(n, l);
}

bool places_add(places *p, int fd, const char *path, buf *ret_why) {
    if (p->count == PLACES_FILES) {
        buf_addf(ret_why, "%s is one file too many; allowed are %d", path, PLACES_FILES);
        return false;
    }
    noting n = {p, p->count, ret_why};
    p->files[p->count++] = (struct places_file){fd, path};
    size_t most = p->key == PLACES_BY_LINE ? RESULT_HEAD_MAX : line_max;
    return scan_lines(fd, path, most, note, &n, ret_why);
}

/* ---- reading ---- */

/* The last line may lack its end. */
static bool read_line(const places *p, uint64_t place, buf *ret_line, buf *ret_why) {
    const struct places_file *f = &p->files[place & ((1 << FILE_BITS) - 1)];
    uint64_t at = (place >> PLACE_BITS) - 1;
    buf_clear(ret_line);
    for (size_t wish = FIRST_READ;; wish = READ) {
        char *to = buf_reserve(ret_line, wish);
        ssize_t n = pread(f->fd, to, wish, (off_t)(at + ret_line->len));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            buf_addf(ret_why, "cannot read %s: %m", f->path);
            return false;
        }
        const char *end = n ? memchr(to, '\n', (size_t)n) : NULL;
        buf_grow(ret_line, end ? (size_t)(end + 1 - to) : (size_t)n);
        if (end) return true;
        if (n > 0) continue;
        buf_add_char(ret_line, '\n');
        return true;
    }
}

bool places_find(places *p, span custom_id, buf *ret_line, bool *ret_found, buf *ret_why) {
    uint64_t place = 0;
    ids_verdict verdict = ids_find(&p->ids, custom_id, &place);
    if (verdict == IDS_FAILED) return fail_temporary(ret_why);
    *ret_found = verdict == IDS_KNOWN;
    return !*ret_found || read_line(p, place, ret_line, ret_why);
}

bool places_next(places *p, uint64_t *number, buf *ret_line, bool *ret_found, buf *ret_why) {
    uint64_t place = 0;
    *ret_found = false;
    while (*number < p->lines.last && !*ret_found)
        if (!marks_get(&p->lines, ++*number, ret_found, &place)) return fail_temporary(ret_why);
    return !*ret_found || read_line(p, place, ret_line, ret_why);
}
