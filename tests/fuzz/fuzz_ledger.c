/* What a journal holds: frame_take, ledger_call_read, tries_take.
 *
 * The first byte chooses what the rest is: a journal, the code of a call, that of attempts. Holds:
 * a journal is gone through to its end, whatever is in it, and what is found lies in it; what is
 * read of a call is written and read as the same again; and attempts are told as JSON.
 */
#include "fuzz.h"

#include "json/json.h"
#include "ledger/call.h"
#include "ledger/frame.h"
#include "ledger/tries.h"

static bool lies_in(span part, span whole) {
    return part.len == 0 || (part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len);
}

/* ---- attempts ---- */

static void check_tries(span code) {
    buf text = BUF_EMPTY;
    json_writer w = json_writer_of(&text);
    json_value root;
    json_fault fault;
    ledger_try t;
    for (span rest = code; tries_take(&rest, &t);) {
        HOLDS(lies_in(rest, code));
        HOLDS(lies_in(t.target, code) && lies_in(t.outcome, code));
        HOLDS(lies_in(t.provider_request_id, code));
    }
    tries_json(code, &w);
    HOLDS(json_scan(buf_span(&text), NULL, &root, &fault) && root.type == JSON_ARRAY);
    buf_done(&text);
}

/* ---- a call ---- */

static void check_call(span code) {
    ledger_call c, again;
    buf first = BUF_EMPTY, second = BUF_EMPTY;
    if (!ledger_call_read(code, &c)) return;
    ledger_call_write(&c, &first);
    HOLDS(ledger_call_read(buf_span(&first), &again));
    ledger_call_write(&again, &second);
    HOLDS(span_eq(buf_span(&first), buf_span(&second)));
    check_tries(c.tries);
    ledger_call_interrupt(&c);
    buf_done(&first);
    buf_done(&second);
}

/* ---- a journal ---- */

static void check_journal(span journal, bool whole) {
    span rest = journal;
    frame f;
    for (;;) {
        size_t before = rest.len, bad = 0;
        frame_result got = frame_take(&rest, whole, &f, &bad);
        HOLDS(lies_in(rest, journal) && rest.ptr + rest.len == journal.ptr + journal.len);
        if (got == FRAME_CUT) {
            HOLDS(rest.len == before);
            return;
        }
        HOLDS(rest.len < before);
        if (got == FRAME_DAMAGED) {
            HOLDS(bad == before - rest.len);
            continue;
        }
        HOLDS(f.payload.len <= FRAME_PAYLOAD_MAX && lies_in(f.payload, journal));
        HOLDS(before - rest.len == f.payload.len + FRAME_OVERHEAD);
        check_call(f.payload);
    }
}

/* Its check is made, so that what is in it is read. */
static void check_framed(span payload) {
    buf journal = BUF_EMPTY;
    frame f;
    size_t bad;
    size_t at = frame_begin(&journal);
    buf_add(&journal, span_slice(payload, 0, FRAME_PAYLOAD_MAX));
    frame_end(&journal, at, FRAME_SETTLE);
    span rest = buf_span(&journal);
    HOLDS(frame_take(&rest, true, &f, &bad) == FRAME_FOUND && rest.len == 0);
    HOLDS(span_eq(f.payload, span_slice(payload, 0, FRAME_PAYLOAD_MAX)));
    check_journal(span_slice(buf_span(&journal), 0, journal.len - 1), true);
    buf_done(&journal);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1) return 0;
    span input = span_from((const char *)data + 1, size - 1);
    switch (data[0] % 4) {
    case 0: check_journal(input, data[0] & 0x80); break;
    case 1: check_call(input); break;
    case 2: check_tries(input); break;
    default: check_framed(input); break;
    }
    return 0;
}
