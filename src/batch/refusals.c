#include "batch/refusals.h"

#include <string.h>

void refusals_init(refusals *r) {
    *r = (refusals){.most = REFUSALS_FIRST};
}

void refusals_done(refusals *r) {
    buf_done(&r->results);
    buf_done(&r->why);
}

static bool has_code(const weir_result *result, const char *code) {
    return result->error_code && strcmp(result->error_code, code) == 0;
}

bool refusal_is_general(const weir_result *result, bool own_model) {
    if (result->code == WEIR_UNAUTHENTICATED) return true;
    if (result->status == 402 || has_code(result, "insufficient_quota")) return true;
    return result->code == WEIR_NOT_FOUND && !own_model;
}

void refusals_note(refusals *r, const weir_result *result, uint64_t begun) {
    if (r->count == 0) {
        r->since = begun;
        buf_clear(&r->why);
        if (result->target) buf_addf(&r->why, "%s: ", result->target);
        if (result->status) buf_addf(&r->why, "%d ", result->status);
        buf_add_excerpt(&r->why, span_cstr(result->error_message), REFUSAL_SHOWN_MAX);
    }
    r->count++;
}

unsigned refusals_release(refusals *r, buf *out) {
    unsigned count = r->count;
    buf_add(out, buf_span(&r->results));
    buf_clear(&r->results);
    r->count = 0;
    return count;
}

unsigned refusals_answered(refusals *r, uint64_t number, buf *out) {
    if (r->count == 0 || number <= r->since) return 0;
    if (refusals_full(r) && r->most < REFUSALS_MOST) r->most *= 2;
    return refusals_release(r, out);
}

void refusals_end(refusals *r, const char *how, buf *ret_why) {
    r->count = 0;
    buf_clear(&r->results);
    buf_addf(
        ret_why,
        "every line would be refused: %.*s; the lines that met this stay undone: mend it and %s",
        SPAN_ARG(buf_span(&r->why)), how);
}
