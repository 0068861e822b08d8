/* exchange/other_body.h: what a body on a path that is passed through is taken for. Many servers do
 * not look at its type: what is JSON to them is JSON here, whatever a client calls it, or what
 * nobody has looked at would be let through. What only resembles JSON (lines of it, a data set with
 * NaN, a text that begins with a brace) goes on as it is, unless somebody would have been asked
 * about it. Pure. Any thread. */
#ifndef WEIR_EXCHANGE_OTHER_BODY_H
#define WEIR_EXCHANGE_OTHER_BODY_H

#include "json/json.h"

/* As what it begins. */
typedef enum other_body {
    OTHER_BODY_BYTES,
    OTHER_BODY_TYPED,  /* its type says JSON, or nothing */
    OTHER_BODY_OBJECT, /* of another type, as are those below */
    OTHER_BODY_LIST,   /* an array or a string, as which texts begin, too */
    OTHER_BODY_MARKED, /* the same behind a byte order mark */
    OTHER_BODY_CODED,  /* in UTF-16 or UTF-32, which some readers undo */
} other_body;

typedef enum other_body_fate {
    OTHER_BODY_READ,    /* as JSON; refused where it is none */
    OTHER_BODY_PASSED,  /* as bytes */
    OTHER_BODY_REFUSED, /* it cannot be looked at */
} other_body_fate;

/* type: the Content-Type; empty: there is none. */
other_body other_body_of(span type, span body);
/* fault: what a scan of it found, of one that is marked behind its mark; of bytes, and of what is
 * coded, nothing. asked: it matters to somebody what it has. */
other_body_fate other_body_judge(other_body b, json_fault_kind fault, bool asked);

#endif
