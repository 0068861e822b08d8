#include "gateway/request.h"

#include "base/mem.h"
#include "gateway/peer.h"
#include "gateway/routes.h"
#include "gateway/worker.h"

#include <stdlib.h>
#include <string.h>

request *request_keep(const request *q) {
    const request_ops *ops = q->row->handler;
    request *kept = mem_alloc(ops->size);
    *kept = *q;
    kept->ops = ops;
    memset(kept + 1, 0, ops->size - sizeof *kept);
    if (kept->asked) loop_snapshot_ref(kept->asked);
    http_request_set_user(q->http, kept);
    return kept;
}

span request_peer(const request *q) {
    const config *c = q->asked ? loop_snapshot_config(q->asked) : worker_config(q->w);
    return peer_of(c, http_request_head(q->http)->headers, http_request_peer(q->http));
}

void request_free(request *q) {
    caller_unref(q->caller);
    loop_snapshot_unref(q->asked);
    free(q);
}

void request_ignore(request *q) {
    (void)q;
}
