/* The input of a batch: lines_next, lines_end, item_read, item_set_duplicate.
 *
 * The first three bytes choose the format, the limit and the cuts. Holds: lines do not depend on
 * how the input is cut; nothing of it is lost between them; a good item has a path, a body that is
 * an object and an id, a bad one has a message with the line's number; and what is written of
 * either is one line that reads back.
 */
#include "fuzz.h"

#include "batch/item.h"
#include "batch/results.h"
#include "json/json.h"

#include <inttypes.h>

static void tell(buf *out, const line *l) {
    buf_addf(out, "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIx64 " %d %d %zu:", l->number,
             l->offset, l->len, l->mark, l->too_long, l->ended, l->text.len);
    buf_add(out, l->text);
}

static void check_result(const line *l, const item *it) {
    buf text = BUF_EMPTY;
    result_head head;
    result_of of = {l->number, l->mark, it->custom_id};
    if (it->problem == ITEM_GOOD)
        result_write_response(&text, &of, 200, SPAN_OF("r"), it->body);
    else
        result_write_bad_line(&text, &of, span_cstr(item_problem_code(it->problem)), it->message);
    HOLDS(span_find(buf_span(&text), 0, '\n') == text.len - 1);
    HOLDS(result_read(span_slice(buf_span(&text), 0, RESULT_HEAD_MAX), &head));
    HOLDS(head.line == l->number && head.mark == l->mark);
    HOLDS(head.failed == (it->problem != ITEM_GOOD));
    json_value root;
    json_fault fault;
    HOLDS(json_scan(buf_span(&text), &(json_limits){.depth = 200}, &root, &fault));
    buf_done(&text);
}

static void check_item(const line *l, const item_rules *rules) {
    arena a;
    item it;
    char begin[64];
    arena_init(&a, 0);
    item_read(l, rules, &a, &it);
    if (it.problem == ITEM_GOOD) {
        json_value root;
        json_fault fault;
        HOLDS(it.path && it.custom_id.len > 2 && it.id_text.len > 0);
        HOLDS(json_scan(it.body, NULL, &root, &fault) && root.type == JSON_OBJECT);
        check_result(l, &it);
        item_set_duplicate(&it, l, 1, &a);
    }
    snprintf(begin, sizeof begin, "line %" PRIu64 ": ", l->number);
    HOLDS(span_starts(it.message, span_cstr(begin)));
    HOLDS(span_is_utf8(it.message));
    check_result(l, &it);
    arena_done(&a);
}

static void read_all(span doc, size_t step, size_t limit, const item_rules *rules, buf *out) {
    lines l;
    line found;
    uint64_t next_offset = 0;
    lines_init(&l, limit, true);
    for (size_t at = 0; at < doc.len; at += step) {
        span piece = fuzz_piece(doc, at, step), input = piece;
        while (lines_next(&l, &input, &found)) {
            HOLDS(found.offset == next_offset);
            next_offset = l.offset;
            tell(out, &found);
            if (rules) check_item(&found, rules);
        }
        HOLDS(input.len == 0);
        free((void *)piece.ptr);
    }
    if (lines_end(&l, &found)) {
        tell(out, &found);
        if (rules) check_item(&found, rules);
    }
    HOLDS(l.offset == doc.len);
    lines_done(&l);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const batch_format formats[] = {FORMAT_JSON, FORMAT_OPENAI, FORMAT_MESSAGES,
                                           FORMAT_PROMPTS};
    if (size < 3) return 0;
    item_rules rules = {.format = formats[data[0] % 4],
                        .system = data[0] & 0x80 ? SPAN_OF("S") : SPAN_EMPTY};
    size_t limit = data[1] < 0x40 ? data[1] : 1 << 20, step = data[2] + 1u;
    span doc = span_from((const char *)data + 3, size - 3);
    buf whole = BUF_EMPTY, cut = BUF_EMPTY;

    read_all(doc, doc.len + 1, limit, &rules, &whole);
    read_all(doc, step, limit, NULL, &cut);
    HOLDS(span_eq(buf_span(&whole), buf_span(&cut)));
    buf_clear(&cut);
    read_all(doc, 1, limit, NULL, &cut);
    HOLDS(span_eq(buf_span(&whole), buf_span(&cut)));

    buf_done(&whole);
    buf_done(&cut);
    return 0;
}
