#include "provider/provider.h"

#include <string.h>

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

static void note_bound(request_bounds *b, const json_member *m) {
    const json_value name = json_member_name(m);
    int64_t tokens;
    if (m->key.len < strlen("max_tokens") || !request_bounds_answer(name)) return;
    if (json_i64(m->value, &tokens) && tokens > b->answer_tokens) b->answer_tokens = tokens;
    if (json_is(name, SPAN_OF("max_tokens"))) b->max_tokens = name;
    if (json_is(name, SPAN_OF("max_completion_tokens"))) b->max_completion_tokens = name;
}

request_bounds request_bounds_in(const json_member *members, size_t count) {
    request_bounds found = {.known = true, .answer_tokens = -1};
    for (size_t i = 0; i < count; i++)
        note_bound(&found, &members[i]);
    return found;
}

request_bounds request_bounds_of(const request_facts *facts) {
    request_bounds found = facts->bounds;
    if (found.known) return found;
    found = (request_bounds){.known = true, .answer_tokens = -1};
    json_iter it = json_iter_of(facts->root);
    for (json_member m; json_next_member(&it, &m);)
        note_bound(&found, &m);
    return found;
}

const request_outline *request_outline_of(request_facts *facts, arena *a) {
    return outline_ask(&facts->outline, endpoint_get(facts->endpoint)->dialect, facts->root, a);
}
