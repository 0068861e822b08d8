/* exchange/chat_members.h: what the answers of /chat and of /chat/functions have in common. Each
 * writes members into an object that is open. */
#ifndef WEIR_EXCHANGE_CHAT_MEMBERS_H
#define WEIR_EXCHANGE_CHAT_MEMBERS_H

#include "exchange/internal.h"

/* usage, model, finish_reason where it did not end by itself, and request_id: the end of every
 * answer that succeeded. model: as the provider named it; empty: as the client did. */
void chat_put_closing(exchange *x, span model, json_writer *w);
/* success, response and error, of x->failure. */
void chat_put_failure(const exchange *x, json_writer *w);
void chat_put_request_id(const exchange *x, json_writer *w);

/* An event of the stream with this data, in the loop's scratch, until the next. */
span chat_framed(exchange *x, const buf *data);

#endif
