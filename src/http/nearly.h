/* http/nearly.h: names of a form's fields and of a query's parameters, of which readers forgive
 * different things. Pure. */
#ifndef WEIR_HTTP_NEARLY_H
#define WEIR_HTTP_NEARLY_H

#include "base/span.h"

/* The byte at *at, which goes behind it; coded: with its escape undone. An escape that is none
 * stands for itself. */
unsigned char http_next_byte(span s, bool coded, size_t *at);
/* Whether some reader may take name for wanted, which is in lower case: some do not see what stands
 * at its beginning (blanks, a byte order mark, a '?' or '/'), or what is behind it (a blank, a NUL,
 * brackets), and some no case. */
bool http_is_nearly(span name, bool coded, span wanted);

#endif
