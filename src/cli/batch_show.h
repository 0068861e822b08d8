/* cli/batch_show.h: what a batch shows on stderr while it runs: a bar where lines can be redrawn,
 * elsewhere a plain line now and then, with --quiet nothing.
 *
 * The bar is the last line of the screen: whoever says something meanwhile says it through
 * batch_show_say(), which takes the bar away first. Times are of the monotonic clock.
 */
#ifndef WEIR_CLI_BATCH_SHOW_H
#define WEIR_CLI_BATCH_SHOW_H

#include "batch/batch.h"
#include "batch/progress.h"

typedef enum show_form { SHOW_NOTHING, SHOW_LINES, SHOW_BAR } show_form;

typedef struct batch_show {
    show_form form;
    bool drawn; /* the bar is on the screen */
    progress_colours colours;
    buf text; /* of the bar; the same is not drawn twice */
    rate_meter meter;
    int64_t next_ms;  /* when to show anew */
    int64_t pause_ms; /* between two plain lines */
    unsigned most;    /* calls at a time */
} batch_show;

void batch_show_init(batch_show *s, show_form form, unsigned most, int64_t now_ms);
void batch_show_done(batch_show *s);
/* What stderr can show. */
show_form batch_show_form(void);

/* How long the loop may wait until something is to be shown; -1: as long as it likes. */
int64_t batch_show_timeout_ms(const batch_show *s, int64_t now_ms);
/* Shows where the batch is, if it is time. */
void batch_show_update(batch_show *s, const batch *b, const weir_client *client, bool stopping,
                       int64_t now_ms);
/* The terminal has another size: the next update draws anew. */
void batch_show_resized(batch_show *s);
/* cli_complain() above the bar. */
void batch_show_say(batch_show *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Takes the bar away. */
void batch_show_clear(batch_show *s);

#endif
