#include "batch/lines.h"

#include "base/mem.h"

enum { LINES_BOM_LEN = 3, LINES_BOM_DONE = 4 };

static const char bom_bytes[] = "\xEF\xBB\xBF";

void lines_init(lines *l, size_t max, bool marks) {
    *l = (lines){.max = max, .marks = marks};
}

void lines_done(lines *l) {
    buf_done(&l->held);
    sha256_stream_free(l->digest);
    l->digest = NULL;
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

static void tell(lines *l, span text, bool ended, line *ret) {
    unsigned char digest[SHA256_LEN];
    if (l->excess == 0 && text.len && text.ptr[text.len - 1] == '\r') text.len--;
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
}

bool lines_next(lines *l, span *input, line *ret) {
    forget_told(l);
    skip_bom(l, input);
    if (input->len == 0) return false;
    size_t end = span_find(*input, 0, '\n');
    span piece = span_slice(*input, 0, end);
    bool ended = end < input->len;
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

bool lines_end(lines *l, line *ret) {
    forget_told(l);
    settle_bom(l);
    if (l->held.len == 0) return false;
    tell(l, buf_span(&l->held), false, ret);
    return true;
}

bool line_is_blank(const line *l) {
    return !l->too_long && span_trim(l->text).len == 0;
}
