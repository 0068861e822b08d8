/* batch/forms.h: the forms in which results are shown. Pure.
 *
 * JSON lines are the record itself. The others are made from it:
 *   csv   a header and a record for each line of the input, failures too (batch/said.h)
 *   text  what was answered, and a line end; of a failure nothing but that
 */
#ifndef WEIR_BATCH_FORMS_H
#define WEIR_BATCH_FORMS_H

#include "base/buf.h"

typedef enum result_form { RESULTS_JSONL, RESULTS_CSV, RESULTS_TEXT } result_form;

/* "jsonl", "csv", "text"; NULL after the last. */
extern const char *const result_form_names[];
MUST_USE bool result_form_of(span name, result_form *ret);
/* ".jsonl", ".csv", ".txt". */
const char *result_form_suffix(result_form form);

/* What stands before the first result. */
void result_form_begin(result_form form, buf *out);
/* result: a line of the record, its end included. */
void result_form_add(result_form form, span result, buf *out);

#endif
