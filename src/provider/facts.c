#include "provider/provider.h"

bool request_bounds_answer(json_value name) {
    return json_is(name, SPAN_OF("max_tokens")) ||
           json_is(name, SPAN_OF("max_completion_tokens")) ||
           json_is(name, SPAN_OF("max_output_tokens"));
}

bound_says request_bound_says(json_value value, int64_t most) {
    double tokens;
    if (value.type != JSON_NUMBER || !json_double(value, &tokens)) return BOUND_NOTHING;
    return tokens < 0 || tokens > (double)most ? BOUND_BEYOND : BOUND_WITHIN;
}

request_bounds request_bounds_of(const request_facts *facts) {
    request_bounds found = facts->bounds;
    if (found.known) return found;
    found = (request_bounds){.known = true, .answer_tokens = -1};
    json_iter it = json_iter_of(facts->root);
    for (json_member m; json_next_member(&it, &m);) {
        const json_value name = json_member_name(&m);
        int64_t tokens;
        if (request_bounds_answer(name) && json_i64(m.value, &tokens) &&
            tokens > found.answer_tokens)
            found.answer_tokens = tokens;
        if (json_is(name, SPAN_OF("max_tokens"))) found.max_tokens = name;
        if (json_is(name, SPAN_OF("max_completion_tokens"))) found.max_completion_tokens = name;
    }
    return found;
}

const request_outline *request_outline_of(request_facts *facts, arena *a) {
    return outline_ask(&facts->outline, endpoint_get(facts->endpoint)->dialect, facts->root, a);
}
