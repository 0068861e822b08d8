/* record: the log line and the metrics, from the one record. */
#include "exchange/internal.h"

stage_result stage_record(exchange *x) {
    log_call(x->env->log, &x->record);
    metrics_count_call(x->env->metrics, &x->record);
    return STAGE_NEXT;
}
