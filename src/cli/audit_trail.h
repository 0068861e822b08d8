/* cli/audit_trail.h: where the trail is that a part of `weir audit` reads: the folder that is
 * named, else the state directory of a configuration. Messages go to stderr.
 */
#ifndef WEIR_CLI_AUDIT_TRAIL_H
#define WEIR_CLI_AUDIT_TRAIL_H

#include "audit/chain.h"
#include "audit/files.h"
#include "cli/cli.h"

typedef struct audit_place {
    buf folder;
    config *config; /* NULL: none was read */
} audit_place;

#define AUDIT_CONFIG_ROW                                                                           \
    { 'c', "config", "FILE", "Read the trail of this configuration", .kind = CLI_FILE }

/* path: of a configuration, or NULL: the one that is found, or none. folder: or NULL. An exit code.
 * audit_place_done() always follows. */
MUST_USE int audit_find(const char *path, const char *folder, audit_place *ret);
void audit_place_done(audit_place *p);

/* An option's time, as weir usage takes it (ledger/query.h). false after saying that it is none. */
MUST_USE bool audit_read_time(const char *option, const char *text, int64_t *ret_us);

/* The files of the trail in that folder. false after saying that there is none. */
MUST_USE bool audit_files(const char *folder, trail_files *ret);
/* What was altered is read all the same: whether it was is verify's to say. */
MUST_USE bool audit_parse(span line, chain_line *ret);
/* Says it; false. */
bool audit_complain(const buf *why);

#endif
