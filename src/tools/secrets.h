/* tools/secrets.h: what of all that weir sends to a tool, or to the server that brings it, is a
 * secret: neither its results nor its failures may say it again.
 *
 * The values of its header fields and variables, as of a provider's (provider/secrets.h). Of its
 * URL the values of the query, by the same rule, as they stand and with their escapes undone, and
 * the pieces of the path that are SECRET_PIECE_MIN bytes or more, with letters and digits: where an
 * address is itself the key (https://hooks.example.com/T01/B02/8fKd…).
 *
 * Of its command's arguments, where a whole word of a name says so: that of an option ("--api-key
 * x"), of what is assigned ("TOKEN=x", "Authorization: Bearer x"), or of a variable that stands in
 * one in the file ("${API_KEY}"); and of addresses among them the password, and what the query has
 * under such a name. No secrets are an option's or assignment's path ("/etc/key"), and a password
 * that is its user's name.
 *
 * Pure; any thread.
 */
#ifndef WEIR_TOOLS_SECRETS_H
#define WEIR_TOOLS_SECRETS_H

#include "base/secret_set.h"
#include "config/config.h"

enum { SECRET_PIECE_MIN = 20 };

/* NULL: there are none. The caller owns a reference. */
MUST_USE secret_set *tool_secrets_of(const config_tool *from);

#endif
