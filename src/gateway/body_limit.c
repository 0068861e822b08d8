#include "gateway/body_limit.h"

static void narrow(body_limit *l, size_t bytes, const char *option) {
    if (bytes && bytes < l->bytes) *l = (body_limit){bytes, option};
}

body_limit body_limit_of(const config *c, const config_client *client) {
    body_limit l = {c->limits.body_bytes, "limits.body"};
    narrow(&l, c->limits.memory_bytes, "limits.memory");
    narrow(&l, c->limits.sizes.body_bytes, "limits.request.body");
    if (client) narrow(&l, client->sizes.body_bytes, "clients[].limits.request.body");
    return l;
}

body_limit body_limit_at(const route *row, http_method method, const config *c,
                         const config_client *client) {
    body_limit l = body_limit_of(c, client);
    const bool brings = method == HTTP_POST_M || method == HTTP_PUT_M || method == HTTP_PATCH_M;
    if (!row->call)
        narrow(&l, brings ? BODY_MESSAGE_MAX : BODY_PAGE_MAX,
               brings ? "the most that a message to this path may have; no option allows more"
                      : "as many as are taken at this path");
    return l;
}
