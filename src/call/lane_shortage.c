/* What weir's own shortages tell its operator: a line now and then, a count always. */
#include "call/internal.h"
#include "call/shortages.h"

void lane_report_shortage(const lane *l, const failure *f) {
    if (!f->shortage) return;
    const call *c = l->call;
    span provider = lane_slot(l)->upstream->provider->name;
    if (c->spec.metrics) {
        const span labels[] = {span_cstr(shortage_get(f->shortage)->word), provider};
        metric_add(metrics_series(c->spec.metrics, METRIC_SHORTAGES, labels), 1);
    }
    shortages_tell(target_table_shortages(c->spec.snapshot->targets), c->spec.log, f->shortage,
                   provider, f->text, call_now_ms(c));
}
