#include "tools/runner_internal.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>

tool_runner *tool_runner_new(loop *l, http_client *client) {
    tool_runner *r = mem_zalloc(sizeof *r);
    r->loop = l;
    r->client = client;
    aside_lane_init(&r->files);
    return r;
}

void tool_runner_free(tool_runner *r) {
    assert(!r || !r->calls);
    free(r);
}

loop *tool_runner_loop(const tool_runner *r) {
    return r->loop;
}
http_client *tool_runner_client(const tool_runner *r) {
    return r->client;
}
unsigned tool_runner_calls(const tool_runner *r) {
    return r->calls;
}
