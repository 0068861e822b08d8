/* cli/prices_text.h: a list of prices (price/listing.h) for people: a line each, as it may stand in
 * a configuration. The list may be a stranger's.
 */
#ifndef WEIR_CLI_PRICES_TEXT_H
#define WEIR_CLI_PRICES_TEXT_H

#include "base/buf.h"

typedef enum prices_said { PRICES_SOME, PRICES_NONE, PRICES_NO_LIST } prices_said;

/* Appends the lines; after PRICES_NO_LIST what was appended means nothing. */
prices_said prices_write(span list, buf *out);

#endif
