/* alert/pauses.h: clients that may not call until somebody says so. Any thread; what is asked of
 * each call is one number, and a short lock only where somebody is paused.
 */
#ifndef WEIR_ALERT_PAUSES_H
#define WEIR_ALERT_PAUSES_H

#include "base/buf.h"

#include <stdatomic.h>

typedef struct pauses pauses;

enum { PAUSES_MAX = 1000 };

MUST_USE pauses *pauses_new(void);
void pauses_free(pauses *p); /* NULL is allowed */
typedef enum pause_word {
    PAUSE_BEGUN,
    PAUSE_STANDS, /* it is paused already */
    PAUSE_FULL,   /* PAUSES_MAX are, and no more can be */
} pause_word;

pause_word pauses_add(pauses *p, span client, span why, int64_t wall_us);
/* false: it was not paused. */
bool pauses_end(pauses *p, span client);
bool pauses_has(pauses *p, span client);
/* [{"client":…,"since":…,"reason":…}, …] */
void pauses_write(pauses *p, buf *out);

#endif
