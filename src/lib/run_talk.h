/* lib/run_talk.h: the conversation of a run, from the request that it begins with. Private to the
 * room. Pure. */
#ifndef WEIR_LIB_RUN_TALK_H
#define WEIR_LIB_RUN_TALK_H

#include "lib/request.h"

#include "tools/offer.h"
#include "tools/talk.h"

/* Ends of the model calls' requests (talk_body()): of the first, of others, of the one that is to
 * call nothing. In the arena. */
typedef struct run_ends {
    span first, usual, last;
} run_ends;

/* ret is empty, and stays so where this is false: then *ret_why says what is wrong with the
 * request. */
MUST_USE bool run_talk_begin(const weir_request *r, const offer *o, arena *a, talk *ret,
                             run_ends *ret_ends, buf *ret_why);

#endif
