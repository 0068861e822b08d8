/* exchange/guard_redact.h: a text or a document without what the guard's rules find in it, for what
 * is kept of a call. Other than a guard's it changes nothing that goes anywhere. Inside exchange/.
 */
#ifndef WEIR_EXCHANGE_GUARD_REDACT_H
#define WEIR_EXCHANGE_GUARD_REDACT_H

#include "exchange/guard.h"

typedef struct guard_redact {
    const guard_policy *policy;
    guard_scratch *scratch;
    guard_names *names; /* made with the first value, where whoever asks brings none; he owns it */
    size_t left;        /* bytes that may still be looked at */
    bool cut;           /* there were more */
} guard_redact;

/* Behind what out holds. json: as of a guard_form. open: the text went on, so that what may be the
 * beginning of something is left away. */
void guard_redact_text(guard_redact *r, span text, unsigned json, bool open, buf *out);
/* The same of a text that is JSON, and stays it (exchange/guard_numbers.h). */
void guard_redact_json(guard_redact *r, span text, bool open, buf *out);
/* A document as it came: its strings as they read, those that are JSON again as that, and what
 * stands between them, names and numbers. */
void guard_redact_document(guard_redact *r, json_value root, buf *out);

#endif
