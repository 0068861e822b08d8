/* exchange/parse_chat.h: reads /chat's body into x->facts, as a chat completion's. */
#ifndef WEIR_EXCHANGE_PARSE_CHAT_H
#define WEIR_EXCHANGE_PARSE_CHAT_H

#include "exchange/internal.h"

stage_fn parse_chat;

#endif
