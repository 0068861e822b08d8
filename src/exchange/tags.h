/* exchange/tags.h: what a client marks its calls with, to find and add them up by later:
 * `x-weir-tag: team=search, feature=chat`, in one header line or in several. Pure; any thread.
 *
 * A name has letters, digits, '_', '.' and '-'; a value is printable ASCII without a comma. Both
 * are bounded, and so is their number: they stand in every record, and sums are kept by them.
 */
#ifndef WEIR_EXCHANGE_TAGS_H
#define WEIR_EXCHANGE_TAGS_H

#include "base/arena.h"
#include "config/config.h"
#include "http/message.h"

enum { TAGS_MAX = 8, TAG_NAME_MAX = 32, TAG_VALUE_MAX = 64 };

#define TAG_HEADER "x-weir-tag"

/* *ret: "feature=chat,team=search", sorted by name, in the arena; empty: there is none. false:
 * one is malformed, there are too many or two of one name; *ret_why is a sentence in the arena. */
MUST_USE bool tags_read(http_headers headers, arena *a, span *ret, span *ret_why);
/* The same with tags that whoever asks has anyway: a header's of the same name is passed over. */
MUST_USE bool tags_read_with(const config_header *own, size_t count, http_headers headers, arena *a,
                             span *ret, span *ret_why);

#endif
