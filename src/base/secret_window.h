/* base/secret_window.h: a text that comes in pieces, without the secrets that are in it. What is
 * told of it is the same wherever it is cut.
 *
 * Its end is held back that may be the beginning of a secret, no longer than that is open, and no
 * more than one may be long. Not thread-safe; {0} is one to begin with.
 */
#ifndef WEIR_BASE_SECRET_WINDOW_H
#define WEIR_BASE_SECRET_WINDOW_H

#include "base/secret_set.h"

typedef struct secret_window {
    buf held;      /* as it came; before it, what was told last */
    size_t told;   /* of held, from its front */
    size_t hidden; /* of what follows: bytes of a secret in whose place something was told */
    buf clean;     /* what was told last, where there was a secret in it */
} secret_window;

/* What may be told now: empty, or valid until the next call, as long as piece is. */
span secret_window_take(secret_window *w, const secret_set *s, span piece);
/* What is left at the text's end. One that breaks off there goes like a whole one once it has said
 * as much as secret_set_nearly() asks for. */
span secret_window_end(secret_window *w, const secret_set *s);
void secret_window_done(secret_window *w);

#endif
