/* limit/wording.h: a limit's key and its rule as the shared server is told them (limit/shared.lua).
 * Private to the room.
 *
 * They are the same from call to call: they are put into words only where another limit was asked
 * last in their place. Pure, but for what it keeps.
 */
#ifndef WEIR_LIMIT_WORDING_H
#define WEIR_LIMIT_WORDING_H

#include "limit/limiter.h"

enum {
    WORDING_WHO_MAX = 64, /* bytes of whom it counts; who has a longer name is called by its hash */
    WORDING_KEY_BYTES = 64 + WORDING_WHO_MAX,
    WORDING_RULE_BYTES = 2 * 21,
};

typedef struct limit_wording limit_wording;

/* Zero-initialised: nothing is kept, and no memory for it is there. */
typedef struct wordings {
    limit_wording *places;
} wordings;

/* Of scope, kind, quota and who of a. The key; of the rule " n", " n period" or " most month",
 * which the letter and the first number are put before. They stay until the next is asked for. */
void wordings_get(wordings *s, const limit_ask *a, span *ret_key, span *ret_rule);
void wordings_done(wordings *s);

#endif
