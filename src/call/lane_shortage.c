/* What weir's own shortages tell its operator: a line now and then, a count always. */
#include "call/internal.h"
#include "call/shortages.h"

/* With the provider's name for the *. */
static span remedy(const shortage_row *row, span provider, arena *a) {
    span text = span_cstr(row->remedy);
    size_t star = span_find(text, 0, '*');
    if (star == text.len) return text;
    return arena_printf(a, "%.*s%.*s%s", SPAN_ARG(span_slice(text, 0, star)), SPAN_ARG(provider),
                        text.ptr + star + 1);
}

/* One client at its share is a matter between clients; all else wants an operator. */
static config_log_level level_of(shortage what) {
    return what == SHORTAGE_POOL || what == SHORTAGE_SHARE || what == SHORTAGE_ANSWER ? LEVEL_WARN
                                                                                      : LEVEL_ERROR;
}

void lane_report_shortage(const lane *l, const failure *f) {
    if (!f->shortage) return;
    call *c = l->call;
    const shortage_row *row = shortage_get(f->shortage);
    span provider = lane_slot(l)->upstream->provider->name;
    if (c->spec.metrics) {
        const span labels[] = {span_cstr(row->word), provider};
        metric_add(metrics_series(c->spec.metrics, METRIC_SHORTAGES, labels), 1);
    }
    shortages *told = target_table_shortages(c->spec.snapshot->targets);
    if (!shortages_due(told, f->shortage, provider, call_now_ms(c))) return;
    const log_field fields[] = {{"shortage", span_cstr(row->word)},
                                {"provider", provider},
                                {"detail", f->text},
                                {"look_at", remedy(row, provider, c->spec.arena)}};
    log_event(c->spec.log, level_of(f->shortage), "shortage", span_cstr(row->sentence), fields,
              ARRAY_LEN(fields));
}
