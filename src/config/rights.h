/* config/rights.h: what a client may do, where that is written elsewhere than in the file: a key of
 * a store has it as a text, which the same rows of the option table read. Any thread.
 */
#ifndef WEIR_CONFIG_RIGHTS_H
#define WEIR_CONFIG_RIGHTS_H

#include "config/config.h"

/* Reads a mapping such as {models: [gpt-4o*], environment: prod}, as YAML in flow form or as JSON,
 * into *ret, which keeps its name, keys and holder; what it points to is in the arena. References
 * (${NAME}) are refused: what others may write does not reach weir's environment. false: *ret_why
 * has a sentence, and *ret is as before. */
MUST_USE bool config_rights_parse(span text, arena *a, config_client *ret, buf *ret_why);

/* Whether a client may have an option of that name in that mapping ("limits.request"; empty: among
 * the outermost). false: *ret_why says so, as of one that is read. */
MUST_USE bool config_rights_has(span mapping, span name, buf *ret_why);

/* Whether a start of weir with c forgets what was spent of a budget that is among them: it is
 * longer than records are kept. Then *ret_why says so, without a full stop. */
MUST_USE bool config_rights_are_forgotten(const config *c, const config_client *rights,
                                          buf *ret_why);

/* A copy whose texts and lists are all in the arena. */
config_client config_client_copy(const config_client *c, arena *a);

/* "2026-12-31T00:00:00Z", or a date for its first instant. */
MUST_USE bool config_instant_parse(span text, int64_t *ret_wall_us);

#endif
