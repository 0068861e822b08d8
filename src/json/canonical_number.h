/* json/canonical_number.h: a number as RFC 8785 spells it (section 3.2.2.3). Inside json/ alone. */
#ifndef WEIR_JSON_CANONICAL_NUMBER_H
#define WEIR_JSON_CANONICAL_NUMBER_H

#include "base/buf.h"

/* It is spelled so already, as nearly all are. false: it may be all the same. */
MUST_USE bool canonical_number_is(span raw);
/* raw: one that json_scan() accepted. digits: memory, of nothing but this; its owner's. */
void canonical_number(span raw, buf *digits, buf *out);

#endif
