/* cli/status_text.h: what `weir status` makes of a weir's /health. Pure.
 *
 * Members that are not there, as of another version, are passed over. What the page says is shown
 * disarmed: whoever answers at the address wrote it.
 */
#ifndef WEIR_CLI_STATUS_TEXT_H
#define WEIR_CLI_STATUS_TEXT_H

#include "base/buf.h"

/* Whether that is a weir's /health at all. */
bool status_is_weirs(span page);
/* Whether it takes calls. */
bool status_is_ready(span page);
/* For people, several lines. where: the address, for the first of them. */
void status_write(span page, span where, bool colour, buf *out);

#endif
