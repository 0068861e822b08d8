/* audit/chain.h: the lines of an audit trail, each of which vouches for all before it.
 *
 *   {"seq":2,"at":"2026-11-29T10:00:00.000000Z","kind":"call", … ,"prev":"<hash>","hash":"<hash>"}
 *
 * hash is the SHA-256, in hexadecimal, of the line's bytes before `,"hash":`, and prev the hash of
 * the line with the number before; of number 1 sixty-four zeros. So what is altered, left out, put
 * in or put elsewhere shows at that line. Pure.
 *
 * Any thread. Source: RFC 8259; FIPS 180-4.
 */
#ifndef WEIR_AUDIT_CHAIN_H
#define WEIR_AUDIT_CHAIN_H

#include "base/buf.h"
#include "base/hash.h"
#include "json/json.h"

/* Where a chain has come to. */
typedef struct chain_tip {
    uint64_t seq; /* of its last line; 0: it has none */
    char hash[SHA256_HEX_LEN + 1];
} chain_tip;

extern const chain_tip chain_start;

/* One line more, with its line end, behind what out holds. members: of a JSON object, without the
 * braces, such as `"call":{…}`; may be empty. */
void chain_add(buf *out, chain_tip *tip, int64_t wall_us, span kind, span members);

/* What a line says of itself. Spans point into it. */
typedef struct chain_line {
    json_value object;
    uint64_t seq;
    span kind;
    span at; /* RFC 3339 */
    span prev, hash;
} chain_line;

/* line: without its line end. false and a constant sentence's end: it is none, or its hash is not
 * that of its bytes. */
MUST_USE bool chain_read(span line, chain_line *ret, const char **ret_why);

#endif
