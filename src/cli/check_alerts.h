/* cli/check_alerts.h: sends each webhook of alerts a test (kind `test`), once, and tells what
 * became of it. Blocks.
 */
#ifndef WEIR_CLI_CHECK_ALERTS_H
#define WEIR_CLI_CHECK_ALERTS_H

#include "config/config.h"

/* Takes a reference of c. Writes its lines to stdout as the answers come. false: one was not taken,
 * there is none, or the lines were not taken. */
MUST_USE bool check_alerts(config *c);

#endif
