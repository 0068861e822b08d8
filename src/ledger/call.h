/* ledger/call.h: one call as the ledger keeps it, and its bytes in a journal.
 *
 * The struct, its code and everything else that goes through all fields are made of fields.def.
 * Pure; any thread. Spans are borrowed.
 *
 * The code: each field that is known is its number with a bit that says whether a length and bytes
 * follow or a number, all numbers in base 128, the lowest seven bits first (as LEB128). What is not
 * known is left out. A number that this weir does not know is passed over: a later weir's field.
 */
#ifndef WEIR_LEDGER_CALL_H
#define WEIR_LEDGER_CALL_H

#include "base/buf.h"
#include "observe/record.h"

#define LEDGER_TEXT(name)     span name
#define LEDGER_BYTES(name)    span name
#define LEDGER_TAGS(name)     span name
#define LEDGER_JSON(name)     span name
#define LEDGER_COUNT(name)    int64_t name
#define LEDGER_MONEY(name)    int64_t name
#define LEDGER_FLAG(name)     bool name
#define LEDGER_TIME(name)     int64_t name##_us
#define LEDGER_DURATION(name) int64_t name##_us
#define LEDGER_RATIO(name)    int64_t name##_ppm

typedef struct ledger_call {
#define X(number, kind, name) LEDGER_##kind(name);
#include "ledger/fields.def"
#undef X
    /* What an audit trail keeps beside: members of a JSON object. In journals alone; empty: none.
     */
    span proof;
} ledger_call;

/* Nothing is known. */
extern const ledger_call ledger_call_unknown;

/* The code behind what out holds. */
void ledger_call_write(const ledger_call *c, buf *out);
/* false: the bytes are no such code. Spans point into it. */
MUST_USE bool ledger_call_read(span code, ledger_call *ret);
/* Its id alone, which comes first: for who needs no more. false: it does not begin with one. */
MUST_USE bool ledger_call_read_id(span code, span *ret);

/* Of a call that has ended; tries is where the code of its attempts is put, for as long as *ret is
 * used. Long texts are cut: a record is at most a few KB. */
ledger_call ledger_call_of(const call_record *r, buf *tries);
/* Of one that is about to be asked: what is known already. */
ledger_call ledger_call_begun(const call_record *r);

/* How a call that a crash has ended is kept. */
#define LEDGER_INTERRUPTED SPAN_OF("interrupted")
void ledger_call_interrupt(ledger_call *c);

#endif
