/* cli/check_files.h: the certificates, keys and authorities that a configuration names, loaded as
 * weir serve would; an issuer's keys in a file, read, the tools, made, and the guard's rules,
 * compiled as it would: what it would refuse is a problem here.
 *
 * What is wrong is said with the place of the option that names the file; so is, as a warning, what
 * ceases to be valid within CHECK_EXPIRY_DAYS or has done so.
 */
#ifndef WEIR_CLI_CHECK_FILES_H
#define WEIR_CLI_CHECK_FILES_H

#include "config/config.h"

enum { CHECK_EXPIRY_DAYS = 14 };

/* Lines like config_problem_print()'s and config_warning_print()'s into the two; returns how many
 * problems there are. wall_us: now. */
size_t check_files(const config *c, int64_t wall_us, buf *problems, buf *warnings);

#endif
