/* pause: is its client stopped, until an admin says otherwise? And what is asked is remembered, for
 * alerts, as long as it is there. A run's steps end with it. */
#include "alert/pauses.h"
#include "base/hash.h"
#include "exchange/tool_use.h"

enum { WHOLE_BYTES = 64 * 1024, PIECES = 16, PIECE_BYTES = WHOLE_BYTES / PIECES };

/* Of a large request pieces from all over it stand for it all, so that it costs no time. */
static uint64_t hash_of(span body) {
    uint64_t h = 0;
    if (body.len <= WHOLE_BYTES) return hash_span(body);
    for (size_t i = 0; i < PIECES; i++) {
        const size_t at = (body.len - PIECE_BYTES) / (PIECES - 1) * i;
        h = h * 31 + hash_span(span_slice(body, at, at + PIECE_BYTES));
    }
    return h + body.len;
}

/* A call of a tool is what it calls with: its message has a number of its own. */
static uint64_t hash_of_asked(const exchange *x) {
    if (!x->tool_use) return hash_of(x->request->body) + (uint64_t)x->endpoint;
    return hash_of(x->tool_use->asked.arguments.raw) * 31 + hash_span(x->tool_use->asked.name);
}

stage_result stage_pause(exchange *x) {
    const config_alerts *c = &exchange_config(x)->alerts;
    if (x->env->pauses && x->client && pauses_has(x->env->pauses, x->client->name))
        return exchange_refuse(x, ERR_CLIENT_PAUSED, NULL, NULL);
    if (c->on && c->same && !x->parent) x->asked_hash = hash_of_asked(x);
    return STAGE_NEXT;
}
