/* The query strings of /usage/summary, /usage/calls and /usage/calls/ID: query_parse.
 *
 * The first byte chooses the page. Holds: what is taken is within its bounds; what is not is
 * explained in one line of UTF-8 that names a parameter of the string; and neither depends on where
 * the string lies.
 */
#include "fuzz.h"

#include "ledger/query.h"

enum { NOW_US = 1795000000 };

static const int64_t now_us = (int64_t)NOW_US * 1000000;

static void check_taken(const ledger_query *q) {
    HOLDS(q->limit >= 1 && q->limit <= QUERY_LIMIT_MAX);
    HOLDS(q->status >= -1);
    HOLDS(query_group_word(q->group));
    HOLDS(!q->tag.ptr || span_find(q->tag, 0, '=') < q->tag.len);
}

static void check_refused(span why, span name) {
    HOLDS(why.len > 0 && span_is_utf8(why));
    HOLDS(name.len <= 4096);
    for (size_t i = 0; i < why.len; i++)
        HOLDS((unsigned char)why.ptr[i] >= 0x20 && why.ptr[i] != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const query_kind kinds[] = {QUERY_SUMMARY, QUERY_CALLS, QUERY_CALL};
    if (size < 1) return 0;
    arena a;
    buf why = BUF_EMPTY;
    span name = SPAN_EMPTY;
    ledger_query q = ledger_query_all;
    arena_init(&a, 0);
    if (query_parse(&q, kinds[data[0] % 3], span_from((const char *)data + 1, size - 1), now_us, &a,
                    &name, &why))
        check_taken(&q);
    else
        check_refused(buf_span(&why), name);
    buf_done(&why);
    arena_done(&a);
    return 0;
}
