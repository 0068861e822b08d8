/* call/redirect.h: what is told of a provider's answer of status 3xx.
 *
 * weir follows no redirect: the key and the client's words would go to a place that nobody
 * configured. Pure.
 *
 * Source   RFC 9110 sections 10.2.2, 15.4.
 */
#ifndef WEIR_CALL_REDIRECT_H
#define WEIR_CALL_REDIRECT_H

#include "base/arena.h"

/* For people, in the arena. elsewhere: a location was told. What it says is the provider's and the
 * operator's affair: it may name a host of theirs, or bear what is secret. */
span redirect_text(span provider, int status, bool elsewhere, arena *a);

#endif
