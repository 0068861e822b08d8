/* exchange/parse_chat.h: reads /chat's body into x->facts, as a chat completion's; and the checks
 * of members that /chat/functions has too. */
#ifndef WEIR_EXCHANGE_PARSE_CHAT_H
#define WEIR_EXCHANGE_PARSE_CHAT_H

#include "exchange/internal.h"

stage_fn parse_chat;

/* ---- each STAGE_NEXT, or the refusal of a member that is not as chat.* wants it ---- */

/* Decoded and stripped. */
stage_result chat_check_message(exchange *x, json_value v, span *ret);
stage_result chat_check_max_tokens(exchange *x, json_value v);
stage_result chat_check_temperature(exchange *x, json_value v);
stage_result chat_check_model(exchange *x, json_value v);
stage_result chat_check_flag(exchange *x, json_value v, const char *name);
/* A misspelt field must not be passed over in silence. path and fields: for the sentence. */
stage_result chat_check_names(exchange *x, const json_member *members, size_t count,
                              const span *known, size_t known_count, const char *path,
                              const char *fields);

/* OWN_* of a body that has its defaults; temperature: what the client says. */
unsigned chat_own(json_value temperature);

/* {"role", "content"} */
void chat_put_message(json_writer *w, span role, span content);

#endif
