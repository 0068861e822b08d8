/* length: how much of its answer may it have? */
#include "exchange/length.h"

#include "base/hash.h"

stage_result stage_length(exchange *x) {
    const config_answer_limit most = config_answer_of(exchange_config(x), x->model, x->client);
    if (!config_answer_limited(&most) || !exchange_dialect(x)->is_json) return STAGE_NEXT;
    const int64_t bounds[] = {(int64_t)x->shaped, most.characters, most.tokens};
    x->shaped = hash_span(span_from((const char *)bounds, sizeof bounds));
    filter_length_add(x, &most);
    return STAGE_NEXT;
}
