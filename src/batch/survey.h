/* batch/survey.h: what a batch would do, without a call: `weir batch --dry-run`.
 *
 * Blocks while it reads. Nothing is written.
 */
#ifndef WEIR_BATCH_SURVEY_H
#define WEIR_BATCH_SURVEY_H

#include "batch/batch.h"

/* The account is appended to ret_text; ret_bad is how many lines would be refused, of which the
 * first few are told in ret_notes. false: *ret_why says what the batch would stop at. */
MUST_USE bool survey_write(const batch_settings *settings, const char *model, buf *ret_text,
                           buf *ret_notes, uint64_t *ret_bad, buf *ret_why);

#endif
