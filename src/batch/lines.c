#include "batch/lines.h"

#include "base/mem.h"

#include <string.h>

enum { LINES_BOM_LEN = 3, LINES_BOM_DONE = 4 };
enum { LEAD_MAX = 4096 }; /* bytes of white space before an array */

static const char bom_bytes[] = "\xEF\xBB\xBF";

void lines_init(lines *l, size_t max, bool marks) {
    *l = (lines){.max = max, .marks = marks};
}

void lines_done(lines *l) {
    buf_done(&l->held);
    buf_done(&l->lead);
    sha256_stream_free(l->digest);
    l->digest = NULL;
}

void lines_are_records(lines *l, char separator) {
    l->form = LINES_TABLE;
    l->csv = (csv_scan){.separator = separator};
}

void lines_may_be_elements(lines *l) {
    l->form = LINES_ARRAY;
}

static uint64_t mark_of(const unsigned char digest[SHA256_LEN]) {
    uint64_t mark = 0;
    for (size_t i = 0; i < LINE_MARK_BITS / 8; i++)
        mark = mark << 8 | digest[i];
    return mark;
}

static void forget_told(lines *l) {
    if (!l->told) return;
    buf_clear(&l->held);
    l->excess = 0;
    l->excess_cr = false;
    l->told = false;
}

/* A CR waits until it is known not to be the last byte. */
static void digest_excess(lines *l, span piece) {
    if (!l->marks || piece.len == 0) return;
    if (!l->digest) {
        l->digest = sha256_stream_new();
        sha256_stream_add(l->digest, buf_span(&l->held));
    }
    if (l->excess_cr) sha256_stream_add(l->digest, SPAN_OF("\r"));
    l->excess_cr = piece.ptr[piece.len - 1] == '\r';
    sha256_stream_add(l->digest, span_slice(piece, 0, piece.len - l->excess_cr));
}

static void hold(lines *l, span piece) {
    span head = span_slice(piece, 0, l->max - l->held.len);
    buf_add(&l->held, head);
    span rest = span_slice(piece, head.len, piece.len);
    if (!l->marks && rest.len) l->excess_cr = rest.ptr[rest.len - 1] == '\r';
    digest_excess(l, rest);
    l->excess += rest.len;
}

/* What began like a byte order mark and was none is text. */
static void settle_bom(lines *l) {
    if (l->bom < LINES_BOM_LEN) hold(l, span_from(bom_bytes, l->bom));
    l->bom = LINES_BOM_DONE;
}

static void skip_bom(lines *l, span *input) {
    while (l->bom < LINES_BOM_LEN && input->len && *input->ptr == bom_bytes[l->bom]) {
        *input = span_slice(*input, 1, input->len);
        l->offset++;
        l->bom++;
    }
    if (l->bom == LINES_BOM_LEN || (l->bom < LINES_BOM_LEN && input->len)) settle_bom(l);
}

static bool is_white(char c) {
    return memchr(" \t\r\n", c, 4);
}

/* The same element with another behind it is the same. */
static span without_end(const lines *l, span text) {
    if (l->form == LINES_ARRAY)
        while (text.len && is_white(text.ptr[text.len - 1]))
            text.len--;
    else if (text.len && text.ptr[text.len - 1] == '\r')
        text.len--;
    return text;
}

static void tell(lines *l, span text, bool ended, line *ret) {
    unsigned char digest[SHA256_LEN];
    if (l->excess == 0) text = without_end(l, text);
    if (l->digest)
        sha256_stream_end(l->digest, digest);
    else if (l->marks)
        sha256(text, digest);
    l->digest = NULL;
    *ret = (line){.number = ++l->number,
                  .offset = l->start,
                  .text = span_slice(text, 0, l->max),
                  .len = text.len + l->excess - l->excess_cr,
                  .mark = l->marks ? mark_of(digest) : 0,
                  .ended = ended};
    ret->too_long = ret->len > l->max;
    l->start = l->offset;
    l->told = true;
    l->number += l->csv.breaks;
    l->csv = (csv_scan){.separator = l->csv.separator};
}

/* Where the line ends in what has come, and whether it does. */
static size_t find_end(lines *l, span input, bool *ret_ended) {
    if (l->form == LINES_ARRAY) return elements_find_end(&l->elements, input, ret_ended);
    size_t end = l->form == LINES_TABLE ? csv_find_end(&l->csv, input) : span_find(input, 0, '\n');
    *ret_ended = end < input.len;
    return end;
}

/* Of an array: to where an element begins. false: nothing more has come. */
static bool pass_between(lines *l, span *input) {
    if (l->form != LINES_ARRAY || l->inside) return true;
    size_t before = input->len;
    l->inside = elements_begin(&l->elements, input);
    l->offset += before - input->len;
    l->start = l->offset;
    return input->len > 0;
}

static bool is_undecided(const lines *l) {
    return l->form == LINES_ARRAY && l->elements.at == ELEMENTS_UNDECIDED;
}

/* White space before an array is nobody's, before anything else it is lines: it is kept until that
 * is known. */
static void decide_form(lines *l, span *input) {
    size_t n = 0;
    while (n < input->len && is_white(input->ptr[n]) && l->lead.len + n < LEAD_MAX)
        n++;
    buf_add(&l->lead, span_slice(*input, 0, n));
    *input = span_slice(*input, n, input->len);
    if (l->held.len || (input->len && *input->ptr != '[')) {
        l->form = LINES_TEXT;
    } else if (input->len) {
        l->offset += l->lead.len;
        buf_clear(&l->lead);
    }
}

static bool take(lines *l, span *input, line *ret) {
    if (input->len == 0 || !pass_between(l, input)) return false;
    bool ended;
    size_t end = find_end(l, *input, &ended);
    span piece = span_slice(*input, 0, end);
    l->inside = l->form == LINES_ARRAY && !ended;
    size_t taken = end + ended;
    *input = span_slice(*input, taken, input->len);
    l->offset += taken;
    if (ended && l->held.len == 0 && piece.len <= l->max) {
        tell(l, piece, true, ret);
        return true;
    }
    hold(l, piece);
    if (!ended) return false;
    tell(l, buf_span(&l->held), true, ret);
    return true;
}

/* A line of what stood before it was known that no array begins. */
static bool take_lead(lines *l, line *ret) {
    if (l->form != LINES_TEXT || l->lead_taken == l->lead.len) return false;
    span rest = span_slice(buf_span(&l->lead), l->lead_taken, l->lead.len);
    bool found = take(l, &rest, ret);
    l->lead_taken = l->lead.len - rest.len;
    return found;
}

bool lines_next(lines *l, span *input, line *ret) {
    forget_told(l);
    skip_bom(l, input);
    if (is_undecided(l)) decide_form(l, input);
    return take_lead(l, ret) || take(l, input, ret);
}

bool lines_end(lines *l, line *ret) {
    forget_told(l);
    settle_bom(l);
    if (is_undecided(l)) l->form = LINES_TEXT;
    if (take_lead(l, ret)) return true;
    if (l->held.len == 0) return false;
    tell(l, buf_span(&l->held), false, ret);
    return true;
}

bool lines_are_unclosed(const lines *l) {
    return l->form == LINES_ARRAY && l->elements.at == ELEMENTS_BETWEEN;
}

bool line_is_blank(const line *l) {
    return !l->too_long && span_trim(l->text).len == 0;
}
