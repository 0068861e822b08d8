/* route: which targets may answer? The order among them is the call's to choose. */
#include "exchange/internal.h"

stage_result stage_route(exchange *x) {
    const config *c = exchange_config(x);
    span name = x->facts.model_name;
    x->model = config_find_model(c, name.len ? name : SPAN_OF("*"));
    if (!x->model) {
        if (!name.len)
            return exchange_refuse(x, ERR_MISSING_FIELD, "model",
                                   "The request names no model, and no '*' model is configured.");
        return exchange_refuse(
            x, ERR_UNKNOWN_MODEL, "model",
            "The model '%.*s' does not exist here. GET /v1/models lists those that do.",
            SPAN_ARG(span_clip(name, 100)));
    }
    x->record.model_label = x->model->name;
    if (x->model->timeouts.total_ms) exchange_set_total(x, x->model->timeouts.total_ms);
    affinity_route(x);
    filter_ids_add(x);
    return STAGE_NEXT;
}
