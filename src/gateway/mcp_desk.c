#include "gateway/mcp_desk.h"

#include "base/mem.h"
#include "gateway/worker.h"

#include <stdlib.h>
#include <string.h>

void mcp_key_write(span client, span session, span id, buf *out) {
    if (!session.len) return;
    buf_addf(out, "%zu:%.*s%zu:%.*s", client.len, SPAN_ARG(client), session.len, SPAN_ARG(session));
    buf_add(out, id);
}

void mcp_desk_add(mcp_desk *d, mcp_running *r, buf key) {
    r->key = key;
    list_push_back(&d->running, &r->link);
}

void mcp_running_done(mcp_running *r) {
    if (r->link.next) list_remove(&r->link);
    buf_done(&r->key);
}

static bool cancel_here(mcp_desk *d, span key) {
    LIST_FOREACH(&d->running, node) {
        mcp_running *r = LIST_ENTRY(node, mcp_running, link);
        if (!span_eq(buf_span(&r->key), key)) continue;
        r->cancel(r);
        return true;
    }
    return false;
}

/* ---- at another worker ---- */

typedef struct order {
    mcp_desk *desk;
    size_t len;
    char key[];
} order;

static void carry_out(loop *l, void *arg) {
    (void)l;
    order *o = arg;
    (void)cancel_here(o->desk, span_from(o->key, o->len));
    free(o);
}

void mcp_desk_cancel(mcp_desk *d, span key) {
    gateway *g = d->w->gateway;
    if (!key.len || cancel_here(d, key)) return;
    for (unsigned i = 0; i < g->worker_count; i++) {
        if (&g->workers[i] == d->w) continue;
        order *o = mem_alloc(sizeof *o + key.len);
        o->desk = &g->workers[i].mcp;
        o->len = key.len;
        memcpy(o->key, key.ptr, key.len);
        loop_post(&g->workers[i].loop, carry_out, o);
    }
}
