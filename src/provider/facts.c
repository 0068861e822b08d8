#include "provider/provider.h"

#include <math.h>
#include <string.h>

bool request_bounds_answer(json_value name) {
    return json_is(name, SPAN_OF("max_tokens")) ||
           json_is(name, SPAN_OF("max_completion_tokens")) ||
           json_is(name, SPAN_OF("max_output_tokens"));
}

/* One that no double holds is endless. */
static double number_of(json_value v) {
    double number;
    if (json_double(v, &number)) return number;
    return v.raw.ptr[0] == '-' ? -INFINITY : INFINITY;
}

bound_says request_bound_says(json_value value, int64_t most) {
    if (value.type != JSON_NUMBER) return BOUND_NOTHING;
    const double tokens = number_of(value);
    return tokens < 0 || tokens > (double)most ? BOUND_BEYOND : BOUND_WITHIN;
}

/* Servers take 5000.0 and 5e3 for what they are, too. */
static bool read_bound(json_value v, int64_t *ret) {
    static const int64_t most = INT64_C(1) << 53;
    if (json_i64(v, ret)) return true;
    const double tokens = v.type == JSON_NUMBER ? number_of(v) : -1;
    if (tokens < 0) return false;
    *ret = tokens < (double)most ? (int64_t)ceil(tokens) : most;
    return true;
}

static void note_bound(request_bounds *b, const json_member *m) {
    const json_value name = json_member_name(m);
    int64_t tokens;
    if (m->key.len < strlen("max_tokens") || !request_bounds_answer(name)) return;
    if (read_bound(m->value, &tokens) && tokens > b->answer_tokens) b->answer_tokens = tokens;
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
