/* exchange/length.h: a bound on what an answer says. Inside exchange/, for stage_length.c.
 *
 * Characters are code points of what is said, refused, reasoned and called with; tokens are counted
 * as dialect/tokens.h does, by the vocabulary of the model that the client names.
 */
#ifndef WEIR_EXCHANGE_LENGTH_H
#define WEIR_EXCHANGE_LENGTH_H

#include "exchange/internal.h"

/* One of most is set. */
void filter_length_add(exchange *x, const config_answer_limit *most);

#endif
