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

static uint64_t hash_together(const uint64_t *hashes, size_t count) {
    return hash_span(span_from((const char *)hashes, count * sizeof *hashes));
}

/* A call of a tool is what it calls with: its message has a number of its own. */
static uint64_t hash_of_tool(const tool_use *u) {
    const uint64_t parts[] = {hash_span(u->asked.name), hash_of(u->asked.arguments.raw)};
    return hash_together(parts, ARRAY_LEN(parts));
}

/* Of a path that goes on as it is the body says no more than how: which thread or object is meant,
 * and of a deployment which model, stands in the path. */
static uint64_t hash_of_request(const exchange_request *r) {
    const uint64_t parts[] = {hash_span(r->method), hash_span(r->path), hash_span(r->query),
                              hash_span(r->model), hash_of(r->body)};
    return hash_together(parts, ARRAY_LEN(parts));
}

/* Whether a model is asked anything: who looks whether something is done, or takes it away, has to
 * do it again and again. A run that goes on was asked before. */
static bool is_asked(const exchange_request *r) {
    return r->body.len && !r->resume && !span_eq(r->method, SPAN_OF("GET")) &&
           !span_eq(r->method, SPAN_OF("DELETE"));
}

stage_result stage_pause(exchange *x) {
    const config_alerts *c = &exchange_config(x)->alerts;
    if (x->env->pauses && x->client && pauses_has(x->env->pauses, x->client->name))
        return exchange_refuse(x, ERR_CLIENT_PAUSED, NULL, NULL);
    if (!c->on || !c->same || x->parent) return STAGE_NEXT;
    if (x->tool_use)
        x->asked_hash = hash_of_tool(x->tool_use);
    else if (is_asked(x->request))
        x->asked_hash = hash_of_request(x->request);
    return STAGE_NEXT;
}
