#include "provider/provider.h"

request_bounds request_bounds_of(const request_facts *facts) {
    request_bounds found = facts->bounds;
    if (found.known) return found;
    found.known = true;
    json_iter it = json_iter_of(facts->root);
    for (json_member m; json_next_member(&it, &m);) {
        const json_value name = json_member_name(&m);
        if (json_is(name, SPAN_OF("max_tokens"))) found.max_tokens = name;
        if (json_is(name, SPAN_OF("max_completion_tokens"))) found.max_completion_tokens = name;
    }
    return found;
}

const request_outline *request_outline_of(request_facts *facts, arena *a) {
    return outline_ask(&facts->outline, endpoint_get(facts->endpoint)->dialect, facts->root, a);
}
