/* access/key_wish.h: what somebody wants of a key of the store, as a JSON object: what POST and
 * PATCH of /admin/v1/keys take, and what `weir keys` makes of its options.
 *
 *   {"name": "app", "expires": "30d", "models": ["gpt-4o*"], "limits": {"requests": "60/m"}, …}
 *
 * name and expires are the store's own; the rest is what a client of the configuration may have,
 * and is read by the same rows (config/rights.h). Pure. Any thread.
 */
#ifndef WEIR_ACCESS_KEY_WISH_H
#define WEIR_ACCESS_KEY_WISH_H

#include "config/config.h"

enum { KEY_NAME_MAX = 64, KEY_OPTIONS_MAX = 64 * 1024 };

typedef enum key_wish_kind { WISH_NEW, WISH_CHANGE } key_wish_kind;

typedef struct key_wish {
    span name; /* of a new one */
    bool says_expires;
    int64_t expires_us; /* wall time; 0: never */
    span rest;    /* the other members, as an object of one line; of a change null takes one away */
    bool by_name; /* of what it says of limits (and of limits.request), tags and metadata each name
                     changes by itself */
} key_wish;

/* now_us: "30d" counts from then. What it finds is in the arena. false: *ret_why is a sentence and
 * *ret_param the member at fault, or empty. What a client may do is not judged yet. */
MUST_USE bool key_wish_read(span json, key_wish_kind kind, int64_t now_us, arena *a, key_wish *ret,
                            span *ret_param, buf *ret_why);

/* Whether what it names is there for c, by which it is written; false: as above. Of a key that is
 * in the store this is not asked: what its names stood for may have gone since. */
MUST_USE bool key_wish_fits(const key_wish *w, const config *c, arena *a, span *ret_param,
                            buf *ret_why);

/* Whether all that the changes take away is what a key may have, or what this one has: whoever
 * mistypes a name would believe it gone. false: *ret_why is what is wrong, without a full stop. */
MUST_USE bool key_options_take_known(span there, const key_wish *changes, arena *a, buf *ret_why);

/* What is there, with the wish's changes: an object of one line, in the arena. */
span key_options_merge(span there, const key_wish *changes, arena *a);

/* "30d", an instant, a date, or never; true and 0: never. */
MUST_USE bool key_expiry_parse(span text, int64_t now_us, int64_t *ret_us);

/* How long a text that was replaced works on: "1h", "0s"; up to a year. */
MUST_USE bool key_overlap_parse(span text, int64_t *ret_ms);

/* Whether a text can be a key's name: printable, and not what an id looks like. */
bool key_name_fits(span name);

#endif
