/* tools/carry.h: what a run has done, carried by the id of a call that is handed to the client.
 *
 * Where a model calls a tool of the client, the client is answered, and comes again with the call
 * and its result: a new request, which says nothing of the calls that were made here meanwhile. The
 * one text that every client brings back as it got it is the call's id. So that holds what the
 * client has not seen: the conversation from where the run began, and the id that the model gave.
 * Nothing is kept here, and any weir may be asked next.
 *
 * It is no secret (tools' results are in it, and who decodes it reads them) and nobody's word is
 * taken for it: a client can write no more with it than it can into its messages.
 *
 * Pure; any thread.
 */
#ifndef WEIR_TOOLS_CARRY_H
#define WEIR_TOOLS_CARRY_H

#include "json/json.h"

enum {
    CARRY_BYTES_MAX = 16 * 1024, /* of an id; the longest texts are cut until it is that short */
    CARRY_MESSAGES_MAX = 256,
};

/* With which such an id begins; what follows are letters, digits, - and _. */
extern const span carry_mark;

typedef struct carried {
    span id;       /* as the model gave it */
    span messages; /* elements of an array, with commas between them: messages of assistant and
                      tool, or outputs of calls of a response */
} carried;

/* The id that carries these. messages: JSON that was accepted. false: they are too many, however
 * short; *out has nothing appended. */
MUST_USE bool carry_write(const carried *c, buf *out);

/* false: it carries nothing, or not what carry_write() writes. Spans point into the arena. */
MUST_USE bool carry_read(span id, arena *a, carried *ret);

#endif
