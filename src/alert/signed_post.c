#include "alert/signed_post.h"

#include "alert/alert.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/public_address.h"

#include <stdlib.h>

enum { HEADERS = 6 };

http_origin_spec signed_post_origin(const config_webhook *hook, tls_context *tls,
                                    unsigned connections) {
    return (http_origin_spec){.host = hook->url.host,
                              .port = hook->url.port,
                              .authority = hook->url.authority,
                              .unix_path = hook->url.unix_path,
                              .tls = tls,
                              .proxy = SPAN_OF("none"),
                              .max_connections = connections,
                              .admits = hook->allow_private ? NULL : address_is_public};
}

static span signature(const config_webhook *hook, span id, int64_t seconds, span body, arena *a) {
    buf out = BUF_EMPTY;
    alert_sign(secret_reveal(hook->secret), id, seconds, body, &out);
    const span kept = arena_dup(a, buf_span(&out));
    buf_done(&out);
    return kept;
}

http_headers signed_post_headers(const config_webhook *hook, span id, span body, arena *a) {
    http_header *h = arena_alloc(a, HEADERS * sizeof *h);
    const int64_t seconds = clock_wall_us() / 1000000;
    size_t n = 0;
    h[n++] = (http_header){SPAN_OF("content-type"), SPAN_OF("application/json")};
    h[n++] = (http_header){SPAN_OF("accept-encoding"), SPAN_OF("identity")};
    h[n++] = (http_header){SPAN_OF("user-agent"), SPAN_OF("weir/" WEIR_VERSION)};
    h[n++] = (http_header){SPAN_OF("webhook-id"), id};
    h[n++] =
        (http_header){SPAN_OF("webhook-timestamp"), arena_printf(a, "%lld", (long long)seconds)};
    if (hook->secret)
        h[n++] = (http_header){SPAN_OF("webhook-signature"), signature(hook, id, seconds, body, a)};
    return (http_headers){h, n};
}
