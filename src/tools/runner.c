#include "tools/runner_internal.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>

tool_runner *tool_runner_new(loop *l, http_client *client) {
    tool_runner *r = mem_zalloc(sizeof *r);
    r->loop = l;
    r->client = client;
    process_yard_init(&r->yard, l);
    aside_lane_init(&r->files);
    list_init(&r->ended);
    r->tell = (loop_hook){.run = tool_calls_tell};
    loop_add_hook(l, &r->tell);
    return r;
}

void tool_runner_close(tool_runner *r) {
    assert(!r->calls);
    loop_remove_hook(&r->tell);
    process_yard_close(&r->yard);
    for (size_t i = 0; i < r->origin_count; i++)
        http_origin_unref(r->origins[i]);
    r->origin_count = 0;
}

void tool_runner_free(tool_runner *r) {
    free(r);
}

static void move_first(tool_runner *r, size_t at) {
    http_origin *o = r->origins[at];
    memmove(r->origins + 1, r->origins, at * sizeof(http_origin *));
    r->origins[0] = o;
}

http_origin *tool_runner_origin(tool_runner *r, const http_origin_spec *spec) {
    http_origin *o = http_client_origin(r->client, spec);
    size_t at = 0;
    while (at < r->origin_count && r->origins[at] != o)
        at++;
    if (at == r->origin_count) {
        if (at == TOOL_ORIGINS) http_origin_unref(r->origins[--at]);
        r->origins[at] = http_client_origin(r->client, spec);
        r->origin_count = at + 1;
    }
    move_first(r, at);
    return o;
}

http_client *tool_runner_client(const tool_runner *r) {
    return r->client;
}
unsigned tool_runner_calls(const tool_runner *r) {
    return r->calls;
}
