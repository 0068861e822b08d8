/* length: how much of its answer may it have? */
#include "exchange/length.h"

stage_result stage_length(exchange *x) {
    const config_answer_limit most = config_answer_of(exchange_config(x), x->model, x->client);
    if (config_answer_limited(&most) && exchange_dialect(x)->is_json) filter_length_add(x, &most);
    return STAGE_NEXT;
}
